"""A grid that is killed: no acknowledged diff is lost, no cycle is aggregated twice."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import numpy as np
import pytest

from syft_web.plan import State
from tests.grid.talk import Talk, host_data, mean, retrieve, small_diff, small_model
from tests.paths import ROOT


@contextmanager
def grid_process(database: Path) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """``syft-web grid`` in a process of its own; gives its address."""
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "syft_web.cli", "grid", "--port", "0"),
            *("--database", f"sqlite:///{database}", "--verbose"),
        ],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        found = re.search(r"http://\S+", line)
        assert found, f"the grid said {line!r}"
        yield found[0], process
    finally:
        process.kill()
        process.wait()


def kill(process: subprocess.Popen[str]) -> None:
    os.kill(process.pid, signal.SIGKILL)
    process.wait()


def checkpoint(url: str, number: int, seconds: float = 15) -> list[np.ndarray]:
    """A checkpoint, waited for."""
    limit = time.monotonic() + seconds
    while (answer := retrieve(url, checkpoint=number)).status_code != 200:
        assert time.monotonic() < limit, answer.text
        time.sleep(0.05)
    return State.loads(answer.content).tensors


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
    with grid_process(database) as (url, process):
        with Talk(url) as talk:
            assert talk.call("host-training", host_data(max_diffs=3)) == {"status": "success"}
        with Talk(url, http=http) as talk:
            places = [talk.join() for _ in range(3)]
            for index in (1, 0):
                data = State.of(diffs[index]).dumps()
                assert talk.report(places[index], data) == {"status": "success"}
            kill(process)
    with grid_process(database) as (url, _):
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
    with grid_process(database) as (url, process), Talk(url) as talk:
        talk.call("host-training", host_data(max_diffs=2))
        places = [talk.join() for _ in range(2)]
        for place, diff in zip(places, diffs, strict=True):
            assert talk.report(place, State.of(diff).dumps()) == {"status": "success"}
        kill(process)
    with grid_process(database) as (url, _):
        assert_mean(checkpoint(url, 2), diffs)
        assert retrieve(url, checkpoint=3).status_code == 404


def test_a_cycle_that_ended_while_the_grid_was_down(tmp_path: Path) -> None:
    database = tmp_path / "grid.sqlite"
    diffs = [small_diff(i) for i in range(2)]
    with grid_process(database) as (url, process), Talk(url) as talk:
        talk.call("host-training", host_data(cycle_length=2))
        places = [talk.join() for _ in range(2)]
        for place, diff in zip(places, diffs, strict=True):
            assert talk.report(place, State.of(diff).dumps()) == {"status": "success"}
        kill(process)
    time.sleep(2)
    with grid_process(database) as (url, _):
        assert_mean(checkpoint(url, 2), diffs)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_polite_end(tmp_path: Path, number: signal.Signals) -> None:
    with grid_process(tmp_path / "grid.sqlite") as (url, process):
        with Talk(url) as talk:
            assert talk.frame('{"type": "socket-ping"}') == {"alive": "True"}
            process.send_signal(number)
            assert process.wait(timeout=20) == 0
        with pytest.raises(httpx.ConnectError):
            httpx.get(url)
