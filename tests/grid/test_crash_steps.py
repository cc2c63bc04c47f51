"""A grid that is killed at every step of a cycle, and what its workers find afterwards."""

from __future__ import annotations

import socket
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

import httpx
import numpy as np
import pytest
from websockets.exceptions import ConnectionClosed

from syft_web.plan import State
from tests.grid.crash_child import STEPS
from tests.grid.talk import Talk, host_data, mean, retrieve, small_diff, small_model
from tests.grid.waiting import checkpoint
from tests.paths import ROOT

WORKERS = 3
SUCCESS = {"status": "success"}
GONE = (ConnectionClosed, ConnectionError, httpx.TransportError, TimeoutError)


class Grid:
    """A grid in a process of its own, which can be told where to stop."""

    def __init__(self, database: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.grid.crash_child", str(database)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.url = self.line()

    def line(self) -> str:
        """The next line it prints."""
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def stop_at(self, step: str) -> None:
        """Let it stand still when it comes to a step."""
        assert self.process.stdin is not None
        print(step, file=self.process.stdin, flush=True)
        assert self.line() == "ready"

    def kill(self) -> None:
        """End it as a power cut would."""
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            assert pipe is not None
            pipe.close()

    def __enter__(self) -> Self:
        assert self.url.startswith("http://"), self.url
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()


@dataclass
class Worker:
    """What a worker remembers while the grid is away."""

    diff: list[np.ndarray]
    place: dict[str, str] = field(default_factory=dict)
    acknowledged: bool = False

    def go_on(self, url: str, http: bool) -> None:
        """Do what is left to do; whatever was not answered is done again."""
        with Talk(url, http=http) as talk:
            if not self.place:
                self.place = talk.join()
            if not self.acknowledged:
                assert talk.report(self.place, State.of(self.diff).dumps()) == SUCCESS
                self.acknowledged = True


def go_on(workers: list[Worker], url: str, http: bool) -> None:
    """All workers, one after the other, until the grid is gone or they are done.

    All are accepted first: so they are averaged in this order.
    """
    with Talk(url, http=http) as talk:
        for worker in workers:
            worker.place = worker.place or talk.join()
    for worker in workers:
        worker.go_on(url, http)


def killed_at(step: str, grid: Grid, workers: list[Worker], http: bool) -> None:
    """Let the workers go on with a grid that stands still at a step, and kill it there."""
    grid.stop_at(step)
    with ThreadPoolExecutor(1) as pool:
        work = pool.submit(go_on, workers, grid.url, http)
        assert grid.line() == "reached"
        grid.kill()
        error = work.exception(timeout=60)
    assert error is None or isinstance(error, GONE), error


def check(
    url: str, number: int, before: list[np.ndarray], workers: list[Worker]
) -> list[np.ndarray]:
    """The checkpoint is the mean of all diffs, and there is no other; returns it."""
    assert all(worker.acknowledged for worker in workers)
    new = checkpoint(url, number, seconds=60)
    average = mean([worker.diff for worker in workers])
    for ours, old, step in zip(new, before, average, strict=True):
        assert ours.tobytes() == (old - step).tobytes()
    assert retrieve(url, checkpoint=number + 1).status_code == 404
    return new


@pytest.mark.timeout(600)
def test_killed_at_every_step(tmp_path: Path) -> None:
    database = tmp_path / "grid.sqlite"
    parameters = State.loads(small_model()).tensors
    with ExitStack() as stack:
        grid = stack.enter_context(Grid(database))
        with Talk(grid.url) as talk:
            assert talk.call("host-training", host_data(max_diffs=WORKERS)) == SUCCESS
        for index, step in enumerate(STEPS):
            workers = [Worker(small_diff(10 * index + i)) for i in range(WORKERS)]
            killed_at(step, grid, workers, http=bool(index % 2))
            grid = stack.enter_context(Grid(database))
            go_on(workers, grid.url, http=not index % 2)
            parameters = check(grid.url, index + 2, parameters, workers)
    with sqlite3.connect(database) as tables:
        counted = tables.execute(
            "SELECT state, count(diff), count(reported_at) FROM cycle LEFT JOIN assignment "
            "ON cycle_id = cycle.id GROUP BY cycle.id ORDER BY cycle.id"
        ).fetchall()
    assert counted == [("done", 0, WORKERS)] * len(STEPS) + [("open", 0, 0)]


def test_killed_in_the_middle_of_a_message(tmp_path: Path) -> None:
    """Half a report is none."""
    database = tmp_path / "grid.sqlite"
    workers = [Worker(small_diff(i)) for i in range(2)]
    with Grid(database) as grid, Talk(grid.url) as talk:
        assert talk.call("host-training", host_data(max_diffs=2)) == SUCCESS
        for worker in workers:
            worker.place = talk.join()
        address = urlsplit(grid.url)
        with socket.create_connection((address.hostname, address.port)) as half:
            half.sendall(
                b"POST /model-centric/report HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n"
                b'{"worker_id": "' + workers[0].place["worker_id"].encode()
            )
            assert talk.frame('{"type": "socket-ping"}') == {"alive": "True"}
            grid.kill()
    with Grid(database) as grid:
        assert retrieve(grid.url, checkpoint=2).status_code == 404
        go_on(workers, grid.url, http=False)
        check(grid.url, 2, State.loads(small_model()).tensors, workers)


@pytest.mark.parametrize("step", ["closed, not acknowledged", "averaged"])
def test_another_grid_on_the_database_goes_on(tmp_path: Path, step: str) -> None:
    """Nobody restarts the one that was killed."""
    database = tmp_path / "grid.sqlite"
    workers = [Worker(small_diff(i)) for i in range(WORKERS)]
    with Grid(database) as killed, Grid(database) as other:
        with Talk(killed.url) as talk:
            assert talk.call("host-training", host_data(max_diffs=WORKERS)) == SUCCESS
        killed_at(step, killed, workers, http=False)
        go_on(workers, other.url, http=False)
        check(other.url, 2, State.loads(small_model()).tensors, workers)
