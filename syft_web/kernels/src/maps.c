/* Functions of one array, element by element, and updates of parameters. */
#include "simd.h"
#include "simd_math.h"

INLINE f4 relu4(f4 x) { return max4(x, splat(0)); }

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

struct axpy {
  float *target;
  const float *x;
  int count;
  float alpha;
};

/* target += alpha * x */
EXPORT int axpy(const struct axpy *a) {
  float *y = a->target;
  const float *x = a->x;
  f4 alpha = splat(a->alpha);
  int i = 0;
  for (; i + 8 <= a->count; i += 8) {
    store4(y + i, load4(y + i) + alpha * load4(x + i));
    store4(y + i + 4, load4(y + i + 4) + alpha * load4(x + i + 4));
  }
  for (; i < a->count; i++) y[i] += a->alpha * x[i];
  return 0;
}

struct momentum {
  float *target, *velocity;
  const float *grad;
  int count;
  float rate, momentum, keep;
  int nesterov;
};

/* velocity = momentum * velocity + keep * grad; target -= rate * it */
EXPORT int momentum(const struct momentum *m) {
  for (int i = 0; i < m->count; i++) {
    float g = m->grad[i], v = m->momentum * m->velocity[i] + m->keep * g;
    m->velocity[i] = v;
    m->target[i] -= m->rate * (m->nesterov ? g + m->momentum * v : v);
  }
  return 0;
}

struct adam {
  float *target, *mean, *square;
  const float *grad;
  int count;
  float rate, beta1, beta2, epsilon, root_correction;
};

/* rate and root_correction hold the corrections of the first steps' bias. */
EXPORT int adam(const struct adam *a) {
  f4 b1 = splat(a->beta1), b2 = splat(a->beta2), c1 = splat(1 - a->beta1);
  f4 c2 = splat(1 - a->beta2), rate = splat(a->rate), epsilon = splat(a->epsilon);
  f4 correction = splat(a->root_correction);
  for (int i = 0; i < a->count; i += 4) {
    int whole = i + 4 <= a->count;
    f4 v[4] = {splat(0), splat(0), splat(0), splat(0)};
    float *at[4] = {a->mean + i, a->square + i, a->target + i, (float *)a->grad + i};
    for (int n = 0; n < 4; n++) {
      if (whole)
        v[n] = load4(at[n]);
      else
        for (int j = 0; i + j < a->count; j++) v[n][j] = at[n][j];
    }
    v[0] = v[0] * b1 + v[3] * c1;
    v[1] = v[1] * b2 + v[3] * v[3] * c2;
    f4 root = __builtin_wasm_sqrt_f32x4(v[1]) / correction + epsilon;
    v[2] -= rate * v[0] / root;
    for (int n = 0; n < 3; n++) {
      if (whole)
        store4(at[n], v[n]);
      else
        for (int j = 0; i + j < a->count; j++) at[n][j] = v[n][j];
    }
  }
  return 0;
}
