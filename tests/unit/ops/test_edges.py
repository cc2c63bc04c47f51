"""Arrays without dimensions or without elements, and indices outside, for families of rows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from syft_web.ops import elementwise, nn, table, unary

ONE = [
    row
    for module in (unary, nn)
    for row in module.row.rows
    if row.params[0].name == "self"
    and all(not p.required for p in row.params[1:])
    and row.name not in ("glu", "normalize")
]
TWO = [
    row
    for row in elementwise.row.rows
    if [p.type for p in row.params][:2] in (["Tensor", "Value"], ["Tensor", "Tensor"])
    and all(not p.required for p in row.params[2:])
    and row.name not in ("lshift", "rshift")
    and not row.name.startswith("bitwise")
]


def run(row: Any, *args: Any) -> np.ndarray:
    with np.errstate(all="ignore"):
        result = row.rule(*row.bind(args, {}, loose=False))
    assert type(result) is np.ndarray
    return result


@pytest.mark.parametrize("row", ONE, ids=str)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(), (0,), (2, 0, 3), (1, 1)])
def test_one_operand(row: Any, dtype: type, shape: tuple[int, ...]) -> None:
    got = run(row, np.full(shape, 0.5, dtype))
    assert got.shape == shape
    assert got.dtype in (dtype, np.bool_)


@pytest.mark.parametrize("row", TWO, ids=str)
@pytest.mark.parametrize(
    ("a", "b", "shape"),
    [((), (), ()), ((3,), (), (3,)), ((), (2, 1), (2, 1)), ((0, 3), (3,), (0, 3)),
     ((2, 1), (1, 3), (2, 3)), ((1,), (0,), (0,))],
)  # fmt: skip
def test_two_operands(row: Any, a: Any, b: Any, shape: Any) -> None:
    got = run(row, np.full(a, 0.5, np.float32), np.full(b, 0.25, np.float32))
    assert got.shape == shape
    assert got.dtype in (np.float32, np.bool_)


@pytest.mark.parametrize("row", [r for r in TWO if r.params[1].type == "Value"], ids=str)
@pytest.mark.parametrize("number", [1, 2.5, True])
def test_a_number_never_widens_float32(row: Any, number: float) -> None:
    for shape in ((), (2,)):
        if number is True and row.name in ("sub", "rsub"):
            number = 1  # bools cannot be subtracted
        got = run(row, np.full(shape, 0.5, np.float32), number)
        assert got.dtype in (np.float32, np.bool_)
        assert got.shape == shape


@pytest.mark.parametrize(
    ("command", "args", "error"),
    [
        ("sum", (2,), IndexError),
        ("sum", (-3,), IndexError),
        ("sum", ([0, 0],), ValueError),
        ("argmax", (5,), IndexError),
        ("max", (9,), IndexError),
        ("transpose", (0, 2), IndexError),
        ("permute", ([0, 0],), ValueError),
        ("reshape", ([4],), ValueError),
        ("reshape", ([-1, -1],), ValueError),
        ("reshape", ([-1, 0],), ValueError),
        ("select", (0, 7), IndexError),
        ("narrow", (0, 1, 5), IndexError),
        ("split", ([1, 5], 0), ValueError),
        ("split", (0,), ValueError),
        ("chunk", (0,), ValueError),
        ("expand", (3,), ValueError),
        ("index_select", (0, np.array([9])), IndexError),
        ("index_select", (0, np.array([0.5])), IndexError),
        ("gather", (0, np.array([1])), IndexError),
        ("masked_fill", (np.array([1.0]), 0), TypeError),
        ("topk", (7,), IndexError),
        ("unsqueeze", (4,), IndexError),
        ("softmax", (3,), IndexError),
        ("cumsum", (2,), IndexError),
        ("item", (), ValueError),
        ("dot", (np.ones(3),), ValueError),
        ("clamp", (), ValueError),
        ("__sub__", (True,), TypeError),
        ("__rsub__", (np.ones(3, np.bool_),), TypeError),
        ("lerp", (np.ones(3, np.float64), 0.5), TypeError),
        ("isclose", (np.ones(3, np.float64),), TypeError),
        ("kthvalue", (4,), IndexError),
        ("repeat", (2,), ValueError),
        ("roll", ([1, 2],), ValueError),
        ("squeeze", ([0, 0],), ValueError),
        ("repeat_interleave", (-1,), ValueError),
        ("index_select", (0, np.array([-1])), IndexError),
        ("index_add", (0, np.array([0]), np.ones((1, 3))), TypeError),
        ("index_copy", (0, np.array([0]), np.ones(3, np.float32)), ValueError),
        ("scatter", (1, np.array([[0, 0, 0, 0]]), np.ones((1, 3), np.float32)), IndexError),
        ("masked_scatter", (np.ones(3, np.bool_), np.ones(2, np.float32)), ValueError),
        ("__getitem__", (np.array([0.5]),), IndexError),
        ("prelu", (np.ones(2, np.float32),), ValueError),
    ],
)
def test_wrong_dimensions_and_indices(command: str, args: Any, error: type[Exception]) -> None:
    op = table.lookup(command, method=True)
    assert op is not None
    bound = op.bind([np.ones((2, 3), np.float32), *args], {})
    with pytest.raises(error):
        bound.rule(*bound.values)


@pytest.mark.parametrize("command", ["max", "min", "argmax", "argmin"])
def test_no_largest_of_nothing(command: str) -> None:
    op = table.lookup(command, method=True)
    assert op is not None
    bound = op.bind([np.zeros((0, 2), np.float32)], {})
    with pytest.raises(ValueError, match=r"no elements|empty"):
        bound.rule(*bound.values)


@pytest.mark.parametrize("command", ["mean", "std", "norm"])
def test_floats_are_needed(command: str) -> None:
    op = table.lookup(command, method=True)
    assert op is not None
    bound = op.bind([np.ones(2, np.int64)], {})
    with pytest.raises(TypeError, match="floats"):
        bound.rule(*bound.values)


@pytest.mark.parametrize("command", ["__floordiv__", "remainder", "fmod"])
def test_integers_divided_by_zero(command: str) -> None:
    op = table.lookup(command, method=True)
    assert op is not None
    bound = op.bind([np.ones(2, np.int64), 0], {})
    with pytest.raises(ZeroDivisionError):
        bound.rule(*bound.values)


def test_integers_to_negative_powers() -> None:
    with pytest.raises(ValueError, match="negative integer powers"):
        elementwise.power(np.ones(2, np.int64), -1)
