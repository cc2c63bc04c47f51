"""In-place actions made ordinary ones."""

from __future__ import annotations

import numpy as np

from syft_web.plan.passes.functional import functional
from tests.unit.plan.builders import act, f, plan
from tests.unit.plan.real_plans import Case, recorded, same_bits


def in_place(case: Case, *, after: bool = True) -> int:
    graph = case.after(functional) if after else case.graph
    return sum(call.in_place for call in graph.calls)


def made(actions: list, outputs: str, *args: np.ndarray, inputs: str = "x") -> Case:
    return Case(plan(inputs, actions, outputs), list(args))


def test_a_recorded_training_step() -> None:
    case = recorded("tr_mlp")
    assert in_place(case, after=False) == 4
    assert in_place(case) == 0
    assert same_bits(case.run(case.after(functional)), case.run(case.graph))


def test_an_input_that_was_changed_is_no_longer_copied() -> None:
    case = made([act("x", "add_", 1, on="$x")], "x", f(1, 2))
    assert case.plan.program.copy_in
    assert in_place(case) == 0
    assert case.run(case.after(functional))[0].tolist() == [2, 3]


def test_views_that_are_read_later_keep_it_in_place() -> None:
    actions = [act("v", "t", on="$x"), act("x", "add_", 1, on="$x")]
    x = f([[1, 2], [3, 4]])
    assert in_place(made(actions, "v", x)) == 1
    assert in_place(made(actions, "x", x)) == 0
    through = [act("v", "select", 0, 0, on="$x"), act("v", "mul_", 2, on="$v")]
    assert in_place(made(through, "x", x)) == 1
    assert in_place(made(through, "v", x)) == 0


def test_one_that_is_free_frees_the_next() -> None:
    actions = [
        act("y", "mul", 2, on="$x"),
        act("v", "t", on="$y"),
        act("w", "add", 0.5, on="$v"),
        act("y", "add_", 1, on="$y"),
        act("y", "mul_", 3, on="$y"),
    ]
    assert in_place(made(actions, "y w", f([[1, 2], [3, 4]]))) == 0


def test_results_of_another_dtype_or_shape_stay() -> None:
    wide = np.array([1.0, 2.0])
    case = made([act("x", "add_", "$y", on="$x")], "x", f(1, 2), wide, inputs="x y")
    assert in_place(case) == 1
    assert case.run(case.after(functional))[0].dtype == np.float32


def test_actions_that_write_by_themselves_stay() -> None:
    case = made([act("y", "clone", on="$x"), act("y", "zero_", on="$y")], "y", f(1, 2))
    assert in_place(case) == 1


def test_a_change_of_shape_under_the_same_name_is_a_view() -> None:
    case = made([act("r", "t_", on="$x")], "r x", f([[1, 2, 3]]))
    assert in_place(case, after=False) == 0
    assert [r.shape for r in case.run(case.graph)] == [(3, 1), (3, 1)]
