"""Many clients at once: every acknowledged diff counts once, every cycle ends once."""

from __future__ import annotations

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from syft_web.grid import Server
from syft_web.plan import State
from tests.grid.talk import Talk, host_data, mean, retrieve, small_diff, small_model

WORKERS = 12


def parameters(grid: Server, number: int) -> list[np.ndarray]:
    return State.loads(retrieve(grid.url, checkpoint=number).content).tensors


@pytest.mark.parametrize("http", [False, True])
def test_reports_at_the_same_time(grid: Server, http: bool) -> None:
    with Talk(grid) as talk:
        talk.call("host-training", host_data(max_diffs=WORKERS, num_cycles=1))
        places = [talk.join() for _ in range(WORKERS)]
    diffs = [small_diff(i) for i in range(WORKERS)]

    def work(index: int) -> dict[str, str]:
        with Talk(grid, http=http) as talk:
            data = State.of(diffs[index]).dumps()
            replies = [talk.report(places[index], data) for _ in range(2)]
            assert replies[0] == replies[1]
            return replies[0]

    with ThreadPoolExecutor(WORKERS) as pool:
        assert list(pool.map(work, range(WORKERS))) == [{"status": "success"}] * WORKERS
    assert grid.settle()
    before = State.loads(small_model()).tensors
    for new, old, average in zip(parameters(grid, 2), before, mean(diffs), strict=True):
        assert new.tobytes() == (old - average).tobytes()
    assert retrieve(grid.url, checkpoint=3).status_code == 404


def test_one_worker_asking_many_times_gets_one_place(grid: Server) -> None:
    with Talk(grid) as talk:
        talk.call("host-training", host_data(max_diffs=5))
        worker = talk.authenticate()

    def ask(_: int) -> str:
        with Talk(grid) as talk:
            return talk.request(worker)["status"]

    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(ask, range(8)))
    assert sorted(statuses) == ["accepted"] + ["rejected"] * 7


def test_one_report_sent_many_times_counts_once(grid: Server) -> None:
    with Talk(grid) as talk:
        talk.call("host-training", host_data(max_diffs=2))
        place, other = talk.join(), talk.join()
    diff = State.of(small_diff(1)).dumps()

    def send(_: int) -> dict[str, str]:
        with Talk(grid) as talk:
            return talk.report(place, diff)

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(send, range(8))) == [{"status": "success"}] * 8
    assert grid.settle()
    assert retrieve(grid.url, checkpoint=2).status_code == 404
    with Talk(grid) as talk:
        assert talk.report(other, diff) == {"status": "success"}
    assert grid.settle()
    assert retrieve(grid.url, checkpoint=2).status_code == 200


def test_one_name_hosted_many_times_exists_once(grid: Server) -> None:
    def host(_: int) -> dict[str, str]:
        with Talk(grid) as talk:
            return talk.call("host-training", host_data())

    with ThreadPoolExecutor(6) as pool:
        replies = list(pool.map(host, range(6)))
    assert replies.count({"status": "success"}) == 1
    assert replies.count({"error": "FL Process already exists."}) == 5


def test_workers_that_never_stop(grid: Server, tmp_path: Path) -> None:
    """Cycle after cycle without a pause: nobody is lost between two cycles."""
    cycles, per_cycle = 5, 3
    with Talk(grid) as talk:
        talk.call("host-training", host_data(max_diffs=per_cycle, num_cycles=cycles))

    def work(seed: int) -> int:
        sent = counted = 0
        with Talk(grid) as talk:
            while True:
                worker = talk.authenticate()
                reply = talk.request(worker)
                if reply["status"] == "rejected":
                    if "timeout" not in reply:
                        return counted
                    continue
                place = {"worker_id": worker, "request_key": reply["request_key"]}
                diff = State.of(small_diff(seed * 100 + sent)).dumps()
                answer = talk.report(place, diff)
                assert answer in ({"status": "success"}, {"status": "success", "reason": "late"})
                sent += 1
                counted += "reason" not in answer

    with ThreadPoolExecutor(per_cycle) as pool:
        total = sum(pool.map(work, range(per_cycle)))
    assert total == cycles * per_cycle  # late ones were told so
    assert grid.settle()
    with sqlite3.connect(tmp_path / "grid.sqlite") as database:
        states = database.execute("SELECT state, count(*) FROM cycle GROUP BY state").fetchall()
        counted = database.execute(
            "SELECT count(*) FROM assignment WHERE reported_at IS NOT NULL"
        ).fetchone()
    assert states == [("done", cycles)]
    assert counted == (cycles * per_cycle,)
    assert retrieve(grid.url, checkpoint=cycles + 1).status_code == 200
    assert retrieve(grid.url, checkpoint=cycles + 2).status_code == 404
