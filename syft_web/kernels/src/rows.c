/* Functions along the last dimension: softmax, layer normalisation, sums. */
#include "simd.h"
#include "simd_math.h"

/* Four at a time, and a last vector filled up with `fill`. */
INLINE f4 load_some(const float *p, int count, float fill) {
  if (count >= 4) return load4(p);
  f4 v = splat(fill);
  for (int j = 0; j < count; j++) v[j] = p[j];
  return v;
}

INLINE void store_some(float *p, f4 v, int count) {
  if (count >= 4) {
    store4(p, v);
    return;
  }
  for (int j = 0; j < count; j++) p[j] = v[j];
}

/* Short stretches are added up in float32, their sums in float64. */
#define STRETCH 256

#define SUM_OVER(total, count, value)                                         \
  double total = 0;                                                           \
  for (int start_ = 0; start_ < (count); start_ += STRETCH) {                 \
    int end_ = least(start_ + STRETCH, (count));                              \
    f4 part_ = splat(0);                                                      \
    for (int i = start_; i < end_; i += 4) part_ += (value);                  \
    total += ((double)part_[0] + part_[1]) + ((double)part_[2] + part_[3]);   \
  }

struct softmax {
  const float *x;
  float *y;
  int rows, columns, logarithm;
};

static float largest(const float *x, int count) {
  f4 top = splat(-1 / 0.0f);
  for (int i = 0; i < count; i += 4) top = max4(top, load_some(x + i, count - i, x[0]));
  top = max4(top, __builtin_shufflevector(top, top, 2, 3, 0, 1));
  top = max4(top, __builtin_shufflevector(top, top, 1, 0, 3, 2));
  return top[0];
}

EXPORT int softmax(const struct softmax *s) {
  const float *x = s->x;
  float *y = s->y;
  int n = s->columns;
  for (int row = 0; row < s->rows; row++, x += n, y += n) {
    f4 top = splat(largest(x, n));
    double total = 0;
    for (int start = 0; start < n; start += STRETCH) {
      int end = least(start + STRETCH, n);
      f4 part = splat(0);
      for (int i = start; i < end; i += 4) {
        /* What fills up the last vector adds nothing. */
        f4 power = exp4(load_some(x + i, n - i, -1 / 0.0f) - top);
        if (n - i < 4)
          for (int j = n - i; j < 4; j++) power[j] = 0;
        part += power;
        if (!s->logarithm) store_some(y + i, power, n - i);
      }
      total += ((double)part[0] + part[1]) + ((double)part[2] + part[3]);
    }
    if (s->logarithm) {
      f4 below = splat(log1((float)total));
      for (int i = 0; i < n; i += 4)
        store_some(y + i, load_some(x + i, n - i, 0) - top - below, n - i);
    } else {
      f4 scale = splat((float)total);
      for (int i = 0; i < n; i += 4) store_some(y + i, load_some(y + i, n - i, 1) / scale, n - i);
    }
  }
  return 0;
}

struct softmax_backward {
  const float *grad, *y;
  float *result;
  int rows, columns, logarithm;
};

/* From the result y: y * (grad - sum(grad * y)), or grad - exp(y) * sum(grad). */
EXPORT int softmax_backward(const struct softmax_backward *s) {
  const float *g = s->grad, *y = s->y;
  float *to = s->result;
  int n = s->columns;
  for (int row = 0; row < s->rows; row++, g += n, y += n, to += n) {
    if (s->logarithm) {
      SUM_OVER(total, n, load_some(g + i, n - i, 0))
      for (int i = 0; i < n; i += 4) {
        f4 power = exp4(load_some(y + i, n - i, 0));
        store_some(to + i, load_some(g + i, n - i, 0) - power * splat((float)total), n - i);
      }
    } else {
      SUM_OVER(total, n, load_some(g + i, n - i, 0) * load_some(y + i, n - i, 0))
      for (int i = 0; i < n; i += 4) {
        f4 away = load_some(g + i, n - i, 0) - splat((float)total);
        store_some(to + i, load_some(y + i, n - i, 0) * away, n - i);
      }
    }
  }
  return 0;
}

struct cross_entropy_backward {
  const float *log_probabilities;
  const long long *targets;
  float *result;
  int rows, columns;
  float scale;
};

/* (exp(log_probabilities) - one at the target) * scale; 1 when a target is no column. */
EXPORT int cross_entropy_backward(const struct cross_entropy_backward *c) {
  const float *x = c->log_probabilities;
  float *to = c->result;
  int n = c->columns;
  for (int row = 0; row < c->rows; row++, x += n, to += n) {
    long long target = c->targets[row];
    if (target < 0 || target >= n) return 1;
    for (int i = 0; i < n; i += 4)
      store_some(to + i, exp4(load_some(x + i, n - i, 0)) * splat(c->scale), n - i);
    to[target] -= c->scale;
  }
  return 0;
}

struct layer_norm {
  const float *x, *weight, *bias; /* the last two may be null */
  float *y, *mean, *scale;        /* per row, in what way it was normalised */
  int rows, columns;
  float epsilon;
};

EXPORT int layer_norm(const struct layer_norm *l) {
  const float *x = l->x, *w = l->weight, *b = l->bias;
  float *y = l->y;
  int n = l->columns;
  for (int row = 0; row < l->rows; row++, x += n, y += n) {
    SUM_OVER(total, n, load_some(x + i, n - i, 0))
    float mean = (float)(total / n);
    SUM_OVER(squares, n, ({
      f4 away = load_some(x + i, n - i, mean) - splat(mean);
      away * away;
    }))
    float scale = 1 / __builtin_sqrtf((float)(squares / n) + l->epsilon);
    l->mean[row] = mean;
    l->scale[row] = scale;
    for (int i = 0; i < n; i += 4) {
      f4 v = (load_some(x + i, n - i, 0) - splat(mean)) * splat(scale);
      if (w) v = v * load_some(w + i, n - i, 0);
      if (b) v = v + load_some(b + i, n - i, 0);
      store_some(y + i, v, n - i);
    }
  }
  return 0;
}

struct layer_norm_backward {
  const float *grad, *x, *weight, *mean, *scale; /* weight may be null */
  float *for_x, *for_weight, *for_bias;          /* zeros; each may be null */
  int rows, columns;
};

EXPORT int layer_norm_backward(const struct layer_norm_backward *l) {
  const float *g = l->grad, *x = l->x, *w = l->weight;
  float *dx = l->for_x, *dw = l->for_weight, *db = l->for_bias;
  int n = l->columns;
  for (int row = 0; row < l->rows; row++, g += n, x += n) {
    f4 mean = splat(l->mean[row]), scale = splat(l->scale[row]);
#define GRAD load_some(g + i, n - i, 0)
#define WEIGHTED (w ? GRAD * load_some(w + i, n - i, 0) : GRAD)
#define NORMAL ((load_some(x + i, n - i, 0) - mean) * scale)
    if (dw)
      for (int i = 0; i < n; i += 4)
        store_some(dw + i, load_some(dw + i, n - i, 0) + GRAD * NORMAL, n - i);
    if (db)
      for (int i = 0; i < n; i += 4)
        store_some(db + i, load_some(db + i, n - i, 0) + GRAD, n - i);
    if (!dx) continue;
    SUM_OVER(straight, n, WEIGHTED)
    SUM_OVER(along, n, WEIGHTED * NORMAL)
    f4 a = splat((float)(straight / n)), b = splat((float)(along / n));
    for (int i = 0; i < n; i += 4)
      store_some(dx + i, scale * (WEIGHTED - a - NORMAL * b), n - i);
    dx += n;
  }
  return 0;
}

struct sum_rows {
  const float *x;
  float *y;
  int rows, columns, row_step;
};

/* y[i] is the sum of row i. */
EXPORT int sum_rows(const struct sum_rows *s) {
  const float *x = s->x;
  int n = s->columns;
  for (int row = 0; row < s->rows; row++, x += s->row_step) {
    SUM_OVER(total, n, load_some(x + i, n - i, 0))
    s->y[row] = (float)total;
  }
  return 0;
}

/* y[j], zeros at first, becomes the sum of column j: 64 rows after 64 rows. */
EXPORT int sum_columns(const struct sum_rows *s) {
  int n = s->columns, step = s->row_step;
  for (int start = 0; start < s->rows; start += 64) {
    int end = least(start + 64, s->rows), i = 0;
    for (; i + 16 <= n; i += 16) {
      f4 a = splat(0), b = a, c = a, d = a;
      const float *x = s->x + start * step + i;
      for (int row = start; row < end; row++, x += step)
        a += load4(x), b += load4(x + 4), c += load4(x + 8), d += load4(x + 12);
      float *to = s->y + i;
      store4(to, load4(to) + a), store4(to + 4, load4(to + 4) + b);
      store4(to + 8, load4(to + 8) + c), store4(to + 12, load4(to + 12) + d);
    }
    for (; i < n; i += 4) {
      f4 a = splat(0);
      const float *x = s->x + start * step + i;
      for (int row = start; row < end; row++, x += step) a += load_some(x, n - i, 0);
      store_some(s->y + i, load_some(s->y + i, n - i, 0) + a, n - i);
    }
  }
  return 0;
}
