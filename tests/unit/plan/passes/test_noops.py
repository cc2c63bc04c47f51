"""Calls that give back what they were given."""

from __future__ import annotations

import numpy as np
import pytest

from syft_web.plan.passes.functional import functional
from syft_web.plan.passes.fuse import fuse_products
from syft_web.plan.passes.noops import casts, noops
from tests.unit.plan.builders import act, f, plan
from tests.unit.plan.real_plans import Case, recorded, same_bits, syft_js

ODD = f(-0.0, 0.0, np.nan, np.inf, -np.inf, 1.5)


def case_of(actions: list, outputs: str, *args: np.ndarray) -> Case:
    inputs = " ".join("xyz"[: len(args)])
    return Case(plan(inputs, actions, outputs), list(args))


def left(actions: list, outputs: str, *args: np.ndarray) -> list[str]:
    """Commands that remain; the results must be the same in every bit."""
    case = case_of(actions, outputs, *args)
    graph = case.after(noops)
    assert same_bits(case.run(graph), case.run(case.graph))
    return [call.command for call in graph.calls]


@pytest.mark.parametrize(
    "action",
    [
        act("y", "clone", on="$x"), act("y", "copy", on="$x"), act("y", "detach", on="$x"),
        act("y", "float", on="$x"), act("y", "to", "float32", on="$x"),
        act("y", "contiguous", on="$x"), act("y", "reshape", [6], on="$x"),
        act("y", "view", -1, on="$x"), act("y", "expand", 6, on="$x"),
        act("y", "mul", 1, on="$x"), act("y", "mul", 1.0, on="$x"), act("y", "div", 1, on="$x"),
        act("y", "sub", 0, on="$x"), act("y", "add", -0.0, on="$x"), act("y", "pow", 1, on="$x"),
        act("y", "torch.nn.functional.dropout", "$x", 0.5, training=False), act("y", "t", on="$x"),
    ],
)  # fmt: skip
def test_no_ops_go(action: object) -> None:
    kept = left([action, act("z", "exp", on="$y")], "z", ODD)
    if getattr(action, "command", "") != "t":  # of a vector; only twice is it looked at
        assert kept == ["exp"]


@pytest.mark.parametrize(
    "action",
    [
        act("y", "mul", 0, on="$x"), act("y", "add", 0, on="$x"), act("y", "sub", -0.0, on="$x"),
        act("y", "mul", -1, on="$x"), act("y", "double", on="$x"),
        act("y", "reshape", 2, 3, on="$x"),
        act("y", "mul", True, on="$x"), act("y", "add", 0, alpha=2, on="$x"),
        act("y", "torch.nn.functional.dropout", "$x", 0.0001, training=True),
    ],
)  # fmt: skip
def test_others_stay(action: object) -> None:
    case = case_of([act("", "torch.manual_seed", 1), action], "y", ODD)
    assert len(case.after(noops).calls) == 2
    assert same_bits(case.run(case.after(noops)), case.run(case.graph))


def test_adding_zero_goes_where_no_signed_zero_can_be_seen() -> None:
    once = act("y", "add", 0, on="$x")
    assert left([once, act("z", "add", 0, on="$y")], "z", ODD) == ["add"]
    assert left([act("e", "exp", on="$x"), act("y", "add", 0, on="$e")], "y", ODD) == ["exp"]
    assert left([once, act("z", "__gt__", 0, on="$y")], "z", ODD) == ["__gt__"]
    assert left([once], "y", np.array([1, 2])) == []
    assert left([once, act("z", "__gt__", 0, on="$y")], "z y", ODD) == ["add", "__gt__"]
    assert left([once, act("z", "div", "$y", on="$x")], "z", ODD) == ["add", "div"]


def test_a_tiny_number_that_a_cast_makes_a_negative_zero() -> None:
    tiny = np.array([-1e-300])
    actions = [act("h", "float", on="$x"), act("y", "add", 0, on="$h")]
    assert left(actions, "y", tiny) == ["float", "add"]


def test_turned_twice() -> None:
    x = f([[1, 2, 3], [4, 5, 6]])
    twice = [act("a", "t", on="$x"), act("b", "t", on="$a"), act("c", "exp", on="$b")]
    assert left(twice, "c", x) == ["t", "exp"]
    other = [act("a", "transpose", 0, 1, on="$x"), act("b", "transpose", 1, 0, on="$a")]
    assert left(other, "b", x) == ["transpose", "transpose"]


def test_what_is_written_to_keeps_its_copies() -> None:
    actions = [
        act("y", "clone", on="$x"),
        act("v", "view", -1, on="$y"),
        act("y", "add_", 1, on="$y"),
    ]
    assert left(actions, "v x", f([[1, 2]])) == ["clone", "view", "add_"]


def test_a_copy_that_puts_a_turned_matrix_in_order_stays() -> None:
    x = f([[1, 2, 3], [4, 5, 6]])
    assert left([act("a", "t", on="$x"), act("b", "copy", on="$a")], "b", x) == ["t", "copy"]


def test_casts_own_their_memory() -> None:
    case = case_of([act("y", "float", on="$x"), act("z", "float", on="$y")], "z", np.array([1, 2]))
    graph = case.after(casts)
    assert [call.row.view for call in graph.calls] == [False, True]


def test_a_recorded_training_step() -> None:
    case = recorded("tr_mlp")
    before, after = case.after(functional), case.after(functional, noops)
    assert (len(before.calls), len(after.calls)) == (95, 85)
    assert same_bits(case.run(after), case.run(case.graph))


def test_the_step_of_syft_js() -> None:
    case = syft_js("tfjs")
    before = case.after(functional, fuse_products)
    after = case.after(functional, fuse_products, noops)
    assert (len(before.calls), len(after.calls)) == (89, 77)
    assert case.peak(after) <= case.peak(before)
    assert same_bits(case.run(after), case.run(before))


def test_a_copy_that_was_asked_for_is_one() -> None:
    actions = [
        act("y", "to", "float32", copy=True, on="$x"),
        act("v", "view", -1, on="$y"),
        act("y", "add_", 1, on="$y"),
    ]
    assert left(actions, "x v y", f([[1, 2]])) == ["to", "view", "add_"]
    assert left(actions[:1], "y", f([[1, 2]])) == []
