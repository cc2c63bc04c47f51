"""Checks at run time for the calls whose sizes are not known before.

What depends on data (``nonzero``, a mask, ``torch.zeros(n.item())``) cannot be bounded
beforehand. Such a call checks shapes and limits when its operands are there, before it
allocates. All other calls stay as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from syft_web.ops import bounds
from syft_web.ops.infer import result_specs
from syft_web.ops.infer.scratch import scratch_of
from syft_web.ops.infer.work import extent, work_of
from syft_web.ops.row import Row
from syft_web.ops.spec import Spec, Unknown, spec_of
from syft_web.plan.graph import Call, Graph
from syft_web.plan.limits import Limits

__all__ = ["guarded"]


def guarded(graph: Graph, specs: Sequence[Spec | Unknown | None], limits: Limits) -> Graph:
    """The graph with a check in each call that has a result of unknown size.

    Args:
        graph: What is to run.
        specs: What is known of each register.
        limits: Bounds on one value and on one call's work.
    """
    if all(isinstance(specs[r], Spec) for call in graph.calls for r in call.outs):
        return graph
    return replace(graph, calls=tuple(_guarded(call, specs, limits) for call in graph.calls))


def _guarded(call: Call, specs: Sequence[Spec | Unknown | None], limits: Limits) -> Call:
    if all(isinstance(specs[register], Spec) for register in call.outs):
        return call
    return replace(call, rule=_checked(call.rule, call.row, limits))


def _checked(rule: Callable[..., Any], row: Row, limits: Limits) -> Callable[..., Any]:
    def apply(*values: Any) -> Any:
        _check(row, [_described(value) for value in values], limits)
        with bounds.at_most(limits.max_bytes):
            return rule(*values)

    return apply


def _described(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return spec_of(value)
    return [_described(v) for v in value] if isinstance(value, list | tuple) else value


def _check(row: Row, values: Sequence[Any], limits: Limits) -> None:
    results = result_specs(row, values)
    scratch = scratch_of(row, values, results)
    for size, what in (
        *(
            (extent(r) * r.dtype.itemsize, f"its result {r}")
            for r in results
            if isinstance(r, Spec)
        ),
        (scratch, "its temporary memory"),
    ):
        if size > limits.max_bytes:
            raise bounds.TooLargeError(
                f"{what} would have {size} bytes, {limits.max_bytes} are allowed"
            )
    work = work_of(row, values, results)
    if work > limits.max_work:
        raise bounds.TooLargeError(
            f"it needs about {min(work, 1 << 200):.1e} operations, "
            f"{limits.max_work:.1e} are allowed"
        )
