from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from syft_web.errors import ModelError
from syft_web.grid.aggregation import check_diff, signature_of
from syft_web.plan import State
from syft_web.wire import syft_proto as pb
from tests.grid.talk import small_diff, small_model

SIGNATURE = signature_of(State.loads(small_model()).tensors)


def test_a_fitting_diff() -> None:
    diff = small_diff(4)
    tensors = check_diff(State.of(diff).dumps(), SIGNATURE)
    assert all(np.array_equal(a, b) for a, b in zip(tensors, diff, strict=True))


def test_a_diff_without_ids_or_serializer() -> None:
    state = pb.decode(pb.State, State.of(small_diff(4)).dumps())
    for placeholder in state.placeholders:
        placeholder.id = None
    for tensor in state.tensors:
        assert tensor.torch_tensor is not None
        tensor.torch_tensor.id = None
        tensor.torch_tensor.serializer = 0
    assert len(check_diff(pb.encode(state), SIGNATURE)) == 2


@pytest.mark.parametrize(
    ("tensors", "text"),
    [
        ([], "it has 0 tensors, the model has 2"),
        ([np.ones((3, 2), np.float32)], "it has 1 tensors"),
        ([np.ones((3, 2), np.float32)] * 3, "it has 3 tensors"),
        ([np.ones((2, 3), np.float32), np.ones(3, np.float32)], "tensor 0 has shape [2, 3]"),
        ([np.ones(2, np.float32), np.ones(3, np.float32)], "tensor 0 has shape [2]"),
        ([np.ones((3, 2), np.float64), np.ones(3, np.float32)], "tensor 0 is float64"),
        ([np.ones((3, 2), np.float32), np.ones(3, np.int64)], "tensor 1 is int64"),
        ([np.ones((3, 2), np.float32), np.full(3, np.nan, np.float32)], "tensor 1 has values"),
        ([np.full((3, 2), np.inf, np.float32), np.ones(3, np.float32)], "tensor 0 has values"),
    ],
)
def test_diffs_that_do_not_fit(tensors: list[np.ndarray], text: str) -> None:
    with pytest.raises(ModelError) as caught:
        check_diff(State.of(tensors).dumps(), SIGNATURE)
    assert str(caught.value).startswith("Invalid diff: ")
    assert text in str(caught.value)


@given(st.binary(max_size=300))
def test_random_bytes_are_no_diff(data: bytes) -> None:
    with pytest.raises(ModelError, match="Invalid diff"):
        check_diff(data, SIGNATURE)


@given(cut=st.integers(0, 200), flip=st.integers(0, 10_000))
def test_damaged_diffs_are_read_or_refused(cut: int, flip: int) -> None:
    data = bytearray(State.of(small_diff(4)).dumps())
    data[flip % len(data)] ^= 1 << flip % 8
    try:
        tensors = check_diff(bytes(data[: max(0, len(data) - cut)]), SIGNATURE)
    except ModelError:
        return
    assert signature_of(tensors) == SIGNATURE
