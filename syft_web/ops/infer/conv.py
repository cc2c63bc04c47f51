"""Convolutions, pooling, and rearranging of images."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from syft_web.ops.dtypes import INT64
from syft_web.ops.infer.base import Inferred, ShapeRules, typed
from syft_web.ops.infer.common import Shape, need, numpy_type
from syft_web.ops.infer.reduce import named
from syft_web.ops.row import Row
from syft_web.ops.spec import Spec

__all__ = ["convolved", "per_dim", "pooled", "rules"]

rules = ShapeRules()

Ints = Sequence[int]


def per_dim(value: Ints, dims: int) -> tuple[int, ...]:
    """One number for all spatial dimensions, or one each.

    Raises:
        ValueError: Another number of them.
    """
    given = (value,) if isinstance(value, int) else tuple(value)
    if len(given) == 1:
        return given * dims
    need(len(given) == dims, f"{list(given)} must hold one number, or one per spatial dimension")
    return given


def _steps(stride: Ints, dims: int) -> tuple[int, ...]:
    steps = per_dim(stride, dims)
    need(min(steps) > 0, f"stride and dilation must be positive: {list(steps)}")
    return steps


def convolved(
    x: Shape, weight: Shape, stride: Ints, padding: Ints | str, dilation: Ints, groups: int
) -> Shape:
    """The shape of a convolution's result, ``(N, O, *out)`` or ``(O, *out)``.

    Raises:
        ValueError: The shapes do not fit.
    """
    dims = len(weight) - 2
    need(dims >= 1, f"the weight of a convolution needs more dimensions than {weight}")
    if len(x) == dims + 1:
        return convolved((1, *x), weight, stride, padding, dilation, groups)[1:]
    need(
        groups > 0
        and len(x) == dims + 2
        and x[1] == weight[1] * groups
        and weight[0] % groups == 0,
        f"input {x} and weight {weight} do not fit (groups {groups})",
    )
    steps, spread = _steps(stride, dims), _steps(dilation, dims)
    reach = [d * (k - 1) for k, d in zip(weight[2:], spread, strict=True)]
    if isinstance(padding, str):
        need(padding in ("same", "valid"), f"padding must be 'same' or 'valid', not {padding!r}")
        both = reach if padding == "same" else [0] * dims
    else:
        both = [2 * p for p in per_dim(padding, dims)]
    out = tuple(
        (n + p - r - 1) // s + 1 for n, p, r, s in zip(x[2:], both, reach, steps, strict=True)
    )
    need(min(out) > 0, f"the kernel {list(weight[2:])} is larger than the input {x[2:]}")
    return (x[0], weight[0], *out)


def transposed(
    x: Shape,
    weight: Shape,
    stride: Ints,
    padding: Ints,
    output_padding: Ints,
    groups: int,
    dilation: Ints,
) -> Shape:
    """The shape of a transposed convolution's result."""
    dims = len(weight) - 2
    need(dims >= 1, f"the weight of a convolution needs more dimensions than {weight}")
    rest = (stride, padding, output_padding, groups, dilation)
    if len(x) == dims + 1:
        return transposed((1, *x), weight, *rest)[1:]
    need(
        groups > 0 and len(x) == dims + 2 and x[1] == weight[0] and x[1] % groups == 0,
        f"input {x} and weight {weight} do not fit (groups {groups})",
    )
    steps, pads = _steps(stride, dims), per_dim(padding, dims)
    extra, spread = per_dim(output_padding, dims), _steps(dilation, dims)
    out = tuple(
        (n - 1) * s - 2 * p + d * (k - 1) + e + 1
        for n, s, p, d, k, e in zip(x[2:], steps, pads, spread, weight[2:], extra, strict=True)
    )
    need(min(out) > 0, f"the padding {list(pads)} leaves nothing of the result")
    return (x[0], weight[1] * groups, *out)


@rules("conv1d conv2d conv3d")
def _conv(
    self: Spec,
    weight: Spec,
    bias: Spec | None,
    stride: Ints,
    padding: Ints | str,
    dilation: Ints,
    groups: int,
) -> Spec:
    shape = convolved(self.shape, weight.shape, stride, padding, dilation, groups)
    _check_bias(bias, weight.shape[0])
    return Spec(shape, numpy_type(self, weight, bias))


@rules("conv_transpose1d conv_transpose2d conv_transpose3d")
def _conv_transpose(
    self: Spec,
    weight: Spec,
    bias: Spec | None,
    stride: Ints,
    padding: Ints,
    output_padding: Ints,
    groups: int,
    dilation: Ints,
) -> Spec:
    shape = transposed(self.shape, weight.shape, stride, padding, output_padding, groups, dilation)
    _check_bias(bias, weight.shape[1] * groups)
    return Spec(shape, numpy_type(self, weight, bias))


def _check_bias(bias: Spec | None, channels: int) -> None:
    need(
        bias is None or bias.size in (1, channels),
        f"the bias must hold {channels} numbers, got {bias}",
    )


# -- pooling -----------------------------------------------------------------------------------


def pooled(
    shape: Shape,
    dims: int,
    kernel: Ints,
    stride: Ints | None,
    padding: Ints,
    dilation: Ints,
    ceil_mode: bool,
) -> Shape:
    """The shape after pooling the last `dims` dimensions.

    Raises:
        ValueError: The windows do not fit.
    """
    need(len(shape) >= dims, f"{shape} has no {dims} spatial dimensions")
    sizes = per_dim(kernel, dims)
    steps = _steps(stride, dims) if stride else sizes
    out: list[int] = []
    pads, spread = per_dim(padding, dims), _steps(dilation, dims)
    for n, k, s, p, d in zip(shape[-dims:], sizes, steps, pads, spread, strict=True):
        need(k > 0, f"the kernel {list(sizes)} must be positive")
        need(0 <= p <= k // 2, f"pad {p} should be at most half of the kernel size {k}")
        free = n + 2 * p - d * (k - 1) - 1
        count = (-(-free // s) if ceil_mode else free // s) + 1
        # A last window must begin inside the input or its left padding.
        if ceil_mode and free % s and (count - 1) * s >= n + p:
            count -= 1
        need(count > 0, f"the kernel {list(sizes)} is larger than the input {shape[-dims:]}")
        out.append(count)
    return (*shape[:-dims], *out)


def _dims_of(row: Row) -> int:
    return int(next(c for c in row.name if c.isdigit()))


def _pool_of(row: Row, values: Sequence[Any]) -> Shape:
    return pooled(
        values[0].shape,
        _dims_of(row),
        named(row, values, "kernel_size"),
        named(row, values, "stride"),
        named(row, values, "padding", default=[0]),
        named(row, values, "dilation", default=[1]),
        bool(named(row, values, "ceil_mode", default=False)),
    )


@rules.by_row(
    "max_pool1d max_pool2d max_pool3d max_pool1d_with_indices max_pool2d_with_indices "
    "max_pool3d_with_indices avg_pool1d avg_pool2d avg_pool3d"
)
def _pool(row: Row, values: Sequence[Any]) -> Inferred:
    shape = _pool_of(row, values)
    if row.n_outputs == 2:
        return [Spec(shape, values[0].dtype), Spec(shape, INT64)]
    if row.name.startswith("max"):
        return Spec(shape, values[0].dtype)
    plain = [values[0], [1], None, [0], *values[4:]]
    return typed(row, plain if len(plain) == len(row.params) else values, shape)


@rules.by_row(
    "adaptive_avg_pool1d adaptive_avg_pool2d adaptive_avg_pool3d adaptive_max_pool1d "
    "adaptive_max_pool2d adaptive_max_pool3d"
)
def _adaptive(row: Row, values: Sequence[Any]) -> Inferred:
    self, dims = values[0], _dims_of(row)
    need(self.ndim >= dims, f"{self.shape} has no {dims} spatial dimensions")
    here = self.shape[-dims:]
    given = values[1] if isinstance(values[1], list | tuple) else [values[1]]
    wanted = per_dim([-1 if v is None else v for v in given], dims)
    sizes = tuple(n if w == -1 else w for w, n in zip(wanted, here, strict=True))
    need(min(sizes) >= 0, f"the size {list(sizes)} must not be negative")
    shape = (*self.shape[:-dims], *sizes)
    if row.n_outputs == 2:
        return [Spec(shape, self.dtype), Spec(shape, INT64)]
    return typed(row, [self, [1]], shape) if len(values) == 2 else Spec(shape, self.dtype)


# -- images ------------------------------------------------------------------------------------


@rules("pixel_shuffle")
def _pixel_shuffle(self: Spec, upscale_factor: int) -> Spec:
    need(self.ndim >= 3, f"pixel_shuffle needs at least 3 dimensions, got {self.shape}")
    r, (channels, height, width) = upscale_factor, self.shape[-3:]
    need(r >= 1 and channels % (r * r) == 0, f"{channels} channels cannot be divided by {r} x {r}")
    return Spec((*self.shape[:-3], channels // (r * r), height * r, width * r), self.dtype)


@rules("unfold(self, kernel_size, dilation=[1], padding=[0], stride=[1])")
def _unfold(self: Spec, kernel_size: Ints, dilation: Ints, padding: Ints, stride: Ints) -> Spec:
    if self.ndim == 3:
        one = Spec((1, *self.shape), self.dtype)
        alone = _unfold(one, kernel_size, dilation, padding, stride)
        return Spec(alone.shape[1:], self.dtype)
    need(self.ndim == 4, f"unfold needs 3 or 4 dimensions, got {self.shape}")
    kernel = per_dim(kernel_size, 2)
    channels = self.shape[1]
    weight = (1, channels, *kernel)
    out = convolved(self.shape, weight, stride, padding, dilation, 1)
    shape = (self.shape[0], channels * math.prod(kernel), math.prod(out[2:]))
    return Spec(shape, self.dtype)


@rules("fold")
def _fold(
    self: Spec,
    output_size: Ints,
    kernel_size: Ints,
    dilation: Ints,
    padding: Ints,
    stride: Ints,
) -> Spec:
    if self.ndim == 2:
        one = Spec((1, *self.shape), self.dtype)
        alone = _fold(one, output_size, kernel_size, dilation, padding, stride)
        return Spec(alone.shape[1:], self.dtype)
    need(self.ndim == 3, f"fold needs 2 or 3 dimensions, got {self.shape}")
    size, kernel = per_dim(output_size, 2), per_dim(kernel_size, 2)
    out = convolved((1, 1, *size), (1, 1, *kernel), stride, padding, dilation, 1)
    channels, rest = divmod(self.shape[1], math.prod(kernel))
    need(
        rest == 0 and self.shape[2] == math.prod(out[2:]),
        f"columns of shape {self.shape} do not fold to {list(size)}",
    )
    return Spec((self.shape[0], channels, *size), self.dtype)


@rules.by_row("interpolate upsample_nearest upsample_bilinear")
def _interpolate(row: Row, values: Sequence[Any]) -> Inferred:
    self, size, scale = values[:3]
    here = self.shape[2:]
    dims = len(here)
    need(dims >= 1, f"interpolate needs spatial dimensions, got {self.shape}")
    if size is not None:
        wanted = per_dim(size, dims)
    else:
        need(scale is not None, "interpolate needs a size or a scale_factor")
        listed = [scale] * dims if isinstance(scale, int | float) else list(scale)
        need(len(listed) == dims, f"{listed} must hold one factor per spatial dimension")
        wanted = tuple(math.floor(n * float(s)) for n, s in zip(here, listed, strict=True))
    need(min(wanted) >= 0, f"the size {list(wanted)} must not be negative")
    return Spec((*self.shape[:2], *wanted), self.dtype)


@rules("local_response_norm")
def _local_response_norm(self: Spec, *_: Any) -> Spec:
    need(self.ndim >= 2, f"local_response_norm needs channels, got shape {self.shape}")
    return self
