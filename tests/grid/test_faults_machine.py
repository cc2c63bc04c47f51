"""A machine that fails the grid: a disk that is full, a clock that jumps."""

from __future__ import annotations

import sqlite3
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import numpy as np
import pytest

from syft_web.plan import State
from tests.grid.guarded import Guarded, guarded_process
from tests.grid.talk import Talk, host_data, mean, retrieve, small_diff, small_model

if sys.platform == "linux":
    import resource

WAIT = 60
DAY = 86_400.0
SHAPE = (200, 150)
FULL = "busy or cannot be written"

needs_quota = pytest.mark.skipif(
    sys.platform != "linux", reason="a quota of another process can be set on Linux only"
)


def wait_until(true: Callable[[], bool]) -> None:
    limit = time.monotonic() + WAIT
    while not true():
        assert time.monotonic() < limit
        time.sleep(0.02)


@contextmanager
def quota(grid: Guarded, size: int) -> Iterator[None]:
    """No file of the grid can be written beyond ``size``, as if its disk were full."""
    before = resource.prlimit(grid.process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(grid.process.pid, resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.prlimit(grid.process.pid, resource.RLIMIT_FSIZE, before)


@contextmanager
def big_process(folder: Path) -> Iterator[tuple[Guarded, list[dict[str, str]]]]:
    """A grid with a model of 120 kB, and two places in its first cycle."""
    with guarded_process(folder) as grid, Talk(grid.url) as talk:
        model = State.of([np.zeros(SHAPE, np.float32)]).dumps()
        data = host_data("big", model=model, max_diffs=2)
        assert talk.call("host-training", data) == {"status": "success"}
        yield grid, [talk.join("big") for _ in range(2)]


def diff(value: float) -> bytes:
    return State.of([np.full(SHAPE, value, np.float32)]).dumps()


def written_ahead(grid: Guarded) -> int:
    return (grid.clock.parent / "grid.sqlite-wal").stat().st_size


def assert_averaged(grid: Guarded) -> None:
    wait_until(lambda: retrieve(grid.url, "big", 2).status_code == 200)
    (new,) = State.loads(retrieve(grid.url, "big", 2).content).tensors
    assert new.tobytes() == np.full(SHAPE, -1.5, np.float32).tobytes()
    assert retrieve(grid.url, "big", 3).status_code == 404
    with sqlite3.connect(grid.clock.parent / "grid.sqlite") as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)


@needs_quota
def test_a_full_disk(tmp_path: Path) -> None:
    with big_process(tmp_path) as (grid, places):
        with Talk(grid.url) as talk, Talk(grid.url, http=True) as http:
            with quota(grid, 1 << 16):
                for place in places:
                    for each in (talk, http):
                        reply = each.report(place, diff(1))
                        assert FULL in reply["error"], reply
                url = f"{grid.url}/model-centric/authenticate"
                answer = httpx.post(url, json={"model_name": "calm"})
                assert answer.status_code in (200, 503)
                # Who only reads does not notice.
                assert retrieve(grid.url, "calm").status_code == 200
                assert talk.frame('{"type": "socket-ping"}') == {"alive": "True"}
            # What was refused can be sent again when there is room.
            for value, place in enumerate(places, 1):
                assert talk.report(place, diff(value)) == {"status": "success"}
        assert_averaged(grid)
        grid.assert_well()


@needs_quota
def test_a_disk_that_is_full_at_the_end_of_a_cycle(tmp_path: Path) -> None:
    with big_process(tmp_path) as (grid, places), Talk(grid.url) as talk:
        assert talk.report(places[0], diff(1)) == {"status": "success"}
        # Room for one more report, but not for the checkpoint.
        with quota(grid, written_ahead(grid) + 220_000):
            assert talk.report(places[1], diff(2)) == {"status": "success"}
            wait_until(lambda: "The database refused" in grid.log())
            assert retrieve(grid.url, "big", 2).status_code == 404
        assert_averaged(grid)
        grid.assert_well()


def test_a_clock_that_jumps(tmp_path: Path) -> None:
    diffs = [small_diff(seed) for seed in range(4)]
    with guarded_process(tmp_path) as grid, Talk(grid.url) as talk:
        data = host_data("timed", cycle_length=3600, min_diffs=2, max_diffs=9, num_cycles=3)
        assert talk.call("host-training", data) == {"status": "success"}
        places = [talk.join("timed") for _ in range(2)]
        send(talk, places[0], diffs[0])
        grid.set_clock(DAY)  # The cycle is over; the next report ends it.
        send(talk, places[1], diffs[1])
        wait_until(lambda: retrieve(grid.url, "timed", 2).status_code == 200)

        grid.set_clock(-2 * DAY)  # The second cycle began in what is now the future.
        places = [talk.join("timed") for _ in range(2)]
        rejected = talk.request(places[0]["worker_id"], "timed")
        assert rejected["status"] == "rejected"
        assert isinstance(rejected["timeout"], int)
        assert rejected["timeout"] >= 1
        send(talk, places[0], diffs[2])
        assert retrieve(grid.url, "timed", 3).status_code == 404

        grid.set_clock(3 * DAY)
        send(talk, places[1], diffs[3])
        wait_until(lambda: retrieve(grid.url, "timed", 3).status_code == 200)
        expected = State.loads(small_model()).tensors
        for pair in (diffs[:2], diffs[2:]):
            expected = [old - average for old, average in zip(expected, mean(pair), strict=True)]
        new = State.loads(retrieve(grid.url, "timed", 3).content).tensors
        assert [each.tobytes() for each in new] == [each.tobytes() for each in expected]
        grid.assert_well()


def send(talk: Talk, place: dict[str, str], tensors: list[np.ndarray]) -> None:
    assert talk.report(place, State.of(tensors).dumps()) == {"status": "success"}
