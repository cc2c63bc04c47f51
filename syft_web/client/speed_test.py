"""Measuring the connection, when the grid asks for it.

Three numbers go with a cycle request (protocol.md 1.6): the round trip in ms and
both directions in Mbit/s (10**6 bits a second). They are estimates, made within a
fixed time and a fixed number of bytes: a round trip is the running average of small
requests; a download is read in slices of time; an upload is a row of POSTs that
grow until one takes long enough to be timed. Memory stays at one piece.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from syft_web.client.address import GridAddress
from syft_web.client.answers import check_download
from syft_web.client.steps import Speed
from syft_web.errors import GridTimeoutError
from syft_web.host.base import Host, Response, Timeouts
from syft_web.wire import messages

__all__ = ["RunningAverage", "SpeedLimits", "measure"]


@dataclass(frozen=True, slots=True)
class SpeedLimits:
    """How far a speed test may go.

    Attributes:
        seconds: For the pings, and again for download and upload, which run together.
        pings: Round trips at most.
        max_bytes: Bytes sent at most, all POSTs together; a download is left off at as many.
        first_post: Bytes of the first POST; each next one has four times as many.
        largest_post: Bytes of the largest POST.
        posts: POSTs at most.
        slice_seconds: Length of a timed slice of the download.
        enough_seconds: A POST that takes this long is not followed by a larger one.
    """

    seconds: float = 10.0
    pings: int = 20
    max_bytes: int = 64 * 2**20
    first_post: int = 64 * 2**10
    largest_post: int = 8 * 2**20
    posts: int = 8
    slice_seconds: float = 0.05
    enough_seconds: float = 0.25


class RunningAverage:
    """An average over about the last five samples that notices when it has settled.

    It has settled when five samples in a row moved it by less than 5 % (protocol.md 1.6.3).

    Args:
        floor: Values below this count as equal to it in that comparison, so that a row of zeros
            (a round trip on one machine, a coarse clock) settles too.
    """

    WINDOW = 5
    JITTER = 0.05
    CALM = 5

    def __init__(self, floor: float = 0.0) -> None:
        self.value = 0.0
        self.count = 0
        self._floor = floor
        self._calm = 0

    def add(self, sample: float) -> None:
        """Take a sample."""
        before = self.value
        weight = min(self.count, self.WINDOW)
        self.value = (before * weight + sample) / (weight + 1)
        self.count += 1
        moved = abs(self.value - before)
        still = self.count > 1 and moved < self.JITTER * max(before, self._floor)
        self._calm = self._calm + 1 if still else 0

    @property
    def settled(self) -> bool:
        """Whether further samples would tell nothing new."""
        return self._calm >= self.CALM


async def measure(
    host: Host, address: GridAddress, worker_id: str, limits: SpeedLimits = SpeedLimits()
) -> Speed:
    """Measure the connection to a grid.

    Takes at most twice ``limits.seconds``, usually much less.

    Raises:
        GridError: The grid could not be reached, or refused the test.
    """
    test = _SpeedTest(host, address, worker_id, limits)
    ping = await test.ping()
    try:
        async with asyncio.TaskGroup() as group:
            down = group.create_task(_quietly(test.download()))
            up = group.create_task(_quietly(test.upload(ping)))
    except BaseExceptionGroup as failures:
        # One clear error, not a group of them. A cancellation from outside is no group.
        raise failures.exceptions[0] from None
    return Speed(round(ping, 3), round(down.result(), 3), round(up.result(), 3))


class _SpeedTest:
    def __init__(
        self, host: Host, address: GridAddress, worker_id: str, limits: SpeedLimits
    ) -> None:
        self._host = host
        self._address = address
        self._worker_id = worker_id
        self._limits = limits

    async def ping(self) -> float:
        """Round trip in ms. The first request is not counted: it pays for the connection."""
        average = RunningAverage(floor=1.0)
        end = self._host.monotonic() + self._limits.seconds
        first = 0.0
        for attempt in range(self._limits.pings + 1):
            left = end - self._host.monotonic()
            if left <= 0 and attempt:
                break
            before = self._host.monotonic()
            try:
                await self._send("GET", {"is_ping": 1}, left)
            except GridTimeoutError:
                if attempt == 0:
                    raise
                break
            took = 1000 * (self._host.monotonic() - before)
            if attempt == 0:
                first = took
                continue
            average.add(took)
            if average.settled:
                break
        return average.value if average.count else first

    async def download(self) -> float:
        """Mbit/s of the sample that the grid sends."""
        slices = _Slices(self._host.monotonic, self._limits.slice_seconds)
        seconds = self._limits.seconds

        async def read() -> None:
            async with self._host.exchange(
                "GET", self._url({}), timeouts=Timeouts(2 * seconds, 2 * seconds)
            ) as answer:
                if answer.status != 200:
                    body = b"".join([piece async for piece in answer.chunks()])
                    _refuse(Response(answer.status, answer.headers, body))
                slices.begin()
                async for piece in answer.chunks():
                    slices.take(len(piece))
                    if slices.average.settled or slices.total >= self._limits.max_bytes:
                        return

        await _at_most(seconds, read())
        return slices.speed()

    async def upload(self, ping: float) -> float:
        """Mbit/s of growing POSTs."""
        average = RunningAverage()
        limits = self._limits
        end = self._host.monotonic() + limits.seconds
        noise = self._host.random_bytes(2**16)
        size, sent = limits.first_post, 0
        for _ in range(limits.posts):
            left = end - self._host.monotonic()
            if left <= 0 or sent + size > limits.max_bytes or average.settled:
                break
            body = (noise * (size // len(noise) + 1))[:size]
            before = self._host.monotonic()
            try:
                await self._send("POST", {}, left, body)
            except GridTimeoutError:
                break
            took = self._host.monotonic() - before
            sent += size
            grow = took < limits.enough_seconds and size < limits.largest_post
            if grow:
                # Too quick to be worth more than a hint: the next, larger one says more.
                average = RunningAverage()
            average.add(_mbits(size, took - ping / 1000))
            if grow:
                size = min(size * 4, limits.largest_post)
        return average.value

    async def _send(
        self, method: str, query: dict[str, str | int], seconds: float, body: bytes | None = None
    ) -> None:
        # Without a content type: naming one would make a browser ask for leave first, every time.
        seconds = max(seconds, 0.001)
        response = await self._host.fetch(
            method,
            self._url(query),
            body=body,
            timeouts=Timeouts(seconds, seconds, seconds),
        )
        if not query:
            _refuse(response)

    def _url(self, query: dict[str, str | int]) -> str:
        # A fresh `random` keeps every cache on the way from answering.
        fresh = int.from_bytes(self._host.random_bytes(6), "big") / 2**48
        return self._address.route(
            messages.SPEED_TEST,
            {**query, "worker_id": self._worker_id, "random": repr(fresh)},
        )


class _Slices:
    """Bytes by slices of time."""

    def __init__(self, clock: Callable[[], float], seconds: float) -> None:
        self.average = RunningAverage()
        self.total = 0
        self._clock = clock
        self._seconds = seconds
        self._start = self._since = clock()
        self._bytes = 0

    def begin(self) -> None:
        self._start = self._since = self._clock()

    def take(self, count: int) -> None:
        self.total += count
        self._bytes += count
        now = self._clock()
        if now - self._since >= self._seconds:
            self.average.add(_mbits(self._bytes, now - self._since))
            self._since, self._bytes = now, 0

    def speed(self) -> float:
        """The settled average; of a short download, all bytes over all the time."""
        if self.average.count:
            return self.average.value
        return _mbits(self.total, self._clock() - self._start) if self.total else 0.0


def _mbits(count: int, seconds: float) -> float:
    """Mbit/s, finite also where the clock is too coarse for the time it took."""
    return 8e-6 * count / max(seconds, 0.001)


def _refuse(response: Response) -> None:
    check_download(response.status, response.content_type, response.body, "speed-test")


async def _quietly(work: Awaitable[float]) -> float:
    """Let a task of the group end as done, not as cancelled, when the group gives up.

    Pyodide's event loop writes a warning for every task that ends as cancelled.
    """
    try:
        return await work
    except asyncio.CancelledError:
        return 0.0


async def _at_most(seconds: float, work: Awaitable[None]) -> None:
    """Do as much of some work as fits into the time."""
    try:
        async with asyncio.timeout(seconds):
            await work
    except TimeoutError:
        return
