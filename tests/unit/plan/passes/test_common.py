"""Calls that were written twice, and calls that nobody needs."""

from __future__ import annotations

import numpy as np

from syft_web.plan.passes.common import dead, repeated
from syft_web.plan.passes.functional import functional
from syft_web.plan.passes.fuse import fuse_products
from syft_web.plan.passes.noops import noops
from tests.unit.plan.builders import act, f, plan
from tests.unit.plan.real_plans import Case, recorded, same_bits, syft_js

X = f([[1, -2], [0.5, 4]])


def left(actions: list, outputs: str, *passes: object) -> list[str]:
    """Commands that remain; the results must be the same in every bit."""
    case = Case(plan("x", actions, outputs, state={"s": f(3, 4)}), [X])
    graph = case.after(*passes)  # type: ignore[arg-type]
    assert same_bits(case.run(graph), case.run(case.graph))
    return [call.command for call in graph.calls]


def test_the_same_twice() -> None:
    actions = [
        act("a", "exp", on="$x"),
        act("b", "exp", on="$x"),
        act("c", "mul", "$b", on="$a"),
        act("d", "mul", "$a", on="$b"),
    ]
    assert left(actions, "c d", repeated) == ["exp", "mul"]


def test_arguments_are_compared_in_every_bit() -> None:
    actions = [act("a", "mul", 1, on="$x"), act("b", "mul", 1.0, on="$x"),
               act("c", "mul", True, on="$x"), act("d", "div", 0.0, on="$x"),
               act("e", "div", -0.0, on="$x"), act("g", "mul", 1.0, on="$x")]  # fmt: skip
    assert len(left(actions, "a b c d e g", repeated)) == 5


def test_several_results() -> None:
    actions = [act("a i", "max", 1, on="$x"), act("b j", "max", 1, on="$x"),
               act("c", "max", 1, on="$x")]  # fmt: skip
    assert left(actions, "a b i j c", repeated) == ["max", "max"]


def test_random_numbers_are_drawn_as_often_as_recorded() -> None:
    actions = [act("", "torch.manual_seed", 1), act("a", "torch.rand_like", "$x"),
               act("b", "torch.rand_like", "$x"), act("c", "torch.rand_like", "$x")]  # fmt: skip
    assert len(left(actions, "a c", repeated, dead)) == 4


def test_what_changes_in_between_is_not_merged() -> None:
    actions = [
        act("y", "mul", 2, on="$x"),
        act("v", "t", on="$y"),
        act("a", "exp", on="$v"),
        act("y", "add_", 1, on="$y"),
        act("b", "exp", on="$v"),
    ]
    assert left(actions, "a b", repeated) == ["mul", "t", "exp", "add_", "exp"]


def test_what_is_changed_later_is_not_merged() -> None:
    actions = [
        act("a", "exp", on="$x"),
        act("b", "exp", on="$x"),
        act("v", "t", on="$a"),
        act("a", "zero_", on="$a"),
    ]
    assert left(actions, "a b v", repeated) == ["exp", "exp", "t", "zero_"]


def test_what_nobody_reads_goes() -> None:
    actions = [act("a", "exp", on="$x"), act("b", "log", on="$a"), act("c", "neg", on="$a"),
               act("", "dim", on="$x")]  # fmt: skip
    assert left(actions, "c", dead) == ["exp", "neg"]


def test_what_does_something_beside_stays() -> None:
    actions = [
        act("m", "clone", on="$s"),
        act("y", "torch.nn.functional.batch_norm", "$x", "$m", "$s", training=True),
        act("z", "clone", on="$x"),
        act("z", "fill_", 1, on="$z"),
    ]
    assert len(left(actions, "m s", dead)) == 4


def test_recorded_training_steps() -> None:
    for case, wanted in ((recorded("tr_mlp"), (85, 78)), (syft_js("torch"), (77, 70))):
        passes = (functional, noops)
        if case.plan.framework == "torch" and case.args[0].shape == (64, 784):
            passes = (functional, fuse_products, noops)
        before, after = case.after(*passes), case.after(*passes, repeated)
        assert (len(before.calls), len(after.calls)) == wanted
        assert same_bits(case.run(after), case.run(before))
        assert len(case.after(*passes, repeated, dead).calls) == wanted[1]


def test_specs_do_not_matter() -> None:
    case = Case(plan("x", [act("y", "nonzero", on="$x")], "y"), [np.array([0, 1, 2])])
    assert len(case.after(repeated, dead).calls) == 1
