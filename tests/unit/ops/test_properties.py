"""Elementwise and reducing ops against numpy in float64, over random shapes and values."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from syft_web.ops import table

FINITE = st.floats(-1e3, 1e3, width=64)
ARRAYS = hnp.arrays(
    np.float64, hnp.array_shapes(min_dims=0, max_dims=3, max_side=4), elements=FINITE
)
PAIRS = hnp.mutually_broadcastable_shapes(num_shapes=2, max_dims=3, max_side=4)


def call(command: str, *args: Any, **kwargs: Any) -> Any:
    op = table.lookup(command, method=True)
    assert op is not None
    bound = op.bind(args, kwargs)
    with np.errstate(all="ignore"):
        return bound.rule(*bound.values)


@pytest.mark.parametrize(
    ("command", "reference"),
    [("add", np.add), ("sub", np.subtract), ("mul", np.multiply), ("div", np.divide),
     ("maximum", np.maximum), ("minimum", np.minimum), ("eq", np.equal), ("gt", np.greater),
     ("le", np.less_equal), ("remainder", np.remainder), ("atan2", np.arctan2)],
)  # fmt: skip
@given(shapes=PAIRS, data=st.data())
@settings(max_examples=30, deadline=None)
def test_binary(command: str, reference: Any, shapes: Any, data: Any) -> None:
    a, b = (data.draw(hnp.arrays(np.float64, s, elements=FINITE)) for s in shapes.input_shapes)
    with np.errstate(all="ignore"):
        want = np.asarray(reference(a, b))
    got = call(command, a, b)
    assert got.dtype == want.dtype
    assert got.shape == shapes.result_shape
    np.testing.assert_array_equal(got, want)


@pytest.mark.parametrize(
    ("command", "reference"),
    [("exp", np.exp), ("tanh", np.tanh), ("abs", np.abs), ("neg", np.negative),
     ("floor", np.floor), ("sin", np.sin), ("sqrt", np.sqrt), ("log1p", np.log1p),
     ("square", np.square), ("relu", lambda x: np.maximum(x, 0))],
)  # fmt: skip
@given(x=ARRAYS)
@settings(max_examples=30, deadline=None)
def test_unary(command: str, reference: Any, x: np.ndarray) -> None:
    kept = x.copy()
    with np.errstate(all="ignore"):
        want = np.asarray(reference(x))
    got = call(command, x)
    np.testing.assert_array_equal(got, want)
    assert type(got) is np.ndarray
    assert not np.shares_memory(got, x)
    np.testing.assert_array_equal(x, kept)


@pytest.mark.parametrize(
    ("command", "reference"),
    [("sum", np.sum), ("mean", np.mean), ("prod", np.prod), ("amax", np.max), ("amin", np.min)],
)
@given(x=ARRAYS, keep=st.booleans(), data=st.data())
@settings(max_examples=30, deadline=None)
def test_reductions(command: str, reference: Any, x: np.ndarray, keep: bool, data: Any) -> None:
    dim = data.draw(st.integers(-max(x.ndim, 1), max(x.ndim, 1) - 1))
    axis = dim if x.ndim else None
    got = call(command, x, dim, keep)
    want = np.asarray(reference(x, axis=axis, keepdims=keep))
    np.testing.assert_allclose(got, want, rtol=1e-12, atol=1e-12)
    assert got.shape == want.shape


@given(x=ARRAYS, keep=st.booleans(), data=st.data())
@settings(max_examples=30, deadline=None)
def test_max_with_index(x: np.ndarray, keep: bool, data: Any) -> None:
    dim = data.draw(st.integers(-max(x.ndim, 1), max(x.ndim, 1) - 1))
    values, where = call("max", x, dim, keep)
    assert where.dtype == np.int64
    assert values.shape == where.shape
    full = values if keep or x.ndim == 0 else np.expand_dims(values, dim)
    np.testing.assert_array_equal(full, np.max(x, axis=dim if x.ndim else None, keepdims=True))


@given(x=ARRAYS)
@settings(max_examples=30, deadline=None)
def test_softmax_adds_up_to_one(x: np.ndarray) -> None:
    got = call("softmax", x, -1)
    np.testing.assert_allclose(got.sum(-1 if x.ndim else None), 1, rtol=1e-9)
    np.testing.assert_allclose(np.exp(call("log_softmax", x, -1)), got, rtol=1e-9, atol=1e-300)


@given(x=ARRAYS, y=FINITE)
@settings(max_examples=30, deadline=None)
def test_in_place_twin_is_the_op_written_back(x: np.ndarray, y: float) -> None:
    for command in ("add", "sub", "mul", "div", "clamp_min"):
        want = call(command, x, y)
        target = x.copy()
        view = target.T
        assert call(command + "_", target, y) is target
        np.testing.assert_array_equal(target, want)
        np.testing.assert_array_equal(view, want.T)
