"""A scripted grid on an ephemeral port: real HTTP and WebSocket, any answer.

What it answers is set step by step in `LocalGrid.replies`; what it was sent is in
`LocalGrid.seen`.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from syft_web.plan.state import State
from tests.paths import DATA

KEY = "5f" * 32
CONFIG = {"name": "m", "version": "1.0.0", "batch_size": 2, "lr": 0.1, "max_updates": 3}
MODEL = State.of([np.arange(6, dtype=np.float32).reshape(2, 3), np.ones(2, np.float32)])
PLAN = (DATA / "lin_a.pb").read_bytes()
AUTHENTICATED = {"status": "success", "worker_id": "worker-1", "requires_speed_test": False}
ACCEPTED = {
    "status": "accepted",
    "request_key": KEY,
    "version": "1.0.0",
    "model": "m",
    "plans": {"training_plan": 2, "second": 3},
    "protocols": {},
    "client_config": CONFIG,
    "model_id": 1,
}
SUCCESS = {"status": "success"}


@dataclass(frozen=True)
class Text:
    """A raw WebSocket frame."""

    text: str | bytes


class Silence:
    """No answer at all."""


class HangUp:
    """The connection is closed instead of an answer."""


@dataclass(frozen=True)
class Late:
    """An answer after some seconds."""

    seconds: float
    reply: Any


class LocalGrid:
    """A grid that says what it is told to.

    Attributes:
        replies: Step (``"authenticate"``, ``"get-plan"``, ...) to reply, to a function of the
            request, or to a list of those that is used up one by one.
        echo: Whether ``request_id`` is echoed, as by servers since 2020-09-26.
        seen: ``(transport, step, data)`` of every request.
    """

    def __init__(self) -> None:
        self.echo = True
        self.connections = 0
        self.seen: list[tuple[str, str, Any]] = []
        self.replies: dict[str, Any] = {
            "authenticate": AUTHENTICATED,
            "cycle-request": ACCEPTED,
            "report": SUCCESS,
            "get-model": lambda _: Response(MODEL.dumps(), media_type="application/octet-stream"),
            "get-plan": Response(PLAN, media_type="application/octet-stream"),
            "get-protocol": Response(b"opaque", media_type="application/octet-stream"),
            "speed-test": JSONResponse({}),
        }
        self.place = ""

    @property
    def ws(self) -> str:
        return f"ws://{self.place}"

    @property
    def http(self) -> str:
        return f"http://{self.place}"

    def steps(self) -> list[str]:
        return [step for _, step, _ in self.seen]

    def sent(self, step: str) -> list[Any]:
        return [data for _, each, data in self.seen if each == step]

    async def _reply(self, step: str, data: Any) -> Any:
        reply = self.replies[step]
        if isinstance(reply, list):
            reply = reply.pop(0) if len(reply) > 1 else reply[0]
        if callable(reply) and not isinstance(reply, Response | type):
            reply = reply(data)
            if inspect.isawaitable(reply):
                reply = await reply
        if isinstance(reply, Late):
            await asyncio.sleep(reply.seconds)
            reply = reply.reply
        return reply

    async def _http(self, request: Request) -> Response:
        step = request.path_params["step"]
        if request.method == "POST" and step != "speed-test":
            data: Any = json.loads(await request.body())
        else:
            data = dict(request.query_params)
            data["size"] = len(await request.body())
        self.seen.append(("http", step, data))
        reply = await self._reply(step, data)
        if reply is Silence:
            await asyncio.sleep(60)
        return reply if isinstance(reply, Response) else JSONResponse(reply)

    async def _websocket(self, peer: WebSocket) -> None:
        await peer.accept()
        self.connections += 1
        try:
            while True:
                frame = json.loads(await peer.receive_text())
                step = frame["type"].rpartition("/")[2]
                self.seen.append(("ws", step, frame["data"]))
                reply = await self._reply(step, frame["data"])
                if reply is Silence:
                    continue
                if reply is HangUp:
                    await peer.close(1011)
                    return
                if isinstance(reply, Text):
                    if isinstance(reply.text, bytes):
                        await peer.send_bytes(reply.text)
                    else:
                        await peer.send_text(reply.text)
                    continue
                answer = {"type": frame["type"], "data": reply}
                if self.echo:
                    answer["request_id"] = frame["request_id"]
                await peer.send_text(json.dumps(answer))
        except WebSocketDisconnect:
            pass

    def app(self) -> Starlette:
        return Starlette(
            routes=[
                WebSocketRoute("/", self._websocket),
                Route("/model-centric/{step}", self._http, methods=["GET", "POST"]),
            ]
        )


@asynccontextmanager
async def serving(app: Any) -> AsyncIterator[str]:
    """Run an ASGI app in this event loop; enters with ``host:port``."""
    # The protocol is named, for asyncio sends without delay only on what it knows to be TCP.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    config = uvicorn.Config(
        app, log_level="critical", lifespan="off", timeout_graceful_shutdown=0, ws_max_size=2**28
    )
    server = uvicorn.Server(config)
    # Not serve(), which would take the process's signals over.
    task = asyncio.ensure_future(server._serve([listener]))
    host, port = listener.getsockname()
    try:
        yield f"{host}:{port}"
    finally:
        # At once and without ceremony: some of these apps would never end by themselves.
        task.cancel()
        await asyncio.wait([task])
        for listening in server.servers:
            listening.close()
        for connection in list(server.server_state.connections):
            connection.transport.abort()
        for running in list(server.server_state.tasks):
            running.cancel()


@asynccontextmanager
async def local_grid() -> AsyncIterator[LocalGrid]:
    grid = LocalGrid()
    async with serving(grid.app()) as grid.place:
        yield grid
