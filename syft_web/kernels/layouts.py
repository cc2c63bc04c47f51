"""The blocks of numbers that the kernels take, as types of `struct`.

Each is the C struct that the function of the same name takes, in ``src``: ``I`` an address,
``i`` an int, ``f`` a float. A test reads the C sources and compares.
"""

from __future__ import annotations

__all__ = ["LAYOUTS"]

_CONVOLUTION = "4I 14i"
_POOLING = "3I 15i"

LAYOUTS: dict[str, str] = {
    "gemm": "3i I2i I2i I2i f i I 2i i 8i",
    "map_exp": "2I i",
    "map_tanh": "2I i",
    "map_sigmoid": "2I i",
    "map_erf": "2I i",
    "map_gelu": "2I i",
    "map_relu": "2I i",
    "relu_backward": "3I i",
    "chain": "3I i",
    "softmax": "2I 3i",
    "softmax_backward": "3I 3i",
    "cross_entropy_backward": "3I 2i f",
    "layer_norm": "6I 2i f",
    "layer_norm_backward": "8I 2i",
    "sum_rows": "2I 3i",
    "sum_columns": "2I 3i",
    "convolve": _CONVOLUTION,
    "convolve_backward_input": _CONVOLUTION,
    "convolve_backward_weight": _CONVOLUTION,
    "convolve_planes": _CONVOLUTION,
    "convolve_planes_backward_input": _CONVOLUTION,
    "convolve_planes_backward_weight": _CONVOLUTION,
    "max_pool": _POOLING,
    "max_pool_backward": _POOLING,
    "avg_pool": _POOLING,
    "avg_pool_backward": _POOLING,
}
