"""torch's promotion, against a table written out from torch's documentation."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from syft_web.ops import table
from syft_web.ops.dtypes import cast, common_type, dtype_named, promote_types, result_type

NAMES = ["bool", "uint8", "int8", "int16", "int32", "int64", "float16", "float32", "float64"]

# torch.promote_types, row by row in the order of NAMES.
PROMOTED = """
bool    uint8   int8    int16   int32   int64   float16 float32 float64
uint8   uint8   int16   int16   int32   int64   float16 float32 float64
int8    int16   int8    int16   int32   int64   float16 float32 float64
int16   int16   int16   int16   int32   int64   float16 float32 float64
int32   int32   int32   int32   int32   int64   float16 float32 float64
int64   int64   int64   int64   int64   int64   float16 float32 float64
float16 float16 float16 float16 float16 float16 float16 float32 float64
float32 float32 float32 float32 float32 float32 float32 float32 float64
float64 float64 float64 float64 float64 float64 float64 float64 float64
"""
ROWS = [line.split() for line in PROMOTED.strip().splitlines()]
PAIRS = list(itertools.product(range(len(NAMES)), repeat=2))
CATEGORY = {"b": 0, "u": 1, "i": 1, "f": 2}


@pytest.mark.parametrize(("i", "j"), PAIRS)
def test_promote_types(i: int, j: int) -> None:
    got = promote_types(np.dtype(NAMES[i]), np.dtype(NAMES[j]))
    assert got == np.dtype(ROWS[i][j])


@pytest.mark.parametrize(("i", "j"), PAIRS)
@pytest.mark.parametrize("kinds", [(1, 1), (1, 0), (0, 1), (0, 0)])
def test_dimensions_beat_zero_dimensions(i: int, j: int, kinds: tuple[int, int]) -> None:
    a, b = (np.ones((1,) * n, NAMES[k]) for n, k in zip(kinds, (i, j), strict=True))
    want = np.dtype(ROWS[i][j])
    if kinds[0] != kinds[1]:
        strong, weak = (a, b) if kinds[0] else (b, a)
        if CATEGORY[weak.dtype.kind] <= CATEGORY[strong.dtype.kind]:
            want = strong.dtype
    assert result_type(a, b) == want
    assert common_type(a, b) == want
    got = table.lookup("add", method=True)
    assert got is not None
    assert got.rows[0].rule(a, b, 1).dtype == want


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("ndim", [0, 1])
def test_python_numbers_only_raise_the_category(name: str, ndim: int) -> None:
    array = np.ones((1,) * ndim, name)
    kind = array.dtype.kind
    assert result_type(array, True) == array.dtype
    assert result_type(array, 2) == (np.int64 if kind == "b" else array.dtype)
    assert result_type(array, 2.5) == (array.dtype if kind == "f" else np.float32)
    assert result_type(2.5, array) == result_type(array, 2.5)


def test_labels_of_int64_leave_float32_as_it_is() -> None:
    assert result_type(np.zeros((2, 3), np.int64), np.zeros((2, 3), np.float32)) == np.float32


def test_several_operands() -> None:
    f64, i32 = np.float64(1).reshape(()), np.ones(2, np.int32)
    assert common_type(i32, f64) == np.float64
    assert common_type(np.ones(1, np.float32), f64, i32) == np.float32
    assert common_type(1, 2.0) == np.float32
    assert common_type(True, False) == np.bool_
    with pytest.raises(ValueError, match="at least one"):
        common_type()


@pytest.mark.parametrize(("command", "kind", "want"), [
    ("div", np.int64, np.float32),
    ("div", np.bool_, np.float32),
    ("div", np.float64, np.float64),
    ("add", np.bool_, np.bool_),
    ("gt", np.float64, np.bool_),
])  # fmt: skip
def test_result_of_two_alike(command: str, kind: type, want: type) -> None:
    op = table.lookup(command, method=True)
    assert op is not None
    a = np.ones(3, kind)
    bound = op.bind([a, a], {})
    assert bound.rule(*bound.values).dtype == want


@pytest.mark.parametrize("name", NAMES)
def test_sums_of_ints_are_int64(name: str) -> None:
    op = table.lookup("sum", method=True)
    assert op is not None
    bound = op.bind([np.ones((2, 2), name)], {})
    want = np.dtype(name) if np.dtype(name).kind == "f" else np.dtype(np.int64)
    assert bound.rule(*bound.values).dtype == want


def test_cast_wraps_ints_and_copies_only_when_needed() -> None:
    x = np.ones(2, np.float32)
    assert cast(x, x.dtype) is x
    assert cast(300, np.dtype(np.uint8)) == 44
    assert cast(1, np.dtype(np.float32)).dtype == np.float32


def test_dtype_names() -> None:
    assert dtype_named("torch.float64") == np.float64
    assert dtype_named("long") == np.int64
    with pytest.raises(ValueError, match="complex64"):
        dtype_named("complex64")
