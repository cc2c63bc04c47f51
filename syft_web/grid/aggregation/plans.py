"""Averaging plans (protocol.md section 3.8): averages that a model's owner has written.

They are run by our own executor, within limits, in one of two conventions.
"""

from __future__ import annotations

import math

import numpy as np

from syft_web.errors import AggregationError, DecodeError, HostingError, PlanError
from syft_web.grid import texts
from syft_web.grid.records import Signature
from syft_web.plan import Plan
from syft_web.plan.limits import Limits

__all__ = ["AVERAGING_LIMITS", "load_averaging_plan", "required_diffs", "run"]

AVERAGING_LIMITS = Limits(max_work=2 * 10**11)
"""What an averaging plan may use: enough for a list plan of 100 diffs of 60 million weights.

One thread brings all cycles of a grid to their end, so no plan shall keep it for an hour.
"""


def load_averaging_plan(data: bytes) -> Plan:
    """The averaging plan in ``data``, checked by our own executor.

    Raises:
        HostingError: It is no plan, or one that cannot be run here.
    """
    try:
        return Plan.loads(data, limits=AVERAGING_LIMITS)
    except (DecodeError, PlanError) as error:
        raise HostingError(f"{texts.PLAN_INVALID}: averaging plan: {error}") from error


def required_diffs(plan: Plan, *, iterative: bool, signature: Signature) -> int | None:
    """How many diffs an averaging plan is built for, None for any number.

    Args:
        plan: The averaging plan.
        iterative: Its calling convention, ``server_config.iterative_plan``.
        signature: Of the model.

    Raises:
        HostingError: Its inputs or outputs do not fit the model in that convention, or all
            diffs that it takes at once are too large.
    """
    inputs, outputs, parameters = len(plan.inputs), len(plan.outputs), len(signature)
    if outputs != parameters:
        raise HostingError(
            f"{texts.PLAN_INVALID}: averaging plan: it has {outputs} outputs, the model has "
            f"{parameters} parameters; return one average per parameter"
        )
    if iterative:
        if inputs != 2 * parameters + 1:
            raise HostingError(
                f"{texts.PLAN_INVALID}: averaging plan: it has {inputs} inputs; an iterative one "
                f"needs {2 * parameters + 1} (average and diff, {parameters} each, and the count)"
            )
        return None
    if not inputs or inputs % parameters:
        raise HostingError(
            f"{texts.PLAN_INVALID}: averaging plan: it has {inputs} inputs, no multiple of the "
            f"model's {parameters} parameters; take the list of all diffs, "
            "or set server_config.iterative_plan"
        )
    count = inputs // parameters
    size = count * sum(math.prod(shape) * np.dtype(dtype).itemsize for dtype, shape in signature)
    if size > plan.limits.max_total_bytes:
        raise HostingError(
            f"{texts.PLAN_INVALID}: averaging plan: the {count} diffs that it takes at once have "
            f"{size} bytes, {plan.limits.max_total_bytes} are allowed; host an iterative one"
        )
    return count


def run(plan: Plan, *arguments: object) -> list[np.ndarray]:
    """Call an averaging plan.

    Raises:
        AggregationError: It failed.
    """
    try:
        return plan.execute(*arguments)
    except PlanError as error:
        raise AggregationError(f"The averaging plan failed: {error}") from error
