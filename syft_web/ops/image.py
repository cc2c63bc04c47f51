"""Rearranging and resizing of images ``(N, C, H, W)``."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import product
from typing import Any

import numpy as np

from syft_web.ops.adaptive import adaptive_average
from syft_web.ops.conv import pair, windows_2d
from syft_web.ops.dtypes import Array
from syft_web.ops.elementwise import array
from syft_web.ops.resize import resize
from syft_web.ops.row import RowCollector

__all__ = ["row"]

row = RowCollector()

Ints = Sequence[int]


@row("pixel_shuffle(Tensor self, int upscale_factor)", "torch.pixel_shuffle F.pixel_shuffle")
def pixel_shuffle(self: Array, upscale_factor: int) -> Array:
    """Turn channels into resolution: ``(N, C r r, H, W)`` to ``(N, C, H r, W r)``."""
    r, (channels, height, width) = upscale_factor, self.shape[-3:]
    if r < 1 or channels % (r * r):
        raise ValueError(f"{channels} channels cannot be divided by {r} x {r}")
    parts = self.reshape(*self.shape[:-3], channels // (r * r), r, r, height, width)
    lead = range(parts.ndim - 5)
    base = len(lead)
    turned = parts.transpose(*lead, *(base + k for k in (0, 3, 1, 4, 2)))
    return turned.reshape(*self.shape[:-3], channels // (r * r), height * r, width * r).copy()


@row(
    "unfold(Tensor self, int[1] kernel_size, int[1] dilation=[1], int[1] padding=[0], "
    "int[1] stride=[1])",
    "F.unfold",
)
def unfold(self: Array, kernel_size: Ints, dilation: Ints, padding: Ints, stride: Ints) -> Array:
    """Each window as a column: ``(N, C k k, L)``."""
    if self.ndim == 3:
        return array(unfold(self[None], kernel_size, dilation, padding, stride)[0])
    windows = windows_2d(self, kernel_size, stride, padding, dilation)
    batch, channels, rows, columns, high, wide = windows.shape
    turned = windows.transpose(0, 1, 4, 5, 2, 3)
    return turned.reshape(batch, channels * high * wide, rows * columns).copy()


@row(
    "fold(Tensor self, int[1] output_size, int[1] kernel_size, int[1] dilation=[1], "
    "int[1] padding=[0], int[1] stride=[1])",
    "F.fold",
)
def fold(
    self: Array,
    output_size: Ints,
    kernel_size: Ints,
    dilation: Ints,
    padding: Ints,
    stride: Ints,
) -> Array:
    """Add up the columns of `unfold` where their windows stood."""
    if self.ndim == 2:
        return array(fold(self[None], output_size, kernel_size, dilation, padding, stride)[0])
    size, kernel, spread = pair(output_size), pair(kernel_size), pair(dilation)
    pad, step = pair(padding), pair(stride)
    grown = [n + 2 * p for n, p in zip(size, pad, strict=True)]
    out = [
        (n - d * (k - 1) - 1) // s + 1
        for n, k, d, s in zip(grown, kernel, spread, step, strict=True)
    ]
    channels = self.shape[1] // math.prod(kernel)
    columns = self.reshape(self.shape[0], channels, *kernel, *out)
    result = np.zeros((self.shape[0], channels, *grown), self.dtype)
    for place in product(range(kernel[0]), range(kernel[1])):
        cut = tuple(
            slice(k * d, k * d + s * (o - 1) + 1, s)
            for k, d, s, o in zip(place, spread, step, out, strict=True)
        )
        result[(slice(None), slice(None), *cut)] += columns[:, :, place[0], place[1]]
    inner = tuple(slice(p, p + n) for p, n in zip(pad, size, strict=True))
    return np.ascontiguousarray(result[(slice(None), slice(None), *inner)])


_MODES = {
    "nearest": "nearest",
    "nearest-exact": "nearest_exact",
    "linear": "linear",
    "bilinear": "linear",
    "trilinear": "linear",
    "bicubic": "cubic",
}


@row(
    "interpolate(Tensor self, int[1]? size=None, any scale_factor=None, str mode='nearest', "
    "bool? align_corners=None)",
    "F.interpolate F.upsample",
)
def interpolate(
    self: Array,
    size: Ints | None = None,
    scale_factor: float | Sequence[float] | None = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
) -> Array:
    """Resize the spatial dimensions; ``area`` averages, the other modes are in `_MODES`."""
    dims = self.ndim - 2
    if size is not None and scale_factor is not None:
        raise ValueError("interpolate takes either size or scale_factor")
    if mode in ("nearest", "nearest-exact", "area") and align_corners is not None:
        raise ValueError("align_corners is only for the linear and cubic modes")
    sizes = list(size) * dims if size and len(size) == 1 else list(size or ())
    factors = _factors(scale_factor, dims)
    if len(sizes or factors) != dims:
        raise ValueError(f"interpolate needs size or scale_factor, one or {dims} numbers")
    scales: list[float | None] = [None] * dims if sizes else [*factors]
    wanted = sizes or [int(n * f) for n, f in zip(self.shape[2:], factors, strict=True)]
    if mode == "area":
        result: Array = adaptive_average(dims)(self, wanted)
        return result
    if mode not in _MODES:
        raise ValueError(f"interpolate has no mode {mode!r}; it has area, {', '.join(_MODES)}")
    return resize(self, _MODES[mode], wanted, bool(align_corners), scales)


@row(
    "upsample_nearest(Tensor self, int[1]? size=None, any scale_factor=None)",
    "F.upsample_nearest",
)
def upsample_nearest(self: Array, size: Ints | None = None, scale_factor: Any = None) -> Array:
    return interpolate(self, size, scale_factor)


@row(
    "upsample_bilinear(Tensor self, int[1]? size=None, any scale_factor=None)",
    "F.upsample_bilinear",
)
def upsample_bilinear(self: Array, size: Ints | None = None, scale_factor: Any = None) -> Array:
    """As torch's older name has it: corners are kept in place."""
    return interpolate(self, size, scale_factor, "bilinear", True)


def _factors(scale: float | Sequence[float] | None, dims: int) -> list[float]:
    if scale is None:
        return []
    return [float(scale)] * dims if isinstance(scale, int | float) else [float(s) for s in scale]


@row(
    "local_response_norm(Tensor self, int size, float alpha=0.0001, float beta=0.75, float k=1.0)",
    "F.local_response_norm",
)
def local_response_norm(self: Array, size: int, alpha: float, beta: float, k: float) -> Array:
    """Divide by the mean square of neighbouring channels."""
    if self.ndim < 3:
        raise ValueError(f"local_response_norm needs at least 3 dimensions, got {self.shape}")
    squares = np.pad(
        self * self, [(0, 0), (size // 2, (size - 1) // 2), *[(0, 0)] * (self.ndim - 2)]
    )
    channels = self.shape[1]
    total = sum((squares[:, i : i + channels] for i in range(size)), np.zeros_like(self))
    kind = self.dtype.type
    return array(self / (total / kind(size) * kind(alpha) + kind(k)) ** kind(beta))
