"""Resizing of spatial dimensions: nearest, linear, cubic; and the gradients.

Each dimension is resized by itself. Along one, every new element is a weighted sum of a
few old ones, its taps; the gradient is the product with the transposed matrix of weights.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from syft_web.ops.dtypes import Array
from syft_web.ops.elementwise import array
from syft_web.ops.row import RowCollector

__all__ = ["cubic_weights", "resize", "row"]

row = RowCollector()

Taps = list[tuple[Array, Array | None]]
"""Old places and their weights (None for 1), one pair per tap."""

_CUBIC = -0.75


def _scale(size: int, out: int, align: bool, factor: float | None, kind: Any) -> Any:
    """How far apart new elements stand in the old ones."""
    if align:
        return kind((size - 1) / (out - 1)) if out > 1 else kind(0)
    return kind(1 / factor) if factor else kind(size / out)


def _nearest(size: int, out: int, factor: float | None, kind: Any, half: float) -> Taps:
    places = np.arange(out, dtype=kind)
    if out != size or factor:
        places = (places + kind(half)) * _scale(size, out, False, factor, kind)
    return [(np.minimum(places.astype(np.intp), size - 1), None)]


def _linear(size: int, out: int, align: bool, factor: float | None, kind: Any) -> Taps:
    scale = _scale(size, out, align, factor, kind)
    new = np.arange(out, dtype=kind)
    at = new * scale if align else np.maximum((new + kind(0.5)) * scale - kind(0.5), 0)
    low = np.minimum(at.astype(np.intp), size - 1)
    weight = np.clip(at - low.astype(kind), 0, 1).astype(kind)
    return [(low, 1 - weight), (np.minimum(low + 1, size - 1), weight)]


def _cubic(size: int, out: int, align: bool, factor: float | None, kind: Any) -> Taps:
    scale = _scale(size, out, align, factor, kind)
    new = np.arange(out, dtype=kind)
    at = new * scale if align else (new + kind(0.5)) * scale - kind(0.5)
    low = np.floor(at)
    weights = cubic_weights(at - low)
    base = low.astype(np.intp)
    return [(np.clip(base + k - 1, 0, size - 1), weights[k]) for k in range(4)]


def cubic_weights(t: Array) -> list[Array]:
    """Weights of the four neighbours of a point that lies `t` behind the second of them."""
    a = t.dtype.type(_CUBIC)

    def near(x: Array) -> Array:
        return array(((a + 2) * x - (a + 3)) * x * x + 1)

    def far(x: Array) -> Array:
        return array(((a * x - 5 * a) * x + 8 * a) * x - 4 * a)

    return [far(t + 1), near(t), near(1 - t), far(2 - t)]


def _taps(
    kind_of: str, size: int, out: int, align: bool, factor: float | None, dtype: np.dtype[Any]
) -> Taps:
    kind = np.float64 if dtype == np.float64 else np.float32
    if size < 1 or out < 1:
        raise ValueError(f"sizes to resize between must be positive, got {size} and {out}")
    if kind_of == "nearest":
        return _nearest(size, out, factor, kind, 0)
    if kind_of == "nearest_exact":
        return _nearest(size, out, factor, kind, 0.5)
    if kind_of == "linear":
        return _linear(size, out, align, factor, kind)
    return _cubic(size, out, align, factor, kind)


def _along(x: Array, axis: int, taps: Taps) -> Array:
    shape = (-1,) + (1,) * (x.ndim - axis - 1)
    total: Array | None = None
    for places, weight in taps:
        part = np.take(x, places, axis)
        if weight is not None:
            part *= weight.astype(x.dtype, copy=False).reshape(shape)
        total = part if total is None else np.add(total, part, out=total)
    assert total is not None
    return total


def _back_along(grad: Array, axis: int, size: int, taps: Taps) -> Array:
    matrix = np.zeros((size, grad.shape[axis]), grad.dtype)
    new = np.arange(grad.shape[axis])
    for places, weight in taps:
        np.add.at(matrix, (places, new), 1 if weight is None else weight)
    moved = np.moveaxis(grad, axis, -1)
    return np.moveaxis(moved @ matrix.T, -1, axis)


def resize(
    x: Array, mode: str, size: Sequence[int], align: bool, factors: Sequence[float | None]
) -> Array:
    """Resize the last dimensions.

    Args:
        x: ``(N, C, *S)``.
        mode: ``nearest``, ``nearest_exact``, ``linear`` or ``cubic``.
        size: New spatial sizes.
        align: The corners keep their values.
        factors: Where given, the distance of new elements is its inverse, exactly.
    """
    dims = len(size)
    if x.ndim != dims + 2:
        raise ValueError(f"resizing {dims} dimensions wants (N, C, *S), got shape {x.shape}")
    result = x
    for k in range(dims):
        axis = 2 + k
        taps = _taps(mode, x.shape[axis], size[k], align, factors[k], x.dtype)
        result = _along(result, axis, taps)
    return result


def _resize_backward(
    grad: Array,
    mode: str,
    output_size: Sequence[int],
    input_size: Sequence[int],
    align: bool,
    factors: Sequence[float | None],
) -> Array:
    dims = len(output_size)
    if grad.shape != (*input_size[:2], *output_size):
        raise ValueError(f"the gradient {grad.shape} does not fit the sizes {list(output_size)}")
    result = grad
    for k in range(dims):
        axis, size = 2 + k, input_size[2 + k]
        taps = _taps(mode, size, output_size[k], align, factors[k], grad.dtype)
        result = _back_along(result, axis, size, taps)
    return result


def _sizes_of(
    x: Array, output_size: Sequence[int] | None, factors: Sequence[float] | None
) -> tuple[list[int], list[float | None]]:
    """New sizes, and factors if those were given instead."""
    if output_size is not None:
        return list(output_size), [None] * len(output_size)
    if factors is None or len(factors) != x.ndim - 2:
        raise ValueError("resizing needs the new sizes, or one factor per dimension")
    sizes = [int(n * f) for n, f in zip(x.shape[2:], factors, strict=True)]
    return sizes, list(factors)


def _declare(name: str, mode: str, dims: int, aligned: bool) -> None:
    one = {1: ["scales"], 2: ["scales_h", "scales_w"], 3: ["scales_d", "scales_h", "scales_w"]}
    scales = "".join(f", float? {s}=None" for s in one[dims])
    align = ", bool align_corners" if aligned else ""

    def options(rest: tuple[Any, ...]) -> tuple[bool, Sequence[float | None]]:
        return (bool(rest[0]), rest[1:]) if aligned else (False, rest)

    def forward(self: Array, output_size: Sequence[int], *rest: Any) -> Array:
        return resize(self, mode, output_size, *options(rest))

    def backward(
        grad_output: Array, output_size: Sequence[int], input_size: Sequence[int], *rest: Any
    ) -> Array:
        return _resize_backward(grad_output, mode, output_size, input_size, *options(rest))

    def by_factor(input: Array, output_size: Sequence[int] | None, *rest: Any) -> Array:
        sizes, factors = _sizes_of(input, output_size, rest[-1])
        return resize(input, mode, sizes, aligned and bool(rest[0]), factors)

    public = f"torch._C._nn.{name} " if not name.startswith("_") else ""
    row(f"{name}(Tensor self, int[] output_size{align}{scales})", f"{public}A.{name}.default")(
        forward
    )
    row(
        f"{name}_vec(Tensor input, int[]? output_size{align}, float[]? scale_factors)",
        f"A.{name}.vec",
    )(by_factor)
    row(
        f"{name}_backward(Tensor grad_output, int[] output_size, int[] input_size{align}{scales})",
        f"A.{name}_backward.default",
    )(backward)


for _dims in (1, 2, 3):
    _declare(f"upsample_nearest{_dims}d", "nearest", _dims, aligned=False)
    _declare(f"_upsample_nearest_exact{_dims}d", "nearest_exact", _dims, aligned=False)
for _dims, _word in ((1, "linear"), (2, "bilinear"), (3, "trilinear")):
    _declare(f"upsample_{_word}{_dims}d", "linear", _dims, aligned=True)
_declare("upsample_bicubic2d", "cubic", 2, aligned=True)
