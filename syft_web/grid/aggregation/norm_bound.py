"""A bound on what a single report can do: diffs longer than it are made shorter.

Sun et al. 2019, "Can You Really Backdoor Federated Learning?"; the clipping of McMahan et al.
2018. It goes in front of any way to average.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from syft_web.grid.aggregation.reports import Aggregator, Reports, Tensors

__all__ = ["NormBound", "clipped", "norm_of"]


class NormBound:
    """Averages diffs of at most a given L2 norm.

    Args:
        inner: How the shortened diffs are averaged.
        max_norm: The bound. Diffs within it stay as they are, bit for bit.
    """

    def __init__(self, inner: Aggregator, max_norm: float) -> None:
        self._inner = inner
        self._max_norm = max_norm

    def average(self, reports: Reports) -> list[np.ndarray]:
        """The average of the shortened diffs; see `Aggregator.average`."""

        def read() -> Iterator[Tensors]:
            return (clipped(diff, self._max_norm) for diff in reports)

        return self._inner.average(Reports(read, reports.samples))


def clipped(diff: Tensors, max_norm: float) -> Tensors:
    """The diff, scaled so that its norm is at most ``max_norm``; whole numbers stay as they are.

    Args:
        diff: Finite values.
        max_norm: Above 0.
    """
    norm = norm_of(diff)
    if norm <= max_norm:
        return diff
    factor = max_norm / norm
    return [
        np.multiply(tensor, factor, dtype=tensor.dtype) if tensor.dtype.kind == "f" else tensor
        for tensor in diff
    ]


def norm_of(diff: Tensors) -> float:
    """The L2 norm of all floating-point tensors together.

    Whole numbers are counters, not directions: they would drown the rest.
    """
    floats = [tensor.reshape(-1) for tensor in diff if tensor.dtype.kind == "f"]
    norm = math.sqrt(sum(_squares(tensor) for tensor in floats))
    if math.isfinite(norm):
        return norm
    largest = max(float(np.abs(tensor).max(initial=0)) for tensor in floats)
    return largest * math.sqrt(sum(_squares(tensor / largest) for tensor in floats))


def _squares(tensor: np.ndarray) -> float:
    # einsum converts piece by piece: there is no float64 copy of the tensor.
    with np.errstate(over="ignore"):
        return float(np.einsum("i,i->", tensor, tensor, dtype=np.float64))
