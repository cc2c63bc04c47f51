"""Element-by-element calls made one."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from syft_web.kernels import Chain
from syft_web.plan.graph import Graph
from syft_web.plan.passes.chain import chains
from syft_web.plan.passes.functional import functional
from syft_web.plan.passes.reuse import in_operands
from tests.unit.plan.builders import act, plan
from tests.unit.plan.real_plans import Case, same_bits

RNG = np.random.default_rng(0)
X, Y, Z = (RNG.standard_normal((64, 128)).astype(np.float32) for _ in range(3))
RATE = np.asarray(0.1, np.float32)


def chained(actions: list, outputs: str, *args: np.ndarray, state: dict | None = None) -> Graph:
    """The graph with chains; results must be the same in every bit, twice, and arguments too."""
    case = Case(plan(" ".join("xyzr"[: len(args)]), actions, outputs, state=state), list(args))
    before = [a.tobytes() for a in args]
    for graph in (case.after(functional, chains), case.after(functional, chains, in_operands)):
        for _ in range(2):
            assert same_bits(case.run(graph), case.run(case.graph))
    assert [a.tobytes() for a in args] == before
    return graph


def lengths(graph: Graph) -> list[int]:
    return [len(call.rule.code) for call in graph.calls if isinstance(call.rule, Chain)]


ADAM = [
    act("m1", "mul", 0.9, on="$y"), act("m2", "mul", 0.1, on="$x"),
    act("m", "add", "$m2", on="$m1"),
    act("v1", "mul", 0.999, on="$z"), act("v2", "square", on="$x"),
    act("v3", "mul", 0.001, on="$v2"), act("v", "add", "$v3", on="$v1"),
    act("d", "sqrt", on="$v"), act("e", "add", 1e-8, on="$d"),
    act("s", "mul", "$r", on="$m"), act("t", "div", "$e", on="$s"), act("w", "sub", "$t", on="$x"),
]  # fmt: skip


def test_a_step_of_adam_is_one_call() -> None:
    graph = chained(ADAM, "m v w", X, Y, abs(Z), RATE)
    assert lengths(graph) == [12]
    (call,) = graph.calls
    assert call.action == 0
    assert call.command == "mul + mul + 10 more"


def test_a_result_takes_the_memory_of_what_dies() -> None:
    actions = [
        act("g", "matmul", "$y", on="$x"), act("s", "mul", "$r", on="$g"),
        act("w", "sub", "$s", on="$z"),
    ]  # fmt: skip
    x, y = X, RNG.standard_normal((128, 128)).astype(np.float32)
    graph = chained(actions, "w", x, y, Z, RATE)
    assert [call.takes for call in graph.calls] == [(), (0,)]
    # Not where something else reads it afterwards.
    more = [*actions, act("q", "sum", on="$g")]
    assert [call.takes for call in chained(more, "w q", x, y, Z, RATE).calls] == [(), (-1,), ()]


def test_it_ends_before_others_read_its_values() -> None:
    actions = [
        act("a", "mul", 2, on="$x"), act("b", "add", "$y", on="$a"), act("s", "sum", on="$b"),
        act("c", "mul", "$s", on="$b"), act("d", "sub", "$a", on="$c"),
    ]  # fmt: skip
    assert lengths(chained(actions, "d", X, Y)) == [2, 2]


def test_what_is_written_in_between_is_read_before() -> None:
    actions = [
        act("t", "mul", 2, on="$x"), act("u", "exp", on="$t"), act("v", "add", "$u", on="$u"),
        act("t", "mul_", 3, on="$t"), act("w", "add", "$v", on="$t"),
    ]  # fmt: skip
    chained(actions, "v w", X)
    fill = [
        act("a", "add", "$y", on="$x"),
        act("f", "fill_", 1, on="$y"),
        act("b", "mul", "$a", on="$y"),
    ]
    chained(fill, "a b", X, Y)


@pytest.mark.parametrize(
    "actions",
    [
        [act("a", "mul", "$i", on="$x"), act("b", "add", 1, on="$a")],  # int64 operand
        [act("a", "mul", "$b", on="$x"), act("c", "add", "$b", on="$a")],  # broadcast
        [act("a", "add", "$y", on="$x", alpha=2), act("b", "floor", on="$a")],
    ],
)
def test_other_calls_stay(actions: list) -> None:
    state = {"i": np.arange(8192).reshape(64, 128), "b": np.arange(128, dtype=np.float32)}
    assert not lengths(chained(actions, actions[-1].return_ids[0], X, Y, state=state))


def test_long_ones_are_cut() -> None:
    names = ["x", *(f"v{i}" for i in range(100))]
    actions = [
        act(b, "mul" if i % 2 else "add", 1 + i / 64, on=f"${a}")
        for i, (a, b) in enumerate(pairwise(names))
    ]
    found = lengths(chained(actions, "v99", X))
    assert sum(found) == 100
    assert len(found) > 2


BINARY, UNARY = ["add", "sub", "mul", "div"], ["neg", "sqrt", "abs", "relu", "exp", "square"]


@given(st.data())
def test_any_program(data: st.DataObject) -> None:
    there, actions = ["x", "y", "z"], []
    for i in range(data.draw(st.integers(2, 14))):
        kind = data.draw(st.sampled_from(["binary", "unary", "number", "other", "in place"]))
        on = data.draw(st.sampled_from(there))
        if kind == "binary":
            args = [f"${data.draw(st.sampled_from(there))}"]
            actions.append(act(f"v{i}", data.draw(st.sampled_from(BINARY)), *args, on=f"${on}"))
        elif kind == "unary":
            actions.append(act(f"v{i}", data.draw(st.sampled_from(UNARY)), on=f"${on}"))
        elif kind == "number":
            number = data.draw(st.sampled_from([2, 0.5, -1.5, "$r"]))
            actions.append(act(f"v{i}", data.draw(st.sampled_from(BINARY)), number, on=f"${on}"))
        elif kind == "other":
            actions.append(act(f"v{i}", "clone", on=f"${on}"))
        else:
            actions.append(act(on, "add_", 1.5, on=f"${on}"))
            continue
        there.append(f"v{i}")
    outputs = data.draw(st.lists(st.sampled_from(there[3:] or ["x"]), min_size=1, unique=True))
    if actions:
        chained(actions, " ".join(outputs), X, Y, abs(Z), RATE)
