/* Pooling with windows over planes, of two dimensions. */
#include "simd.h"

struct pooling {
  float *x, *y;       /* (planes, height, width), (planes, out_height, out_width) */
  long long *indices; /* into a plane of x; for the maximum only */
  int planes, height, width, kernel_height, kernel_width;
  int stride_height, stride_width, padding_height, padding_width;
  int dilation_height, dilation_width, out_height, out_width;
  int count_padding, divisor; /* for the average; a divisor of 0 means: what is covered */
};

/* The first and the end of the kernel's elements that lie inside, in one dimension. */
INLINE void covered(int begin, int step, int kernel, int size, int *first, int *end) {
  *first = begin >= 0 ? 0 : least((-begin + step - 1) / step, kernel);
  *end = begin >= size ? 0 : least((size - 1 - begin) / step + 1, kernel);
}

/* The largest and its index; the last nan wins over all, of equals the first one. */
INLINE void take_larger(f4 v, i4 here, f4 *best, i4 *place) {
  i4 better = (v > *best) | (v != v);
  *best = choose(better, v, *best);
  *place = (i4)choose(better, (f4)here, (f4)*place);
}

/* One window that may reach over the edges, or four beside each other that do not. */
INLINE int max_of_windows(const struct pooling *p, const float *x, int top, int left, int whole,
                          f4 *best, i4 *place) {
  int dh = p->dilation_height, dw = p->dilation_width, k0, k1, l0, l1;
  covered(top, dh, p->kernel_height, p->height, &k0, &k1);
  covered(left, dw, p->kernel_width, p->width, &l0, &l1);
  int step = p->stride_width, first = (top + k0 * dh) * p->width + left + l0 * dw;
  int reach = left + 3 * step + (p->kernel_width - 1) * dw;
  int four = whole >= 4 && left >= 0 && reach < p->width;
  i4 apart = four ? (i4){0, step, 2 * step, 3 * step} : isplat(0);
  *best = splat(-1 / 0.0f);
  *place = isplat(first) + apart;
  for (int k = k0; k < k1; k++)
    for (int l = l0; l < l1; l++) {
      int here = (top + k * dh) * p->width + left + l * dw;
      f4 v = four ? load_apart(x + here, step) : splat(x[here]);
      take_larger(v, isplat(here) + apart, best, place);
    }
  return four ? 4 : 1;
}

EXPORT int max_pool(const struct pooling *p) {
  const float *x = p->x;
  float *y = p->y;
  long long *at = p->indices;
  for (int plane = 0; plane < p->planes; plane++, x += p->height * p->width)
    for (int i = 0; i < p->out_height; i++)
      for (int j = 0, count; j < p->out_width; j += count) {
        int top = i * p->stride_height - p->padding_height;
        int left = j * p->stride_width - p->padding_width;
        f4 best;
        i4 place;
        count = max_of_windows(p, x, top, left, p->out_width - j, &best, &place);
        for (int n = 0; n < count; n++) y[n] = best[n];
        y += count;
        if (!at) continue;
        for (int n = 0; n < count; n++) at[n] = place[n];
        at += count;
      }
  return 0;
}

/* x, zeros at first: each element of y is added where its index says; 1 for a wrong index. */
EXPORT int max_pool_backward(const struct pooling *p) {
  int inside = p->height * p->width, count = p->out_height * p->out_width;
  float *x = p->x;
  const float *y = p->y;
  const long long *at = p->indices;
  for (int plane = 0; plane < p->planes; plane++, x += inside, y += count, at += count)
    for (int i = 0; i < count; i++) {
      if (at[i] < 0 || at[i] >= inside) return 1;
      x[at[i]] += y[i];
    }
  return 0;
}

/* What the sum of a window is divided by. */
INLINE int divisor_of(const struct pooling *p, int top, int left, int rows, int columns) {
  if (p->divisor) return p->divisor;
  if (!p->count_padding) return rows * columns;
  int bottom = least(top + p->kernel_height, p->height + p->padding_height);
  int right = least(left + p->kernel_width, p->width + p->padding_width);
  return (bottom - top) * (right - left);
}

#define FOR_WINDOWS(body)                                                   \
  float *x = p->x, *y = p->y;                                               \
  for (int plane = 0; plane < p->planes; plane++, x += p->height * p->width) \
    for (int i = 0; i < p->out_height; i++)                                 \
      for (int j = 0; j < p->out_width; j++, y++) {                         \
        int top = i * p->stride_height - p->padding_height, k0, k1, l0, l1; \
        int left = j * p->stride_width - p->padding_width;                  \
        covered(top, 1, p->kernel_height, p->height, &k0, &k1);             \
        covered(left, 1, p->kernel_width, p->width, &l0, &l1);              \
        float divisor = (float)divisor_of(p, top, left, k1 - k0, l1 - l0);  \
        float *first = x + top * p->width + left;                           \
        body                                                                \
      }

EXPORT int avg_pool(const struct pooling *p) {
  FOR_WINDOWS({
    float total = 0;
    for (int k = k0; k < k1; k++)
      for (int l = l0; l < l1; l++) total += first[k * p->width + l];
    *y = total / divisor;
  })
  return 0;
}

/* x, zeros at first, becomes the gradient with respect to it; y is that of the result. */
EXPORT int avg_pool_backward(const struct pooling *p) {
  FOR_WINDOWS({
    float share = *y / divisor;
    for (int k = k0; k < k1; k++)
      for (int l = l0; l < l1; l++) first[k * p->width + l] += share;
  })
  return 0;
}
