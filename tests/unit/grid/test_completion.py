from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from syft_web.errors import AggregationError, StoreError
from syft_web.grid import completion as module
from syft_web.grid.completion import Completion, is_due
from syft_web.grid.configs import ServerConfig
from syft_web.grid.records import CycleState
from syft_web.grid.store import Store
from syft_web.plan import State
from tests.grid.talk import host_data, mean, small_diff, small_model
from tests.unit.grid.workers import Clock, Workers, latest, states


@pytest.mark.parametrize(
    ("max_diffs", "min_diffs", "length", "reports", "ended", "due"),
    [
        (1, None, 100, 1, False, True),
        (2, None, 100, 1, False, False),
        (2, None, 100, 2, False, True),
        (2, None, 100, 3, False, True),
        (1, 3, 100, 2, False, False),
        (1, 3, 100, 3, False, True),
        (None, None, None, 1, False, True),
        (None, 2, None, 1, False, False),
        (None, 2, None, 2, False, True),
        (None, None, 100, 5, False, False),
        (None, None, 100, 1, True, True),
        (None, 3, 100, 2, True, False),
        (5, 2, 100, 2, True, True),
        (0, None, 100, 1, False, True),
        (None, None, 100, 0, True, False),
        (0, None, None, 0, True, False),
    ],
)
def test_is_due(
    max_diffs: int | None,
    min_diffs: int | None,
    length: float | None,
    reports: int,
    ended: bool,
    due: bool,
) -> None:
    rules = ServerConfig(cycle_length=length, max_diffs=max_diffs, min_diffs=min_diffs)
    assert is_due(rules, reports, ended=ended) is due


@pytest.mark.parametrize(("reports", "due"), [(1, False), (2, True)])
@pytest.mark.parametrize("ended", [True, False])
def test_is_due_with_a_plan_for_two(reports: int, due: bool, ended: bool) -> None:
    rules = ServerConfig(cycle_length=10)
    assert is_due(rules, reports, ended=ended, fixed_diffs=2) is due


def test_reports_become_a_checkpoint_in_order_of_assignment(
    workers: Workers, completion: Completion, store: Store
) -> None:
    workers.service.host(host_data(max_diffs=3))
    places = [workers.join() for _ in range(3)]
    diffs = [small_diff(i) for i in range(3)]
    for index in (2, 0, 1):
        workers.report(places[index], diffs[index])
    assert states(store) == {CycleState.AGGREGATING: 1}
    assert not completion.is_idle()
    completion.run()
    assert states(store) == {CycleState.DONE: 1, CycleState.OPEN: 1}
    before = State.loads(small_model()).tensors
    for new, old, average in zip(latest(workers), before, mean(diffs), strict=True):
        assert np.array_equal(new, old - average)


def test_diffs_are_forgotten_once_averaged(
    workers: Workers, completion: Completion, store: Store
) -> None:
    workers.service.host(host_data(max_diffs=1))
    workers.report(workers.join(), small_diff(0))
    with store.read() as tx:
        assert len(list(tx.diffs(1))) == 1
    completion.run()
    with store.read() as tx:
        assert list(tx.diffs(1)) == []
        assert tx.count_reports(1) == 1


def test_the_end_of_a_cycle_needs_no_further_report(
    workers: Workers, completion: Completion, store: Store, clock: Clock
) -> None:
    workers.service.host(host_data(cycle_length=10))
    workers.report(workers.join(), small_diff(0))
    assert completion.seconds_to_next_end() == 10
    completion.run()
    assert states(store) == {CycleState.OPEN: 1}
    clock.now += 10
    completion.run()
    assert states(store) == {CycleState.DONE: 1, CycleState.OPEN: 1}
    assert completion.seconds_to_next_end() == 10


def test_a_cycle_without_reports_goes_on_after_its_end(
    workers: Workers, completion: Completion, store: Store, clock: Clock
) -> None:
    workers.service.host(host_data(cycle_length=10))
    clock.now += 11
    completion.run()
    assert states(store) == {CycleState.OPEN: 1}
    assert completion.seconds_to_next_end() is None
    workers.report(workers.join(), small_diff(0))
    completion.run()
    assert states(store) == {CycleState.DONE: 1, CycleState.OPEN: 1}


def test_num_cycles_ends_the_training(
    workers: Workers, completion: Completion, store: Store
) -> None:
    workers.service.host(host_data(max_diffs=1, num_cycles=2))
    for seed in range(2):
        workers.report(workers.join(), small_diff(seed))
        completion.run()
    assert states(store) == {CycleState.DONE: 2}
    with store.read() as tx:
        assert tx.get_checkpoint(1) is not None
        assert tx.get_checkpoint(1, number=3) is not None
        assert tx.get_checkpoint(1, alias="latest") == tx.get_checkpoint(1, number=3)
        assert tx.get_checkpoint(1, number=4) is None


def test_running_twice_aggregates_once(
    workers: Workers, completion: Completion, store: Store, clock: Clock
) -> None:
    workers.service.host(host_data(max_diffs=1, num_cycles=1))
    workers.report(workers.join(), small_diff(0))
    other = Completion(store, clock)
    with store.read() as tx:
        cycle = tx.cycles_in(CycleState.AGGREGATING)[0]
    completion.run()
    other._complete(cycle)  # what a second server does that saw the cycle before
    assert states(store) == {CycleState.DONE: 1}
    with store.read() as tx:
        assert tx.get_checkpoint(1, number=3) is None


def test_a_crash_during_aggregation_is_made_good(
    workers: Workers, completion: Completion, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    workers.service.host(host_data(max_diffs=1))
    diff = small_diff(0)
    workers.report(workers.join(), diff)
    original: Callable[..., object] = module.open_cycle

    def crash(*arguments: object) -> object:
        raise StoreError("the disk is full")

    monkeypatch.setattr(module, "open_cycle", crash)
    with pytest.raises(StoreError):
        completion.run()
    assert states(store) == {CycleState.AGGREGATING: 1}
    monkeypatch.setattr(module, "open_cycle", original)
    completion.run()
    assert states(store) == {CycleState.DONE: 1, CycleState.OPEN: 1}
    before = State.loads(small_model()).tensors
    for new, old, step in zip(latest(workers), before, diff, strict=True):
        assert np.array_equal(new, old - step)


def test_reports_that_cannot_be_averaged_do_not_wedge_the_training(
    workers: Workers, completion: Completion, store: Store
) -> None:
    workers.service.host(host_data(max_diffs=2, num_cycles=1))
    huge = [np.full(t.shape, 3e38, np.float32) for t in small_diff(0)]
    for _ in range(2):
        workers.report(workers.join(), huge)
    completion.run()
    assert states(store) == {CycleState.FAILED: 1, CycleState.OPEN: 1}
    for seed in range(2):
        workers.report(workers.join(), small_diff(seed))
    completion.run()
    assert states(store) == {CycleState.FAILED: 1, CycleState.DONE: 1}


def test_a_bug_while_averaging_does_not_wedge_the_training(
    workers: Workers, completion: Completion, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise KeyError("of all things")

    monkeypatch.setattr(module, "new_parameters", fail)
    workers.service.host(host_data(max_diffs=1))
    workers.report(workers.join(), small_diff(0))
    completion.run()
    assert states(store) == {CycleState.FAILED: 1, CycleState.OPEN: 1}


def test_an_aggregator_that_fails_is_noted(
    workers: Workers,
    completion: Completion,
    store: Store,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise AggregationError("nothing goes together")

    monkeypatch.setattr(module, "make_aggregator", fail)
    workers.service.host(host_data(max_diffs=1))
    workers.report(workers.join(), small_diff(0))
    completion.run()
    assert states(store) == {CycleState.FAILED: 1, CycleState.OPEN: 1}
    assert "nothing goes together" in caplog.text


def test_a_cycle_that_ends_while_another_is_averaged_is_not_overlooked(
    workers: Workers,
    completion: Completion,
    store: Store,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    original = module.new_parameters

    def slow(*arguments: Any) -> Any:
        clock.now += 20
        return original(*arguments)

    monkeypatch.setattr(module, "new_parameters", slow)
    workers.service.host(host_data("timed", cycle_length=10))
    workers.report(workers.join("timed"), small_diff(0))
    workers.service.host(host_data("other", max_diffs=1, num_cycles=1))
    workers.report(workers.join("other"), small_diff(0))
    completion.run()
    assert states(store) == {CycleState.OPEN: 1, CycleState.DONE: 1}
    assert completion.seconds_to_next_end() == 0  # so the keeper runs again at once
    completion.run()
    assert states(store) == {CycleState.OPEN: 1, CycleState.DONE: 2}
