"""An averaging plan that takes all diffs at once."""

from __future__ import annotations

import numpy as np

from syft_web.grid.aggregation.plans import run
from syft_web.grid.aggregation.reports import Reports
from syft_web.plan import Plan

__all__ = ["ListPlan"]


class ListPlan:
    """An averaging plan of one argument: the list of all diffs, each a list of arrays.

    It is built for one number of diffs. All of them are in memory.
    """

    def __init__(self, plan: Plan) -> None:
        self._plan = plan

    def average(self, reports: Reports) -> list[np.ndarray]:
        """What the plan makes of all diffs; see `Aggregator.average`."""
        return run(self._plan, [list(diff) for diff in reports])
