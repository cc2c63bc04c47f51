"""A grid that is killed: no acknowledged diff is lost, no cycle is aggregated twice."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import numpy as np
import pytest

from syft_web.plan import State
from tests.grid.processes import grid_process, kill
from tests.grid.talk import Talk, host_data, mean, retrieve, small_diff, small_model
from tests.grid.waiting import checkpoint


@contextmanager
def grid_on(database: Path) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    with grid_process(f"sqlite:///{database}", "--verbose") as running:
        yield running


def assert_mean(new: list[np.ndarray], diffs: list[list[np.ndarray]]) -> None:
    before = State.loads(small_model()).tensors
    for index, (ours, average) in enumerate(zip(new, mean(diffs), strict=True)):
        assert ours.tobytes() == (before[index] - average).tobytes()
        stacked = np.stack([diff[index] for diff in diffs])
        np.testing.assert_allclose(ours, before[index] - np.mean(stacked, axis=0), atol=1e-6)


@pytest.mark.parametrize("http", [False, True])
def test_killed_between_two_reports(tmp_path: Path, http: bool) -> None:
    database = tmp_path / "grid.sqlite"
    diffs = [small_diff(i) for i in range(3)]
    with grid_on(database) as (url, process):
        with Talk(url) as talk:
            assert talk.call("host-training", host_data(max_diffs=3)) == {"status": "success"}
        with Talk(url, http=http) as talk:
            places = [talk.join() for _ in range(3)]
            for index in (1, 0):
                data = State.of(diffs[index]).dumps()
                assert talk.report(places[index], data) == {"status": "success"}
            kill(process)
    with grid_on(database) as (url, _):
        assert retrieve(url, checkpoint=2).status_code == 404
        with Talk(url, http=http) as talk:
            # What was acknowledged need not be sent again, and may be.
            assert talk.report(places[0], State.of(diffs[2]).dumps()) == {"status": "success"}
            assert talk.report(places[2], State.of(diffs[2]).dumps()) == {"status": "success"}
        assert_mean(checkpoint(url, 2), diffs)
        assert retrieve(url, checkpoint=3).status_code == 404


def test_killed_right_after_the_last_acknowledgement(tmp_path: Path) -> None:
    database = tmp_path / "grid.sqlite"
    diffs = [small_diff(i) for i in range(2)]
    with grid_on(database) as (url, process), Talk(url) as talk:
        talk.call("host-training", host_data(max_diffs=2))
        places = [talk.join() for _ in range(2)]
        for place, diff in zip(places, diffs, strict=True):
            assert talk.report(place, State.of(diff).dumps()) == {"status": "success"}
        kill(process)
    with grid_on(database) as (url, _):
        assert_mean(checkpoint(url, 2), diffs)
        assert retrieve(url, checkpoint=3).status_code == 404


def test_a_cycle_that_ended_while_the_grid_was_down(tmp_path: Path) -> None:
    database = tmp_path / "grid.sqlite"
    diffs = [small_diff(i) for i in range(2)]
    with grid_on(database) as (url, process), Talk(url) as talk:
        talk.call("host-training", host_data(cycle_length=2))
        places = [talk.join() for _ in range(2)]
        for place, diff in zip(places, diffs, strict=True):
            assert talk.report(place, State.of(diff).dumps()) == {"status": "success"}
        kill(process)
    time.sleep(2)
    with grid_on(database) as (url, _):
        assert_mean(checkpoint(url, 2), diffs)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_polite_end(tmp_path: Path, number: signal.Signals) -> None:
    with grid_on(tmp_path / "grid.sqlite") as (url, process):
        with Talk(url) as talk:
            assert talk.frame('{"type": "socket-ping"}') == {"alive": "True"}
            process.send_signal(number)
            assert process.wait(timeout=20) == 0
        with pytest.raises(httpx.ConnectError):
            httpx.get(url)
