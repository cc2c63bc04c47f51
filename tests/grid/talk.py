"""A small client for tests: messages over a WebSocket, and what is needed around them."""

from __future__ import annotations

import base64
import json
import ssl
from contextlib import ExitStack
from types import TracebackType
from typing import Any, Self

import httpx
import numpy as np
from websockets.sync.client import ClientConnection, connect

from syft_web.grid import Server
from syft_web.plan import State
from tests.paths import DATA

BIG = 1 << 28


class Talk:
    """One WebSocket to a grid, or HTTP with ``http=True``; over TLS with what to ``trust``."""

    def __init__(
        self, grid: Server | str, *, http: bool = False, trust: ssl.SSLContext | None = None
    ) -> None:
        self.url = grid if isinstance(grid, str) else grid.url
        self._trust = trust
        self._stack = ExitStack()
        self._http: httpx.Client | None = None
        if http:
            self._http = self._stack.enter_context(
                httpx.Client(base_url=self.url, timeout=30, verify=trust or True)
            )
        self._socket: ClientConnection | None = None

    def __enter__(self) -> Self:
        if self._http is None:
            opened = connect("ws" + self.url[4:], max_size=BIG, compression=None, ssl=self._trust)
            self._socket = self._stack.enter_context(opened)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stack.close()

    def frame(self, text: str) -> Any:
        """Send a text frame, return the JSON of the next one."""
        assert self._socket is not None
        self._socket.send(text)
        return json.loads(self._socket.recv(timeout=30))

    def call(self, name: str, data: Any) -> dict[str, Any]:
        """Send ``model-centric/name``, return the data of the reply."""
        kind = f"model-centric/{name}"
        if self._http is not None:
            reply = self._http.post(f"/{kind}", content=json.dumps(data))
            return reply.json()
        reply = self.frame(json.dumps({"type": kind, "data": data}))
        assert reply["type"] == kind, reply
        return reply["data"]

    def authenticate(self, model: str = "m", version: str | None = None) -> str:
        """Join; returns the worker's id."""
        reply = self.call("authenticate", {"model_name": model, "model_version": version})
        assert reply["status"] == "success", reply
        return reply["worker_id"]

    def request(self, worker: str, model: str = "m", **more: Any) -> dict[str, Any]:
        """Ask for a place in the cycle."""
        return self.call("cycle-request", {"worker_id": worker, "model": model, **more})

    def join(self, model: str = "m") -> dict[str, str]:
        """Authenticate and be accepted; returns ``worker_id`` and ``request_key``."""
        worker = self.authenticate(model)
        reply = self.request(worker, model)
        assert reply["status"] == "accepted", reply
        return {"worker_id": worker, "request_key": reply["request_key"]}

    def report(self, place: dict[str, str], diff: bytes) -> dict[str, Any]:
        """Report a diff for a place got from `join`."""
        return self.call("report", {**place, "diff": base64.b64encode(diff).decode()})


def host_data(
    name: str = "m",
    version: str = "1.0.0",
    *,
    model: bytes | None = None,
    plans: dict[str, bytes] | None = None,
    averaging_plan: bytes = b"",
    protocols: dict[str, bytes] | None = None,
    **server_config: Any,
) -> dict[str, Any]:
    """The data of a host-training message."""
    if plans is None:
        plans = {"training_plan": (DATA / "tr_mlp.pb").read_bytes()}
    return {
        "model": (small_model() if model is None else model).hex(),
        "plans": {key: value.hex() for key, value in plans.items()},
        "protocols": {key: value.hex() for key, value in (protocols or {}).items()},
        "averaging_plan": averaging_plan.hex(),
        "client_config": {"name": name, "version": version, "batch_size": 64, "lr": 0.005},
        "server_config": {"cycle_length": 3600, **server_config},
    }


SHAPES = ((3, 2), (3,))


def small_model(value: float = 1.0) -> bytes:
    """A State of two float32 tensors."""
    return State.of([np.full(shape, value, np.float32) for shape in SHAPES]).dumps()


def small_diff(seed: int) -> list[np.ndarray]:
    """Random tensors in the shapes of `small_model`."""
    random = np.random.default_rng(seed)
    return [random.normal(size=shape).astype(np.float32) for shape in SHAPES]


def mean(diffs: list[list[np.ndarray]]) -> list[np.ndarray]:
    """The average in PyGrid's order of operations: left to right, then one division."""
    total = [tensor.copy() for tensor in diffs[0]]
    for diff in diffs[1:]:
        total = [a + b for a, b in zip(total, diff, strict=True)]
    return [tensor / np.float32(len(diffs)) for tensor in total]


def retrieve(url: str, name: str = "m", checkpoint: int | str = "latest") -> httpx.Response:
    """GET retrieve-model."""
    query = {"name": name, "checkpoint": str(checkpoint)}
    return httpx.get(f"{url}/model-centric/retrieve-model", params=query)
