from __future__ import annotations

import numpy as np
import pytest

from syft_web.errors import AggregationError, HostingError
from syft_web.grid.aggregation import load_averaging_plan, required_diffs, signature_of
from syft_web.grid.records import Signature
from syft_web.plan import Action, Plan, Ref, Role
from tests.grid.talk import small_diff
from tests.paths import DATA, NO_SHARED, SHARED
from tests.unit.grid.averaging import ITERATIVE, averaged, list_plan


def signature(*shapes: tuple[int, ...]) -> Signature:
    return tuple(("float32", shape) for shape in shapes)


def diffs_for(shapes: list[tuple[int, ...]], count: int, seed: int = 0) -> list[list[np.ndarray]]:
    random = np.random.default_rng(seed)
    return [[random.normal(size=s).astype(np.float32) for s in shapes] for _ in range(count)]


@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_iterative_plan_folds_in_order(count: int) -> None:
    shapes = [tuple(p.expected_shape or ()) for p in Plan.loads(ITERATIVE).inputs[:2]]
    diffs = diffs_for(shapes, count)
    average = diffs[0]
    for index, diff in enumerate(diffs[1:], 1):
        k = np.float32(index)
        average = [(a * k + d) / np.float32(index + 1) for a, d in zip(average, diff, strict=True)]
    for ours, expected in zip(averaged(ITERATIVE, diffs, iterative=True), average, strict=True):
        assert np.array_equal(ours, expected)


def test_iterative_plan_of_the_notebook() -> None:
    plan = (DATA / "avg_mnist.pb").read_bytes()
    shapes = [(392, 784), (392,), (10, 392), (10,)]
    diffs = [[np.full(shape, v, np.float32) for shape in shapes] for v in (1, 5.5, 7, 55)]
    assert all((tensor == 17.125).all() for tensor in averaged(plan, diffs, iterative=True))


@pytest.mark.parametrize("parameters", [1, 2])
def test_list_plan_takes_all_diffs_in_order(parameters: int) -> None:
    plan = list_plan(parameters)
    data = plan.dumps()
    a, b = (diff[:parameters] for diff in (small_diff(1), small_diff(2)))
    assert (
        required_diffs(load_averaging_plan(data), iterative=False, signature=signature_of(a)) == 2
    )
    three, four = np.float32(3), np.float32(4)
    for ours, x, y in zip(averaged(data, [a, b]), a, b, strict=True):
        assert ours.tobytes() == ((x + y * three) / four).tobytes()


@pytest.mark.parametrize("count", [1, 3])
def test_list_plan_of_another_number_of_diffs(count: int) -> None:
    with pytest.raises(AggregationError, match="averaging plan failed"):
        averaged(list_plan().dumps(), [small_diff(seed) for seed in range(count)])


def test_an_averaging_plan_that_fails_says_so() -> None:
    diffs = [[np.ones((n, n), np.float32), np.ones(n, np.float32)] for n in (2, 3)]
    with pytest.raises(AggregationError, match="averaging plan failed"):
        averaged(ITERATIVE, diffs, iterative=True)


def test_an_averaging_plan_that_would_compute_for_hours_is_not_run() -> None:
    actions = []
    for index in range(3):
        actions.append(Action("__matmul__", Ref(10 + index), (Ref(1),), return_ids=(11 + index,)))
    role = Role(
        actions=(Action("__mul__", Ref(1), (2,), return_ids=(10,)), *actions),
        input_ids=(1, 2, 3),
        output_ids=(13,),
    )
    data = Plan.from_role(role, name="hungry").dumps()
    assert (
        required_diffs(load_averaging_plan(data), iterative=True, signature=signature((4, 4)))
        is None
    )
    small = np.ones((4, 4), np.float32)
    averaged(data, [[small], [small]], iterative=True)
    large = np.broadcast_to(np.ones((), np.float32), (5000, 5000))
    with pytest.raises(AggregationError, match="averaging plan failed"):
        averaged(data, [[large], [large]], iterative=True)


def test_required_diffs() -> None:
    plan = load_averaging_plan(ITERATIVE)
    two, three = signature((3,), (3,)), signature((3,), (3,), (3,))
    assert required_diffs(plan, iterative=True, signature=two) is None
    with pytest.raises(HostingError, match="5 inputs, no multiple"):
        required_diffs(plan, iterative=False, signature=two)
    with pytest.raises(HostingError, match="2 outputs, the model has 3"):
        required_diffs(plan, iterative=True, signature=three)
    training = load_averaging_plan((DATA / "tr_mlp.pb").read_bytes())
    with pytest.raises(HostingError, match="needs 13"):
        required_diffs(training, iterative=True, signature=two + two + two)


def test_a_list_plan_of_too_much() -> None:
    plan = load_averaging_plan(list_plan(1).dumps())
    with pytest.raises(HostingError, match="host an iterative one"):
        required_diffs(plan, iterative=False, signature=signature((2**29,)))


@pytest.mark.skipif(SHARED is None, reason=NO_SHARED)
def test_the_broken_averaging_plan_is_refused() -> None:
    assert SHARED is not None
    with pytest.raises(HostingError, match="Plan is not valid: averaging plan"):
        load_averaging_plan((SHARED / "bin" / "py2007_avg_plan.pb").read_bytes())


@pytest.mark.parametrize("data", [b"junk", b"\xff" * 9])
def test_averaging_plans_that_are_none(data: bytes) -> None:
    with pytest.raises(HostingError, match="Plan is not valid"):
        load_averaging_plan(data)
