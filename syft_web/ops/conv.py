"""Convolutions, over one to three spatial dimensions.

Layout as in torch: input ``(N, C, *S)`` or ``(C, *S)``, weight ``(O, C / groups, *K)``. Three
functions do all the work: `convolve`, `convolve_backward_input` (which is also the transposed
convolution) and `convolve_backward_weight`. Each is a matrix product with the columns of the
input: every window of it, one below the other. The columns are as many times larger than the
input as the kernel has elements, so the batch goes through in slices.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import product
from typing import Any

import numpy as np

from syft_web import kernels
from syft_web.ops.dtypes import Array
from syft_web.ops.elementwise import array
from syft_web.ops.row import RowCollector

__all__ = [
    "Ints",
    "add_windows",
    "convolve",
    "convolve_backward_input",
    "convolve_backward_weight",
    "convolve_transposed",
    "inside",
    "padded",
    "pair",
    "per_dim",
    "row",
    "windows_2d",
    "windows_of",
]

row = RowCollector()

Ints = Sequence[int]

_COLUMN_BYTES = 1 << 20
"""The columns of one slice of the batch stay below this, if one sample does."""


def per_dim(value: Ints, dims: int) -> tuple[int, ...]:
    """One number per spatial dimension, given one for all or one each."""
    if len(value) == 1:
        return tuple(value) * dims
    if len(value) != dims:
        raise ValueError(f"{list(value)} must hold one number, or one per spatial dimension")
    return tuple(value)


def padded(x: Array, before: Ints, after: Ints, fill: Any) -> Array:
    """`x` grown in its last dimensions by these widths; `x` itself when they are 0."""
    if not any(before) and not any(after):
        return x
    lead, size = x.shape[: -len(before)], x.shape[-len(before) :]
    grown = [b + n + a for b, n, a in zip(before, size, after, strict=True)]
    out = np.full((*lead, *grown), fill, x.dtype)
    out[inside(before, size)] = x
    return out


def inside(before: Ints, size: Ints) -> tuple[Any, ...]:
    """The index of what stands behind these widths, in the last dimensions."""
    return (..., *(slice(b, b + n) for b, n in zip(before, size, strict=True)))


def windows_of(x: Array, kernel: Ints, stride: Ints, dilation: Ints) -> Array:
    """All windows as a view: ``(N, C, *out, *kernel)``."""
    dims = len(kernel)
    size = x.shape[-dims:]
    out = tuple(
        (n - d * (k - 1) - 1) // s + 1
        for n, k, s, d in zip(size, kernel, stride, dilation, strict=True)
    )
    if min(out) < 1:
        raise ValueError(f"the kernel {list(kernel)} is larger than the input {size}")
    steps = x.strides[-dims:]
    strides = (
        *x.strides[:-dims],
        *(s * st for s, st in zip(steps, stride, strict=True)),
        *(s * d for s, d in zip(steps, dilation, strict=True)),
    )
    shape = (*x.shape[:-dims], *out, *kernel)
    return np.lib.stride_tricks.as_strided(x, shape, strides, writeable=False)


def pair(value: Ints) -> tuple[int, int]:
    """One number, or one each for height and width, as two."""
    height, width = per_dim(value, 2)
    return height, width


def windows_2d(x: Array, kernel: Ints, stride: Ints, padding: Ints, dilation: Ints) -> Array:
    """All windows of a zero-padded image, a view ``(N, C, rows, columns, *kernel)``."""
    pad = pair(padding)
    return windows_of(padded(x, pad, pad, 0), pair(kernel), pair(stride), pair(dilation))


def add_windows(columns: Array, size: Ints, stride: Ints, padding: Ints, dilation: Ints) -> Array:
    """The reverse of `windows_of`: add up windows where they stood.

    Args:
        columns: ``(N, C, *kernel, *out)``.
        size: The spatial sizes of the result; where a window leaves it, it is cut.
        stride: One number per spatial dimension; likewise the following.
        padding: How far the first window begins before the result.
        dilation: Distance between kernel elements.

    Returns:
        ``(N, C, *size)``.
    """
    dims = len(size)
    kernel, out = columns.shape[2 : 2 + dims], columns.shape[2 + dims :]
    grown = [
        max(n + 2 * p, (o - 1) * s + d * (k - 1) + 1)
        for n, p, o, s, d, k in zip(size, padding, out, stride, dilation, kernel, strict=True)
    ]
    total = np.zeros((*columns.shape[:2], *grown), columns.dtype)
    for place in product(*map(range, kernel)):
        cut = tuple(
            slice(k * d, k * d + s * (o - 1) + 1, s)
            for k, d, s, o in zip(place, dilation, stride, out, strict=True)
        )
        whole: tuple[Any, ...] = (slice(None), slice(None))
        total[whole + cut] += columns[whole + place]
    return array(total[inside(padding, size)])


def _slices(batch: int, bytes_each: int) -> Iterator[slice]:
    """Slices of the batch whose columns stay below the limit."""
    step = max(_COLUMN_BYTES // max(bytes_each, 1), 1)
    return (slice(start, min(start + step, batch)) for start in range(0, batch, step))


def _windows_of_slice(x: Array, kernel: Ints, stride: Ints, padding: Ints, dilation: Ints) -> Array:
    """The windows of some samples, a view ``(n, C, *kernel, *out)`` of their padded copy."""
    dims = len(kernel)
    found = windows_of(padded(x, padding, padding, 0), kernel, stride, dilation)
    return found.transpose(0, 1, *range(2 + dims, 2 + 2 * dims), *range(2, 2 + dims))


def _out_sizes(
    size: Ints, kernel: Ints, stride: Ints, padding: Ints, dilation: Ints
) -> tuple[int, ...]:
    out = tuple(
        (n + 2 * p - d * (k - 1) - 1) // s + 1
        for n, k, s, p, d in zip(size, kernel, stride, padding, dilation, strict=True)
    )
    if min(out) < 1:
        raise ValueError(f"the kernel {list(kernel)} is larger than the input {tuple(size)}")
    return out


def _checked(x: Array, weight: Array, groups: int) -> None:
    if x.ndim != weight.ndim or x.shape[1] != weight.shape[1] * groups or weight.shape[0] % groups:
        raise ValueError(f"input {x.shape} and weight {weight.shape} do not fit (groups {groups})")


def convolve(
    x: Array,
    weight: Array,
    bias: Array | None,
    stride: Ints,
    padding: Ints,
    dilation: Ints,
    groups: int,
) -> Array:
    """Cross-correlation, as every framework's convolution.

    Args:
        x: ``(N, C, *S)``.
        weight: ``(O, C / groups, *K)``.
        bias: ``(O,)`` or None.
        stride: One number, or one per spatial dimension; likewise the following.
        padding: Zeros on both sides.
        dilation: Distance between kernel elements.
        groups: Number of independent blocks of channels.

    Returns:
        ``(N, O, *out)``.
    """
    _checked(x, weight, groups)
    dims, kernel = weight.ndim - 2, weight.shape[2:]
    stride, padding, dilation = (per_dim(v, dims) for v in (stride, padding, dilation))
    out = _out_sizes(x.shape[2:], kernel, stride, padding, dilation)
    found = kernels.conv2d(x, weight, bias, stride, padding, dilation, groups)
    if found is not None:
        return found
    length, taps, each = math.prod(out), math.prod(kernel), weight.shape[1]
    # One row a window, channels innermost: so torch's own kernels add up, and the last bits
    # agree best.
    by_tap = weight.reshape(groups, -1, each, taps).transpose(0, 3, 2, 1)
    matrix = by_tap.reshape(groups, taps * each, -1)
    dtype = np.result_type(x, weight)
    result = np.empty((x.shape[0], groups, matrix.shape[2], length), dtype)
    for part in _slices(x.shape[0], groups * taps * each * length * x.itemsize):
        found = _windows_of_slice(x[part], kernel, stride, padding, dilation)
        columns = found.reshape(-1, groups, each, *found.shape[2:])
        columns = np.moveaxis(columns, 2, 2 + dims).reshape(-1, groups, taps * each, length)
        result[part] = np.matmul(columns.swapaxes(2, 3), matrix).swapaxes(2, 3)
    result = result.reshape(x.shape[0], weight.shape[0], *out)
    if bias is not None:
        result += bias.reshape(-1, *(1,) * dims)
    return result


def convolve_backward_input(
    grad: Array,
    weight: Array,
    size: Ints,
    stride: Ints,
    padding: Ints,
    dilation: Ints,
    groups: int,
) -> Array:
    """The gradient of `convolve` with respect to its input.

    Args:
        grad: ``(N, O, *out)``, the gradient with respect to the result.
        weight: As given to `convolve`, likewise the following.
        size: The spatial sizes of the input.
        stride: One number, or one per spatial dimension; likewise the following.
        padding: Zeros on both sides.
        dilation: Distance between kernel elements.
        groups: Number of independent blocks of channels.

    Returns:
        ``(N, C, *size)``.
    """
    dims, kernel = weight.ndim - 2, weight.shape[2:]
    stride, padding, dilation = (per_dim(v, dims) for v in (stride, padding, dilation))
    found = kernels.conv2d_backward_input(grad, weight, size, stride, padding, dilation, groups)
    if found is not None:
        return found
    out, batch = grad.shape[2:], grad.shape[0]
    depth, channels = weight.shape[1] * math.prod(kernel), weight.shape[1] * groups
    matrix = weight.reshape(groups, weight.shape[0] // groups, depth).swapaxes(1, 2)
    # Rows as wide as the padded input, where that wastes little: see `_add_shifted`.
    reach = [o + d * (k - 1) for o, d, k in zip(out, dilation, kernel, strict=True)]
    fits = all(r == n + 2 * p for r, n, p in zip(reach, size, padding, strict=True))
    wide = (out[0], *reach[1:])
    shifted = fits and set(stride) == {1} and 2 * math.prod(wide) <= 3 * math.prod(out)
    length = math.prod(wide if shifted else out)
    result = np.empty((batch, channels, *size), np.result_type(grad, weight))
    for part in _slices(batch, groups * depth * length * grad.itemsize):
        some = grad[part]
        if shifted:
            some = padded(some, [0] * dims, [w - o for w, o in zip(wide, out, strict=True)], 0)
        flat = some.reshape(-1, groups, weight.shape[0] // groups, length)
        columns = np.matmul(matrix, flat)
        if shifted:
            columns = columns.reshape(-1, channels, math.prod(kernel), length)
            result[part] = _add_shifted(columns, kernel, wide, size, padding, dilation)
        else:
            columns = columns.reshape(-1, channels, *kernel, *out)
            result[part] = add_windows(columns, size, stride, padding, dilation)
    return result


def _add_shifted(
    columns: Array, kernel: Ints, wide: Ints, size: Ints, padding: Ints, dilation: Ints
) -> Array:
    """`add_windows` with stride 1, for columns whose rows are as wide as the padded result.

    What one element of the kernel contributes is then one contiguous stretch of the result,
    shifted by its place: far fewer and longer additions. `columns` is ``(N, C, K, L)``, and 0
    where a row is longer than the windows are many.
    """
    grown = (wide[0] + dilation[0] * (kernel[0] - 1), *wide[1:])
    pitches = [math.prod(grown[k + 1 :]) for k in range(len(grown))]
    shifts = [
        sum(t * d * pitch for t, d, pitch in zip(place, dilation, pitches, strict=True))
        for place in product(*map(range, kernel))
    ]
    plane, length = math.prod(grown), columns.shape[3]
    total = np.zeros((*columns.shape[:2], max(plane, shifts[-1] + length)), columns.dtype)
    for tap, shift in enumerate(shifts):
        total[:, :, shift : shift + length] += columns[:, :, tap]
    shape = (*columns.shape[:2], *grown)
    return array(total[:, :, :plane].reshape(shape)[inside(padding, size)])


def convolve_backward_weight(
    grad: Array,
    x: Array,
    kernel: Ints,
    stride: Ints,
    padding: Ints,
    dilation: Ints,
    groups: int,
) -> Array:
    """The gradient of `convolve` with respect to its weight.

    Args:
        grad: ``(N, O, *out)``, the gradient with respect to the result.
        x: The input, ``(N, C, *S)``.
        kernel: The spatial sizes of the weight.
        stride: One number, or one per spatial dimension; likewise the following.
        padding: Zeros on both sides.
        dilation: Distance between kernel elements.
        groups: Number of independent blocks of channels.

    Returns:
        ``(O, C / groups, *kernel)``.
    """
    dims = len(kernel)
    stride, padding, dilation = (per_dim(v, dims) for v in (stride, padding, dilation))
    found = kernels.conv2d_backward_weight(grad, x, kernel, stride, padding, dilation, groups)
    if found is not None:
        return found
    out, (batch, channels) = grad.shape[2:], x.shape[:2]
    length, depth = math.prod(out), channels // groups * math.prod(kernel)
    outs = grad.shape[1] // groups
    # Windows that a stride leaves out at the end are in no column.
    reach = [
        (o - 1) * s + d * (k - 1) + 1
        for o, s, d, k in zip(out, stride, dilation, kernel, strict=True)
    ]
    result = np.zeros((groups, outs, depth), np.result_type(grad, x))
    for part in _slices(batch, groups * depth * length * x.itemsize):
        grown = padded(x[part], padding, padding, 0)[inside([0] * dims, reach)]
        found = _windows_of_slice(grown, kernel, stride, (0,) * dims, dilation)
        count = found.shape[0]
        # The whole slice is one long inner dimension: (groups, depth, n L).
        columns = np.moveaxis(found, 0, 1 + dims).reshape(groups, depth, count * length)
        steep = grad[part].reshape(count, groups, outs, length).transpose(1, 2, 0, 3)
        result += np.matmul(steep.reshape(groups, outs, -1), columns.swapaxes(1, 2))
    return result.reshape(groups * outs, channels // groups, *kernel)


def convolve_transposed(
    x: Array,
    weight: Array,
    bias: Array | None,
    stride: Ints,
    padding: Ints,
    output_padding: Ints,
    groups: int,
    dilation: Ints,
) -> Array:
    """Each element spreads a kernel, ``(C, O / groups, *K)``: `convolve_backward_input`."""
    dims, kernel = weight.ndim - 2, weight.shape[2:]
    if x.ndim != dims + 2 or x.shape[1] != weight.shape[0] or weight.shape[0] % groups:
        raise ValueError(f"input {x.shape} and weight {weight.shape} do not fit (groups {groups})")
    stride, padding, dilation = (per_dim(v, dims) for v in (stride, padding, dilation))
    size = [
        (n - 1) * s - 2 * p + d * (k - 1) + 1 + e
        for n, s, p, d, k, e in zip(
            x.shape[2:],
            stride,
            padding,
            dilation,
            kernel,
            per_dim(output_padding, dims),
            strict=True,
        )
    ]
    extra = per_dim(output_padding, dims)
    if any(e >= max(s, d) for e, s, d in zip(extra, stride, dilation, strict=True)):
        raise ValueError(f"output_padding {list(extra)} must be less than stride or dilation")
    if min(size) < 1:
        raise ValueError(f"the result of {x.shape} would have the spatial sizes {size}")
    result = convolve_backward_input(x, weight, size, stride, padding, dilation, groups)
    if bias is not None:
        result += bias.reshape(-1, *(1,) * dims)
    return result
