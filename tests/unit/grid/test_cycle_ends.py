"""Cycles that end by time, with too few reports, and with several servers on one database."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest
from sqlalchemy import select

from syft_web.grid import completion as module
from syft_web.grid import schema
from syft_web.grid.completion import Completion
from syft_web.grid.records import CycleState
from syft_web.grid.store import Store
from syft_web.plan import State
from syft_web.wire.messages import CycleRejected, ReportReply
from syft_web.wire.reasons import Reason
from tests.grid.talk import host_data, mean, small_diff, small_model
from tests.unit.grid.averaging import list_plan
from tests.unit.grid.workers import Clock, Workers, latest, states

# Several servers


def test_a_claimed_cycle_is_left_alone_until_the_claim_runs_out(
    workers: Workers, completion: Completion, store: Store, clock: Clock
) -> None:
    workers.service.host(host_data(max_diffs=1, num_cycles=1))
    workers.report(workers.join(), small_diff(0))
    with store.write() as tx:
        cycle = tx.cycles_in(CycleState.AGGREGATING)[0]
        assert tx.claim(cycle.id, "a server that died", clock(), 10)
    assert not completion.run()
    assert not completion.is_idle()
    clock.now += 10
    assert completion.run()
    assert states(store) == {CycleState.DONE: 1}


def test_a_claim_is_renewed_by_its_owner_only(store: Store, workers: Workers) -> None:
    workers.service.host(host_data())
    with store.write() as tx:
        assert tx.claim(1, "a", now=100, seconds=10)
        assert not tx.claim(1, "b", now=109, seconds=10)
        assert tx.claim(1, "a", now=109, seconds=10)
        assert not tx.claim(1, "b", now=118, seconds=10)
        assert tx.claim(1, "b", now=119, seconds=10)
        # The clock has been set back: nobody's claim is that long.
        assert tx.claim(1, "a", now=50, seconds=10)
        tx.release(1)
        assert tx.claim(1, "b", now=50, seconds=10)


def test_a_claim_is_renewed_while_the_average_is_made(
    workers: Workers, store: Store, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    workers.service.host(host_data(max_diffs=1, num_cycles=1))
    workers.report(workers.join(), small_diff(0))
    original, seen = module.new_parameters, []

    def slow(*arguments: Any) -> Any:
        clock.now += 25  # more than the claim
        limit = time.monotonic() + 60
        while not (claimed := other_claims(store, clock)) and time.monotonic() < limit:
            time.sleep(0.01)
        seen.append(claimed)
        return original(*arguments)

    monkeypatch.setattr(module, "new_parameters", slow)
    assert Completion(store, clock, claim_seconds=0.06).run()
    assert seen == [True]
    assert states(store) == {CycleState.DONE: 1}


def other_claims(store: Store, clock: Clock) -> bool:
    """Whether the claim has been renewed at the clock's present time."""
    claim = schema.aggregation_claim
    with store.read() as tx:
        expires = tx._connection.execute(select(claim.c.expires_at)).scalar_one()
    return bool(expires > clock.now)


def test_two_servers_that_compute_the_same_end_the_cycle_once(
    workers: Workers, store: Store, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The claim of one runs out while it computes; the other is faster."""
    workers.service.host(host_data(max_diffs=2, num_cycles=1))
    diffs = [small_diff(0), small_diff(1)]
    for diff in diffs:
        workers.report(workers.join(), diff)
    original, fast = module.new_parameters, Completion(store, clock)

    def slow(*arguments: Any) -> Any:
        monkeypatch.setattr(module, "new_parameters", original)
        clock.now += 25
        assert fast.run()
        return original(*arguments)

    monkeypatch.setattr(module, "new_parameters", slow)
    assert Completion(store, clock).run()
    assert states(store) == {CycleState.DONE: 1}
    with store.read() as tx:
        assert tx.get_checkpoint(1, number=3) is None
    before = State.loads(small_model()).tensors
    for new, old, average in zip(latest(workers), before, mean(diffs), strict=True):
        assert np.array_equal(new, old - average)


# Too few reports


def note_of(store: Store, cycle_id: int) -> str | None:
    with store.read() as tx:
        cycle = tx.get_cycle(cycle_id)
    assert cycle is not None
    return cycle.note


def test_a_cycle_with_too_few_reports_is_extended(
    workers: Workers,
    completion: Completion,
    store: Store,
    clock: Clock,
    caplog: pytest.LogCaptureFixture,
) -> None:
    workers.service.host(host_data(cycle_length=10, min_diffs=2))
    workers.report(workers.join(), small_diff(0))
    clock.now += 10
    for _ in range(3):
        completion.run()
    assert states(store) == {CycleState.OPEN: 1}
    assert note_of(store, 1) == (
        "Its time was over with 1 of at least 2 reports: it goes on until there are enough"
    )
    assert caplog.text.count("goes on until") == 1
    assert workers.report(workers.join(), small_diff(1)) == ReportReply()
    completion.run()
    assert states(store) == {CycleState.DONE: 1, CycleState.OPEN: 1}
    assert note_of(store, 2) is None


@pytest.mark.parametrize("config", [{"min_diffs": 2}, {"max_diffs": 5, "min_diffs": 2}])
def test_a_cycle_with_too_few_reports_is_closed(
    workers: Workers, completion: Completion, store: Store, clock: Clock, config: dict[str, int]
) -> None:
    workers.service.host(
        host_data(cycle_length=10, num_cycles=1, on_too_few_diffs="close", **config)
    )
    workers.report(workers.join(), small_diff(0))
    silent = workers.join()
    clock.now += 10
    completion.run()
    assert states(store) == {CycleState.FAILED: 1, CycleState.OPEN: 1}
    assert note_of(store, 1) == (
        "Its time was over with 1 of at least 2 reports: it was closed without a checkpoint"
    )
    with store.read() as tx:
        assert list(tx.diffs(1)) == []
    assert workers.report(silent, small_diff(0)) == ReportReply(Reason.LATE)
    assert workers.request(silent["worker_id"]).status == "accepted"
    for seed in range(2):
        workers.report(workers.join(), small_diff(seed))
    clock.now += 10
    completion.run()
    # A cycle without a checkpoint is none of the num_cycles.
    assert states(store) == {CycleState.FAILED: 1, CycleState.DONE: 1}


def test_a_cycle_with_too_few_reports_ends_the_training(
    workers: Workers, completion: Completion, store: Store, clock: Clock
) -> None:
    workers.service.host(host_data(cycle_length=10, on_too_few_diffs="fail"))
    worker = workers.authenticate()
    clock.now += 10
    completion.run()
    assert states(store) == {CycleState.FAILED: 1}
    assert note_of(store, 1) == (
        "Its time was over with 0 of at least 1 reports: the training ended here"
    )
    assert workers.request(worker) == CycleRejected(None, Reason.FAILED)
    assert completion.seconds_to_next_end() is None


def test_too_few_for_an_averaging_plan(
    workers: Workers, completion: Completion, store: Store, clock: Clock
) -> None:
    workers.service.host(
        host_data(cycle_length=10, on_too_few_diffs="close", averaging_plan=list_plan().dumps())
    )
    workers.report(workers.join(), small_diff(0))
    clock.now += 10
    completion.run()
    assert "1 of at least 2 reports" in (note_of(store, 1) or "")
