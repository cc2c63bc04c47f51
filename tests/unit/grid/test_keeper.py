from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from syft_web.errors import StoreError
from syft_web.grid import keeper as module
from syft_web.grid.completion import Completion
from syft_web.grid.keeper import Keeper
from syft_web.grid.service import Service
from syft_web.grid.store import Store
from tests.grid.talk import host_data, small_diff
from tests.unit.grid.workers import Workers


@pytest.fixture
def keeper(store: Store) -> Iterator[Keeper]:
    """One with the real clock."""
    keeper = Keeper(Completion(store))
    yield keeper
    keeper.stop()


def done(store: Store) -> int:
    with store.read() as tx:
        return tx.count_done(1)


def wait_for(store: Store, number: int) -> None:
    limit = time.monotonic() + 10
    while done(store) < number:
        assert time.monotonic() < limit
        time.sleep(0.01)


def test_it_wakes_when_poked(store: Store, keeper: Keeper) -> None:
    workers = Workers(Service(store, on_change=keeper.poke))
    keeper.start()
    workers.service.host(host_data(max_diffs=1))
    for number in (1, 2):
        workers.report(workers.join(), small_diff(number))
        assert keeper.settle()
        assert done(store) == number


def test_it_wakes_at_the_end_of_a_cycle(store: Store, keeper: Keeper) -> None:
    workers = Workers(Service(store, on_change=keeper.poke))
    keeper.start()
    workers.service.host(host_data(cycle_length=0.5))
    workers.report(workers.join(), small_diff(0))
    wait_for(store, 1)


def test_it_begins_with_what_a_former_server_left(store: Store, keeper: Keeper) -> None:
    workers = Workers(Service(store))
    workers.service.host(host_data(max_diffs=1))
    workers.report(workers.join(), small_diff(0))
    keeper.start()
    wait_for(store, 1)


@pytest.mark.parametrize("error", [StoreError("busy"), RuntimeError("a bug")])
def test_it_survives_errors(
    store: Store, keeper: Keeper, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    monkeypatch.setattr(module, "RETRY_WAIT", 0.01)
    original, failed = Completion.run, threading.Event()

    def run(self: Completion) -> None:
        if not failed.is_set():
            failed.set()
            raise error
        original(self)

    monkeypatch.setattr(Completion, "run", run)
    workers = Workers(Service(store))
    workers.service.host(host_data(max_diffs=1))
    workers.report(workers.join(), small_diff(0))
    keeper.start()
    wait_for(store, 1)
    assert failed.is_set()


def test_settling_takes_no_longer_than_asked(store: Store, keeper: Keeper) -> None:
    workers = Workers(Service(store))
    workers.service.host(host_data(max_diffs=1))
    workers.report(workers.join(), small_diff(0))
    assert not keeper.settle(timeout=0.05)


def test_stopping_without_starting(keeper: Keeper) -> None:
    keeper.stop()
