"""The mean weighted by sample counts (McMahan et al. 2017, Algorithm 1).

Workers may say with their report how many samples they have trained on. It is their word:
``max_samples`` bounds what a single one can claim.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from syft_web.grid.aggregation.mean import FederatedAverage
from syft_web.grid.aggregation.reports import Reports

__all__ = ["WeightedAverage", "weights_of"]


class WeightedAverage:
    """The mean of all diffs, each as heavy as its samples are many.

    The sums are in float64: in memory are two float32 models however many diffs come. When all
    weigh the same, the result is `FederatedAverage`'s bit for bit.

    Args:
        max_samples: A count above it weighs as much as it; None for no bound.
    """

    def __init__(self, max_samples: int | None = None) -> None:
        self._max_samples = max_samples

    def average(self, reports: Reports) -> list[np.ndarray]:
        """The weighted mean; see `Aggregator.average`."""
        weights = weights_of(reports.samples, self._max_samples)
        if len(set(weights)) == 1:
            return FederatedAverage().average(reports)
        whole = sum(weights)
        sums: list[np.ndarray] = []
        for weight, diff in zip(weights, reports, strict=True):
            if not sums:
                sums = [np.zeros(tensor.shape) for tensor in diff]
            share = weight / whole
            for total, tensor in zip(sums, diff, strict=True):
                total += np.multiply(tensor, share, dtype=np.float64)
        return sums


def weights_of(samples: Sequence[int | None], max_samples: int | None = None) -> list[float]:
    """The weight of each report.

    A report without a count, which clients other than ours send, weighs as much as the mean of
    those with one; if none has one, all weigh 1.
    """
    bounded = [None if n is None else min(n, max_samples or n) for n in samples]
    told = [n for n in bounded if n is not None]
    otherwise = sum(told) / len(told) if told else 1.0
    return [otherwise if n is None else float(n) for n in bounded]
