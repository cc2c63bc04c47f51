"""The coordinate-wise median (Yin et al. 2018): a minority of the workers cannot move it far."""

from __future__ import annotations

import numpy as np

from syft_web.grid.aggregation.blocks import MEMORY, by_coordinate
from syft_web.grid.aggregation.reports import Reports

__all__ = ["Median"]


class Median:
    """The median of every coordinate; of an even number of diffs the mean of the middle two.

    Args:
        memory: Bytes of diffs in memory at a time; see `by_coordinate`.
    """

    def __init__(self, memory: int = MEMORY) -> None:
        self._memory = memory

    def average(self, reports: Reports) -> list[np.ndarray]:
        """The medians; see `Aggregator.average`."""
        return by_coordinate(reports, _median, self._memory)


def _median(columns: np.ndarray) -> np.ndarray:
    with np.errstate(over="ignore"):
        return np.asarray(np.median(columns, axis=1, overwrite_input=True))
