/* Convolution in two dimensions and its two gradients, each as products of packed blocks.

   The matrix that is multiplied has the elements of the kernel as rows (channel, row and column
   of the kernel: its depth) and those of the result as columns (sample, row and column of the
   result). It never exists: its element (i, j) is x[depth_at[i] + column_at[j]], so blocks of
   it are gathered straight into panels. The padding is already part of x. */
#include "convolution.h"
#include "gemm.h"
#include "simd.h"

#define MOST (DEPTH > COLUMNS ? DEPTH : COLUMNS)

static int depth_at[MOST];
static int column_at[MOST];
/* The same for y: its rows are the outputs of a group. */
static int out_at[MOST];
static int place_at[MOST];

/* A block of a product that has no place of its own. */
static float block[ROWS * COLUMNS];

INLINE int even_part(int whole, int limit) {
  int parts = (whole + limit - 1) / limit;
  return parts ? (whole + parts - 1) / parts : 1;
}

INLINE int depth_of(const struct convolution *c) {
  return c->channels * c->kernel_height * c->kernel_width;
}

INLINE int columns_of(const struct convolution *c) {
  return c->batch * c->out_height * c->out_width;
}

static void find_depths(const struct convolution *c, int group, int first, int count) {
  int area = c->kernel_height * c->kernel_width, channel = first / area, rest = first % area;
  int row = rest / c->kernel_width, column = rest % c->kernel_width;
  for (int i = 0; i < count; i++) {
    int plane = group * c->channels + channel;
    depth_at[i] =
        (plane * c->height + row * c->dilation_height) * c->width + column * c->dilation_width;
    if (++column < c->kernel_width) continue;
    column = 0;
    if (++row < c->kernel_height) continue;
    row = 0, channel++;
  }
}

static void find_columns(const struct convolution *c, int first, int count) {
  int area = c->out_height * c->out_width, sample = first / area, rest = first % area;
  int row = rest / c->out_width, column = rest % c->out_width;
  int pitch = c->groups * c->channels * c->height;
  for (int i = 0; i < count; i++) {
    column_at[i] =
        (sample * pitch + row * c->stride_height) * c->width + column * c->stride_width;
    if (++column < c->out_width) continue;
    column = 0;
    if (++row < c->out_height) continue;
    row = 0, sample++;
  }
}

static void find_places(const struct convolution *c, int group, int first, int count) {
  int area = c->out_height * c->out_width, sample = first / area, place = first % area;
  for (int i = 0; i < count; i++) {
    place_at[i] = (sample * c->groups + group) * c->outs * area + place;
    if (++place == area) place = 0, sample++;
  }
}

/* Four neighbours, or four elements from anywhere. */
INLINE f4 gather4(const float *p, const int *at, int together) {
  return together ? load4(p + at[0]) : (f4){p[at[0]], p[at[1]], p[at[2]], p[at[3]]};
}

/* One panel: to[i * 8 + j] = x[outer[i] + inner[j]], 0 for j from width on. */
static void gather_panel(const float *x, const int *outer, int count, const int *inner, int width,
                         float *to) {
  if (width < TILE_COLUMNS) {
    for (int i = 0; i < count; i++)
      for (int j = 0; j < TILE_COLUMNS; j++) *to++ = j < width ? x[outer[i] + inner[j]] : 0;
    return;
  }
  /* Offsets only ever grow. */
  int left = inner[3] == inner[0] + 3, right = inner[7] == inner[4] + 3;
  for (int i = 0; i < count; i++, to += TILE_COLUMNS) {
    const float *p = x + outer[i];
    store4(to, gather4(p, inner, left));
    store4(to + 4, gather4(p, inner + 4, right));
  }
}

static void gather_panels(const float *x, const int *outer, int count, const int *inner,
                          int columns) {
  for (int j = 0; j < columns; j += TILE_COLUMNS)
    gather_panel(x, outer, count, inner + j, least(columns - j, TILE_COLUMNS),
                 packed_b + j * count);
}

/* Runs of columns that are neighbours in x: where each begins, and behind the last one. */
static int run_at[MOST + 1];

static int find_runs(int columns) {
  int runs = 0;
  for (int j = 0; j < columns; j++)
    if (j == 0 || column_at[j] != column_at[j - 1] + 1) run_at[runs++] = j;
  run_at[runs] = columns;
  return runs;
}

/* Add a row of a block to x. */
static void add_row(float *x, const float *from, int columns, int runs) {
  if (runs * 4 > columns) {
    for (int j = 0; j < columns; j++) x[column_at[j]] += from[j];
    return;
  }
  for (int run = 0; run < runs; run++) {
    int j = run_at[run], end = run_at[run + 1];
    float *to = x + column_at[j];
    for (; j + 4 <= end; j += 4, to += 4) store4(to, load4(to) + load4(from + j));
    for (; j < end; j++) *to++ += from[j];
  }
}

static struct target into_block(int columns, int add) {
  return (struct target){block, columns, 1, 1, add, 0, 0, 0, 0};
}

EXPORT int convolve(const struct convolution *c) {
  int all = depth_of(c), total = columns_of(c), area = c->out_height * c->out_width;
  int depth_part = even_part(all, DEPTH), row_part = even_part(c->outs, ROWS);
  /* Weights that fit are packed once. */
  int pack_once = all <= DEPTH && c->outs <= ROWS;
  for (int g = 0; g < c->groups; g++)
    for (int i = 0; i < c->outs; i += row_part)
      for (int j = 0, columns; j < total; j += columns) {
        int rows = least(row_part, c->outs - i), out = g * c->outs + i;
        columns = least(COLUMNS, total - j);
        find_columns(c, j, columns);
        for (int k = 0; k < all; k += depth_part) {
          int depth = least(depth_part, all - k), last = k + depth == all;
          find_depths(c, g, k, depth);
          gather_panels(c->x, depth_at, depth, column_at, columns);
          if (!pack_once || j == 0) pack_a(c->weight + out * all + k, all, 1, rows, depth);
          struct target t = into_block(columns, k > 0);
          if (last && c->bias) t.bias = c->bias + out, t.bias_row_step = 1;
          /* Within one sample the rows of the block are pieces of rows of the result. */
          if (j / area == (j + columns - 1) / area) {
            t.c = c->y + (j / area * c->groups * c->outs + out) * area + j % area;
            t.row_step = area;
          }
          multiply_packed(rows, columns, depth, &t);
          if (!last || t.c != block) continue;
          find_places(c, g, j, columns);
          for (int l = 0; l < rows; l++)
            for (int m = 0; m < columns; m++)
              c->y[place_at[m] + (i + l) * area] = block[l * columns + m];
        }
      }
  return 0;
}

/* x, zeros at first, becomes the gradient with respect to it; y is that of the result. */
EXPORT int convolve_backward_input(const struct convolution *c) {
  int all = depth_of(c), total = columns_of(c), area = c->out_height * c->out_width;
  int depth_part = even_part(c->outs, DEPTH);
  for (int g = 0; g < c->groups; g++)
    for (int j = 0; j < total; j += COLUMNS) {
      int columns = least(COLUMNS, total - j);
      find_columns(c, j, columns);
      find_places(c, g, j, columns);
      int runs = find_runs(columns);
      for (int i = 0; i < all; i += ROWS) {
        int rows = least(ROWS, all - i);
        for (int k = 0; k < c->outs; k += depth_part) {
          int depth = least(depth_part, c->outs - k);
          /* One block of B serves all rows, unless there are several. */
          if (i == 0 || depth_part < c->outs) {
            for (int l = 0; l < depth; l++) out_at[l] = (k + l) * area;
            gather_panels(c->y, out_at, depth, place_at, columns);
          }
          pack_a(c->weight + (g * c->outs + k) * all + i, 1, all, rows, depth);
          struct target t = into_block(columns, k > 0);
          multiply_packed(rows, columns, depth, &t);
        }
        find_depths(c, g, i, rows);
        for (int l = 0; l < rows; l++)
          add_row(c->x + depth_at[l], block + l * columns, columns, runs);
      }
    }
  return 0;
}

/* Rows of y, columns `first` on, become panels of A: sample after sample. */
static void pack_results(const struct convolution *c, int out, int rows, int first, int count) {
  int area = c->out_height * c->out_width;
  for (int l = 0; l < rows; l += TILE_ROWS) {
    float *to = packed_a + l * count;
    int sample = first / area, place = first % area;
    for (int left = count, length; left > 0; left -= length, place = 0, sample++) {
      length = least(left, area - place);
      const float *from = c->y + (sample * c->groups * c->outs + out + l) * area + place;
      pack_panels_a(from, area, 1, least(rows - l, TILE_ROWS), length, to);
      to += TILE_ROWS * length;
    }
  }
}

/* weight becomes the gradient with respect to it; y is that of the result. */
EXPORT int convolve_backward_weight(const struct convolution *c) {
  int all = depth_of(c), total = columns_of(c), depth_part = even_part(total, DEPTH);
  for (int g = 0; g < c->groups; g++)
    for (int j = 0; j < all; j += COLUMNS) {
      int columns = least(COLUMNS, all - j);
      find_depths(c, g, j, columns);
      for (int k = 0; k < total; k += depth_part) {
        int depth = least(depth_part, total - k);
        find_columns(c, k, depth);
        gather_panels(c->x, column_at, depth, depth_at, columns);
        for (int i = 0; i < c->outs; i += ROWS) {
          int rows = least(ROWS, c->outs - i), out = g * c->outs + i;
          pack_results(c, out, rows, k, depth);
          struct target t = {c->weight + out * all + j, all, 1, 1, k > 0, 0, 0, 0, 0};
          multiply_packed(rows, columns, depth, &t);
        }
      }
    }
  return 0;
}
