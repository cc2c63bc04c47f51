"""The way a process averages, put together from what was hosted."""

from __future__ import annotations

from syft_web.grid.aggregation.config import Aggregation
from syft_web.grid.aggregation.iterative_plan import IterativePlan
from syft_web.grid.aggregation.list_plan import ListPlan
from syft_web.grid.aggregation.mean import FederatedAverage
from syft_web.grid.aggregation.median import Median
from syft_web.grid.aggregation.norm_bound import NormBound
from syft_web.grid.aggregation.plans import load_averaging_plan
from syft_web.grid.aggregation.reports import Aggregator
from syft_web.grid.aggregation.trimmed_mean import TrimmedMean
from syft_web.grid.aggregation.weighted import WeightedAverage

__all__ = ["make_aggregator"]


def make_aggregator(
    averaging_plan: bytes, *, iterative: bool, choices: Aggregation | None = None
) -> Aggregator:
    """The way a process averages.

    Args:
        averaging_plan: A Plan that averages; empty for the method in ``choices``.
        iterative: How that plan is called.
        choices: ``server_config.aggregation``; None for the plain mean.

    Raises:
        HostingError: The averaging plan is none, or cannot be run here.
    """
    choices = choices or Aggregation()
    inner = _method(averaging_plan, iterative, choices)
    return inner if choices.max_norm is None else NormBound(inner, choices.max_norm)


def _method(averaging_plan: bytes, iterative: bool, choices: Aggregation) -> Aggregator:
    if averaging_plan:
        plan = load_averaging_plan(averaging_plan)
        return IterativePlan(plan) if iterative else ListPlan(plan)
    if choices.method == "median":
        return Median()
    if choices.method == "trimmed_mean":
        assert choices.trim is not None  # A problem in `Aggregation.read`.
        return TrimmedMean(choices.trim)
    return WeightedAverage(choices.max_samples) if choices.weighted else FederatedAverage()
