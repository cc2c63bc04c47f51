/* Convolution of every channel by itself: one kernel per plane, too little for a product of
   matrices. The padding is already part of x. */
#include "convolution.h"
#include "simd.h"

/* The pieces of a plane's work: its input, kernel and result. */
struct plane {
  float *x, *weight, *y;
};

INLINE struct plane plane_of(const struct convolution *c, int sample, int channel) {
  int number = sample * c->groups + channel;
  return (struct plane){
      c->x + number * c->height * c->width,
      c->weight + channel * c->kernel_height * c->kernel_width,
      c->y + number * c->out_height * c->out_width,
  };
}

/* Where element (k, l) of the kernel meets row i of the result for the first time. */
INLINE float *meeting(const struct convolution *c, const struct plane *p, int i, int k, int l) {
  int row = i * c->stride_height + k * c->dilation_height;
  return p->x + row * c->width + l * c->dilation_width;
}

#define FOR_PLANES                                   \
  for (int n = 0; n < c->batch; n++)                 \
    for (int channel = 0; channel < c->groups; channel++)
#define FOR_KERNEL                            \
  for (int k = 0; k < c->kernel_height; k++)  \
    for (int l = 0; l < c->kernel_width; l++)

static float at_one(const struct convolution *c, const struct plane *p, int i, int j, float sum) {
  const float *w = p->weight;
  FOR_KERNEL sum += *w++ * meeting(c, p, i, k, l)[j * c->stride_width];
  return sum;
}

EXPORT int convolve_planes(const struct convolution *c) {
  int step = c->stride_width, wide = c->out_width & ~3;
  FOR_PLANES {
    struct plane p = plane_of(c, n, channel);
    float bias = c->bias ? c->bias[channel] : 0;
    for (int i = 0; i < c->out_height; i++, p.y += c->out_width) {
      for (int j = 0; j < wide; j += 4) {
        f4 sum = splat(bias);
        const float *w = p.weight;
        FOR_KERNEL sum = madd(splat(*w++), load_apart(meeting(c, &p, i, k, l) + j * step, step), sum);
        store4(p.y + j, sum);
      }
      for (int j = wide; j < c->out_width; j++) p.y[j] = at_one(c, &p, i, j, bias);
    }
  }
  return 0;
}

/* x, zeros at first, becomes the gradient with respect to it; y is that of the result. */
EXPORT int convolve_planes_backward_input(const struct convolution *c) {
  int step = c->stride_width, wide = step == 1 ? c->out_width & ~3 : 0;
  FOR_PLANES {
    struct plane p = plane_of(c, n, channel);
    for (int i = 0; i < c->out_height; i++, p.y += c->out_width) {
      const float *w = p.weight;
      FOR_KERNEL {
        float *to = meeting(c, &p, i, k, l), factor = *w++;
        for (int j = 0; j < wide; j += 4)
          store4(to + j, madd(splat(factor), load4(p.y + j), load4(to + j)));
        for (int j = wide; j < c->out_width; j++) to[j * step] += factor * p.y[j];
      }
    }
  }
  return 0;
}

/* weight, zeros at first, becomes the gradient with respect to it; y is that of the result. */
EXPORT int convolve_planes_backward_weight(const struct convolution *c) {
  int step = c->stride_width, wide = c->out_width & ~3;
  FOR_PLANES {
    struct plane p = plane_of(c, n, channel);
    float *w = p.weight;
    FOR_KERNEL {
      double total = 0;
      const float *y = p.y;
      for (int i = 0; i < c->out_height; i++, y += c->out_width) {
        const float *x = meeting(c, &p, i, k, l);
        f4 sum = splat(0);
        for (int j = 0; j < wide; j += 4)
          sum = madd(load4(y + j), load_apart(x + j * step, step), sum);
        total += sum_of(sum);
        for (int j = wide; j < c->out_width; j++) total += y[j] * x[j * step];
      }
      *w++ += (float)total;
    }
  }
  return 0;
}
