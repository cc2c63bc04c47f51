"""Servers that misbehave on purpose: raw TCP on an ephemeral port of the loopback."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

Conversation = Callable[[bytes, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def raw_server(conversation: Conversation, *, whole_head: bool = True) -> AsyncIterator[str]:
    """Run ``conversation(request_head, writer)`` for each connection; enters with ``host:port``."""
    tasks: set[asyncio.Task[None]] = set()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            head = await (reader.readuntil(b"\r\n\r\n") if whole_head else reader.read(1))
            await conversation(head, writer)
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            tasks.discard(task)
            writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()[:2]
    try:
        yield f"{host}:{port}"
    finally:
        server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.sleep(0)


def answer(
    status: str = "200 OK",
    body: bytes = b"",
    content_type: str = "application/json",
    length: int | None = None,
    extra: str = "",
) -> bytes:
    """An HTTP/1.1 answer; ``length`` may lie about the body's."""
    size = len(body) if length is None else length
    head = (
        f"HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\nContent-Length: {size}\r\n"
        f"Connection: close\r\n{extra}\r\n"
    )
    return head.encode() + body


def says(*pieces: bytes, pause: float = 0.0, hold: float = 0.0) -> Conversation:
    """A conversation that writes pieces, ``pause`` seconds apart, and hangs up after ``hold``."""

    async def conversation(_head: bytes, writer: asyncio.StreamWriter) -> None:
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(pause)
        await asyncio.sleep(hold)

    return conversation


async def unused_port() -> int:
    """A port where nobody listens."""
    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    port: int = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    return port
