"""Shapes and dtypes of every value of a graph."""

from __future__ import annotations

from typing import Any

import numpy as np

from syft_web.ops.spec import UNKNOWN, Spec, Unknown, spec_of
from syft_web.plan import Plan
from syft_web.plan.infer import Inference, infer_graph
from tests.unit.plan.builders import act, f, plan, role


def spec(*shape: int, dtype: str = "f4") -> Spec:
    return Spec(shape, np.dtype(dtype))


def inferred(p: Plan, *inputs: Spec | Unknown) -> Inference:
    return infer_graph(p.graph, inputs)


def result(p: Plan, *inputs: Spec | Unknown) -> Spec | Unknown | None:
    found = inferred(p, *inputs)
    assert not found.problems
    return found.specs[p.graph.outputs[0]]


MLP = plan(
    "x y w b",
    [
        act("h", "matmul", "$w", on="$x"),
        act("z", "add", "$b", on="$h"),
        act("a", "relu", on="$z"),
        act("l", "torch.nn.functional.mse_loss", "$a", "$y"),
    ],
    "l",
)


def test_a_network() -> None:
    found = inferred(MLP, spec(64, 784), spec(64, 10), spec(784, 10), spec(10))
    assert not found.problems
    assert [str(found.specs[c.outs[0]]) for c in MLP.graph.calls] == [
        "float32[64,10]", "float32[64,10]", "float32[64,10]", "float32[]",
    ]  # fmt: skip
    assert found.work[0] == 2 * 64 * 784 * 10
    assert len(found.work) == len(MLP.graph.calls)


def test_inferred_is_what_comes_out() -> None:
    args = [np.ones(s, np.float32) for s in ((5, 7), (5, 3), (7, 3), (3,))]
    found = result(MLP, *map(spec_of, args))
    (out,) = MLP.execute(*args)
    assert found == spec_of(out)


def test_one_problem_stays_one() -> None:
    p = plan(
        "x w",
        [
            act("a", "matmul", "$w", on="$x"),
            act("b", "exp", on="$a"),
            act("c", "add", "$b", on="$a"),
            act("d", "matmul", "$x", on="$w"),
            act("e", "add", "$x", on="$w"),
        ],
        "c",
    )
    found = inferred(p, spec(2, 3), spec(4, 5))
    assert [(q.action, q.command) for q in found.problems] == [
        (0, "matmul"), (3, "matmul"), (4, "add"),
    ]  # fmt: skip
    assert "3 is not 4. Operands: float32[2,3], float32[4,5]." in found.problems[0].text
    assert str(found.problems[0]).startswith("action 0 ('matmul'): ")
    assert found.specs[p.graph.calls[1].outs[0]] is UNKNOWN


def test_unknown_operands_are_no_problem() -> None:
    p = plan("x", [act("a", "nonzero", on="$x"), act("b", "add", 1, on="$a")], "b")
    found = inferred(p, spec(3))
    assert not found.problems
    assert found.specs[p.graph.outputs[0]] is UNKNOWN
    assert not inferred(MLP, *[UNKNOWN] * 4).problems


def test_sizes_that_are_calculated_with() -> None:
    p = plan(
        "x",
        [
            act("n", "size", 0, on="$x"),
            act("m", "size", 1, on="$x"),
            act("k", "mul", "$m", on="$n"),
            act("y", "view", "$k", on="$x"),
            act("z", "torch.zeros", ["$n", 2]),
        ],
        "y z",
    )
    found = inferred(p, spec(3, 4))
    assert not found.problems
    assert [found.specs[r] for r in p.graph.outputs] == [spec(12), spec(3, 2)]
    p.execute(np.ones((3, 4), np.float32))


def test_a_size_from_an_argument_is_not_known() -> None:
    p = plan("n", [act("z", "torch.zeros", "$n")], "z")
    assert result(p, spec(dtype="i8")) is UNKNOWN
    found = inferred(p, spec(dtype="f4"))
    assert "an int is wanted" in found.problems[0].text
    assert "a number is wanted" in inferred(p, spec(3, dtype="i8")).problems[0].text


def test_state_and_constants_have_specs() -> None:
    p = plan("", [act("y", "add", np.ones(2), on="$s")], "y", state={"s": f(1, 2)})
    assert result(p) == spec(2, dtype="f8")


def test_in_place_keeps_the_target() -> None:
    p = plan("x y", [act("x2", "add_", "$y", on="$x"), act("z", "exp", on="$x")], "z")
    assert result(p, spec(3), spec(dtype="f8")) == spec(3)
    found = inferred(p, spec(3), spec(4, 3))
    assert "does not fit in place" in found.problems[0].text
    assert found.specs[p.graph.outputs[0]] == spec(3)  # the target is what it was
    found = inferred(p, spec(3, dtype="i8"), spec(3))
    assert "cannot be stored in place" in found.problems[0].text


def test_a_number_that_is_changed_in_place_is_not_known_any_more() -> None:
    p = plan(
        "x",
        [
            act("n", "size", 0, on="$x"),
            act("alias", "detach", on="$n"),
            act("m", "add_", 1, on="$n"),
            act("z", "torch.zeros", "$alias"),
        ],
        "z",
    )
    assert result(p, spec(3)) is UNKNOWN
    assert p.execute(f(1, 2, 3))[0].shape == (4,)


def test_too_few_results() -> None:
    p = plan("x", [act("a b c", "split", 1, on="$x")], "c")
    assert result(p, spec(3)) == spec(1)
    assert "2 results where 3 are expected" in inferred(p, spec(2)).problems[0].text


def test_tfjs() -> None:
    p = Plan.from_role(
        role("a b", [act("c", "tf.matMul", "$a", "$b"), act("d", "tf.sum", "$c", [0])], "d"),
        name="tfjs",
        framework="tfjs",
    )
    assert result(p, spec(2, 3), spec(3, 4)) == spec(4)


def test_nothing_is_executed(monkeypatch: Any) -> None:
    """Inference over huge shapes takes neither time nor memory."""
    p = plan("x", [act("y", "matmul", "$x", on="$x"), act("z", "exp", on="$y")], "z")
    assert result(p, spec(1 << 20, 1 << 20)) == spec(1 << 20, 1 << 20)
