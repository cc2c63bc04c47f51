"""Rearranging of channels."""

from __future__ import annotations

from syft_web.ops.dtypes import Array
from syft_web.ops.row import RowCollector

__all__ = ["row"]

row = RowCollector()


@row(
    "pixel_unshuffle(Tensor self, int downscale_factor)",
    "torch.pixel_unshuffle F.pixel_unshuffle A.pixel_unshuffle.default",
)
def pixel_unshuffle(self: Array, downscale_factor: int) -> Array:
    """Turn resolution into channels: ``(N, C, H r, W r)`` to ``(N, C r r, H, W)``."""
    r, (channels, height, width) = downscale_factor, self.shape[-3:]
    if r < 1 or height % r or width % r:
        raise ValueError(f"an image of {height} x {width} cannot be divided by {r}")
    lead = self.shape[:-3]
    parts = self.reshape(*lead, channels, height // r, r, width // r, r)
    base = len(lead)
    turned = parts.transpose(*range(base), *(base + k for k in (0, 2, 4, 1, 3)))
    return turned.reshape(*lead, channels * r * r, height // r, width // r).copy()


@row(
    "channel_shuffle(Tensor self, int groups)",
    "torch.channel_shuffle F.channel_shuffle torch.native_channel_shuffle "
    "A.channel_shuffle.default A.native_channel_shuffle.default",
)
def channel_shuffle(self: Array, groups: int) -> Array:
    """Deal the channels of each group out, one after the other."""
    if self.ndim < 3 or groups < 1 or self.shape[1] % groups:
        raise ValueError(f"the channels of {self.shape} cannot be divided into {groups} groups")
    parts = self.reshape(self.shape[0], groups, self.shape[1] // groups, *self.shape[2:])
    return parts.swapaxes(1, 2).reshape(self.shape).copy()
