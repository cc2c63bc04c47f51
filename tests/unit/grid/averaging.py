"""What tests of averaging share."""

from __future__ import annotations

import numpy as np

from syft_web.grid.aggregation import Reports, make_aggregator
from syft_web.plan import Action, Plan, Ref, Role
from tests.paths import DATA

ITERATIVE = (DATA / "avg_iter.pb").read_bytes()
"""(average, item, count) of two tensors: the running mean."""


def averaged(
    plan: bytes, diffs: list[list[np.ndarray]], *, iterative: bool = False
) -> list[np.ndarray]:
    """What an averaging plan, or the mean when it is empty, makes of diffs."""
    return make_aggregator(plan, iterative=iterative).average(Reports.of(diffs))


def list_plan(parameters: int = 2) -> Plan:
    """(a + 3 b) / 4 of a list of two diffs."""
    actions, outputs = [], []
    for index in range(parameters):
        first, second, free = index + 1, parameters + index + 1, 100 + 10 * index
        actions += [
            Action("__mul__", Ref(second), (3,), return_ids=(free,)),
            Action("__add__", Ref(first), (Ref(free),), return_ids=(free + 1,)),
            Action("__truediv__", Ref(free + 1), (4,), return_ids=(free + 2,)),
        ]
        outputs.append(free + 2)
    inputs = tuple(range(1, 2 * parameters + 1))
    return Plan.from_role(
        Role(actions=tuple(actions), input_ids=inputs, output_ids=tuple(outputs)), name="weighted"
    )
