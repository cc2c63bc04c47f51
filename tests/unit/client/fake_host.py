"""A host without a network: sockets in memory, a clock and randomness under control."""

from __future__ import annotations

import asyncio
import itertools
import json
from contextlib import asynccontextmanager

from syft_web.errors import GridClosedError
from syft_web.host.base import BaseHost, Response
from syft_web.wire.frames import MSGPACK, pack_frame, read_packed


class FakeSocket:
    """A socket whose other end is the test."""

    def __init__(self, protocol=""):
        self.protocol = protocol
        self.sent = []
        self.incoming = asyncio.Queue()
        self.closed = False

    async def send(self, data):
        if self.closed:
            raise GridClosedError("it is closed")
        assert isinstance(data, bytes if self.protocol == MSGPACK else str)
        self.sent.append(json.loads(data) if isinstance(data, str) else read_packed(data))

    async def receive(self):
        frame = await self.incoming.get()
        if isinstance(frame, Exception):
            raise frame
        return frame

    async def close(self):
        if not self.closed:
            self.break_off()

    def answer(self, **body):
        packed = self.protocol == MSGPACK
        self.incoming.put_nowait(pack_frame(body) if packed else json.dumps(body))

    def break_off(self):
        self.closed = True
        self.incoming.put_nowait(GridClosedError("it broke off"))


class FakeHost(BaseHost):
    """Deterministic; time goes by only through `sleep` and what a test adds to `time`."""

    name = "fake"

    def __init__(self):
        self.sockets = []
        self.picks = ()
        self.time = 0.0
        self.slept = []
        self.connect_error = None
        self.requests = []
        self.respond = None
        self._ids = itertools.count(1)

    async def connect(self, url, *, protocols=(), timeouts=None):
        await asyncio.sleep(0)
        if self.connect_error:
            raise self.connect_error
        picked = next((each for each in protocols if each in self.picks), "")
        self.sockets.append(FakeSocket(picked))
        return self.sockets[-1]

    @asynccontextmanager
    async def exchange(self, method, url, *, headers=None, body=None, timeouts=None):
        self.requests.append((method, url, body))
        answer = self.respond(method, url, body, timeouts)
        if isinstance(answer, Exception):
            raise answer
        yield CannedExchange(answer) if isinstance(answer, Response) else answer

    def now(self):
        return self.time

    def monotonic(self):
        return self.time

    async def sleep(self, seconds):
        self.slept.append(seconds)
        self.time += seconds
        await asyncio.sleep(0)

    def random_bytes(self, n):
        return next(self._ids).to_bytes(2, "big").ljust(n, b"\0")[:n]

    async def close(self):
        pass


class CannedExchange:
    sees_encoding = True

    def __init__(self, response):
        self.status = response.status
        self.headers = response.headers
        self.body = response.body

    async def chunks(self):
        if self.body:
            yield self.body
