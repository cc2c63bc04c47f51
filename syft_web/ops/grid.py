"""Sampling of images at given points, and grids of such points.

A grid holds points in [-1, 1], the last coordinate first: ``(x, y)`` or ``(x, y, z)``.
Along each dimension a point has a few taps: neighbouring places with a weight each. The
value is the sum over all their combinations.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np

from syft_web.ops.dtypes import Array
from syft_web.ops.elementwise import array
from syft_web.ops.resize import cubic_weights
from syft_web.ops.row import RowCollector

__all__ = ["row"]

row = RowCollector()

_MODES = ("bilinear", "nearest", "bicubic")
_PADDINGS = ("zeros", "border", "reflection")
_BILINEAR, _NEAREST, _BICUBIC = range(3)
_ZEROS, _BORDER, _REFLECTION = range(3)


@dataclass(frozen=True)
class _Dimension:
    """Where the points lie along one dimension.

    Attributes:
        places: Of each tap, ``(N, *points)`` ints, some outside of 0..size-1.
        weights: Of each tap.
        slopes: Change of each weight with the coordinate of the grid.
    """

    places: list[Array]
    weights: list[Array]
    slopes: list[Array]


def _reflected(at: Array, size: int, align: bool) -> tuple[Array, Array]:
    """Mirror coordinates at the edges until they lie inside; and the sign of their change."""
    low, high = (0.0, size - 1.0) if align else (-0.5, size - 0.5)
    span = at.dtype.type(high - low)
    if span == 0:
        return np.zeros_like(at), np.zeros_like(at)
    away = at - at.dtype.type(low)
    sign = np.where(away < 0, -1, 1).astype(at.dtype)
    away = np.abs(away)
    flips = np.floor(away / span)
    extra = away - flips * span
    odd = flips % 2 == 1
    result = np.where(odd, span - extra, extra) + at.dtype.type(low)
    return result.astype(at.dtype), np.where(odd, -sign, sign)


def _clipped(at: Array, size: int) -> tuple[Array, Array]:
    inside = (at > 0) & (at < size - 1)
    return np.clip(at, 0, size - 1).astype(at.dtype), inside.astype(at.dtype)


def _padded(at: Array, size: int, padding: int, align: bool) -> tuple[Array, Array]:
    """Coordinates after padding, and how they change with the ones before."""
    if padding == _BORDER:
        return _clipped(at, size)
    if padding == _REFLECTION:
        mirrored, sign = _reflected(at, size, align)
        inside, passed = _clipped(mirrored, size)
        return inside, array(sign * passed)
    return at, np.ones_like(at)


def _dimension(points: Array, size: int, mode: int, padding: int, align: bool) -> _Dimension:
    kind = points.dtype.type
    factor = kind((size - 1) / 2 if align else size / 2)
    at = (points + 1) * factor if align else ((points + 1) * kind(size) - 1) / kind(2)
    # nan and the infinities are far outside.
    at = np.where(np.isfinite(at) & (np.abs(at) < 1e9), at, kind(-100)).astype(points.dtype)
    if mode == _BICUBIC:
        low = np.floor(at)
        t = array(at - low)
        places = []
        for k in range(-1, 3):
            place = _padded(array(low + k), size, padding, align)[0]
            places.append(place.astype(np.int64))
        slopes = [array(s * factor) for s in _cubic_slopes(t)]
        return _Dimension(places, cubic_weights(t), slopes)
    at, change = _padded(at, size, padding, align)
    if mode == _NEAREST:
        nearest = np.rint(at).astype(np.int64)
        return _Dimension([nearest], [np.ones_like(at)], [np.zeros_like(at)])
    low = np.floor(at)
    t, place, slope = array(at - low), low.astype(np.int64), array(change * factor)
    return _Dimension([place, place + 1], [1 - t, t], [-slope, slope])


def _cubic_slopes(t: Array) -> list[Array]:
    """How the weights of `cubic_weights` change with t."""
    a = t.dtype.type(-0.75)

    def near(x: Array) -> Array:
        return array((3 * (a + 2) * x - 2 * (a + 3)) * x)

    def far(x: Array) -> Array:
        return array((3 * a * x - 10 * a) * x + 8 * a)

    return [far(t + 1), near(t), -near(1 - t), -far(2 - t)]


def _dimensions(
    input: Array, grid: Array, mode: int, padding: int, align: bool
) -> list[_Dimension]:
    dims = input.ndim - 2
    if grid.ndim != dims + 2 or grid.shape[-1] != dims or grid.shape[0] != input.shape[0]:
        raise ValueError(f"the grid {grid.shape} does not fit the input {input.shape}")
    if not 0 <= mode < 3 or not 0 <= padding < 3 or (mode == _BICUBIC and dims != 2):
        raise ValueError(f"mode {mode} with padding {padding} is not one of torch's")
    return [
        _dimension(grid[..., dims - 1 - k], input.shape[2 + k], mode, padding, align)
        for k in range(dims)
    ]


def _corners(input: Array, parts: list[_Dimension]) -> Any:
    """For each combination of taps: their numbers, flat places ``(N, 1, L)``, what is inside."""
    size = input.shape[2:]
    count = input.shape[0]
    for taps in product(*(range(len(p.places)) for p in parts)):
        places = [p.places[t] for p, t in zip(parts, taps, strict=True)]
        inside = np.ones(places[0].shape, np.bool_)
        flat = np.zeros(places[0].shape, np.int64)
        for place, n in zip(places, size, strict=True):
            inside &= (place >= 0) & (place < n)
            flat = flat * n + np.clip(place, 0, n - 1)
        yield taps, flat.reshape(count, 1, -1), inside.reshape(count, 1, -1)


def _weight(parts: list[_Dimension], taps: Sequence[int], slope_of: int | None = None) -> Array:
    """The product of the taps' weights, ``(N, 1, L)``; of one dimension the slope instead."""
    total: Any = 1
    for k, (part, tap) in enumerate(zip(parts, taps, strict=True)):
        total = total * (part.slopes if k == slope_of else part.weights)[tap]
    return array(total).reshape(total.shape[0], 1, -1)


def grid_sampler(
    input: Array, grid: Array, interpolation_mode: int, padding_mode: int, align_corners: bool
) -> Array:
    """Values of the input at the points of the grid.

    Args:
        input: ``(N, C, *S)``.
        grid: ``(N, *points, dims)``.
        interpolation_mode: 0 linear, 1 nearest, 2 cubic (two dimensions only).
        padding_mode: Outside there are 0 zeros, 1 the edges, 2 mirror images.
        align_corners: -1 and 1 mean the centres of the corner elements, not their edges.

    Returns:
        ``(N, C, *points)``.
    """
    parts = _dimensions(input, grid, interpolation_mode, padding_mode, align_corners)
    batch, channels = input.shape[:2]
    flat_input = input.reshape(batch, channels, -1)
    points = grid.shape[1:-1]
    out = np.zeros((batch, channels, math.prod(points)), input.dtype)
    for taps, flat, inside in _corners(input, parts):
        values = np.take_along_axis(flat_input, np.broadcast_to(flat, out.shape), 2)
        # Not a product with the mask: nothing outside may leak in, nan included.
        out += np.where(inside, values * _weight(parts, taps), 0).astype(input.dtype)
    return out.reshape(batch, channels, *points)


def grid_sampler_backward(
    grad_output: Array,
    input: Array,
    grid: Array,
    interpolation_mode: int,
    padding_mode: int,
    align_corners: bool,
    output_mask: Sequence[bool],
) -> tuple[Array | None, Array | None]:
    """Gradients of input and grid; None where the mask says so (the grid's is always given)."""
    parts = _dimensions(input, grid, interpolation_mode, padding_mode, align_corners)
    batch, channels = input.shape[:2]
    dims, plane = input.ndim - 2, math.prod(input.shape[2:])
    flat_input = input.reshape(batch, channels, -1)
    grads = grad_output.reshape(batch, channels, -1)
    for_input = np.zeros(batch * channels * plane, input.dtype)
    for_grid = np.zeros((dims, batch, grads.shape[2]), grid.dtype)
    base = (np.arange(batch * channels, dtype=np.int64) * plane).reshape(batch, channels, 1)
    for taps, flat, inside in _corners(input, parts):
        if output_mask[0]:
            share = np.where(inside, grads * _weight(parts, taps), 0).astype(input.dtype)
            np.add.at(for_input, (base + flat).reshape(-1), share.reshape(-1))
        if interpolation_mode != _NEAREST:
            values = np.take_along_axis(flat_input, np.broadcast_to(flat, grads.shape), 2)
            along = np.where(inside, values * grads, 0).sum(1)
            for k in range(dims):
                for_grid[k] += (along * _weight(parts, taps, k)[:, 0]).astype(grid.dtype)
    turned = np.moveaxis(for_grid[::-1], 0, -1).reshape(grid.shape)
    return for_input.reshape(input.shape) if output_mask[0] else None, turned


def _declare_samplers() -> None:
    args = "Tensor input, Tensor grid, int interpolation_mode, int padding_mode, "
    row(
        f"grid_sampler({args}bool align_corners)",
        "torch.grid_sampler torch.grid_sampler_2d torch.grid_sampler_3d A.grid_sampler.default "
        "A.grid_sampler_2d.default A.grid_sampler_3d.default",
    )(grid_sampler)
    row(
        f"grid_sampler_backward(Tensor grad_output, {args}bool align_corners, "
        "bool[] output_mask) -> Tensor, Tensor",
        "A.grid_sampler_2d_backward.default A.grid_sampler_3d_backward.default",
    )(grid_sampler_backward)


_declare_samplers()


@row(
    "grid_sample(Tensor input, Tensor grid, str mode='bilinear', str padding_mode='zeros', "
    "bool? align_corners=None)",
    "F.grid_sample",
)
def grid_sample(
    input: Array, grid: Array, mode: str, padding_mode: str, align_corners: bool | None
) -> Array:
    if mode not in _MODES or padding_mode not in _PADDINGS:
        raise ValueError(f"mode {mode!r} with padding {padding_mode!r} is not one of torch's")
    numbers = _MODES.index(mode), _PADDINGS.index(padding_mode)
    return grid_sampler(input, grid, *numbers, bool(align_corners))


def _base_grid(size: Sequence[int], align: bool, dtype: np.dtype[Any]) -> Array:
    """Every point of an image with a 1 behind it, ``(points, dims + 1)``, x first."""
    if not 4 <= len(size) <= 5 or min(size) < 1:
        raise ValueError(f"an affine grid wants the size (N, C, H, W) or (N, C, D, H, W): {size}")
    axes = []
    for n in size[2:]:
        steps = np.linspace(-1, 1, n) if n > 1 else np.zeros(1)
        axes.append(steps if align else steps * ((n - 1) / n))
    mesh = np.meshgrid(*axes, indexing="ij")
    ones = np.ones(tuple(size[2:]))
    return np.stack([*mesh[::-1], ones], -1).reshape(-1, len(axes) + 1).astype(dtype)


@row(
    "affine_grid(Tensor theta, int[] size, bool? align_corners=None)",
    "F.affine_grid torch.affine_grid_generator A.affine_grid_generator.default",
)
def affine_grid(theta: Array, size: Sequence[int], align_corners: bool | None) -> Array:
    """The grid of the points of an image, each moved by the matrix ``theta (N, dims, dims+1)``."""
    base = _base_grid(size, bool(align_corners), theta.dtype)
    moved = base @ theta.swapaxes(1, 2)
    return moved.reshape(size[0], *size[2:], len(size) - 2)


@row(
    "affine_grid_generator_backward(Tensor grad, int[] size, bool align_corners)",
    "A.affine_grid_generator_backward.default",
)
def affine_grid_backward(grad: Array, size: Sequence[int], align_corners: bool) -> Array:
    base = _base_grid(size, align_corners, grad.dtype)
    flat = grad.reshape(size[0], -1, len(size) - 2)
    return array(flat.swapaxes(1, 2) @ base)
