from __future__ import annotations

import itertools

import pytest

from syft_web.client.retry import NO_RETRY, Retry, is_passing
from syft_web.errors import (
    DownloadError,
    GridAnswerError,
    GridClosedError,
    GridRefusedError,
    GridTimeoutError,
    GridUnreachableError,
)


class Clock:
    def __init__(self):
        self.time = 100.0

    def __call__(self):
        return self.time


def highest(n):
    return b"\xff" * n


def lowest(n):
    return b"\x00" * n


def test_ceilings_double_up_to_a_limit():
    waits = Retry(tries=7, first=0.5, ceiling=4, max_seconds=1000).waits(highest, Clock())
    assert list(waits) == pytest.approx([0.5, 1, 2, 4, 4, 4], rel=1e-6)


def test_full_jitter_reaches_down_to_zero():
    assert list(Retry(tries=3).waits(lowest, Clock())) == [0, 0]


def test_waits_spread_over_the_whole_range():
    numbers = itertools.cycle(range(16))
    waits = [
        next(Retry(first=1).waits(lambda n: bytes([next(numbers) * 16] * n), Clock()))
        for _ in range(16)
    ]
    assert all(0 <= wait < 1 for wait in waits)
    assert max(waits) - min(waits) > 0.9


def test_gives_up_when_the_time_is_over():
    clock = Clock()
    seen = []
    for wait in Retry(tries=100, first=1, ceiling=8, max_seconds=20).waits(highest, clock):
        seen.append(wait)
        clock.time += wait
    assert seen == pytest.approx([1, 2, 4, 8], rel=1e-6)


def test_the_time_of_the_attempts_counts():
    clock = Clock()
    waits = Retry(tries=10, first=1, max_seconds=30).waits(lowest, clock)
    next(waits)
    clock.time += 30
    assert next(waits, None) is None


def test_no_retry():
    assert list(NO_RETRY.waits(highest, Clock())) == []


@pytest.mark.parametrize(
    "wrong", [{"tries": 0}, {"first": 0}, {"ceiling": -1}, {"max_seconds": -1}]
)
def test_nonsense_is_refused(wrong):
    with pytest.raises(ValueError, match="Retry needs"):
        Retry(**wrong)


@pytest.mark.parametrize(
    ("error", "passing"),
    [
        (GridUnreachableError("x"), True),
        (GridClosedError("x"), True),
        (GridTimeoutError("x"), True),
        (GridRefusedError("x"), False),
        (GridAnswerError("x"), False),
        (DownloadError("x"), False),
    ],
)
def test_what_may_pass(error, passing):
    assert is_passing(error) is passing
