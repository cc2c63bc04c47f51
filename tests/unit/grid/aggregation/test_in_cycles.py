"""The choices of a process, from its configuration to its checkpoints in the database."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from syft_web.errors import StoreError
from syft_web.grid import completion as module
from syft_web.grid.aggregation import new_parameters, optimized
from syft_web.grid.aggregation.fedadam import FedAdam
from syft_web.grid.aggregation.fedavgm import FedAvgM
from syft_web.grid.aggregation.norm_bound import norm_of
from syft_web.grid.completion import Completion
from syft_web.grid.records import CycleState, CycleSummary
from syft_web.grid.service import Service
from syft_web.grid.store import Store
from syft_web.plan import State
from tests.grid.talk import host_data, mean, small_diff, small_model
from tests.unit.grid.averaging import ITERATIVE
from tests.unit.grid.workers import Clock, Workers, refused

OLD = State.loads(small_model()).tensors


@pytest.fixture
def completion(store: Store, clock: Clock) -> Completion:
    return Completion(store, clock)


def latest(workers: Workers) -> list[np.ndarray]:
    return State.loads(workers.service.checkpoint({"name": "m"})).tensors


def cycle(workers: Workers, diffs: list[list[np.ndarray]], extras: list[Any] | None = None) -> None:
    """All workers of a cycle report."""
    for diff, more in zip(diffs, extras or [{}] * len(diffs), strict=True):
        workers.report({**workers.join(), **more}, diff)


def test_weighted_by_what_workers_tell(workers: Workers, completion: Completion) -> None:
    workers.service.host(host_data(max_diffs=3, aggregation={"weighted": True}))
    diffs = [small_diff(i) for i in range(3)]
    cycle(workers, diffs, [{"num_samples": 10}, {}, {"num_samples": 30}])
    completion.run()
    for new, old, *stack in zip(latest(workers), OLD, *diffs, strict=True):
        expected = old - np.average(np.stack(stack), axis=0, weights=[10, 20, 30])
        np.testing.assert_allclose(new, expected, rtol=1e-6, atol=1e-6)


def test_sample_counts_have_no_weight_unless_asked(
    workers: Workers, completion: Completion
) -> None:
    workers.service.host(host_data(max_diffs=2))
    diffs = [small_diff(i) for i in range(2)]
    cycle(workers, diffs, [{"num_samples": 1}, {"num_samples": 1000}])
    completion.run()
    for new, old, average in zip(latest(workers), OLD, mean(diffs), strict=True):
        assert new.tobytes() == (old - average).tobytes()


@pytest.mark.parametrize(
    "aggregation",
    [
        {"method": "median"},
        {"method": "trimmed_mean", "trim": 0.34},
        {"method": "median", "optimizer": {"name": "fedavgm", "momentum": 0}},
    ],
)
def test_robust(workers: Workers, completion: Completion, aggregation: dict[str, Any]) -> None:
    workers.service.host(host_data(max_diffs=3, aggregation=aggregation))
    diffs = [small_diff(i) for i in range(3)]
    cycle(workers, diffs)
    completion.run()
    for new, old, *stack in zip(latest(workers), OLD, *diffs, strict=True):
        np.testing.assert_allclose(new, old - np.median(np.stack(stack), axis=0), rtol=1e-6)


def test_a_bound_before_an_averaging_plan(workers: Workers, completion: Completion) -> None:
    workers.service.host(
        host_data(
            model=State.of([np.zeros(3, np.float32), np.zeros(3, np.float32)]).dumps(),
            averaging_plan=ITERATIVE,
            iterative_plan=True,
            max_diffs=2,
            aggregation={"max_norm": 2.0},
        )
    )
    cycle(workers, [[np.full(3, 1e6, np.float32)] * 2] * 2)
    completion.run()
    assert norm_of(latest(workers)) == pytest.approx(2.0)


def test_an_optimizer_goes_on_after_a_restart(tmp_path: Path, clock: Clock) -> None:
    url = f"sqlite:///{tmp_path / 'grid.sqlite'}"
    parameters = OLD
    memory: list[np.ndarray] = []
    for seed in range(4):
        store = Store(url)
        workers = Workers(Service(store, clock=clock))
        if seed == 0:
            workers.service.host(host_data(max_diffs=1, aggregation={"optimizer": "fedadam"}))
        cycle(workers, [small_diff(seed)])
        store.close()
        store = Store(url)
        Completion(store, clock).run()
        step, memory = optimized(FedAdam(), parameters, small_diff(seed), memory)
        parameters = new_parameters(parameters, step)
        with store.read() as tx:
            found = tx.get_checkpoint(1)
            kept = tx.optimizer_memory(1, seed + 2)
            assert tx.optimizer_memory(1, seed + 1) is None
        assert found is not None
        assert kept is not None
        assert found[0] == seed + 2
        ours = [t.tobytes() for t in State.loads(found[1]).tensors]
        assert ours == [t.tobytes() for t in parameters]
        assert [t.tobytes() for t in State.loads(kept).tensors] == [t.tobytes() for t in memory]
        store.close()


@pytest.mark.parametrize("where", ["_store", "open_cycle"])
def test_a_crash_leaves_the_optimizer_where_its_checkpoint_is(
    workers: Workers,
    completion: Completion,
    store: Store,
    monkeypatch: pytest.MonkeyPatch,
    where: str,
) -> None:
    workers.service.host(host_data(max_diffs=1, aggregation={"optimizer": "fedavgm"}))
    cycle(workers, [small_diff(0)])
    completion.run()
    cycle(workers, [small_diff(1)])
    original = getattr(module, where)

    def crash(*arguments: Any) -> None:
        original(*arguments)
        raise StoreError("the disk is full")

    monkeypatch.setattr(module, where, crash)
    with pytest.raises(StoreError):
        completion.run()
    with store.read() as tx:
        assert tx.optimizer_memory(1, 2) is not None
        assert tx.optimizer_memory(1, 3) is None
    monkeypatch.setattr(module, where, original)
    completion.run()
    completion.run()
    parameters = OLD
    memory: list[np.ndarray] = []
    for seed in range(2):
        step, memory = optimized(FedAvgM(), parameters, small_diff(seed), memory)
        parameters = new_parameters(parameters, step)
    assert [t.tobytes() for t in latest(workers)] == [t.tobytes() for t in parameters]
    with store.read() as tx:
        assert tx.get_checkpoint(1, number=4) is None


def test_a_cycle_that_failed_leaves_the_optimizer_alone(
    workers: Workers, completion: Completion, store: Store
) -> None:
    workers.service.host(host_data(max_diffs=1, aggregation={"optimizer": "fedyogi"}))
    cycle(workers, [small_diff(0)])
    completion.run()
    with store.read() as tx:
        before = tx.optimizer_memory(1, 2)
    cycle(workers, [[np.full(t.shape, 1e30, np.float32) for t in OLD]])
    completion.run()
    with store.read() as tx:
        assert len(tx.cycles_in(CycleState.FAILED)) == 1
        assert tx.optimizer_memory(1, 2) == before


def test_a_database_that_stops_answering_does_not_fail_the_cycle(
    workers: Workers, completion: Completion, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    workers.service.host(host_data(max_diffs=1))
    cycle(workers, [small_diff(0)])

    def broken(*_: object) -> Any:
        raise StoreError("busy")
        yield

    with monkeypatch.context() as patch:
        patch.setattr("syft_web.grid.report_queries.ReportQueries.diffs", broken)
        with pytest.raises(StoreError):
            completion.run()
    with store.read() as tx:
        assert len(tx.cycles_in(CycleState.AGGREGATING)) == 1
    completion.run()
    with store.read() as tx:
        assert len(tx.cycles_in(CycleState.DONE)) == 1


def test_metrics_become_means_and_those_of_single_workers_are_forgotten(
    workers: Workers, completion: Completion, store: Store, clock: Clock
) -> None:
    workers.service.host(host_data(max_diffs=3))
    extras: list[Any] = [
        {"metrics": {"loss": 1, "accuracy": 0.5}, "num_samples": 10},
        {},
        {"metrics": {"loss": 2.0}, "num_samples": 20},
    ]
    cycle(workers, [small_diff(i) for i in range(3)], extras)
    with store.read() as tx:
        assert [e.num_samples for e in tx.report_extras(1)] == [10, None, 20]
    completion.run()
    with store.read() as tx:
        infos = tx.checkpoint_infos(1)
        assert tx.report_extras(1) == []
        count = tx._connection.exec_driver_sql("SELECT count(*) FROM report_extra").scalar()
    assert count == 0
    assert [(i.number, i.created_at) for i in infos] == [(1, clock.now), (2, clock.now)]
    assert infos[0].summary is None
    assert infos[1].summary == CycleSummary(3, 30, {"accuracy": 0.5, "loss": 1.5})


def test_metrics_weigh_as_the_diffs_do(
    workers: Workers, completion: Completion, store: Store
) -> None:
    workers.service.host(host_data(max_diffs=2, aggregation={"weighted": True}))
    extras: list[Any] = [
        {"metrics": {"loss": 1.0}, "num_samples": 10},
        {"metrics": {"loss": 2.0}, "num_samples": 30},
    ]
    cycle(workers, [small_diff(i) for i in range(2)], extras)
    completion.run()
    with store.read() as tx:
        summary = tx.checkpoint_infos(1)[1].summary
    assert summary == CycleSummary(2, 40, {"loss": 1.75})


def test_only_the_first_report_of_a_worker_counts(
    workers: Workers, completion: Completion, store: Store
) -> None:
    workers.service.host(host_data(max_diffs=2))
    place = workers.join()
    for samples in (5, 7):
        workers.report({**place, "num_samples": samples}, small_diff(0))  # type: ignore[dict-item]
    with store.read() as tx:
        assert [e.num_samples for e in tx.report_extras(1)] == [5]


@pytest.mark.parametrize(
    ("more", "text"),
    [
        ({"num_samples": 0}, "num_samples must be a whole number"),
        ({"num_samples": True}, "num_samples must be"),
        ({"num_samples": 1.5}, "num_samples must be"),
        ({"metrics": [1]}, "metrics must be an object"),
        ({"metrics": {"loss": float("nan")}}, "metrics.loss must be a finite number"),
        ({"metrics": {"loss": "1"}}, "metrics.loss must be"),
        ({"metrics": {"<b>": 1}}, "a name must begin with a letter"),
        ({"metrics": {f"m{i}": 1 for i in range(17)}}, "16 names at most"),
    ],
)
def test_what_is_told_must_be_numbers(
    workers: Workers, store: Store, more: dict[str, Any], text: str
) -> None:
    workers.service.host(host_data(max_diffs=1))
    place = workers.join()
    with refused(text):
        workers.report({**place, **more}, small_diff(0))
    with store.read() as tx:
        assert tx.count_reports(1) == 0
    workers.report(place, small_diff(0))


def test_an_older_database_is_made_fit(tmp_path: Path, clock: Clock) -> None:
    path = tmp_path / "grid.sqlite"
    store = Store(f"sqlite:///{path}")
    workers = Workers(Service(store, clock=clock))
    workers.service.host(host_data(max_diffs=1))
    store.close()
    with sqlite3.connect(path) as raw:
        for table in ("report_extra", "checkpoint_summary", "optimizer_memory"):
            raw.execute(f"DROP TABLE {table}")
        # From before there were migrations.
        for table in ("aggregation_claim", "alembic_version"):
            raw.execute(f"DROP TABLE {table}")
    store = Store(f"sqlite:///{path}")
    workers = Workers(Service(store, clock=clock))
    cycle(workers, [small_diff(0)], [{"metrics": {"loss": 1.0}}])
    Completion(store, clock).run()
    with store.read() as tx:
        assert tx.checkpoint_infos(1)[1].summary == CycleSummary(1, None, {"loss": 1.0})
    store.close()
