/* c = [c +] alpha * a @ b [+ bias], optionally max(c, 0), for matrices of any strides. */
#include "gemm.h"

#include "simd.h"

float packed_a[ROWS * DEPTH];
float packed_b[DEPTH * COLUMNS];

static void pack_panel_a(const float *a, int rs, int cs, int depth, float *to) {
  int k = 0;
  if (rs == 1) {
    for (; k < depth; k++, to += TILE_ROWS, a += cs) {
      store4(to, load4(a));
      copy2(to + 4, a + 4);
    }
    return;
  }
  if (cs == 1) {
    const float *e = a + 4 * rs, *f = a + 5 * rs;
    for (; k + 4 <= depth; k += 4, to += 4 * TILE_ROWS) {
      f4 r0 = load4(a + k), r1 = load4(a + rs + k), r2 = load4(a + 2 * rs + k);
      f4 r3 = load4(a + 3 * rs + k), r4 = load4(e + k), r5 = load4(f + k);
      transpose4(&r0, &r1, &r2, &r3);
      f4 low = __builtin_shufflevector(r4, r5, 0, 4, 1, 5);
      f4 high = __builtin_shufflevector(r4, r5, 2, 6, 3, 7);
      store4(to, r0);
      store4(to + 4, __builtin_shufflevector(low, r1, 0, 1, 4, 5));
      store4(to + 8, __builtin_shufflevector(r1, low, 2, 3, 6, 7));
      store4(to + 12, r2);
      store4(to + 16, __builtin_shufflevector(high, r3, 0, 1, 4, 5));
      store4(to + 20, __builtin_shufflevector(r3, high, 2, 3, 6, 7));
    }
  }
  for (; k < depth; k++, to += TILE_ROWS)
    for (int i = 0; i < TILE_ROWS; i++) to[i] = a[i * rs + k * cs];
}

void pack_panels_a(const float *a, int rs, int cs, int rows, int depth, float *to) {
  for (; rows >= TILE_ROWS; rows -= TILE_ROWS, a += TILE_ROWS * rs, to += TILE_ROWS * depth)
    pack_panel_a(a, rs, cs, depth, to);
  if (rows == 0) return;
  for (int k = 0; k < depth; k++, to += TILE_ROWS)
    for (int i = 0; i < TILE_ROWS; i++) to[i] = i < rows ? a[i * rs + k * cs] : 0;
}

void pack_a(const float *a, int rs, int cs, int rows, int depth) {
  pack_panels_a(a, rs, cs, rows, depth, packed_a);
}

void pack_panel_b(const float *rows, int step, int depth, float *to) {
  const float *half = rows + 4 * step;
  int k = 0;
  for (; k + 4 <= depth; k += 4, to += 4 * TILE_COLUMNS) {
    f4 r0 = load4(rows + k), r1 = load4(rows + step + k);
    f4 r2 = load4(rows + 2 * step + k), r3 = load4(rows + 3 * step + k);
    f4 r4 = load4(half + k), r5 = load4(half + step + k);
    f4 r6 = load4(half + 2 * step + k), r7 = load4(half + 3 * step + k);
    transpose4(&r0, &r1, &r2, &r3);
    transpose4(&r4, &r5, &r6, &r7);
    store4(to, r0), store4(to + 4, r4);
    store4(to + 8, r1), store4(to + 12, r5);
    store4(to + 16, r2), store4(to + 20, r6);
    store4(to + 24, r3), store4(to + 28, r7);
  }
  for (; k < depth; k++, to += TILE_COLUMNS)
    for (int j = 0; j < TILE_COLUMNS; j++) to[j] = rows[j * step + k];
}

void pack_b(const float *b, int rs, int cs, int depth, int columns) {
  float *to = packed_b;
  for (; columns > 0; columns -= TILE_COLUMNS, b += TILE_COLUMNS * cs, to += TILE_COLUMNS * depth) {
    float *at = to;
    int width = least(columns, TILE_COLUMNS);
    if (width == TILE_COLUMNS && cs == 1) {
      const float *from = b;
      for (int k = 0; k < depth; k++, from += rs, at += TILE_COLUMNS) {
        store4(at, load4(from));
        store4(at + 4, load4(from + 4));
      }
    } else if (width == TILE_COLUMNS && rs == 1) {
      pack_panel_b(b, cs, depth, at);
    } else {
      for (int k = 0; k < depth; k++, at += TILE_COLUMNS)
        for (int j = 0; j < TILE_COLUMNS; j++) at[j] = j < width ? b[k * rs + j * cs] : 0;
    }
  }
}

INLINE f4 finished(f4 v, const struct target *t, const float *c, const float *bias) {
  v = v * splat(t->alpha);
  if (t->add) v += load4(c);
  if (bias) v += t->bias_column_step ? load4(bias) : splat(*bias);
  return t->relu ? max4(v, splat(0)) : v;
}

/* A tile that is whole and lies in rows without gaps. */
INLINE void store_row(f4 left, f4 right, const struct target *t, float *c, const float *bias) {
  store4(c, finished(left, t, c, bias));
  store4(c + 4, finished(right, t, c + 4, bias ? bias + 4 * t->bias_column_step : bias));
}

/* Any other tile: through memory, one number after the other. */
static void store_part(const float *tile, int rows, int columns, const struct target *t, float *c,
                       const float *bias) {
  for (int i = 0; i < rows; i++)
    for (int j = 0; j < columns; j++) {
      float *to = c + i * t->row_step + j * t->column_step;
      float v = tile[i * TILE_COLUMNS + j] * t->alpha;
      if (t->add) v += *to;
      if (bias) v += bias[i * t->bias_row_step + j * t->bias_column_step];
      *to = t->relu && v < 0 ? 0 : v;
    }
}

/* The order of the products matters. Fused ones need 12 + 2 + 1 registers when each splat is
   used up at once, and clang would rather gather the loads of several steps: forbid it. Unfused
   ones need one more for the product, one more than there is, and do better in clang's order. */
#ifdef __wasm_relaxed_simd__
#define IN_ORDER(x, y) __asm__ volatile("" : "+r"(x), "+r"(y))
#else
#define IN_ORDER(x, y) (void)0
#endif
#define PAIR(row, s, t)                                    \
  x = splat(a[row]), s = madd(x, left, s), t = madd(x, right, t); \
  IN_ORDER(s, t);
#define STEP(at)                                                               \
  {                                                                            \
    f4 left = load4(b + 8 * at), right = load4(b + 8 * at + 4), x;             \
    IN_ORDER(left, right);                                                     \
    PAIR(6 * at, s0, t0) PAIR(6 * at + 1, s1, t1) PAIR(6 * at + 2, s2, t2)     \
    PAIR(6 * at + 3, s3, t3) PAIR(6 * at + 4, s4, t4) PAIR(6 * at + 5, s5, t5) \
  }

static void multiply_tile(int depth, const float *a, const float *b, int rows, int columns,
                          const struct target *t, float *c, const float *bias) {
  f4 s0 = splat(0), s1 = s0, s2 = s0, s3 = s0, s4 = s0, s5 = s0;
  f4 t0 = s0, t1 = s0, t2 = s0, t3 = s0, t4 = s0, t5 = s0;
  int k = depth;
  for (; k >= 2; k -= 2, a += 2 * TILE_ROWS, b += 2 * TILE_COLUMNS) {
    STEP(0) STEP(1)
  }
  for (; k > 0; k--, a += TILE_ROWS, b += TILE_COLUMNS) STEP(0)
  if (rows == TILE_ROWS && columns == TILE_COLUMNS && t->column_step == 1) {
    int step = t->row_step, next = bias ? t->bias_row_step : 0;
    store_row(s0, t0, t, c, bias), c += step, bias += next;
    store_row(s1, t1, t, c, bias), c += step, bias += next;
    store_row(s2, t2, t, c, bias), c += step, bias += next;
    store_row(s3, t3, t, c, bias), c += step, bias += next;
    store_row(s4, t4, t, c, bias), c += step, bias += next;
    store_row(s5, t5, t, c, bias);
    return;
  }
  float tile[TILE_ROWS * TILE_COLUMNS];
  f4 sums[] = {s0, t0, s1, t1, s2, t2, s3, t3, s4, t4, s5, t5};
  for (int i = 0; i < 12; i++) store4(tile + 4 * i, sums[i]);
  store_part(tile, rows, columns, t, c, bias);
}

void multiply_packed(int rows, int columns, int depth, const struct target *t) {
  for (int j = 0; j < columns; j += TILE_COLUMNS)
    for (int i = 0; i < rows; i += TILE_ROWS) {
      const float *bias = t->bias;
      if (bias) bias += i * t->bias_row_step + j * t->bias_column_step;
      multiply_tile(depth, packed_a + i * depth, packed_b + j * depth,
                    least(rows - i, TILE_ROWS), least(columns - j, TILE_COLUMNS), t,
                    t->c + i * t->row_step + j * t->column_step, bias);
    }
}

struct gemm {
  int rows, columns, depth;
  const float *a;
  int a_row_step, a_column_step;
  const float *b;
  int b_row_step, b_column_step;
  struct target to;
  /* Two levels of batches, and how far each moves the three matrices. */
  int outer, inner;
  int a_outer_step, a_inner_step, b_outer_step, b_inner_step, c_outer_step, c_inner_step;
};

static void multiply(const struct gemm *g) {
  /* Blocks of about equal depth: a short last one would cost as many stores as a long one. */
  int blocks = (g->depth + DEPTH - 1) / DEPTH, even = (g->depth + blocks - 1) / blocks;
  for (int j = 0; j < g->columns; j += COLUMNS) {
    int columns = least(g->columns - j, COLUMNS);
    for (int k = 0, depth; k < g->depth; k += depth) {
      depth = least(g->depth - k, even);
      int last = k + depth == g->depth;
      pack_b(g->b + k * g->b_row_step + j * g->b_column_step, g->b_row_step, g->b_column_step,
             depth, columns);
      for (int i = 0; i < g->rows; i += ROWS) {
        int rows = least(g->rows - i, ROWS);
        struct target t = g->to;
        pack_a(g->a + i * g->a_row_step + k * g->a_column_step, g->a_row_step, g->a_column_step,
               rows, depth);
        t.c += i * t.row_step + j * t.column_step;
        t.add |= k > 0;
        t.relu &= last;
        t.bias = t.bias && last ? t.bias + i * t.bias_row_step + j * t.bias_column_step : 0;
        multiply_packed(rows, columns, depth, &t);
      }
    }
  }
}

/* Steps are in elements, of a and b also zero or negative; depth is at least 1. */
EXPORT int gemm(const struct gemm *given) {
  for (int i = 0; i < given->outer; i++)
    for (int j = 0; j < given->inner; j++) {
      struct gemm g = *given;
      g.a += i * g.a_outer_step + j * g.a_inner_step;
      g.b += i * g.b_outer_step + j * g.b_inner_step;
      g.to.c += i * g.c_outer_step + j * g.c_inner_step;
      multiply(&g);
    }
  return 0;
}
