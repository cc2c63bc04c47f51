"""An averaging plan that folds in one diff after the other."""

from __future__ import annotations

import numpy as np

from syft_web.grid.aggregation.plans import run
from syft_web.grid.aggregation.reports import Reports
from syft_web.plan import Plan

__all__ = ["IterativePlan"]


class IterativePlan:
    """An averaging plan of ``(average so far, next diff, how many so far)``.

    The first diff is the first average; the plan is called for each further one with
    the count as an int64 array of shape (1,).
    """

    def __init__(self, plan: Plan) -> None:
        self._plan = plan

    def average(self, reports: Reports) -> list[np.ndarray]:
        """The average after the last diff; see `Aggregator.average`."""
        average: list[np.ndarray] = []
        for count, diff in enumerate(reports):
            if count:
                average = run(self._plan, average, list(diff), np.array([count], np.int64))
            else:
                average = [np.array(tensor) for tensor in diff]
        return average
