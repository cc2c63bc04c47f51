/* The arrays and sizes of a convolution in two dimensions. */
#ifndef SYFT_CONVOLUTION_H
#define SYFT_CONVOLUTION_H

struct convolution {
  float *x;          /* (batch, groups * channels, height, width) */
  float *weight;     /* (groups * outs, channels, kernel_height, kernel_width) */
  const float *bias; /* (groups * outs,) or null */
  float *y;          /* (batch, groups * outs, out_height, out_width) */
  int batch, groups, channels, outs, height, width, kernel_height, kernel_width;
  int stride_height, stride_width, dilation_height, dilation_width, out_height, out_width;
};

#endif
