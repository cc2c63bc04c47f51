"""From which size on a kernel is used: below, numpy is done before the kernel is called.

All times are microseconds, the least of many, of the whole rule in Chromium 156 with Pyodide
0.27.7: first numpy's, then that of the relaxed_simd build (the other one is 0 to 20 % slower).
All but those of `CHAIN_SIZE` are from before addresses were read as `load.address` does now: each
array of a call costs about 2 us less since, so the sizes are on the safe side.
"""

from __future__ import annotations

__all__ = [
    "ACCUMULATE_BLOCK",
    "CHAIN_BLOCK",
    "CHAIN_SIZE",
    "CONVOLUTION_WORK",
    "MAP_SIZES",
    "MATMUL_WORK",
    "NORM_SIZE",
    "POOLING_SIZE",
    "SOFTMAX_BACKWARD_SIZE",
    "SOFTMAX_SIZE",
    "SUM_SIZE",
]

MATMUL_WORK = 20_000
"""Rows x columns x depth. 8x16x16: 4 and 13; 24x24x24: 10 and 13; 32x32x16: 12.5 and 14;
64x10x392: 143 and 36; 64x784x392: 18600 and 950."""

ACCUMULATE_BLOCK = 1 << 15
"""Elements of the product that numpy holds at once while it adds to an output."""

CONVOLUTION_WORK = 1
"""Products of single numbers. 288: 65 and 37; 3600: 71 and 38; 42336: 102 and 43."""

MAP_SIZES = {
    "exp": 1400,
    "tanh": 600,
    "sigmoid": 700,
    "erf": 1,
    "gelu": 1,
    "relu": 2048,
    "relu_backward": 1,
}
"""Elements. exp of 1024: 8 and 10, of 4096: 31 and 16; tanh of 512: 10 and 10, of 4096: 74 and
26; sigmoid of 512: 9 and 9, of 4096: 43 and 21; gradient of relu of 64: 22 and 11. numpy has
no erf. Its maximum takes 2 ns an element where signs follow a pattern (of 4096: 8 and 9) but
20 where they do not."""

NORM_SIZE = 1
"""Elements. 10: 56 and 22; 64 rows of 10: 64 and 28."""

POOLING_SIZE = 1
"""Elements of windows. 16 in windows of 4: average 67 and 12, maximum 1240 and 15."""

SOFTMAX_SIZE = 1
"""Elements. 10: 18 and 10; 64 rows of 10: 31 and 19."""

SOFTMAX_BACKWARD_SIZE = 1024
"""Elements. 10: 10 and 13; 64 rows of 10: 18 and 18."""

SUM_SIZE = 8192
"""Elements. 64x16: 11 and 11; 64x128: 14 and 12."""

CHAIN_SIZE = 8192
"""Elements of each array, looked at when a plan is compiled. Momentum with weight decay, six
operations: of 1000: 10 and 22; of 8000: 32 and 31; of 78400: 250 and 112."""

CHAIN_BLOCK = 1 << 15
"""Elements that numpy does at a time."""
