"""Token buckets."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from syft_web.grid import buckets
from syft_web.grid.buckets import Bucket, Buckets


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_burst_then_the_rate() -> None:
    clock = Clock()
    bucket = Bucket(2, 3, clock)
    assert [bucket.take() for _ in range(4)] == [0, 0, 0, None]
    clock.now += 0.5
    assert [bucket.take() for _ in range(2)] == [0, None]
    clock.now += 100
    assert [bucket.take() for _ in range(4)] == [0, 0, 0, None]


def test_who_waits_has_a_place() -> None:
    bucket = Bucket(2, 1, Clock())
    assert [bucket.take(1.0) for _ in range(4)] == [0, 0.5, 1.0, None]


@given(st.lists(st.tuples(st.floats(0, 3), st.floats(0, 2)), max_size=60))
def test_never_more_than_promised(steps: list[tuple[float, float]]) -> None:
    clock = Clock()
    rate, burst = 3.0, 4.0
    bucket = Bucket(rate, burst, clock)
    begins = []
    for step, patience in steps:
        clock.now += step
        wait = bucket.take(patience)
        if wait is not None:
            assert 0 <= wait <= patience
            begins.append(clock.now + wait)
    begins.sort()
    for first in range(len(begins)):
        for last in range(first, len(begins)):
            allowed = burst + rate * (begins[last] - begins[first])
            assert last - first + 1 <= allowed + 1e-6


def test_keys_are_apart_and_bounded() -> None:
    many = Buckets(1, 1, Clock())
    assert many.take("a") == 0
    assert many.take("a") is None
    assert many.take("b") == 0
    for number in range(buckets.MOST_KEYS + 10):
        many.take(str(number))
    assert len(many) == buckets.MOST_KEYS
