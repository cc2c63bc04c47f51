"""What is kept of the reports of a cycle beside their average: counts and mean metrics."""

from __future__ import annotations

import math
from collections.abc import Sequence

from syft_web.grid.records import CycleSummary, ReportExtra

__all__ = ["summary_of"]


def summary_of(extras: Sequence[ReportExtra], weights: Sequence[float]) -> CycleSummary:
    """The counts of a cycle, and the mean of every metric over the reports that have it.

    Args:
        extras: What came with each report.
        weights: The weight of each.
    """
    told = [extra.num_samples for extra in extras if extra.num_samples is not None]
    names = sorted({name for extra in extras for name in extra.metrics})
    metrics: dict[str, float] = {}
    for name in names:
        having = [
            (w, e.metrics[name]) for w, e in zip(weights, extras, strict=True) if name in e.metrics
        ]
        whole = math.fsum(weight for weight, _ in having)
        metrics[name] = math.fsum(weight * value for weight, value in having) / whole
    return CycleSummary(
        reports=len(extras), num_samples=sum(told) if told else None, metrics=metrics
    )
