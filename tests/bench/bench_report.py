"""A report of the MNIST model: bytes on the wire and time, as JSON and as msgpack, in one run.

Client and grid are in one process and take turns, so the time is that of all the work there is:
writing the frame, sending it over the loopback, reading and checking it, storing it on disk.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from statistics import median
from typing import Any

import numpy as np

from syft_web.author.hosting import host_training
from syft_web.client.syft import Syft
from syft_web.grid import Server
from syft_web.host.native import NativeHost, NativeSocket
from syft_web.plan.state import State
from syft_web.wire.frames import pack_frame, read_packed, text_frame
from syft_web.wire.messages import REPORT, ReportRequest, parse_json
from syft_web.wire.raw_bytes import as_json
from tests.bench.measures import timed
from tests.bench.tables import milliseconds, ratio, show, table
from tests.paths import DATA

SHAPES = ((392, 784), (392,), (10, 392), (10,))


class CountingHost(NativeHost):
    """Counts what is sent over WebSockets, and offers msgpack or not."""

    def __init__(self, packed: bool) -> None:
        super().__init__()
        self._packed = packed
        self.sent = 0

    async def connect(
        self, url: str, *, protocols: Sequence[str] = (), **options: Any
    ) -> NativeSocket:
        offered = protocols if self._packed else ()
        socket = await super().connect(url, protocols=offered, **options)
        send = socket.send

        async def count(data: str | bytes) -> None:
            self.sent += len(data)
            await send(data)

        socket.send = count
        return socket


def mnist_diff() -> bytes:
    """Small random numbers in the shapes of the MNIST model."""
    random = np.random.default_rng(0)
    return State.of([random.normal(0, 0.01, s).astype(np.float32) for s in SHAPES]).dumps()


def codec(diff: bytes) -> dict[str, dict[str, float]]:
    """Seconds to write and read a report's frame, without any network."""
    data = ReportRequest("w" * 36, "k" * 64, diff).to_plain()
    envelope = {"request_id": "r" * 44, "type": REPORT, "data": data}

    def as_text() -> str:
        return text_frame({**envelope, "data": as_json(REPORT, data)})

    def read_text() -> None:
        frame: Any = parse_json(text)
        ReportRequest.from_json(frame["data"])

    text, packed = as_text(), pack_frame(envelope)
    return {
        "json": {"write": timed(as_text), "read": timed(read_text)},
        "msgpack": {
            "write": timed(lambda: pack_frame(envelope)),
            "read": timed(lambda: ReportRequest.from_json(read_packed(packed)["data"])),
        },
    }


async def reports(url: str, diff: bytes, rounds: int) -> dict[str, dict[str, float]]:
    """Median seconds and bytes of a report in each form, taken in turns."""
    hosts = {"json": CountingHost(packed=False), "msgpack": CountingHost(packed=True)}
    times: dict[str, list[float]] = {name: [] for name in hosts}
    sent = dict.fromkeys(hosts, 0)
    for _ in range(rounds):
        for name, host in hosts.items():
            async with Syft(url, host=host) as syft:
                job = syft.new_job("mnist", "1")
                await job.request()
                before, start = host.sent, time.perf_counter()
                await job.report(diff)
                times[name].append(time.perf_counter() - start)
                sent[name] = host.sent - before
    return {name: {"seconds": median(times[name]), "bytes": sent[name]} for name in hosts}


async def measure(rounds: int) -> dict[str, Any]:
    """Host the model on a grid of its own, and report to it."""
    diff = mnist_diff()
    with Server() as grid:
        await host_training(
            grid.url,
            "mnist",
            "1",
            State.loads(diff),
            {"p": (DATA / "tr_mlp.pb").read_bytes()},
            {},
            {"cycle_length": None, "max_diffs": 10**6},
        )
        whole = await reports(grid.ws_url, diff, rounds)
    return {"diff": len(diff), "whole": whole, "codec": codec(diff)}


def main(quick: bool = False) -> dict[str, Any]:
    """Measure and print; gives the numbers."""
    found = asyncio.run(measure(5 if quick else 30))
    rows = [[f"a report of {found['diff']:,} bytes", "json", "msgpack", "ratio"]]
    whole, alone = found["whole"], found["codec"]
    size = {name: each["bytes"] for name, each in whole.items()}
    rows.append(
        [
            "bytes sent",
            f"{size['json']:,}",
            f"{size['msgpack']:,}",
            ratio(size["json"], size["msgpack"]),
        ]
    )
    seconds = {"until acknowledged, ms": {n: each["seconds"] for n, each in whole.items()}}
    for step in ("write", "read"):
        seconds[f"{step} the frame, ms"] = {name: each[step] for name, each in alone.items()}
    for what, times in seconds.items():
        cells = [milliseconds(times["json"]), milliseconds(times["msgpack"])]
        rows.append([what, *cells, ratio(times["json"], times["msgpack"])])
    show(table(rows))
    return found
