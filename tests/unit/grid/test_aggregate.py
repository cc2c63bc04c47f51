from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from syft_web.errors import AggregationError, HostingError, ModelError
from syft_web.grid.aggregate import (
    FederatedAverage,
    check_diff,
    load_averaging_plan,
    make_aggregator,
    new_parameters,
    required_diffs,
    signature_of,
    state_bytes,
)
from syft_web.plan import Action, Plan, Ref, Role, State
from syft_web.wire import syft_proto as pb
from tests.grid.talk import mean, small_diff, small_model
from tests.paths import DATA, NO_SHARED, SHARED

ITERATIVE = (DATA / "avg_iter.pb").read_bytes()
"""(average, item, count) of two tensors: the running mean."""


def shapes_of_iterative() -> list[tuple[int, ...]]:
    plan = Plan.loads(ITERATIVE)
    return [tuple(p.expected_shape or ()) for p in plan.inputs[:2]]


def diffs_for(shapes: list[tuple[int, ...]], count: int, seed: int = 0) -> list[list[np.ndarray]]:
    random = np.random.default_rng(seed)
    return [[random.normal(size=s).astype(np.float32) for s in shapes] for _ in range(count)]


@given(seed=st.integers(0, 2**32 - 1), count=st.integers(1, 12))
def test_average_is_left_to_right_bit_for_bit(seed: int, count: int) -> None:
    diffs = [small_diff(seed + i) for i in range(count)]
    aggregator = FederatedAverage()
    for diff in diffs:
        aggregator.add(diff)
    for ours, expected in zip(aggregator.result(), mean(diffs), strict=True):
        assert ours.dtype == np.float32
        assert ours.tobytes() == expected.tobytes()


def test_average_leaves_its_inputs_alone() -> None:
    diffs = [small_diff(1), small_diff(2)]
    before = [t.copy() for diff in diffs for t in diff]
    aggregator = FederatedAverage()
    for diff in diffs:
        for tensor in diff:
            tensor.flags.writeable = False
        aggregator.add(diff)
    aggregator.result()
    assert all(np.array_equal(a, b) for a, b in zip(before, [*diffs[0], *diffs[1]], strict=True))


@pytest.mark.parametrize("iterative", [True, False])
@pytest.mark.parametrize("plan", [b"", ITERATIVE])
def test_nothing_to_average(plan: bytes, iterative: bool) -> None:
    with pytest.raises(AggregationError):
        make_aggregator(plan, iterative=iterative).result()


def test_integers_and_short_floats() -> None:
    old = [np.array([10, 20], np.int64), np.ones(3, np.float16)]
    aggregator = FederatedAverage()
    for step in (1, 2):
        aggregator.add([np.array([step, 0], np.int64), np.full(3, 1e-3, np.float16)])
    new = new_parameters(old, aggregator.result())
    assert [t.dtype for t in new] == [np.int64, np.float16]
    assert new[0].tolist() == [8, 20]  # 10 - 1.5, rounded to even


@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_iterative_plan_folds_in_order(count: int) -> None:
    diffs = diffs_for(shapes_of_iterative(), count)
    aggregator = make_aggregator(ITERATIVE, iterative=True)
    average: list[np.ndarray] = []
    for index, diff in enumerate(diffs):
        aggregator.add(diff)
        if index == 0:
            average = diff
        else:
            k = np.float32(index)
            average = [
                (a * k + d) / np.float32(index + 1) for a, d in zip(average, diff, strict=True)
            ]
    for ours, expected in zip(aggregator.result(), average, strict=True):
        assert np.array_equal(ours, expected)


def test_iterative_plan_of_the_notebook() -> None:
    plan = (DATA / "avg_mnist.pb").read_bytes()
    shapes = [(392, 784), (392,), (10, 392), (10,)]
    aggregator = make_aggregator(plan, iterative=True)
    for value in (1, 5.5, 7, 55):
        aggregator.add([np.full(shape, value, np.float32) for shape in shapes])
    assert all((tensor == 17.125).all() for tensor in aggregator.result())


def list_plan(parameters: int = 2) -> Plan:
    """(a + 3 b) / 4 of a list of two diffs."""
    actions, outputs = [], []
    for index in range(parameters):
        first, second, free = index + 1, parameters + index + 1, 100 + 10 * index
        actions += [
            Action("__mul__", Ref(second), (3,), return_ids=(free,)),
            Action("__add__", Ref(first), (Ref(free),), return_ids=(free + 1,)),
            Action("__truediv__", Ref(free + 1), (4,), return_ids=(free + 2,)),
        ]
        outputs.append(free + 2)
    inputs = tuple(range(1, 2 * parameters + 1))
    return Plan.from_role(
        Role(actions=tuple(actions), input_ids=inputs, output_ids=tuple(outputs)), name="weighted"
    )


@pytest.mark.parametrize("parameters", [1, 2])
def test_list_plan_takes_all_diffs_in_order(parameters: int) -> None:
    plan = list_plan(parameters)
    data = plan.dumps()
    assert required_diffs(load_averaging_plan(data), iterative=False, parameters=parameters) == 2
    a, b = (diff[:parameters] for diff in (small_diff(1), small_diff(2)))
    aggregator = make_aggregator(data, iterative=False)
    aggregator.add(a)
    aggregator.add(b)
    three, four = np.float32(3), np.float32(4)
    for ours, x, y in zip(aggregator.result(), a, b, strict=True):
        assert ours.tobytes() == ((x + y * three) / four).tobytes()


@pytest.mark.parametrize("count", [1, 3])
def test_list_plan_of_another_number_of_diffs(count: int) -> None:
    aggregator = make_aggregator(list_plan().dumps(), iterative=False)
    for seed in range(count):
        aggregator.add(small_diff(seed))
    with pytest.raises(AggregationError, match="averaging plan failed"):
        aggregator.result()


def test_an_averaging_plan_that_fails_says_so() -> None:
    aggregator = make_aggregator(ITERATIVE, iterative=True)
    aggregator.add([np.ones((2, 2), np.float32), np.ones(2, np.float32)])
    with pytest.raises(AggregationError, match="averaging plan failed"):
        aggregator.add([np.ones((3, 3), np.float32), np.ones(3, np.float32)])


def test_required_diffs() -> None:
    plan = load_averaging_plan(ITERATIVE)
    assert required_diffs(plan, iterative=True, parameters=2) is None
    with pytest.raises(HostingError, match="5 inputs, no multiple"):
        required_diffs(plan, iterative=False, parameters=2)
    with pytest.raises(HostingError, match="2 outputs, the model has 3"):
        required_diffs(plan, iterative=True, parameters=3)
    training = load_averaging_plan((DATA / "tr_mlp.pb").read_bytes())
    with pytest.raises(HostingError, match="needs 13"):
        required_diffs(training, iterative=True, parameters=6)


@pytest.mark.skipif(SHARED is None, reason=NO_SHARED)
def test_the_broken_averaging_plan_is_refused() -> None:
    assert SHARED is not None
    with pytest.raises(HostingError, match="Plan is not valid: averaging plan"):
        load_averaging_plan((SHARED / "bin" / "py2007_avg_plan.pb").read_bytes())


@pytest.mark.parametrize("data", [b"junk", b"\xff" * 9])
def test_averaging_plans_that_are_none(data: bytes) -> None:
    with pytest.raises(HostingError, match="Plan is not valid"):
        load_averaging_plan(data)


def test_new_parameters_refuses_what_does_not_fit() -> None:
    old = small_diff(0)
    with pytest.raises(AggregationError, match="1 tensors for 2"):
        new_parameters(old, old[:1])
    with pytest.raises(AggregationError, match="gave shape"):
        new_parameters(old, [old[1], old[0]])


def test_sums_that_overflow_do_not_become_a_model() -> None:
    huge = [np.full((2,), 3e38, np.float32)]
    aggregator = FederatedAverage()
    aggregator.add(huge)
    aggregator.add(huge)
    with pytest.raises(AggregationError, match="no longer be a finite float32"):
        new_parameters([np.zeros(2, np.float32)], aggregator.result())


def test_state_bytes_are_as_pygrid_writes_them() -> None:
    tensors = small_diff(3)
    data = state_bytes(tensors)
    state = pb.decode(pb.State, data)
    assert [list(p.expected_shape.dims) for p in state.placeholders] == [[3, 2], [3]]
    assert all(not p.tags and p.id is not None for p in state.placeholders)
    assert all(t.torch_tensor is not None for t in state.tensors)
    for ours, expected in zip(State.loads(data).tensors, tensors, strict=True):
        assert ours.tobytes() == expected.tobytes()


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
