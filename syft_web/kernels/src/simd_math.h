/* exp, tanh, sigmoid and erf of four floats.

   The polynomials were fitted to float64 values by weighted least squares towards the least
   relative error; their own error is far below the rounding of float32. */
#ifndef SYFT_SIMD_MATH_H
#define SYFT_SIMD_MATH_H

#include "simd.h"

INLINE f4 horner(f4 x, const float *c, int count) {
  f4 sum = splat(c[count - 1]);
  for (int i = count - 2; i >= 0; i--) sum = madd(sum, x, splat(c[i]));
  return sum;
}

/* 2 to the power of a whole number from -126 to 127. */
INLINE f4 power_of_two(i4 n) { return (f4)((n + isplat(127)) << 23); }

/* e to the power of x: x = n ln 2 + r with |r| <= ln 2 / 2. */
INLINE f4 exp4(f4 x) {
  static const float c[] = {4.999999305e-01f, 1.666651479e-01f, 4.166845683e-02f,
                            8.369419044e-03f, 1.381314237e-03f};
  /* Beyond these the result is 0 or infinite all the same; nan passes both. */
  x = min4(max4(x, splat(-104)), splat(89));
  f4 whole = nearest4(x * splat(1.44269504f));
  /* ln 2 in two parts, the first one short so that its multiples are exact. */
  f4 r = x - whole * splat(0.693359375f) + whole * splat(2.12194440e-4f);
  f4 result = madd(r * r, horner(r, c, 5), r) + splat(1);
  /* In two steps, for subnormal results. */
  i4 n = __builtin_wasm_trunc_saturate_s_i32x4_f32x4(whole), half = n >> 1;
  return result * power_of_two(half) * power_of_two(n - half);
}

INLINE f4 sigmoid4(f4 x) { return splat(1) / (splat(1) + exp4(-x)); }

INLINE f4 relu4(f4 x) { return max4(x, splat(0)); }

INLINE f4 with_sign_of(f4 size, f4 x) {
  return choose(isplat((int)0x80000000), x, size);
}

INLINE f4 tanh4(f4 x) {
  static const float c[] = {-3.333327806e-01f, 1.333133102e-01f, -5.373000829e-02f,
                            2.060617990e-02f, -5.666980326e-03f};
  f4 size = abs4(x), square = x * x;
  f4 small = madd(x * square, horner(square, c, 5), x);
  f4 large = splat(1) - splat(2) / (exp4(size + size) + splat(1));
  return choose(size < splat(0.62f), small, with_sign_of(large, x));
}

INLINE f4 erf4(f4 x) {
  static const float low[] = {1.283791478e-01f,  -3.761248128e-01f, 1.128168367e-01f,
                              -2.676174935e-02f, 4.985974360e-03f,  -5.953882531e-04f};
  static const float high[] = {1.128510762e+00f,  6.357309295e-01f, 1.052446642e-01f,
                               -2.287861234e-02f, 3.211318287e-03f, -2.135329901e-04f};
  f4 size = abs4(x), square = x * x;
  f4 small = madd(x, horner(square, low, 6), x);
  /* 1 - erf(t) = exp(-t p(t)); from 4 on, erf(t) is 1 in float32. */
  f4 t = min4(size, splat(4));
  f4 large = splat(1) - exp4(-t * horner(t, high, 6));
  return choose(size < splat(0.925f), small, with_sign_of(large, x));
}

/* x times the normal distribution up to x. */
INLINE f4 gelu4(f4 x) { return splat(0.5f) * x * (splat(1) + erf4(x * splat(0.70710678f))); }

/* The natural logarithm of a positive, finite number, or what else it is of. */
INLINE float log1(float x) {
  double y = x;
  long long bits;
  if (!(x > 0) || x - x != 0) return x == 0 ? -1 / 0.0f : x < 0 ? 0 / 0.0f : x;
  __builtin_memcpy(&bits, &y, 8);
  /* y = 2^n m with m from sqrt(1/2) to sqrt(2). */
  int n = (int)((bits - 0x3fe6a09e667f3bcdLL) >> 52);
  bits -= (long long)n << 52;
  __builtin_memcpy(&y, &bits, 8);
  double s = (y - 1) / (y + 1), z = s * s;
  double series = 1 + z * (1 / 3. + z * (1 / 5. + z * (1 / 7. + z * (1 / 9. + z / 11))));
  return (float)(n * 0.6931471805599453 + 2 * s * series);
}

#endif
