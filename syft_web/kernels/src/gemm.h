/* The packed matrix product and its parts, which the convolutions use as well. */
#ifndef SYFT_GEMM_H
#define SYFT_GEMM_H

/* Rows and columns of the tile that is kept in registers: 12 sums, 2 vectors of B and 1
   splat of A fit the 16 vector registers of x86. */
#define TILE_ROWS 6
#define TILE_COLUMNS 8
/* One panel of B, DEPTH x 8, stays in the first cache; a block of A, ROWS x DEPTH, and one of
   B, DEPTH x COLUMNS, in the second. */
#define DEPTH 400
#define ROWS 96
#define COLUMNS 256

/* Panels: for each depth 6 values of A, 8 values of B, side by side. */
extern float packed_a[ROWS * DEPTH];
extern float packed_b[DEPTH * COLUMNS];

/* Where a block of the product goes, and what is done with it on its way. */
struct target {
  float *c;
  int row_step, column_step;
  float alpha;
  int add;           /* add to what is there */
  const float *bias; /* or null: added after the last block of depth */
  int bias_row_step, bias_column_step;
  int relu;
};

/* Element (i, j) of a lies at a[i * row_step + j * column_step]. */
void pack_a(const float *a, int row_step, int column_step, int rows, int depth);
void pack_panels_a(const float *a, int row_step, int column_step, int rows, int depth, float *to);
void pack_b(const float *b, int row_step, int column_step, int depth, int columns);
/* Eight rows of `depth` floats, `step` apart, become one panel of B. */
void pack_panel_b(const float *rows, int step, int depth, float *panel);
/* Multiply what is packed, at most ROWS x DEPTH by DEPTH x COLUMNS. */
void multiply_packed(int rows, int columns, int depth, const struct target *t);

#endif
