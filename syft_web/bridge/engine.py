"""What a page may show of the machine at work: the kernels in use and the work of a step."""

from __future__ import annotations

from typing import Any

from syft_web import kernels
from syft_web.errors import PlanError
from syft_web.plan.explain import explain
from syft_web.plan.plan import Plan

__all__ = ["engine"]


def engine(plan: Plan | None = None, batch: int | None = None) -> dict[str, Any]:
    """Which kernels compute, why, and about how much a plan has to compute.

    Args:
        plan: A plan; without one, ``flops`` is None.
        batch: Rows of a batch; by default as many as when the plan was recorded.

    Returns:
        ``kernels`` (a build or ``"numpy"``), ``reason`` (a sentence), and ``flops``: the
        floating-point operations of one run, None where they cannot be told.
    """
    info = kernels.info()
    flops = None
    if plan is not None:
        try:
            flops = explain(plan, batch=batch).flops
        except PlanError:  # It cannot run with such a batch; whoever runs it will hear of it.
            flops = None
    return {"kernels": info["active"], "reason": info["reason"], "flops": flops}
