"""Functions of one array, element by element.

Each gives None where the kernel does not apply: no float32, a small array, no kernels here.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from syft_web.kernels.common import FLOAT32, Array, all_float32, dense
from syft_web.kernels.limits import MAP_SIZES
from syft_web.kernels.load import address, current

__all__ = ["erf", "exp", "gelu", "relu", "relu_backward", "sigmoid", "tanh"]


def _map(name: str, what: str) -> Callable[..., Array | None]:
    kernel = f"map_{name}"

    def apply(x: Array, out: Array | None = None) -> Array | None:
        kernels = current()
        if kernels is None or x.size < MAP_SIZES[name] or x.dtype != FLOAT32:
            return None
        if out is None:
            # Results in the order of the argument in memory, as numpy's are.
            if x.flags.f_contiguous and not x.flags.c_contiguous:
                turned = apply(x.T)
                return None if turned is None else turned.T
            result = np.empty(x.shape, FLOAT32)
        elif out.dtype == FLOAT32 and out.shape == x.shape and out.flags.c_contiguous:
            result = out
        else:
            return None
        source = dense(x)
        kernels[kernel](address(source), address(result), x.size)
        return result

    apply.__name__ = apply.__qualname__ = name
    apply.__doc__ = f"""{what}

    Args:
        x: Any shape and strides.
        out: Where the result goes: float32 without gaps, of the same shape; may be `x`
            itself. A new array when None.

    Returns:
        The result, or None where the kernel does not apply.
    """
    return apply


exp = _map("exp", "e to the power of x.")
tanh = _map("tanh", "The hyperbolic tangent.")
sigmoid = _map("sigmoid", "``1 / (1 + exp(-x))``.")
erf = _map("erf", "The error function.")
gelu = _map("gelu", "``x / 2 * (1 + erf(x / sqrt(2)))``.")
relu = _map("relu", "The larger of x and 0; nan stays nan.")


def relu_backward(grad: Array, x: Array) -> Array | None:
    """The gradient of `relu`.

    Args:
        grad: Gradient with respect to the result.
        x: What relu was given, or its result.

    Returns:
        `grad` where x is not 0 or less, else 0; None where the kernel does not apply.
    """
    kernels = current()
    if kernels is None or x.size < MAP_SIZES["relu_backward"] or grad.shape != x.shape:
        return None
    if not all_float32(grad, x):
        return None
    g, source, result = dense(grad), dense(x), np.empty(x.shape, FLOAT32)
    kernels["relu_backward"](address(g), address(source), address(result), x.size)
    return result
