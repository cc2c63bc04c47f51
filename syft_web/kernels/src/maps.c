/* Functions of one array, element by element. */
#include "simd.h"
#include "simd_math.h"

struct map {
  const float *x;
  float *y;
  int count;
};

/* The last one to three elements go through a vector of their own. */
#define MAP(name, function)                                                          \
  EXPORT int name(const struct map *m) {                                             \
    int i = 0;                                                                       \
    for (; i + 4 <= m->count; i += 4) store4(m->y + i, function(load4(m->x + i)));   \
    f4 rest = splat(0);                                                              \
    for (int j = 0; i + j < m->count; j++) rest[j] = m->x[i + j];                    \
    rest = function(rest);                                                           \
    for (int j = 0; i + j < m->count; j++) m->y[i + j] = rest[j];                    \
    return 0;                                                                        \
  }

MAP(map_exp, exp4)
MAP(map_tanh, tanh4)
MAP(map_sigmoid, sigmoid4)
MAP(map_erf, erf4)
MAP(map_gelu, gelu4)
MAP(map_relu, relu4)

struct relu_backward {
  const float *grad, *x;
  float *y;
  int count;
};

/* The gradient where x is not below or at zero, nan included. */
EXPORT int relu_backward(const struct relu_backward *r) {
  int i = 0;
  for (; i + 4 <= r->count; i += 4)
    store4(r->y + i, choose(load4(r->x + i) <= splat(0), splat(0), load4(r->grad + i)));
  for (; i < r->count; i++) r->y[i] = r->x[i] <= 0 ? 0 : r->grad[i];
  return 0;
}
