"""Arguments of execute, and failures while running."""

from __future__ import annotations

import numpy as np
import pytest

from syft_web.errors import PlanArgumentError, PlanExecutionError, PlanShapeError
from tests.unit.plan.builders import act, f, plan

SUM = plan("a b", [act("c", "add", "$b", on="$a")], "c")
FIVE = plan(
    "a b c d e",
    [
        act("s", "torch.stack", ["$a", "$b", "$c", "$d", "$e"]),
    ],
    "s",
)


def test_results_are_a_list_of_arrays() -> None:
    (got,) = SUM.execute(1.5, 2)
    assert type(got) is np.ndarray
    assert got.shape == ()
    assert got.dtype == np.float32
    assert got == 3.5


def test_nested_arguments_are_flattened_depth_first_and_dicts_by_key() -> None:
    (got,) = FIVE.execute([f(1), (f(2), f(3))], {"b": f(5), "a": f(4)})
    assert got.tolist() == [1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    ("value", "dtype"),
    [(True, np.bool_), (2, np.int64), (0.5, np.float32), (np.float64(2), np.float64),
     (np.int32(2), np.int32), (np.array(2, np.uint8), np.uint8), (0, np.int64)],
)  # fmt: skip
def test_numbers_are_tensors_without_dimensions(value: object, dtype: type) -> None:
    (got,) = plan("a", [act("b", "clone", on="$a")], "b").execute(value)
    assert got.dtype == dtype
    assert got.shape == ()


def test_foreign_byte_order_and_alignment() -> None:
    swapped = np.array([1, 2], ">f4")
    raw = bytearray(9)
    odd = np.frombuffer(raw, np.float32, count=2, offset=1)
    odd[:] = 1, 2
    for x in (swapped, odd):
        (got,) = SUM.execute(x, f(1, 1))
        assert got.tolist() == [2, 3]
        assert got.dtype == np.float32
        assert got.dtype.isnative


@pytest.mark.parametrize("args", [(), (f(1),), (f(1), f(2), f(3)), ([f(1), f(2), f(3)],)])
def test_wrong_number(args: tuple) -> None:
    with pytest.raises(PlanArgumentError, match=r"takes 2 arguments, \d were given"):
        SUM.execute(*args)


@pytest.mark.parametrize(
    "value",
    ["text", None, np.array(["a"]), np.array([None]), np.array([1j]), object(), 2**70,
     np.array([1], "M8[s]"), np.longdouble(1)],
)  # fmt: skip
def test_wrong_kind_names_the_argument(value: object) -> None:
    with pytest.raises(PlanArgumentError, match=r"Argument 1 \(placeholder b\)"):
        SUM.execute(f(1), value)


def test_unsortable_keys_and_endless_lists() -> None:
    with pytest.raises(PlanArgumentError, match="cannot be sorted"):
        SUM.execute({1: f(1), "a": f(2)})
    endless: list = []
    endless.append(endless)
    with pytest.raises(PlanArgumentError, match="nested deeper"):
        SUM.execute(endless)


def test_failure_names_action_command_and_operands() -> None:
    p = plan("a b", [act("c", "exp", on="$a"), act("d", "matmul", "$b", on="$c")], "d")
    with pytest.raises(PlanExecutionError) as caught:
        p.execute(np.ones((2, 3), np.float32), np.ones((2, 3)))
    error = caught.value
    assert (error.index, error.command) == (1, "matmul")
    assert "Action 1 (matmul)" in str(error)
    assert "float32[2,3], float64[2,3]" in str(error)
    assert not isinstance(error, PlanShapeError)


def test_broadcast_failure_in_the_original_words() -> None:
    with pytest.raises(PlanExecutionError) as caught:
        SUM.execute(np.ones((3, 3)), np.ones(2))
    assert "Operands could not be broadcast together with shapes 3,3 and 2." in str(caught.value)


def test_shapes_unlike_the_recording_are_named() -> None:
    p = plan(
        "x w",
        [act("y", "matmul", "$w", on="$x")],
        "y",
        shapes={"x": (64, 784), "w": (784, 10)},
    )
    assert p.execute(np.ones((5, 784)), np.ones((784, 10)))[0].shape == (5, 10)  # another batch
    with pytest.raises(PlanShapeError) as caught:
        p.execute(np.ones((64, 28)), np.ones((784, 10)))
    assert isinstance(caught.value, PlanArgumentError)
    assert "argument 0 (placeholder x) has shape (64, 28), at recording time it was (64, 784)" in (
        str(caught.value)
    )
    assert "argument 1" not in str(caught.value)


def test_a_text_in_the_data_never_reaches_messages() -> None:
    p = plan("x", [act("y", "index_select", 0, "$i", on="$x")], "y", state={"i": np.array([7])})
    with pytest.raises(PlanExecutionError, match="out of range") as caught:
        p.execute(f(123456.0, 2))
    assert "123456" not in str(caught.value)


def test_too_few_results() -> None:
    p = plan("x", [act("a b c", "split", 1, on="$x")], "c")
    assert p.execute(f(1, 2, 3))[0] == 3
    with pytest.raises(PlanExecutionError, match="gave 2 results where 3 are expected"):
        p.execute(f(1, 2))


def test_first_of_several_results() -> None:
    p = plan("x", [act("m", "max", 0, on="$x")], "m")
    assert p.execute(f([[1, 2], [3, 0]]))[0].tolist() == [3, 2]


def test_a_value_may_stand_for_a_size() -> None:
    p = plan("x n", [act("y", "view", "$n", -1, on="$x")], "y")
    assert p.execute(f(1, 2, 3, 4), 2)[0].shape == (2, 2)
    with pytest.raises(PlanExecutionError, match="an int is wanted"):
        p.execute(f(1, 2, 3, 4), 2.0)


def test_references_in_nested_lists() -> None:
    p = plan("a b", [act("t", "torch.tensor", [["$a", 1], [2, "$b"]])], "t")
    assert p.execute(f(5.0), f(6.0))[0].tolist() == [[5, 1], [2, 6]]


def test_actions_without_results_are_run_and_dropped() -> None:
    p = plan("x", [act("", "dim", on="$x"), act("", "torch.manual_seed", 3)], "x")
    assert p.execute(f(1, 2))[0].tolist() == [1, 2]


def test_seeded_random_numbers_repeat() -> None:
    p = plan(
        "x",
        [act("", "torch.manual_seed", 3), act("y", "torch.nn.functional.dropout", "$x", 0.5)],
        "y",
    )
    x = np.ones(50, np.float32)
    (first,), (second,) = p.execute(x), p.execute(x)
    np.testing.assert_array_equal(first, second)
    assert sorted(set(first.tolist())) == [0, 2]


def test_no_warnings_for_infinities() -> None:
    import warnings

    p = plan("x", [act("y", "log", on="$x"), act("z", "div", 0, on="$y")], "z")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert np.isneginf(p.execute(f([0]))[0]).all()
