"""Convolution and pooling over one or two spatial dimensions, and their gradients.

Each gives None where the kernel does not apply: three dimensions, other dtypes than float32,
little work, no kernels here. Sizes have been checked by the caller.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from syft_web.kernels.common import FLOAT32, Array, all_float32, dense
from syft_web.kernels.limits import CONVOLUTION_WORK, POOLING_SIZE
from syft_web.kernels.load import address, current

__all__ = [
    "avg_pool",
    "avg_pool_backward",
    "conv2d",
    "conv2d_backward_input",
    "conv2d_backward_weight",
    "max_pool",
    "max_pool_backward",
]

Ints = Sequence[int]
Steps = tuple[Ints, Ints, Ints]


def _two(values: Ints, missing: int) -> tuple[int, int]:
    """Height and width; one dimension is a width."""
    return (missing, values[0]) if len(values) == 1 else (values[0], values[1])


def _convolution(
    batch: int, groups: int, weight_shape: Ints, size: Ints, out: Ints, steps: Steps
) -> tuple[int, ...] | None:
    """The sizes of a convolution as its kernels take them; None where it does not pay.

    Args:
        batch: Number of samples.
        groups: As given to `conv2d`.
        weight_shape: ``(O, C / groups, *K)``.
        size: Spatial sizes of the input, without the padding.
        out: Spatial sizes of the result.
        steps: Stride, padding and dilation.
    """
    outs, channels, *kernel = weight_shape
    work = math.prod(weight_shape) * batch * math.prod(out)
    if len(kernel) not in (1, 2) or work < CONVOLUTION_WORK or outs % groups:
        return None
    stride, padding, dilation = steps
    grown = [n + 2 * p for n, p in zip(size, padding, strict=True)]
    # The kernels do not look whether a window lies inside.
    for n, o, k, s, d in zip(grown, out, kernel, stride, dilation, strict=True):
        if (o - 1) * s + d * (k - 1) + 1 > n:
            return None
    if all(k == s == 1 for k, s in zip(kernel, stride, strict=True)) and list(out) == grown:
        # Every pixel for itself: one long row.
        grown = out = [math.prod(grown)]
        kernel, stride, dilation = [1], (1,), (1,)
    return (
        *(batch, groups, channels, outs // groups),
        *(*_two(grown, 1), *_two(kernel, 1), *_two(stride, 1), *_two(dilation, 1), *_two(out, 1)),
    )


def _kernel(name: str, sizes: tuple[int, ...]) -> str:
    """The kernel for these sizes: where every channel is by itself, the one for planes."""
    channels, outs = sizes[2:4]
    return name.replace("convolve", "convolve_planes") if channels == outs == 1 else name


def _inside(padding: Ints, size: Ints) -> tuple[slice, ...]:
    """Where the input lies in the padded one."""
    whole = slice(None)
    return (whole, whole, *(slice(p, p + n) for p, n in zip(padding, size, strict=True)))


def _padded(x: Array, padding: Ints) -> Array:
    """The input with zeros around it, in C order."""
    if not any(padding):
        return dense(x)
    size = x.shape[2:]
    grown = [n + 2 * p for n, p in zip(size, padding, strict=True)]
    result = np.zeros((*x.shape[:2], *grown), FLOAT32)
    result[_inside(padding, size)] = x
    return result


def conv2d(
    x: Array,
    weight: Array,
    bias: Array | None,
    stride: Ints,
    padding: Ints,
    dilation: Ints,
    groups: int,
) -> Array | None:
    """Cross-correlation.

    Args:
        x: ``(N, C, *S)``.
        weight: ``(O, C / groups, *K)``.
        bias: ``(O,)`` or None.
        stride: One number per spatial dimension; likewise the following.
        padding: Zeros on both sides.
        dilation: Distance between kernel elements.
        groups: Number of independent blocks of channels.

    Returns:
        ``(N, O, *out)``.
    """
    kernels = current()
    if kernels is None or not all_float32(x, weight, bias) or not x.size:
        return None
    outs = weight.shape[0]
    if x.shape[1] != weight.shape[1] * groups or (bias is not None and bias.shape != (outs,)):
        return None
    out = tuple(
        (n + 2 * p - d * (k - 1) - 1) // s + 1
        for n, k, s, p, d in zip(
            x.shape[2:], weight.shape[2:], stride, padding, dilation, strict=True
        )
    )
    steps = (stride, padding, dilation)
    sizes = _convolution(x.shape[0], groups, weight.shape, x.shape[2:], out, steps)
    if sizes is None or min(out) < 1:
        return None
    source, factors = _padded(x, padding), dense(weight)
    added = None if bias is None else dense(bias)
    result = np.empty((x.shape[0], outs, *out), FLOAT32)
    at = 0 if added is None else address(added)
    kernels[_kernel("convolve", sizes)](
        address(source), address(factors), at, address(result), *sizes
    )
    return result


def conv2d_backward_input(
    grad: Array,
    weight: Array,
    size: Ints,
    stride: Ints,
    padding: Ints,
    dilation: Ints,
    groups: int,
) -> Array | None:
    """The gradient of `conv2d` with respect to its input.

    Args:
        grad: ``(N, O, *out)``, the gradient with respect to the result.
        weight: As given to `conv2d`, likewise the following.
        size: The spatial sizes of the input.
        stride: One number per spatial dimension; likewise the following.
        padding: Zeros on both sides.
        dilation: Distance between kernel elements.
        groups: Number of independent blocks of channels.

    Returns:
        ``(N, C, *size)``.
    """
    kernels = current()
    if kernels is None or not all_float32(grad, weight) or grad.shape[1] != weight.shape[0]:
        return None
    steps = (stride, padding, dilation)
    sizes = _convolution(grad.shape[0], groups, weight.shape, size, grad.shape[2:], steps)
    if sizes is None:
        return None
    source, factors = dense(grad), dense(weight)
    grown = [n + 2 * p for n, p in zip(size, padding, strict=True)]
    result = np.zeros((grad.shape[0], weight.shape[1] * groups, *grown), FLOAT32)
    places = (address(result), address(factors), 0, address(source))
    kernels[_kernel("convolve_backward_input", sizes)](*places, *sizes)
    return dense(result[_inside(padding, size)]) if any(padding) else result


def conv2d_backward_weight(
    grad: Array,
    x: Array,
    kernel: Ints,
    stride: Ints,
    padding: Ints,
    dilation: Ints,
    groups: int,
) -> Array | None:
    """The gradient of `conv2d` with respect to its weight.

    Args:
        grad: ``(N, O, *out)``, the gradient with respect to the result.
        x: The input, ``(N, C, *S)``.
        kernel: The spatial sizes of the weight.
        stride: One number per spatial dimension; likewise the following.
        padding: Zeros on both sides.
        dilation: Distance between kernel elements.
        groups: Number of independent blocks of channels.

    Returns:
        ``(O, C / groups, *kernel)``.
    """
    kernels = current()
    if kernels is None or not all_float32(grad, x):
        return None
    if grad.shape[0] != x.shape[0] or x.shape[1] % groups:
        return None
    shape = (grad.shape[1], x.shape[1] // groups, *kernel)
    steps = (stride, padding, dilation)
    sizes = _convolution(x.shape[0], groups, shape, x.shape[2:], grad.shape[2:], steps)
    if sizes is None:
        return None
    source, steep = _padded(x, padding), dense(grad)
    result = np.zeros(shape, FLOAT32)
    places = (address(source), address(result), 0, address(steep))
    kernels[_kernel("convolve_backward_weight", sizes)](*places, *sizes)
    return result


def _pooling(
    lead: int,
    size: Ints,
    kernel: Ints,
    stride: Ints,
    padding: Ints,
    dilation: Ints,
    out: Ints,
) -> tuple[int, ...] | None:
    """The sizes of a pooling as its kernels take them; None where it does not pay."""
    if len(kernel) not in (1, 2) or lead * math.prod(out) * math.prod(kernel) < POOLING_SIZE:
        return None
    return (
        *(lead, *_two(size, 1), *_two(kernel, 1), *_two(stride, 1), *_two(padding, 0)),
        *(*_two(dilation, 1), *_two(out, 1)),
    )


def max_pool(
    x: Array,
    kernel: Ints,
    stride: Ints,
    padding: Ints,
    dilation: Ints,
    out: Ints,
    *,
    indices: bool = True,
) -> tuple[Array, Array | None] | None:
    """The largest element of each window, and where it stands in the flattened plane.

    Args:
        x: ``(..., *S)``.
        kernel: Sizes of a window, one per spatial dimension; likewise the following.
        stride: From one window to the next.
        padding: How far the first window begins before the input.
        dilation: Distance between the elements of a window.
        out: How many windows there are.
        indices: Whether the places are wanted.

    Returns:
        Values and places (int64, or None), both ``(..., *out)``.
    """
    kernels = current()
    if kernels is None or x.dtype != FLOAT32:
        return None
    lead, size = x.shape[: -len(out)], x.shape[-len(out) :]
    sizes = _pooling(math.prod(lead), size, kernel, stride, padding, dilation, out)
    if sizes is None:
        return None
    source, values = dense(x), np.empty((*lead, *out), FLOAT32)
    places = np.empty(values.shape, np.int64) if indices else None
    at = 0 if places is None else address(places)
    kernels["max_pool"](address(source), address(values), at, *sizes, 0, 0)
    return values, places


def max_pool_backward(grad: Array, indices: Array, shape: Ints, dims: int) -> Array | None:
    """Add each element of a gradient where its index says.

    Args:
        grad: ``(..., *out)``.
        indices: Of the same shape, int64, into a flattened plane.
        shape: Of the result, ``(..., *S)``.
        dims: Number of spatial dimensions.

    Returns:
        The sums, or None where the kernel does not apply, a wrong index among the reasons.
    """
    kernels = current()
    if kernels is None or grad.dtype != FLOAT32 or indices.dtype != np.int64:
        return None
    lead, size, out = shape[:-dims], shape[-dims:], grad.shape[-dims:]
    if grad.size < POOLING_SIZE or grad.shape != indices.shape or grad.shape[:-dims] != lead:
        return None
    source, places = dense(grad), dense(indices)
    result = np.zeros(shape, FLOAT32)
    # Indices are into flat planes: of what shape does not matter.
    sizes = (math.prod(lead), 1, math.prod(size), *(0,) * 8, 1, math.prod(out), 0, 0)
    wrong = kernels["max_pool_backward"](address(result), address(source), address(places), *sizes)
    return None if wrong else result


def avg_pool(
    x: Array,
    kernel: Ints,
    stride: Ints,
    padding: Ints,
    out: Ints,
    count_padding: bool,
    divisor: int | None,
) -> Array | None:
    """The mean of each window.

    Args:
        x: ``(..., *S)``.
        kernel: Sizes of a window, one per spatial dimension; likewise the following.
        stride: From one window to the next.
        padding: How far the first window begins before the input.
        out: How many windows there are.
        count_padding: Whether zeros of the padding count.
        divisor: Divide by this number instead; not 0.

    Returns:
        ``(..., *out)``.
    """
    kernels = current()
    if kernels is None or x.dtype != FLOAT32 or divisor == 0:
        return None
    lead, size = x.shape[: -len(out)], x.shape[-len(out) :]
    ones = (1,) * len(out)
    sizes = _pooling(math.prod(lead), size, kernel, stride, padding, ones, out)
    if sizes is None:
        return None
    source, result = dense(x), np.empty((*lead, *out), FLOAT32)
    places = (address(source), address(result), 0)
    kernels["avg_pool"](*places, *sizes, count_padding, divisor or 0)
    return result


def avg_pool_backward(
    grad: Array,
    size: Ints,
    kernel: Ints,
    stride: Ints,
    padding: Ints,
    count_padding: bool,
    divisor: int | None,
) -> Array | None:
    """The gradient of `avg_pool` with respect to its input.

    Args:
        grad: ``(..., *out)``, the gradient with respect to the result.
        size: The spatial sizes of the input.
        kernel: As given to `avg_pool`, likewise the following.
        stride: From one window to the next.
        padding: How far the first window begins before the input.
        count_padding: Whether zeros of the padding count.
        divisor: Divide by this number instead; not 0.

    Returns:
        ``(..., *size)``.
    """
    kernels = current()
    if kernels is None or grad.dtype != FLOAT32 or divisor == 0:
        return None
    lead, out = grad.shape[: -len(size)], grad.shape[-len(size) :]
    ones = (1,) * len(size)
    sizes = _pooling(math.prod(lead), size, kernel, stride, padding, ones, out)
    if sizes is None:
        return None
    source, result = dense(grad), np.zeros((*lead, *size), FLOAT32)
    places = (address(result), address(source), 0)
    kernels["avg_pool_backward"](*places, *sizes, count_padding, divisor or 0)
    return result
