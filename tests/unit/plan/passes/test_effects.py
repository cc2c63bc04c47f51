"""What the passes believe of ops, checked on every row of the op table."""

from __future__ import annotations

import numpy as np
import pytest

from syft_web.ops import chance
from syft_web.plan import Plan
from syft_web.plan.passes.effects import RANDOM, draws
from syft_web.plan.passes.reuse import OWN
from tests.unit.ops.test_examples import EXAMPLES, plan_of


def test_every_random_row_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    used: list[int] = []
    real = chance.generator()

    def generator() -> np.random.Generator:
        used.append(1)
        return real

    monkeypatch.setattr(chance, "generator", generator)
    monkeypatch.setattr(chance, "reseed", lambda _seed: used.append(1))
    missing: set[str] = set()
    for example in EXAMPLES:
        plan, arrays = plan_of(example, 1)
        used.clear()
        plan.program.run(arrays)
        call = plan.graph.calls[0]
        if used and not draws(call):
            missing.add(call.row.name)
    assert not missing
    assert "dropout" in RANDOM


def results_of(plan: Plan, arrays: list[np.ndarray]) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """What the plan's one step gives, and the arrays that it was given."""
    step = plan.program.steps[-1]
    registers = list(plan.program.registers)
    for register, array in zip(plan.program.inputs, arrays, strict=True):
        registers[register] = np.array(array)
    for small in plan.program.steps[:-1]:  # packs a list, unpacks a number
        registers[small.out] = small.rule(*(registers[r] for r in small.sources))
    with np.errstate(all="ignore"):
        found = step.rule(*(registers[r] for r in step.sources))
    given = [r for r in registers if isinstance(r, np.ndarray)]
    return [found] if isinstance(found, np.ndarray) else list(found), given


def test_results_share_memory_only_where_the_row_says_so() -> None:
    checked: set[str] = set()
    for example in EXAMPLES:
        plan, arrays = plan_of(example, 1)
        call = plan.graph.calls[0]
        if call.in_place or call.row.view:
            continue
        results, given = results_of(plan, arrays)
        for result in results:
            if not isinstance(result, np.ndarray):
                continue
            assert not any(np.shares_memory(result, a) for a in given), example.command
            if call.row.name in OWN:
                assert result.flags.writeable, example.command
        checked.add(call.row.name)
    assert {"add", "exp", "matmul", "linear", "sum", "softmax"} <= checked
