/* Four floats at a time, and the one operation in which the two builds differ. */
#ifndef SYFT_SIMD_H
#define SYFT_SIMD_H

#define EXPORT __attribute__((visibility("default")))
#define INLINE static inline __attribute__((always_inline))

typedef float f4 __attribute__((vector_size(16)));
typedef int i4 __attribute__((vector_size(16)));
typedef float f4_anywhere __attribute__((vector_size(16), aligned(4)));
typedef float f2_anywhere __attribute__((vector_size(8), aligned(4)));

INLINE f4 load4(const float *p) { return *(const f4_anywhere *)p; }
INLINE void store4(float *p, f4 v) { *(f4_anywhere *)p = v; }
INLINE void copy2(float *to, const float *from) { *(f2_anywhere *)to = *(const f2_anywhere *)from; }
INLINE f4 splat(float x) { return (f4){x, x, x, x}; }
INLINE i4 isplat(int x) { return (i4){x, x, x, x}; }

/* a * b + c: fused, so rounded once, in the relaxed build; rounded twice in the other. */
INLINE f4 madd(f4 a, f4 b, f4 c) {
#ifdef __wasm_relaxed_simd__
  return __builtin_wasm_relaxed_madd_f32x4(a, b, c);
#else
  return a * b + c;
#endif
}

/* c - a * b, likewise. */
INLINE f4 nmadd(f4 a, f4 b, f4 c) {
#ifdef __wasm_relaxed_simd__
  return __builtin_wasm_relaxed_nmadd_f32x4(a, b, c);
#else
  return c - a * b;
#endif
}

/* The larger and the smaller; nan when one of the two is. */
INLINE f4 max4(f4 a, f4 b) { return __builtin_wasm_max_f32x4(a, b); }
INLINE f4 min4(f4 a, f4 b) { return __builtin_wasm_min_f32x4(a, b); }
INLINE f4 abs4(f4 x) { return __builtin_wasm_abs_f32x4(x); }
INLINE f4 nearest4(f4 x) { return __builtin_wasm_nearest_f32x4(x); }

/* a where the mask is set, b elsewhere. */
INLINE f4 choose(i4 mask, f4 a, f4 b) {
  return (f4)__builtin_wasm_bitselect((i4)a, (i4)b, mask);
}

INLINE float sum_of(f4 v) { return (v[0] + v[1]) + (v[2] + v[3]); }
INLINE int least(int a, int b) { return a < b ? a : b; }
INLINE int most(int a, int b) { return a > b ? a : b; }

/* Four elements, `step` apart; reads nothing between the last one and what follows. */
INLINE f4 load_apart(const float *p, int step) {
  if (step == 1) return load4(p);
  if (step == 2) return __builtin_shufflevector(load4(p), load4(p + 3), 0, 2, 5, 7);
  return (f4){p[0], p[step], p[2 * step], p[3 * step]};
}

/* Rows become columns. */
INLINE void transpose4(f4 *a, f4 *b, f4 *c, f4 *d) {
  f4 ab_low = __builtin_shufflevector(*a, *b, 0, 4, 1, 5);
  f4 ab_high = __builtin_shufflevector(*a, *b, 2, 6, 3, 7);
  f4 cd_low = __builtin_shufflevector(*c, *d, 0, 4, 1, 5);
  f4 cd_high = __builtin_shufflevector(*c, *d, 2, 6, 3, 7);
  *a = __builtin_shufflevector(ab_low, cd_low, 0, 1, 4, 5);
  *b = __builtin_shufflevector(ab_low, cd_low, 2, 3, 6, 7);
  *c = __builtin_shufflevector(ab_high, cd_high, 0, 1, 4, 5);
  *d = __builtin_shufflevector(ab_high, cd_high, 2, 3, 6, 7);
}

#endif
