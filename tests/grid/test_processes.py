"""``syft-web grid --workers``: several processes on one port and one SQLite file."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from websockets.exceptions import WebSocketException

from syft_web.errors import HostError, StoreError
from syft_web.grid import Server
from syft_web.grid.processes import Processes
from syft_web.plan import State
from tests.grid.processes import grid_process, kill
from tests.grid.talk import Talk, host_data, retrieve, small_diff
from tests.grid.waiting import checkpoint

WORKERS = 8


def wait_for(condition: Callable[[], bool]) -> None:
    limit = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < limit
        time.sleep(0.05)


def test_a_process_that_dies_is_replaced(tmp_path: Path) -> None:
    with Processes(2, "127.0.0.1", 0, f"sqlite:///{tmp_path / 'grid.sqlite'}") as grid:
        with Talk(grid.url) as talk:
            talk.call("host-training", host_data(max_diffs=WORKERS, num_cycles=1))

        def work(index: int) -> bool:
            place = None
            diff = State.of(small_diff(index)).dumps()
            while True:
                try:
                    with Talk(grid.url, http=index % 2 == 0) as talk:
                        place = place or talk.join()
                        return talk.report(place, diff) == {"status": "success"}
                except (httpx.HTTPError, WebSocketException, OSError, EOFError):
                    time.sleep(0.05)  # the process that answered was killed

        first = [process.pid for process in grid._running]
        with ThreadPoolExecutor(WORKERS) as pool:
            waiting = [pool.submit(work, index) for index in range(WORKERS)]
            assert first[0] is not None
            os.kill(first[0], signal.SIGKILL)
            assert all(one.result(timeout=100) for one in waiting)
        assert len(checkpoint(grid.url, 2)) == 2
        assert retrieve(grid.url, checkpoint=3).status_code == 404
        wait_for(lambda: len(grid._running) == 2 and first[0] not in pids(grid))
        running = list(grid._running)
    assert not any(process.is_alive() for process in running)
    with pytest.raises(httpx.ConnectError):
        httpx.get(grid.url)


def pids(grid: Processes) -> list[int | None]:
    return [process.pid for process in grid._running]


def test_they_end_with_the_first_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))  # what is left there by who is killed
    database = f"sqlite:///{tmp_path / 'grid.sqlite'}"
    with grid_process(database, "--workers", "2") as (url, process):
        assert httpx.get(url).status_code == 200
        kill(process)

        def is_gone() -> bool:
            try:
                return httpx.get(url).status_code != 200
            except httpx.TransportError:
                return True

        wait_for(is_gone)


def test_a_polite_end(tmp_path: Path) -> None:
    database = f"sqlite:///{tmp_path / 'grid.sqlite'}"
    with grid_process(database, "--workers", "2") as (url, process):
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=60) == 0
        with pytest.raises(httpx.ConnectError):
            httpx.get(url)


def test_what_keeps_them_from_starting(grid: Server, tmp_path: Path) -> None:
    port = int(grid.url.rpartition(":")[2])
    with pytest.raises(HostError, match="Cannot listen"):
        Processes(2, "127.0.0.1", port, f"sqlite:///{tmp_path / 'other.sqlite'}").start()
    with pytest.raises(StoreError, match="could not be opened"):
        Processes(2, "127.0.0.1", 0, f"sqlite:///{tmp_path}").start()
