"""Fixtures of the grid's unit tests: a service on a fresh database, with a clock tests move."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from syft_web.grid.completion import Completion
from syft_web.grid.service import Service
from syft_web.grid.store import Store
from tests.unit.grid.workers import Clock, Workers


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(f"sqlite:///{tmp_path / 'grid.sqlite'}")
    yield store
    store.close()


@pytest.fixture
def changes() -> list[str]:
    """Filled by the service: one entry for every call of its ``on_change``."""
    return []


@pytest.fixture
def service(store: Store, clock: Clock, changes: list[str]) -> Service:
    return Service(store, clock=clock, on_change=lambda: changes.append("change"))


@pytest.fixture
def workers(service: Service) -> Workers:
    return Workers(service)


@pytest.fixture
def completion(store: Store, clock: Clock) -> Completion:
    return Completion(store, clock)
