"""Servers that a page may meet by mistake: not a grid, or a grid in a bad state.

Each is a real server on an ephemeral port of this machine. `grid_over_http` speaks
just enough of the protocol (protocol.md 1.5, over HTTP) to get a page to the point
where things go wrong.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import uvicorn
from starlette.types import Message, Receive, Scope, Send

from web.serve import create_app

__all__ = [
    "Reply",
    "accepts",
    "grid_over_http",
    "html_server",
    "raw_server",
    "silent_server",
    "site_with_headers",
]

Handle = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Reply:
    """What to answer: an object becomes JSON.

    Attributes:
        cut: Close the connection after so many bytes of the body.
        pause: Seconds to wait in the middle of the body.
    """

    body: Any
    status: int = 200
    cut: int | None = None
    pause: float = 0.0
    headers: Mapping[str, str] = field(default_factory=dict)


@contextlib.asynccontextmanager
async def raw_server(handle: Handle) -> AsyncIterator[str]:
    """A TCP server; gives its address as ``127.0.0.1:port``."""
    writers: set[asyncio.StreamWriter] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.add(writer)
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            await handle(reader, writer)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        host, port = server.sockets[0].getsockname()
        yield f"{host}:{port}"
    finally:
        server.close()
        for writer in writers:
            writer.close()
        await server.wait_closed()


@contextlib.asynccontextmanager
async def site_with_headers(site: Path, headers: Mapping[str, str]) -> AsyncIterator[str]:
    """The built site, with more headers on every answer."""
    app = create_app(site)
    extra = [(name.lower().encode(), value.encode()) for name, value in headers.items()]

    async def with_headers(scope: Scope, receive: Receive, send: Send) -> None:
        async def send_more(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *extra]
            await send(message)

        await app(scope, receive, send_more)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        config = uvicorn.Config(with_headers, log_level="error", lifespan="off")
        server = uvicorn.Server(config)
        serving = asyncio.create_task(server.serve([listener]))
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            await serving


@contextlib.asynccontextmanager
async def silent_server() -> AsyncIterator[str]:
    """Takes every connection and never says a word."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async with raw_server(handle) as address:
        yield address


@contextlib.asynccontextmanager
async def html_server() -> AsyncIterator[str]:
    """A web site: answers everything with a page."""
    async with grid_over_http({}, otherwise=Reply("<!doctype html><title>Hello</title>")) as url:
        yield url.removeprefix("http://")


@contextlib.asynccontextmanager
async def grid_over_http(
    routes: Mapping[str, Reply], otherwise: Reply | None = None
) -> AsyncIterator[str]:
    """A grid that gives fixed answers, by the last part of the path."""
    otherwise = otherwise or Reply({"error": "no such route"}, status=404)

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        method, target, _ = head.split(" ", 2)
        length = next(
            (
                int(line[15:])
                for line in head.lower().split("\r\n")
                if line[:15] == "content-length:"
            ),
            0,
        )
        await reader.readexactly(length)
        name = target.partition("?")[0].rpartition("/")[2]
        reply = Reply("") if method == "OPTIONS" else routes.get(name, otherwise)
        answer = _http(reply)
        middle = len(answer) - len(answer) // 3 if reply.pause else len(answer)
        writer.write(answer[:middle])
        await writer.drain()
        await asyncio.sleep(reply.pause)
        writer.write(answer[middle:])
        await writer.drain()
        writer.close()

    async with raw_server(handle) as address:
        yield f"http://{address}"


def accepts(**changes: Reply) -> dict[str, Reply]:
    """Routes of a grid that accepts into a cycle of one model and one plan.

    Args:
        changes: Other answers, with ``_`` for ``-`` in the names of routes.
    """
    routes = {
        "authenticate": Reply(
            {"status": "success", "worker_id": "a", "requires_speed_test": False}
        ),
        "cycle-request": Reply(
            {
                "status": "accepted",
                "request_key": "0" * 64,
                "version": "1.0",
                "model": "mnist",
                "plans": {"training_plan": 1},
                "protocols": {},
                "client_config": {"name": "mnist", "version": "1.0", "batch_size": 64, "lr": 0.1},
                "model_id": 1,
            }
        ),
        "report": Reply({"status": "success"}),
    }
    return routes | {name.replace("_", "-"): reply for name, reply in changes.items()}


def _http(reply: Reply) -> bytes:
    if isinstance(reply.body, bytes):
        body, kind = reply.body, "application/octet-stream"
    elif isinstance(reply.body, str):
        body, kind = reply.body.encode(), "text/html"
    else:
        body, kind = json.dumps(reply.body).encode(), "application/json"
    headers = {
        "Content-Type": kind,
        "Content-Length": str(len(body)),
        "Access-Control-Allow-Origin": "*",
        "Access-Control-Allow-Headers": "*",
        "Connection": "close",
        **reply.headers,
    }
    lines = [f"HTTP/1.1 {reply.status} Whatever", *(f"{k}: {v}" for k, v in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode() + body[: reply.cut]
