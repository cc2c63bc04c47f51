"""Padding as captured training steps write it, and its gradients.

Widths are listed (before, after) from the last dimension backwards.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from syft_web.ops.dtypes import Array, Scalar
from syft_web.ops.nn import pad
from syft_web.ops.row import RowCollector

__all__ = ["row"]

row = RowCollector()

Ints = Sequence[int]


@row(
    "constant_pad_nd(Tensor self, int[] pad, Scalar value=0)",
    "torch.constant_pad_nd A.constant_pad_nd.default",
)
def constant_pad_nd(self: Array, widths: Ints, value: Scalar = 0) -> Array:
    return pad(self, list(widths), "constant", value)


def reflection_pad(self: Array, padding: Ints) -> Array:
    """Mirror the input at its edges, which are not repeated."""
    _fits(self.shape, padding, 1)
    return pad(self, list(padding), "reflect")


def replication_pad(self: Array, padding: Ints) -> Array:
    """Repeat the elements at the edges."""
    _fits(self.shape, padding, None)
    return pad(self, list(padding), "replicate")


def _fits(shape: tuple[int, ...], padding: Ints, less: int | None) -> None:
    for k in range(len(padding) // 2):
        size = shape[-1 - k]
        if min(padding[2 * k : 2 * k + 2]) < 0 or size == 0:
            raise ValueError(f"padding {list(padding)} does not fit the shape {shape}")
        if less is not None and max(padding[2 * k : 2 * k + 2]) > size - less:
            raise ValueError(
                f"padding {list(padding)} must be less than the sizes of shape {shape}"
            )


def _mirrored(grad: Array, before: int, after: int) -> Array:
    """Add what stands in the padding to the elements it was mirrored from (dimension 0)."""
    size = grad.shape[0] - before - after
    total = grad[before : before + size].copy()
    if before:
        total[1 : before + 1] += grad[:before][::-1]
    if after:
        total[size - 1 - after : size - 1] += grad[before + size :][::-1]
    return total


def _repeated(grad: Array, before: int, after: int) -> Array:
    """Add what stands in the padding to the edges (dimension 0)."""
    size = grad.shape[0] - before - after
    total = grad[before : before + size].copy()
    total[0] += grad[:before].sum(0, dtype=grad.dtype)
    total[-1] += grad[before + size :].sum(0, dtype=grad.dtype)
    return total


def _backward(fold: Any) -> Any:
    def rule(grad_output: Array, self: Array, padding: Ints) -> Array:
        total = grad_output
        for k in range(len(padding) // 2):
            axis = total.ndim - 1 - k
            folded = fold(np.moveaxis(total, axis, 0), padding[2 * k], padding[2 * k + 1])
            total = np.moveaxis(folded, 0, axis)
        if total.shape != self.shape:
            raise ValueError(f"the gradient {grad_output.shape} does not fit {self.shape}")
        return total

    return rule


def _declare_pads() -> None:
    for kind, forward, fold in (
        ("reflection", reflection_pad, _mirrored),
        ("replication", replication_pad, _repeated),
    ):
        for dims in (1, 2, 3):
            name = f"{kind}_pad{dims}d"
            row(
                f"{name}(Tensor self, int[] padding)",
                f"torch._C._nn.{name} A.{name}.default",
            )(forward)
            row(
                f"{name}_backward(Tensor grad_output, Tensor self, int[] padding)",
                f"A.{name}_backward.default",
            )(_backward(fold))


_declare_pads()
