from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from syft_web.errors import AggregationError
from syft_web.grid.aggregation import new_parameters, state_bytes
from syft_web.plan import State
from syft_web.wire import syft_proto as pb
from tests.grid.talk import small_diff
from tests.unit.grid.averaging import averaged


def test_integers_and_short_floats() -> None:
    old: list[np.ndarray] = [np.array([10, 20], np.int64), np.ones(3, np.float16)]
    diffs: list[list[np.ndarray]] = [
        [np.array([step, 0], np.int64), np.full(3, 1e-3, np.float16)] for step in (1, 2)
    ]
    new = new_parameters(old, averaged(b"", diffs))
    assert [t.dtype for t in new] == [np.int64, np.float16]
    assert new[0].tolist() == [8, 20]  # 10 - 1.5, rounded to even


def test_new_parameters_refuses_what_does_not_fit() -> None:
    old = small_diff(0)
    with pytest.raises(AggregationError, match="1 tensors for 2"):
        new_parameters(old, old[:1])
    with pytest.raises(AggregationError, match="gave shape"):
        new_parameters(old, [old[1], old[0]])


def test_sums_that_overflow_do_not_become_a_model() -> None:
    huge = [np.full((2,), 3e38, np.float32)]
    average = averaged(b"", [huge, huge])
    with pytest.raises(AggregationError, match="no longer be a finite float32"):
        new_parameters([np.zeros(2, np.float32)], average)


def test_state_bytes_are_as_pygrid_writes_them() -> None:
    tensors = small_diff(3)
    data = state_bytes(tensors)
    state = pb.decode(pb.State, data)
    assert [p.expected_shape and list(p.expected_shape.dims) for p in state.placeholders] == [
        [3, 2],
        [3],
    ]
    assert all(not p.tags and p.id is not None for p in state.placeholders)
    assert all(t.torch_tensor is not None for t in state.tensors)
    for ours, expected in zip(State.loads(data).tensors, tensors, strict=True):
        assert ours.tobytes() == expected.tobytes()


@pytest.mark.parametrize(
    ("dtype", "old", "step", "new"),
    [
        (np.int64, 2**60 + 1, 0.0, 2**60 + 1),
        (np.int64, 2**63 - 1, 0.0, 2**63 - 1),
        (np.int64, 2**63 - 1, -1.0, None),
        (np.int64, -(2**63), 1.0, None),
        (np.int64, 5, 1e30, None),
        (np.int64, 5, float("nan"), None),
        (np.int64, 5, 7.5, -3),
        (np.uint64, 2**64 - 1, 1.0, 2**64 - 2),
        (np.uint64, 2**64 - 2, -1.0, 2**64 - 1),
        (np.uint8, 1, 3.0, None),
        (np.uint8, 1, -254.0, 255),
        (np.uint8, 1, -255.0, None),
        (np.uint8, 50, 300.0, None),
        (np.int8, 100, 200.0, -100),
    ],
)
def test_whole_numbers_neither_round_nor_wrap_around(
    dtype: type[np.integer[Any]], old: int, step: float, new: int | None
) -> None:
    before, average = [np.array([old], dtype)], [np.array([step])]
    if new is None:
        with pytest.raises(AggregationError, match="Parameter 0 would no longer be"):
            new_parameters(before, average)
        return
    after = new_parameters(before, average)
    assert after[0].dtype == dtype
    assert after[0].tolist() == [new]
