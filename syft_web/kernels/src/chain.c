/* Several element-by-element operations in one pass over memory: a small program that is run
   on one block of elements after the other, so that what lies in between stays in the cache. */
#include "simd.h"
#include "simd_math.h"

enum { BLOCK = 256, VALUES = 48, OWN = 24 };

struct chain {
  const int *code;
  float *const *places;
  const float *numbers;
  int count;
};

/* Blocks of numbers that stand for every element, and of values in between. */
static float own[OWN][BLOCK] __attribute__((aligned(16)));

#define EACH(vector)                                                                 \
  for (int j = 0; j < n; j += 4) {                                                   \
    f4 x = load4(a + j);                                                             \
    store4(d + j, vector);                                                           \
  }                                                                                  \
  break

#define PAIR(vector)                                                                 \
  for (int j = 0; j < n; j += 4) {                                                   \
    f4 x = load4(a + j), y = load4(b + j);                                           \
    store4(d + j, vector);                                                           \
  }                                                                                  \
  break

/* n is a multiple of four. */
static void apply(int operation, float *d, const float *a, const float *b, int n) {
  switch (operation) {
    case 0: PAIR(x + y);
    case 1: PAIR(x - y);
    case 2: PAIR(x * y);
    case 3: PAIR(x / y);
    case 4: EACH(-x);
    case 5: EACH(__builtin_wasm_sqrt_f32x4(x));
    case 6: EACH(abs4(x));
    case 7: EACH(exp4(x));
    case 8: EACH(tanh4(x));
    case 9: EACH(sigmoid4(x));
    case 10: EACH(relu4(x));
    case 11: PAIR(choose(y <= splat(0), splat(0), x));
  }
}

/* The code: how many values are arrays, numbers, in between; how many instructions; then each
   of them: operation, result, first and second operand. Arrays come first among the values,
   then the numbers. The last elements, fewer than four, go through
   a block that is filled up. */
EXPORT int chain(const struct chain *c) {
  const int *code = c->code;
  int arrays = code[0], numbers = code[1], between = code[2], length = code[3];
  if (arrays + numbers + between > VALUES || numbers + between > OWN) return 1;
  float *at[VALUES];
  for (int v = 0; v < numbers + between; v++) {
    at[arrays + v] = own[v];
    if (v < numbers)
      for (int j = 0; j < BLOCK; j += 4) store4(own[v] + j, splat(c->numbers[v]));
  }
  for (int i = 0; i < c->count; i += BLOCK) {
    int n = least(BLOCK, c->count - i) & ~3, rest = least(BLOCK, c->count - i) & 3;
    for (int v = 0; v < arrays; v++) at[v] = c->places[v] + i;
    for (int k = 0; k < length; k++) {
      const int *step = code + 4 + 4 * k;
      float *d = at[step[1]], *a = at[step[2]], *b = at[step[3]];
      apply(step[0], d, a, b, n);
      if (rest) {
        float x[4] = {0, 0, 0, 0}, y[4] = {1, 1, 1, 1}, z[4];
        for (int j = 0; j < rest; j++) x[j] = a[n + j], y[j] = b[n + j];
        apply(step[0], z, x, y, 4);
        for (int j = 0; j < rest; j++) d[n + j] = z[j];
      }
    }
  }
  return 0;
}
