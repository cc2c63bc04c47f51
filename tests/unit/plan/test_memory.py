"""In-place actions, views taken before, and what callers may do with arguments and results."""

from __future__ import annotations

import numpy as np
import pytest

from syft_web.errors import PlanExecutionError
from syft_web.plan import Plan
from tests.unit.plan.builders import act, f, plan


def check(p: Plan, args: list[np.ndarray], *wanted: np.ndarray) -> None:
    """Run twice; arguments stay, results are right and private."""
    kept = [a.copy() for a in args]
    for _ in range(2):
        results = p.execute(*args)
        for a, before in zip(args, kept, strict=True):
            np.testing.assert_array_equal(a, before)
        for i, (got, want) in enumerate(zip(results, wanted, strict=True)):
            np.testing.assert_array_equal(got, want)
            for other in [*args, *results[:i]]:
                assert not np.shares_memory(got, other)
        for got in results:
            got[...] = 99


def test_views_taken_before_see_the_change() -> None:
    p = plan(
        "x",
        [
            act("y", "mul", 2, on="$x"),
            act("v", "t", on="$y"),
            act("y", "add_", 1, on="$y"),
            act("w", "add", 0, on="$v"),
        ],
        "w y",
    )
    x = f([[1, 2], [3, 4]])
    check(p, [x], (x * 2 + 1).T, x * 2 + 1)


def test_the_result_of_an_in_place_action_may_be_a_fresh_id_that_nobody_reads() -> None:
    p = plan("x", [act("y", "mul", 2, on="$x"), act("unread", "add_", 1, on="$y")], "y")
    check(p, [f(1, 2)], f(3, 5))


def test_the_fresh_id_is_the_target() -> None:
    p = plan(
        "x",
        [act("y", "mul", 2, on="$x"), act("z", "add_", 1, on="$y"), act("q", "mul_", 10, on="$z")],
        "y",
    )
    check(p, [f(1, 2)], f(30, 50))


def test_an_input_that_is_changed_is_copied_and_seen_by_its_views() -> None:
    p = plan("x", [act("v", "view", -1, on="$x"), act("x", "add_", 1, on="$x")], "v x")
    x = f([[1, 2], [3, 4]])
    check(p, [x], f(2, 3, 4, 5), x + 1)


def test_writing_through_a_view_reaches_the_input_inside_only() -> None:
    p = plan("x", [act("row", "select", 0, 1, on="$x"), act("row", "zero_", on="$row")], "x row")
    x = f([[1, 2], [3, 4]])
    check(p, [x], f([[1, 2], [0, 0]]), f(0, 0))


def test_element_of_a_vector_is_a_view() -> None:
    p = plan("x", [act("e", "__getitem__", 1, on="$x"), act("e", "fill_", 7, on="$e")], "x")
    check(p, [f(1, 2, 3)], f(1, 7, 3))


def test_only_memory_that_is_written_to_is_copied() -> None:
    p = plan(
        "x",
        [
            act("y", "mul", 2, on="$x"),
            act("v", "reshape", [2, 1], on="$y"),
            act("v", "add_", 1, on="$v"),
        ],
        "v",
    )
    assert p.program.copy_in == ()
    assert p.program.copy_out == (False,)
    check(p, [f(1, 2)], f([[3], [5]]))


def test_copy_really_copies() -> None:
    for name in ("copy", "clone"):
        p = plan("x", [act("c", name, on="$x"), act("c", "add_", 1, on="$c")], "x c")
        check(p, [f(1, 2)], f(1, 2), f(2, 3))


def test_aliases_do_not_copy() -> None:
    p = plan("x", [act("d", "detach", on="$x"), act("d", "add_", 1, on="$d")], "x d")
    check(p, [f(1, 2)], f(2, 3), f(2, 3))


def test_casting_to_the_same_dtype_is_an_alias() -> None:
    p = plan("x", [act("d", "float", on="$x"), act("d", "add_", 1, on="$d")], "x")
    check(p, [f(1, 2)], f(2, 3))
    assert p.execute(np.array([1, 2]))[0].tolist() == [1, 2]


def test_state_is_never_changed() -> None:
    state = f(10, 20)
    p = plan("x", [act("s", "add_", "$x", on="$s")], "s", state={"s": state})
    check(p, [f(1, 2)], f(11, 22))
    np.testing.assert_array_equal(state, f(10, 20))


def test_constants_are_never_changed() -> None:
    p = plan("x", [act("c", "add_", "$x", on=f(10, 20))], "c")
    check(p, [f(1, 2)], f(11, 22))


def test_outputs_that_are_inputs_state_or_twice_the_same() -> None:
    p = plan("x", [act("y", "mul", 2, on="$x"), act("v", "t", on="$y")], "x s y v y",
             state={"s": f(5)})  # fmt: skip
    check(p, [f(1, 2)], f(1, 2), f(5), f(2, 4), f(2, 4), f(2, 4))


def test_parts_of_a_split_do_not_share_memory_outside() -> None:
    p = plan("x", [act("a b", "split", 1, on="$x")], "a b x")
    check(p, [f(1, 2)], f([1]), f([2]), f(1, 2))


def test_changing_the_shape_in_place() -> None:
    p = plan(
        "x",
        [act("y", "mul", 1, on="$x"), act("r", "t_", on="$y"), act("y", "add_", 1, on="$y")],
        "y r",
    )
    x = f([[1, 2, 3]])
    check(p, [x], x.T + 1, x.T + 1)


def test_running_statistics_are_updated_inside_only() -> None:
    p = plan(
        "x m v",
        [act("y", "torch.nn.functional.batch_norm", "$x", "$m", "$v", training=True, momentum=0.5)],
        "m v",
    )
    x = f([[1, 10], [3, 30]])
    check(p, [x, f(0, 0), f(1, 1)], f(1, 10), f(1.5, 100.5))


def test_a_broadcast_view_is_not_written_to() -> None:
    p = plan("x", [act("e", "expand", 3, 2, on="$x"), act("e", "add_", 1, on="$e")], "e")
    with pytest.raises(PlanExecutionError, match="read-only"):
        p.execute(f(1, 2))


def test_the_same_array_given_twice() -> None:
    p = plan("x y", [act("x", "add_", "$y", on="$x")], "x y")
    a = f(1, 2)
    first, second = p.execute(a, a)
    assert (first.tolist(), second.tolist(), a.tolist()) == ([2, 4], [1, 2], [1, 2])


def test_in_place_keeps_dtype_and_shape() -> None:
    grow = plan("x y", [act("x", "add_", "$y", on="$x")], "x")
    assert grow.execute(f(1, 2), np.array([1, 2]))[0].dtype == np.float32
    with pytest.raises(PlanExecutionError, match="cannot be stored in place"):
        grow.execute(np.array([1, 2]), f(1, 2))
    with pytest.raises(PlanExecutionError, match="does not fit in place"):
        grow.execute(f(1, 2), f([[1, 2], [3, 4]]))


def test_values_are_let_go_after_their_last_use() -> None:
    actions = [act(f"v{i + 1}", "add", 1, on=f"$v{i}") for i in range(4)]
    p = plan("v0", actions, "v4")
    assert [len(step.free) for step in p.program.steps[:-1]] == [1, 1, 1]
    kept = set(p.program.outputs)
    assert all(not kept & set(step.free) for step in p.program.steps)


def test_rebinding_of_a_translated_in_place_action() -> None:
    from syft_web.plan import Plan
    from tests.unit.plan.builders import role

    r = role("x", [act("y", "tf.mul", "$x", 2), act("y", "tf.add", "$y", 1)], "y")
    assert Plan.from_role(r, name="t", framework="tfjs").execute(f(1, 2))[0].tolist() == [3, 5]
