"""A proxy that breaks connections in the middle of answers, in front of a real server."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

_CONNECTION = re.compile(rb"\r\nconnection:[^\r]*", re.IGNORECASE)


@dataclass
class Proxy:
    """What it does, and what it has seen.

    Attributes:
        place: Its ``host:port``.
        breaks: ``(part of the path, bytes of the answer's body until the end)``; each is used
            once, in this order for each path.
        waits: Whether such a connection ends only when somebody asks for ``/break``. A browser
            throws away what it has received but not handed on when a connection ends.
        asked: Heads of all downloads, in lower case.
    """

    place: str = ""
    breaks: list[tuple[str, int]] = field(default_factory=list)
    waits: bool = False
    asked: list[str] = field(default_factory=list)
    break_now: asyncio.Event = field(default_factory=asyncio.Event)

    def limit(self, head: bytes) -> int | None:
        """How much of the body this request gets; None for all of it."""
        line = head.partition(b"\r\n")[0].decode()
        # A browser may ask first whether it may send a header; that is no download.
        if not line.startswith("GET"):
            return None
        self.asked.append(head.decode().lower())
        for index, (path, size) in enumerate(self.breaks):
            if path in line:
                del self.breaks[index]
                return size
        return None


@asynccontextmanager
async def breaking(target: str) -> AsyncIterator[Proxy]:
    """Run the proxy in front of ``host:port``."""
    proxy = Proxy()
    tasks: set[asyncio.Task[None]] = set()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            await _carry(proxy, target, reader, writer)
        tasks.discard(task)
        writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()[:2]
    proxy.place = f"{host}:{port}"
    try:
        yield proxy
    finally:
        server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.sleep(0)


async def _carry(
    proxy: Proxy, target: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    head = await reader.readuntil(b"\r\n\r\n")
    if head.startswith(b"GET /break "):
        proxy.break_now.set()
        writer.write(b"HTTP/1.1 204 No Content\r\nAccess-Control-Allow-Origin: *\r\n\r\n")
        return
    host, _, port = target.rpartition(":")
    server_reader, server_writer = await asyncio.open_connection(host, int(port))
    try:
        limit = None
        if b"upgrade: websocket" not in head.lower():
            limit = proxy.limit(head)
            # One request a connection, so that each is seen.
            head = _CONNECTION.sub(b"", head).replace(b"\r\n", b"\r\nConnection: close\r\n", 1)
        server_writer.write(head)
        upstream = asyncio.create_task(_pipe(reader, server_writer))
        try:
            if limit is not None:
                writer.write(await server_reader.readuntil(b"\r\n\r\n"))
                writer.write(await server_reader.readexactly(limit))
                await writer.drain()
                if proxy.waits:
                    await proxy.break_now.wait()
                    proxy.break_now.clear()
            else:
                await _pipe(server_reader, writer)
        finally:
            upstream.cancel()
    finally:
        server_writer.close()


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
