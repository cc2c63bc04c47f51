"""Each way to average against its definition, written with all diffs in one array."""

from __future__ import annotations

import math
import tracemalloc
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from syft_web.errors import AggregationError
from syft_web.grid.aggregation import Aggregation, Reports, make_aggregator
from syft_web.grid.aggregation.mean import FederatedAverage
from syft_web.grid.aggregation.median import Median
from syft_web.grid.aggregation.norm_bound import NormBound, norm_of
from syft_web.grid.aggregation.trimmed_mean import TrimmedMean, trimmed_count
from syft_web.grid.aggregation.weighted import WeightedAverage, weights_of
from tests.grid.talk import mean, small_diff

Diffs = list[list[np.ndarray]]

DTYPES = (np.float16, np.float32, np.float64, np.int8, np.int64, np.uint8)


@st.composite
def cycles(draw: st.DrawFn, dtypes: tuple[Any, ...] = DTYPES) -> Diffs:
    """Diffs of one model: any shapes, dtypes and number of workers."""
    shapes = draw(st.lists(hnp.array_shapes(min_dims=0, max_dims=3, min_side=0), max_size=3))
    kinds = [draw(st.sampled_from(dtypes)) for _ in shapes]
    count = draw(st.integers(1, 9))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    return [
        [(random.normal(size=s) * 20 % 100).astype(k) for s, k in zip(shapes, kinds, strict=True)]
        for _ in range(count)
    ]


def stacks(diffs: Diffs) -> Iterator[np.ndarray]:
    """Of each parameter, all workers' values as float64."""
    return (np.stack(tensors).astype(np.float64) for tensors in zip(*diffs, strict=True))


def assert_near(ours: list[np.ndarray], expected: list[np.ndarray], diffs: Diffs) -> None:
    for a, b, like in zip(ours, expected, diffs[0], strict=True):
        assert a.shape == like.shape
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-4)


@given(seed=st.integers(0, 2**32 - 1), count=st.integers(1, 12))
def test_mean_is_left_to_right_bit_for_bit(seed: int, count: int) -> None:
    diffs = [small_diff(seed + i) for i in range(count)]
    for ours, expected in zip(
        FederatedAverage().average(Reports.of(diffs)), mean(diffs), strict=True
    ):
        assert ours.dtype == np.float32
        assert ours.tobytes() == expected.tobytes()


@given(cycles())
def test_mean(diffs: Diffs) -> None:
    expected = [stack.mean(axis=0) for stack in stacks(diffs)]
    assert_near(FederatedAverage().average(Reports.of(diffs)), expected, diffs)


@given(cycles(), st.data())
def test_weighted_mean(diffs: Diffs, data: st.DataObject) -> None:
    samples = [data.draw(st.integers(1, 2**31 - 1)) for _ in diffs]
    expected = [np.average(stack, axis=0, weights=samples) for stack in stacks(diffs)]
    assert_near(WeightedAverage().average(Reports.of(diffs, samples)), expected, diffs)


@given(cycles(), st.sampled_from([None, 7]))
def test_equal_weights_are_the_plain_mean_bit_for_bit(diffs: Diffs, count: int | None) -> None:
    reports = Reports.of(diffs, [count] * len(diffs))
    ours, plain = WeightedAverage().average(reports), FederatedAverage().average(reports)
    assert [t.tobytes() for t in ours] == [t.tobytes() for t in plain]


@pytest.mark.parametrize(
    ("samples", "bound", "weights"),
    [
        ([None, None], None, [1, 1]),
        ([10, 30], None, [10, 30]),
        ([10, None, 30], None, [10, 20, 30]),
        ([10, 3000, None], 30, [10, 30, 20]),
    ],
)
def test_weights(samples: list[int | None], bound: int | None, weights: list[float]) -> None:
    assert weights_of(samples, bound) == weights


@pytest.mark.parametrize("memory", [1, 60, 1 << 20])
@given(diffs=cycles())
def test_median(memory: int, diffs: Diffs) -> None:
    expected = [np.median(stack, axis=0) for stack in stacks(diffs)]
    assert_near(Median(memory).average(Reports.of(diffs)), expected, diffs)


@pytest.mark.parametrize("memory", [1, 60, 1 << 20])
@given(diffs=cycles(), trim=st.floats(0.01, 0.49))
def test_trimmed_mean(memory: int, diffs: Diffs, trim: float) -> None:
    cut = trimmed_count(trim, len(diffs))
    expected = [
        np.sort(stack, axis=0)[cut : len(diffs) - cut].mean(axis=0) for stack in stacks(diffs)
    ]
    assert_near(TrimmedMean(trim, memory).average(Reports.of(diffs)), expected, diffs)


@pytest.mark.parametrize(
    ("trim", "reports", "count"), [(0.1, 9, 0), (0.1, 10, 1), (0.29, 100, 29), (0.49, 3, 1)]
)
def test_how_many_are_trimmed(trim: float, reports: int, count: int) -> None:
    assert trimmed_count(trim, reports) == count


@pytest.mark.parametrize("robust", [Median(), TrimmedMean(0.2), NormBound(FederatedAverage(), 1)])
def test_one_hostile_worker_of_ten_does_little(robust: Any) -> None:
    honest = [[np.full(4, 0.1 + i / 1000, np.float32)] for i in range(9)]
    hostile = [np.full(4, -1e30, np.float32)]
    (ours,) = robust.average(Reports.of([*honest[:4], hostile, *honest[4:]]))
    assert np.abs(ours - 0.1).max() < 0.1


@given(cycles(), st.floats(0.01, 50))
def test_norm_bound(diffs: Diffs, bound: float) -> None:
    shortened = []
    for diff in diffs:
        floats = [t.astype(np.float64).ravel() for t in diff if t.dtype.kind == "f"]
        norm = float(np.linalg.norm(np.concatenate([*floats, np.zeros(1)])))
        factor = min(1.0, bound / norm) if norm else 1.0
        shortened.append(
            [t.astype(np.float64) * (factor if t.dtype.kind == "f" else 1.0) for t in diff]
        )
    expected = [stack.mean(axis=0) for stack in stacks(shortened)]
    ours = NormBound(FederatedAverage(), bound).average(Reports.of(diffs))
    for a, b in zip(ours, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=2e-3, atol=2e-3)  # float16 is scaled as such


def test_norm_bound_leaves_short_diffs_alone_bit_for_bit() -> None:
    diffs = [small_diff(i) for i in range(3)]
    ours = NormBound(FederatedAverage(), 1e3).average(Reports.of(diffs))
    assert [t.tobytes() for t in ours] == [t.tobytes() for t in mean(diffs)]


def test_the_norm_of_large_numbers() -> None:
    assert norm_of([np.array([3e200, 4e200])]) == pytest.approx(5e200)
    assert norm_of([np.full(4, 3e38, np.float32)]) == pytest.approx(6e38)
    assert norm_of([np.array([3], np.int64)]) == 0
    (ours,) = NormBound(FederatedAverage(), 5.0).average(Reports.of([[np.array([3e200, 4e200])]]))
    assert ours.tolist() == pytest.approx([3, 4])


@pytest.mark.parametrize("aggregator", [Median(8), TrimmedMean(0.4, 8), WeightedAverage()])
def test_inputs_are_left_alone(aggregator: Any) -> None:
    diffs = [small_diff(i) for i in range(3)]
    for tensor in (t for diff in diffs for t in diff):
        tensor.flags.writeable = False
    before = [t.copy() for diff in diffs for t in diff]
    aggregator.average(Reports.of(diffs, [1, 2, 3]))
    assert all(
        np.array_equal(a, b)
        for a, b in zip(before, (t for diff in diffs for t in diff), strict=True)
    )


def test_nothing_to_average() -> None:
    with pytest.raises(AggregationError, match="no reports"):
        Reports.of([])


@pytest.mark.parametrize(
    ("choices", "kind"),
    [
        (Aggregation(), FederatedAverage),
        (Aggregation(weighted=True), WeightedAverage),
        (Aggregation(method="median"), Median),
        (Aggregation(method="trimmed_mean", trim=0.1), TrimmedMean),
        (Aggregation(max_norm=1.0), NormBound),
    ],
)
def test_what_is_made_of_the_choices(choices: Aggregation, kind: type) -> None:
    assert type(make_aggregator(b"", iterative=False, choices=choices)) is kind


SIZE = 200_000
"""Parameters of the model whose memory is measured: 800 kB."""


def stream(count: int) -> Reports:
    """Diffs that are made when they are read, as the database's are."""

    def read() -> Iterator[list[np.ndarray]]:
        for seed in range(count):
            yield [np.random.default_rng(seed).random(SIZE, np.float32)]

    return Reports(read, tuple(range(1, count + 1)))


def keep_all(reports: Reports) -> list[np.ndarray]:
    return [np.mean(np.stack(tensors), axis=0) for tensors in zip(*reports, strict=True)]


def peak(average: Callable[[Reports], list[np.ndarray]], count: int) -> float:
    """The most memory in use at a time, in models."""
    reports = stream(count)
    tracemalloc.start()
    average(reports)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return most / (4 * SIZE)


@pytest.mark.parametrize(
    ("average", "models"),
    [
        # The diff at hand and the one before it are two of them.
        (FederatedAverage().average, 3.5),
        (WeightedAverage().average, 6.5),
        (NormBound(FederatedAverage(), 1.0).average, 5.5),
        (Median(4 * SIZE).average, 6.5),
        (TrimmedMean(0.1, 4 * SIZE).average, 6.5),
    ],
)
def test_memory_does_not_grow_with_the_number_of_diffs(
    average: Callable[[Reports], list[np.ndarray]], models: float
) -> None:
    few, many = peak(average, 4), peak(average, 24)
    assert many < models
    assert many < few + 0.5
    assert peak(keep_all, 24) > 24


def test_blocks_read_the_diffs_as_rarely_as_they_can() -> None:
    reads = 0
    diffs = [[np.full((5, 4), i, np.float32), np.full(3, i, np.float32)] for i in range(4)]

    def read() -> Diffs:
        nonlocal reads
        reads += 1
        return diffs

    for memory, passes in ((1 << 20, 1), (23 * 4 * 4, 1), (12 * 4 * 4, 2), (1, 23)):
        reads = 0
        result = Median(memory).average(Reports(read, (None,) * 4))
        assert reads == passes + 1  # once for the shapes
        assert all((tensor == 1.5).all() for tensor in result)
        assert math.prod(result[0].shape) == 20
