"""Functions along one dimension: softmax, layer normalisation, sums.

Each gives None where the kernel does not apply: other dtypes than float32, another dimension
than the last one, few elements, no kernels here.
"""

from __future__ import annotations

import math

import numpy as np

from syft_web.kernels.common import FLOAT32, Array, all_float32, dense
from syft_web.kernels.limits import NORM_SIZE, SOFTMAX_BACKWARD_SIZE, SOFTMAX_SIZE, SUM_SIZE
from syft_web.kernels.load import address, current

__all__ = [
    "cross_entropy_backward",
    "layer_norm",
    "layer_norm_backward",
    "log_softmax",
    "log_softmax_backward",
    "softmax",
    "softmax_backward",
    "sum_axis",
]


def _is_last(x: Array, axis: int) -> bool:
    return x.ndim > 0 and axis % x.ndim == x.ndim - 1 and -x.ndim <= axis < x.ndim


def _softmax(x: Array, axis: int, logarithm: bool) -> Array | None:
    kernels = current()
    if kernels is None or x.size < SOFTMAX_SIZE or x.dtype != FLOAT32 or not _is_last(x, axis):
        return None
    source, result = dense(x), np.empty(x.shape, FLOAT32)
    columns = x.shape[-1]
    kernels["softmax"](address(source), address(result), x.size // columns, columns, logarithm)
    return result


def softmax(x: Array, axis: int = -1) -> Array | None:
    """``exp(x) / sum(exp(x))`` along the last dimension, with the maximum taken off first."""
    return _softmax(x, axis, False)


def log_softmax(x: Array, axis: int = -1) -> Array | None:
    """The logarithm of `softmax`."""
    return _softmax(x, axis, True)


def _softmax_backward(grad: Array, result: Array, axis: int, logarithm: bool) -> Array | None:
    kernels = current()
    if kernels is None or grad.size < SOFTMAX_BACKWARD_SIZE or grad.shape != result.shape:
        return None
    if not all_float32(grad, result) or not _is_last(grad, axis):
        return None
    g, y, found = dense(grad), dense(result), np.empty(grad.shape, FLOAT32)
    columns = grad.shape[-1]
    kernels["softmax_backward"](
        *(address(g), address(y), address(found)), grad.size // columns, columns, logarithm
    )
    return found


def softmax_backward(grad: Array, result: Array, axis: int = -1) -> Array | None:
    """The gradient of `softmax`, from that of its result and the result."""
    return _softmax_backward(grad, result, axis, False)


def log_softmax_backward(grad: Array, result: Array, axis: int = -1) -> Array | None:
    """The gradient of `log_softmax`, from that of its result and the result."""
    return _softmax_backward(grad, result, axis, True)


def cross_entropy_backward(log_probabilities: Array, targets: Array, scale: float) -> Array | None:
    """The gradient of a cross entropy with respect to its logits.

    Args:
        log_probabilities: ``(N, C)``, the result of `log_softmax`.
        targets: ``(N,)`` int64, the right class of each row.
        scale: What each row counts: ``1 / N`` for the mean.

    Returns:
        ``(exp(log_probabilities) - one_hot(targets)) * scale``, or None where the kernel does
        not apply, an unknown class among the reasons.
    """
    kernels = current()
    x = log_probabilities
    if kernels is None or x.size < SOFTMAX_SIZE or x.dtype != FLOAT32 or x.ndim != 2:
        return None
    if targets.dtype != np.int64 or targets.shape != x.shape[:1]:
        return None
    source, classes, result = dense(x), dense(targets), np.empty(x.shape, FLOAT32)
    wrong = kernels["cross_entropy_backward"](
        *(address(source), address(classes), address(result)), *x.shape, scale
    )
    return None if wrong else result


def _rows_of(x: Array, dims: int, *per_column: Array | None) -> tuple[int, int] | None:
    """Rows and columns when the last dimensions are made one, or None where it cannot be."""
    tail = x.shape[x.ndim - dims :]
    if not 0 < dims <= x.ndim or x.size < NORM_SIZE or not all_float32(x, *per_column):
        return None
    if any(v is not None and v.shape != tail for v in per_column):
        return None
    columns = math.prod(tail)
    return x.size // columns, columns


def layer_norm(
    x: Array, dims: int, weight: Array | None, bias: Array | None, eps: float
) -> tuple[Array, Array, Array] | None:
    """Each row less its mean, divided by its standard deviation, scaled and moved.

    Args:
        x: Any shape of at least `dims` dimensions.
        dims: How many of the last dimensions make up a row.
        weight: Factor of each element of a row, in the shape of the last dimensions.
        bias: What is added to each, likewise.
        eps: Added to the variance.

    Returns:
        The result, the mean of each row and the inverse of its standard deviation (both of
        the shape of `x` with ones for the last dimensions).
    """
    kernels = current()
    sizes = None if kernels is None else _rows_of(x, dims, weight, bias)
    if kernels is None or sizes is None:
        return None
    source, result = dense(x), np.empty(x.shape, FLOAT32)
    w, b = (None if v is None else dense(v) for v in (weight, bias))
    mean, scale = (np.empty((*x.shape[: x.ndim - dims], *(1,) * dims), FLOAT32) for _ in "ms")
    kernels["layer_norm"](
        *(0 if v is None else address(v) for v in (source, w, b, result, mean, scale)),
        *sizes,
        eps,
    )
    return result, mean, scale


def layer_norm_backward(
    grad: Array,
    x: Array,
    dims: int,
    mean: Array,
    scale: Array,
    weight: Array | None,
    wanted: tuple[bool, bool, bool],
) -> tuple[Array | None, Array | None, Array | None] | None:
    """The gradients of `layer_norm`.

    Args:
        grad: Gradient with respect to the result.
        x: As given to `layer_norm`.
        dims: As given to `layer_norm`.
        mean: As `layer_norm` gave it, one number per row.
        scale: As `layer_norm` gave it, one number per row.
        weight: As given to `layer_norm`.
        wanted: Whether the gradients with respect to x, weight and bias are wanted.

    Returns:
        The three gradients, None for what is not wanted.
    """
    kernels = current()
    sizes = None if kernels is None else _rows_of(x, dims, weight)
    if kernels is None or sizes is None or not all_float32(grad, mean, scale):
        return None
    if grad.shape != x.shape or not mean.size == scale.size == sizes[0]:
        return None
    tail = x.shape[x.ndim - dims :]
    shapes = (x.shape, tail, tail)
    found = [
        np.zeros(shape, FLOAT32) if want else None
        for shape, want in zip(shapes, wanted, strict=True)
    ]
    given = [None if v is None else dense(v) for v in (grad, x, weight, mean, scale)]
    kernels["layer_norm_backward"](
        *(0 if v is None else address(v) for v in (*given, *found)), *sizes
    )
    return found[0], found[1], found[2]


def sum_axis(x: Array, axis: int, keepdims: bool = False) -> Array | None:
    """The sums along one dimension of a matrix.

    Args:
        x: ``(N, C)``, any strides.
        axis: Which of the two dimensions goes away.
        keepdims: Whether it stays, with size one.

    Returns:
        The sums, or None where the kernel does not apply.
    """
    kernels = current()
    if kernels is None or x.size < SUM_SIZE or x.dtype != FLOAT32 or x.ndim != 2:
        return None
    axis %= 2
    result = np.zeros(x.shape[1 - axis], FLOAT32)
    if x.strides[1] != 4:
        if x.strides[0] != 4:
            return None
        x, along = x.T, 1 - axis
    else:
        along = axis
    if x.strides[0] & 3:
        return None
    name = "sum_rows" if along == 1 else "sum_columns"
    kernels[name](address(x), address(result), *x.shape, x.strides[0] >> 2)
    return np.expand_dims(result, axis) if keepdims else result
