"""Constants computed once."""

from __future__ import annotations

import numpy as np

from syft_web.plan.passes.fold import LARGEST, fold
from tests.unit.plan.builders import act, f, plan
from tests.unit.plan.real_plans import Case, recorded, same_bits


def left(actions: list, outputs: str, *args: np.ndarray, **more: object) -> list[str]:
    """Commands that remain; the results must be the same in every bit."""
    inputs = " ".join("xyz"[: len(args)])
    case = Case(plan(inputs, actions, outputs, **more), list(args))
    graph = case.after(fold)
    assert same_bits(case.run(graph), case.run(case.graph))
    return [call.command for call in graph.calls]


X = f([[1, 2, 3], [4, 5, 6]])


def test_sizes_are_known_from_the_shapes() -> None:
    actions = [
        act("n", "size", 0, on="$x"),
        act("m", "mul", 3, on="$n"),
        act("y", "reshape", "$m", -1, on="$x"),
        act("z", "numel", on="$y"),
    ]
    assert left(actions, "y z n", X) == ["reshape"]


def test_sizes_as_aten_writes_them() -> None:
    aten = "torch.ops.aten."
    actions = [
        act("n", f"{aten}sym_size.int", "$x", 1),
        act("m", f"{aten}mul.int", "$n", 2),
        act("y", f"{aten}view.default", "$x", ["$m", 1]),
    ]
    assert left(actions, "y", X) == [f"{aten}view.default"]


def test_what_depends_on_constants_and_state_only() -> None:
    actions = [
        act("c", "torch.tensor", [[1.0, 2.0, 3.0]]),
        act("d", "mul", "$s", on="$c"),
        act("e", "exp", on="$d"),
        act("y", "add", "$e", on="$x"),
    ]
    assert left(actions, "y s", X, state={"s": f(2)}) == ["add"]


def test_large_ones_are_made_anew() -> None:
    count = LARGEST // 4
    assert left([act("o", "torch.ones", [count])], "o", X) == []
    assert left([act("o", "torch.ones", [count + 1])], "o", X) == ["torch.ones"]


def test_random_and_changed_ones_stay() -> None:
    seeded = [act("", "torch.manual_seed", 3), act("r", "torch.rand", [2])]
    assert left(seeded, "r", X) == ["torch.manual_seed", "torch.rand"]
    changed = [act("o", "torch.ones", [3]), act("v", "view", -1, on="$o"),
               act("o", "add_", "$x", on="$o"), act("y", "mul", 1, on="$v")]  # fmt: skip
    assert left(changed, "y", f(1, 2, 3)) == [action.command for action in changed]


def test_numbers_in_a_value_that_is_written_to_are_not_trusted() -> None:
    actions = [
        act("n", "torch.tensor", 2),
        act("v", "detach", on="$n"),
        act("n", "add_", 1, on="$n"),
        act("y", "reshape", "$v", -1, on="$x"),
    ]
    assert "reshape" in left(actions, "y", X)


def test_errors_wait_for_the_run() -> None:
    actions = [act("c", "torch.tensor", [1, 2]), act("d", "remainder", 0, on="$c")]
    case = Case(plan("x", actions, "d"), [X])
    assert [call.command for call in case.after(fold).calls] == ["remainder"]


def test_a_recorded_plan_with_constants() -> None:
    case = recorded("fw_const_a")
    graph = case.after(fold)
    assert len(graph.calls) < len(case.graph.calls)
    assert same_bits(case.run(graph), case.run(case.graph))
