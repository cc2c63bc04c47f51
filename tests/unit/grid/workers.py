"""Workers that call the service directly."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np
import pytest

from syft_web.errors import ServiceError
from syft_web.grid.records import CycleState
from syft_web.grid.service import Service
from syft_web.grid.store import Store
from syft_web.plan import State
from syft_web.wire.messages import CycleAccepted, ReportReply


def refused(text: str, status: int = 400) -> Any:
    """Expects a `ServiceError` with this in its text, and this status."""
    return pytest.raises(ServiceError, match=text, check=lambda e: e.status == status)


class Clock:
    """A time that only tests move."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


class Workers:
    """What clients do, without a transport."""

    def __init__(self, service: Service) -> None:
        self.service = service

    def authenticate(self, model: str = "m") -> str:
        return self.service.authenticate({"model_name": model}).worker_id

    def request(self, worker: str, model: str = "m", **more: Any) -> Any:
        return self.service.request_cycle({"worker_id": worker, "model": model, **more})

    def join(self, model: str = "m") -> dict[str, str]:
        worker = self.authenticate(model)
        reply = self.request(worker, model)
        assert isinstance(reply, CycleAccepted), reply
        return {"worker_id": worker, "request_key": reply.request_key}

    def report(self, place: dict[str, str], diff: list[np.ndarray] | bytes) -> ReportReply:
        data = diff if isinstance(diff, bytes) else State.of(diff).dumps()
        return self.service.report({**place, "diff": base64.b64encode(data).decode()})


def states(store: Store) -> dict[CycleState, int]:
    """How many cycles are in which state."""
    with store.read() as tx:
        return {state: len(found) for state in CycleState if (found := tx.cycles_in(state))}


def latest(workers: Workers) -> list[np.ndarray]:
    """The newest checkpoint of the model ``m``."""
    return State.loads(workers.service.checkpoint({"name": "m"})).tensors
