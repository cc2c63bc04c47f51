"""Many workers at once against one server process, and what it costs.

Every worker has a socket of its own. The sums of the diffs are exact in float32 whatever their
order is: so one diff too few, too many or twice shows in the checkpoint's bits.
"""

from __future__ import annotations

import asyncio
import base64
import json
import sqlite3
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from websockets.asyncio.client import ClientConnection, connect

from syft_web.plan import State
from tests.grid.processes import grid_process
from tests.grid.talk import BIG, Talk, host_data, retrieve

SMALL = ((3, 2), (3,))
MNIST = ((392, 784), (392,), (10, 392), (10,))
SUCCESS = {"status": "success"}

Shapes = tuple[tuple[int, ...], ...]


def load_diff(shapes: Shapes, seed: int) -> list[np.ndarray]:
    """Whole multiples of 2**-16 below 2**-5: a sum of 500 needs less than float32's 24 bits."""
    random = np.random.default_rng(seed)
    return [
        random.integers(-2047, 2048, size=shape, dtype=np.int16).astype(np.float32) / 65536
        for shape in shapes
    ]


def size_of(shapes: Shapes) -> int:
    """Bytes of a model."""
    return 4 * sum(int(np.prod(shape)) for shape in shapes)


@dataclass
class Measured:
    """What a run cost.

    Attributes:
        seconds: From the first worker's first message to the checkpoint.
        messages: Name -> seconds of each, from sending to the answer.
        peak: Largest resident memory of the server during the run, in bytes.
        growth: By how much that is more than when the run began.
    """

    workers: int
    seconds: float = 0.0
    messages: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    peak: int = 0
    growth: int = 0

    def percentile(self, name: str, percent: float) -> float:
        """Seconds that so many percent of the messages took at most."""
        return float(np.percentile(self.messages[name], percent))


@dataclass
class LoadedGrid:
    """A server process under load.

    Attributes:
        url: Its address.
        pid: Its process.
        database: Its SQLite file.
    """

    url: str
    pid: int
    database: Path

    def host(self, name: str, shapes: Shapes, workers: int) -> None:
        """Host a model of ones for one cycle of so many diffs."""
        model = State.of([np.ones(shape, np.float32) for shape in shapes]).dumps()
        data = host_data(name, model=model, max_diffs=workers, num_cycles=1)
        with Talk(self.url) as talk:
            assert talk.call("host-training", data) == SUCCESS

    def peak(self) -> int:
        """Largest resident memory since `forget_peak`, in bytes (Linux)."""
        text = Path(f"/proc/{self.pid}/status").read_text()
        return int(text.partition("VmHWM:")[2].split()[0]) * 1024

    def forget_peak(self) -> None:
        """From here on only what is in use now and later counts."""
        Path(f"/proc/{self.pid}/clear_refs").write_text("5")

    def train(
        self, name: str, shapes: Shapes, workers: int, at_once: int, *, idle: int = 0
    ) -> Measured:
        """Host a model, let all workers report to it, and check what became of it.

        Args:
            name: Of the model.
            shapes: Of its parameters.
            workers: How many report; the sockets of all are open together.
            at_once: How many of them have a message under way.
            idle: How many more sockets are open.
        """
        self.forget_peak()
        before = self.peak()
        self.host(name, shapes, workers)
        measured = Measured(workers)
        began = time.perf_counter()
        asyncio.run(_all(self.url, name, shapes, measured, at_once, idle))
        while (answer := retrieve(self.url, name, 2)).status_code != 200:
            time.sleep(0.05)
        measured.seconds = time.perf_counter() - began
        measured.peak = self.peak()
        measured.growth = measured.peak - before
        self._check(State.loads(answer.content).tensors, shapes, workers)
        assert retrieve(self.url, name, 3).status_code == 404
        return measured

    def _check(self, new: list[np.ndarray], shapes: Shapes, workers: int) -> None:
        total = load_diff(shapes, 0)
        for seed in range(1, workers):
            total = [a + b for a, b in zip(total, load_diff(shapes, seed), strict=True)]
        for ours, summed in zip(new, total, strict=True):
            expected = np.float32(1) - summed / np.float32(workers)
            assert ours.tobytes() == expected.tobytes()
        with sqlite3.connect(self.database) as tables:
            counted = tables.execute(
                "SELECT count(*) FROM assignment WHERE reported_at IS NOT NULL AND cycle_id = "
                "(SELECT max(id) FROM cycle)"
            ).fetchone()
        assert counted == (workers,)


@contextmanager
def loaded_grid(folder: Path, *options: str) -> Iterator[LoadedGrid]:
    """A server process of the command line, on an SQLite file."""
    database = folder / "grid.sqlite"
    with grid_process(f"sqlite:///{database}", *options) as (url, process):
        yield LoadedGrid(url, process.pid, database)


async def _all(
    url: str, name: str, shapes: Shapes, measured: Measured, at_once: int, idle: int
) -> None:
    gate = asyncio.Semaphore(at_once)
    limits = httpx.Limits(max_connections=None)
    async with AsyncExitStack() as stack:
        for _ in range(idle):
            await stack.enter_async_context(_socket(url))
        client = httpx.AsyncClient(base_url=url, timeout=120, limits=limits)
        http = await stack.enter_async_context(client)
        workers = range(measured.workers)
        await asyncio.gather(
            *(_work(http, url, name, shapes, seed, measured, gate) for seed in workers)
        )


def _socket(url: str) -> connect:
    return connect("ws" + url[4:], max_size=BIG, compression=None, open_timeout=120)


async def _work(
    http: httpx.AsyncClient,
    url: str,
    name: str,
    shapes: Shapes,
    seed: int,
    measured: Measured,
    gate: asyncio.Semaphore,
) -> None:
    """What one worker does, from joining to the acknowledgement of its report."""

    @asynccontextmanager
    async def timing(message: str) -> AsyncIterator[None]:
        began = time.perf_counter()
        yield
        measured.messages[message].append(time.perf_counter() - began)

    async with _socket(url) as socket:
        async with gate:
            async with timing("authenticate"):
                data = {"model_name": name, "model_version": "1.0.0"}
                joined = await _call(socket, "authenticate", data)
            async with timing("cycle-request"):
                data = {"worker_id": joined["worker_id"], "model": name, "version": "1.0.0"}
                place = await _call(socket, "cycle-request", data)
            assert place["status"] == "accepted", place
            key = {"worker_id": joined["worker_id"], "request_key": place["request_key"]}
            query: dict[str, Any] = {**key, "model_id": place["model_id"]}
            async with timing("get-model"):
                answer = await http.get("/model-centric/get-model", params=query)
            assert answer.status_code == 200, answer.text
            query = {**key, "plan_id": place["plans"]["training_plan"]}
            async with timing("get-plan"):
                answer = await http.get("/model-centric/get-plan", params=query)
            assert answer.status_code == 200, answer.text
        async with gate:
            diff = State.of(load_diff(shapes, seed)).dumps()
            report = {**key, "diff": base64.b64encode(diff).decode()}
            async with timing("report"):
                assert await _call(socket, "report", report) == SUCCESS


async def _call(socket: ClientConnection, name: str, data: dict[str, Any]) -> dict[str, Any]:
    await socket.send(json.dumps({"type": f"model-centric/{name}", "data": data}))
    reply = json.loads(await socket.recv())
    assert isinstance(reply["data"], dict)
    return reply["data"]
