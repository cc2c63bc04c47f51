"""The coordinate-wise trimmed mean (Yin et al. 2018): the mean without the extremes."""

from __future__ import annotations

import math

import numpy as np

from syft_web.grid.aggregation.blocks import MEMORY, by_coordinate
from syft_web.grid.aggregation.reports import Reports

__all__ = ["TrimmedMean", "trimmed_count"]


class TrimmedMean:
    """The mean of every coordinate without its largest and its smallest values.

    Args:
        trim: Fraction of the diffs left out at each end, above 0 and below 0.5.
        memory: Bytes of diffs in memory at a time; see `by_coordinate`.
    """

    def __init__(self, trim: float, memory: int = MEMORY) -> None:
        self._trim = trim
        self._memory = memory

    def average(self, reports: Reports) -> list[np.ndarray]:
        """The trimmed means; see `Aggregator.average`."""
        count = trimmed_count(self._trim, len(reports))
        last = len(reports) - count

        def reduce(columns: np.ndarray) -> np.ndarray:
            if count:
                columns.partition([count, last - 1], axis=1)
            return np.asarray(columns[:, count:last].mean(axis=1, dtype=np.float64))

        return by_coordinate(reports, reduce, self._memory)


def trimmed_count(trim: float, reports: int) -> int:
    """How many of the values are left out at each end: ``trim * reports``, rounded down."""
    # 0.29 * 100 is a little below 29 in binary.
    return math.floor(trim * reports + 1e-9)
