"""The heavy operations in SIMD machine code where the runtime allows it, else in numpy.

`info` says what is in use and why. Products of matrices and chains always give a
result. The other functions give None where their kernel does not apply, and the caller goes
on in numpy. Results differ from numpy's by float32 rounding only.
"""

from syft_web.kernels.chain import Chain
from syft_web.kernels.elementwise import erf, exp, gelu, relu, relu_backward, sigmoid, tanh
from syft_web.kernels.images import (
    avg_pool,
    avg_pool_backward,
    conv2d,
    conv2d_backward_input,
    conv2d_backward_weight,
    max_pool,
    max_pool_backward,
)
from syft_web.kernels.load import active, info, use
from syft_web.kernels.matrix import matmul
from syft_web.kernels.rows import (
    cross_entropy_backward,
    layer_norm,
    layer_norm_backward,
    log_softmax,
    log_softmax_backward,
    softmax,
    softmax_backward,
    sum_axis,
)

__all__ = [
    "Chain",
    "active",
    "avg_pool",
    "avg_pool_backward",
    "conv2d",
    "conv2d_backward_input",
    "conv2d_backward_weight",
    "cross_entropy_backward",
    "erf",
    "exp",
    "gelu",
    "info",
    "layer_norm",
    "layer_norm_backward",
    "log_softmax",
    "log_softmax_backward",
    "matmul",
    "max_pool",
    "max_pool_backward",
    "relu",
    "relu_backward",
    "sigmoid",
    "softmax",
    "softmax_backward",
    "sum_axis",
    "tanh",
    "use",
]
