"""Results written into operands that are needed no more."""

from __future__ import annotations

import numpy as np
import pytest

from syft_web.ops.fused import ELEMENTWISE
from syft_web.plan.passes import PASSES
from syft_web.plan.passes.reuse import in_operands
from tests.unit.plan.builders import act, f, plan
from tests.unit.plan.real_plans import Case, mnist_example, recorded, same_bits, syft_js

X = f([[1, -2, 3], [-0.0, 5, np.inf], [np.nan, 8, 9]])


def written(actions: list, outputs: str, *args: np.ndarray, state: dict | None = None) -> list[str]:
    """Commands that write into an operand; results must be the same in every bit, twice."""
    inputs = " ".join("xyz"[: len(args)])
    case = Case(plan(inputs, actions, outputs, state=state), list(args))
    graph = case.after(in_operands)
    before = [a.tobytes() for a in args]
    for _ in range(2):
        assert same_bits(case.run(graph), case.run(case.graph))
    assert [a.tobytes() for a in args] == before
    return [call.command for call in graph.calls if call.in_place]


def test_a_dying_operand_is_written_to() -> None:
    update = [act("s", "mul", 0.1, on="$x"), act("w", "sub", "$s", on="$y")]
    assert written(update, "w", X, X + 1) == ["sub"]


@pytest.mark.parametrize(
    "action",
    [
        act("r", "add", "$d", on="$d"), act("r", "add", "$x", on="$d"),
        act("r", "add", 2, on="$d"),
        act("r", "add", "$v", on="$d"), act("r", "rsub", 1, on="$d"),
        act("r", "div", "$d", on="$x"),
        act("r", "__rtruediv__", 3, on="$d"), act("r", "relu", on="$d"), act("r", "exp", on="$d"),
        act("r", "tanh", on="$d"), act("r", "sigmoid", on="$d"), act("r", "neg", on="$d"),
        act("r", "sqrt", on="$d"), act("r", "maximum", "$x", on="$d"), act("r", "abs", on="$d"),
        act("r", "log1p", on="$d"), act("r", "mul", "$b", on="$d"), act("r", "mul", "$i", on="$d"),
        act("r", "mul", True, on="$d"), act("r", "square", on="$d"),
        act("r", "sub", 0.1, on="$d"),
        act("r", "torch.ops.aten.threshold_backward.default", "$d", "$x", 0),
        act("r", "torch.ops.aten.threshold_backward.default", "$x", "$d", 0),
        act("r", "torch.ops.aten.threshold_backward.default", "$x", "$d", 0.5),
    ],
)  # fmt: skip
def test_every_kind(action: object) -> None:
    extra = {"v": f(1, 2, 3), "b": X > 0, "i": np.arange(9).reshape(3, 3)}
    actions = [act("d", "mul", 2, on="$x"), action]
    assert written(actions, "r", X, state=extra) == [action.command]  # type: ignore[attr-defined]


def test_tfjs_names_are_known_too() -> None:
    names = {"add", "sub", "mul", "div", "maximum", "minimum", "exp", "log", "relu", "neg", "sqrt"}
    assert names <= set(ELEMENTWISE)
    assert sum(call.in_place for call in syft_js("tfjs").after(in_operands).calls) > 20


def test_not_what_is_read_later_or_given_back() -> None:
    double = act("d", "mul", 2, on="$x")
    later = [double, act("r", "exp", on="$d"), act("s", "add", "$d", on="$r")]
    assert written(later, "s", X) == ["add"]
    assert written([double, act("r", "exp", on="$d")], "r d", X) == []
    view = [double, act("v", "t", on="$d"), act("r", "exp", on="$d"), act("s", "sum", on="$v")]
    assert written(view, "r s", X) == []


def test_not_inputs_state_or_constants() -> None:
    assert written([act("r", "exp", on="$x")], "r", X) == []
    assert written([act("v", "t", on="$x"), act("r", "exp", on="$v")], "r", X) == []
    assert written([act("r", "exp", on="$s")], "r", X, state={"s": X}) == []
    assert written([act("r", "mul", "$x", on=X)], "r", X) == []


def test_not_another_shape_or_dtype() -> None:
    row = act("v", "sum", 0, on="$x")
    assert written([row, act("r", "add", "$x", on="$v")], "r", X) == []
    ints = [act("i", "mul", 2, on="$y"), act("r", "mul", "$x", on="$i")]
    assert written(ints, "r", X, np.arange(9).reshape(3, 3)) == []


def test_not_beside_a_turned_view_of_itself() -> None:
    actions = [act("d", "mul", 2, on="$x"), act("v", "t", on="$d"), act("r", "add", "$v", on="$d")]
    assert written(actions, "r", X) == []


def test_through_views_of_all_of_it() -> None:
    actions = [
        act("d", "mul", 2, on="$x"),
        act("v", "t", on="$d"),
        act("w", "reshape", [3, 3], on="$v"),
        act("r", "exp", on="$v"),
    ]
    assert written(actions, "r", X) == ["exp"]
    part = [act("d", "mul", 2, on="$x"), act("v", "select", 0, 1, on="$d"),
            act("r", "exp", on="$v")]  # fmt: skip
    assert written(part, "r", X) == []
    wide = [act("d", "sum", 0, on="$x"), act("v", "expand", [3, 3], on="$d"),
            act("r", "exp", on="$v")]  # fmt: skip
    assert written(wide, "r", X) == []
    same = [act("d", "mul", 2, on="$x"), act("v", "expand", [3, 3], on="$d"),
            act("r", "exp", on="$v")]  # fmt: skip
    assert written(same, "r", X) == []


def test_chains_stay_in_one_place() -> None:
    actions = [act("d", "mul", 2, on="$x")]
    actions += [act("d", "add", 1, on="$d") for _ in range(5)]
    case = Case(plan("x", actions, "d"), [X])
    assert case.peak(case.after(in_operands)) == X.nbytes
    assert case.peak(case.graph) == 2 * X.nbytes


def test_recorded_steps_in_bytes_and_bits() -> None:
    for case, before, after in (
        (recorded("tr_mlp"), None, None),
        (mnist_example(), 2_475_920, 1_349_488),
        (mnist_example(framework="tfjs"), 2_475_920, None),
    ):
        graph = case.after(in_operands)
        assert same_bits(case.run(graph), case.run(case.graph))
        assert case.peak(graph) <= case.peak(case.graph)
        if before is not None:
            assert abs(case.peak(case.graph) - before) < 10_000
        if after is not None:
            assert abs(case.peak(graph) - after) < 10_000


def test_all_passes_together_keep_the_peak_low() -> None:
    for case in (
        mnist_example(),
        mnist_example(framework="tfjs"),
        syft_js("torch"),
        syft_js("tfjs"),
    ):
        assert case.peak(case.after(*PASSES)) < 1_500_000
