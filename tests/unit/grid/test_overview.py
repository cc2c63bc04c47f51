"""What can be seen of a grid from outside."""

from __future__ import annotations

import base64
import json

import pytest

from syft_web.grid.completion import Completion
from syft_web.grid.overview import Overview
from syft_web.grid.store import Store
from syft_web.plan import State
from tests.grid.talk import host_data, small_diff
from tests.unit.grid.workers import Clock, Workers, refused


@pytest.fixture
def overview(store: Store, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Overview:
    monkeypatch.setattr("syft_web.grid.overview.KEPT_SECONDS", 0)
    return Overview(store, clock)


def test_of_an_empty_grid(overview: Overview) -> None:
    assert overview.overview() == {"models": [], "models_total": 0}
    assert overview.counts()["models"] == 0


def test_states_of_a_model(
    overview: Overview, workers: Workers, completion: Completion, clock: Clock
) -> None:
    def state() -> str:
        (model,) = overview.overview()["models"]
        return str(model["state"])

    workers.service.host(host_data(max_diffs=2, min_diffs=2, num_cycles=1, cycle_length=100))
    assert state() == "waiting"
    first, second = workers.join(), workers.join()
    assert state() == "training"
    workers.report(first, small_diff(0))
    clock.now += 100
    completion.run()
    assert state() == "overdue"
    workers.report(second, small_diff(1))
    assert state() == "averaging"
    completion.run()
    assert state() == "finished"


def test_a_training_that_failed(
    overview: Overview, workers: Workers, completion: Completion, clock: Clock
) -> None:
    workers.service.host(host_data(min_diffs=2, on_too_few_diffs="fail", cycle_length=100))
    workers.join()
    clock.now += 100
    completion.run()
    (model,) = overview.overview()["models"]
    assert model["state"] == "failed"
    # Why is for the operator.
    assert "note" not in model["recent"][0]
    (cycle,) = overview.details({"name": "m"})["cycle_list"]
    assert cycle["note"].startswith("Its time was over with 0 of at least 2 reports")


def test_counts(overview: Overview, workers: Workers, completion: Completion) -> None:
    workers.service.host(host_data(max_diffs=2, num_cycles=5))
    places = [workers.join() for _ in range(3)]
    for seed, place in enumerate(places[:2]):
        workers.report(place, small_diff(seed))
    completion.run()
    workers.join()
    (model,) = overview.overview()["models"]
    assert model["parameters"] == 9
    assert (model["cycles_done"], model["cycles_wanted"]) == (1, 5)
    assert (model["reports_least"], model["reports_most"]) == (1, 2)
    assert (model["workers"], model["checkpoint"]) == (4, 2)
    now, before = model["recent"]
    assert (now["number"], now["state"], now["workers"], now["reports"]) == (2, "open", 1, 0)
    assert (before["state"], before["workers"], before["reports"]) == ("done", 3, 2)
    assert overview.counts() == {
        "models": 1,
        "cycles": {"open": 1, "aggregating": 0, "done": 1, "failed": 0},
        "workers_training": 1,
        "diffs_waiting": 0,
    }


def test_curves(overview: Overview, workers: Workers, completion: Completion) -> None:
    workers.service.host(host_data(max_diffs=1))
    for number in range(3):
        tell(workers, loss=3.0 - number, their_secret=1.0)
        completion.run()
    (model,) = overview.overview()["models"]
    assert model["charts"] == {"loss": [[2, 3.0], [3, 2.0], [4, 1.0]]}
    details = overview.details({"name": "m", "limit": "2"})
    newest, _ = details["checkpoint_list"]
    assert newest["metrics"] == {"loss": 1.0, "their_secret": 1.0}
    assert newest["num_samples"] == 600
    assert len(details["cycle_list"]) == 2


def test_long_curves_are_thinned_out(
    overview: Overview,
    workers: Workers,
    completion: Completion,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("syft_web.grid.overview.POINTS", 10)
    workers.service.host(host_data(max_diffs=1))
    for _ in range(25):
        tell(workers, accuracy=0.5)
        completion.run()
    (model,) = overview.overview()["models"]
    numbers = [number for number, _ in model["charts"]["accuracy"]]
    assert numbers == [2, 5, 8, 11, 14, 17, 20, 23, 26]


def test_nobody_is_named(overview: Overview, workers: Workers) -> None:
    secret = "a secret of thirty-two characters"
    workers.service.host(host_data(authentication={"secret": secret}))
    workers.service.host(host_data("open"))
    place = workers.join("open")
    for told in (overview.overview(), overview.details({"name": "m"})):
        text = json.dumps(told)
        assert place["worker_id"] not in text
        assert place["request_key"] not in text
        assert secret not in text
    assert [model["token_needed"] for model in overview.overview()["models"]] == [False, True]


def test_a_crowd_reads_the_database_once_a_second(
    store: Store, clock: Clock, workers: Workers, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 0.0
    monkeypatch.setattr("syft_web.grid.overview.time.monotonic", lambda: now)
    overview = Overview(store, clock)
    assert overview.overview()["models_total"] == 0
    workers.service.host(host_data())
    assert overview.overview()["models_total"] == 0
    now = 1.0
    assert overview.overview()["models_total"] == 1


@pytest.mark.parametrize(
    "query", [{}, {"name": "n"}, {"name": "m", "version": "9"}, {"name": "\0"}]
)
def test_details_of_nothing(overview: Overview, workers: Workers, query: dict[str, str]) -> None:
    workers.service.host(host_data())
    with refused("No model of this name", status=404):
        overview.details(query)


@pytest.mark.parametrize("limit", ["0", "-1", "x", "201", "9" * 40, ""])
def test_a_limit_that_is_none(overview: Overview, limit: str) -> None:
    with refused("limit must be"):
        overview.details({"name": "m", "limit": limit})


def tell(workers: Workers, **metrics: float) -> None:
    """A report of somebody new, with metrics."""
    diff = base64.b64encode(State.of(small_diff(0)).dumps()).decode()
    report = {**workers.join(), "diff": diff, "num_samples": 600, "metrics": metrics}
    workers.service.report(report)
