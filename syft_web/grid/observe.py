"""Counts and logs what a grid does: requests, connections, messages, aggregations."""

from __future__ import annotations

import logging
import secrets
import time
from typing import Any

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from syft_web.errors import ServiceError
from syft_web.grid.admin import STRANGER, Caller
from syft_web.grid.dispatch import Dispatcher
from syft_web.grid.logs import Trace, trace
from syft_web.grid.metrics import Metrics
from syft_web.wire.messages import CYCLE_REQUEST

__all__ = ["Observed", "ObservedDispatcher"]

logger = logging.getLogger("syft_web.grid")

_OTHER = "other"
"""Stands for every path that is no route: a stranger's paths must not fill the counters."""

_WATCHING = ("/health", "/metrics", "/status", "/dashboard")
"""What only watches the grid is not worth a line each time."""

_METHODS = ("GET", "HEAD", "OPTIONS", "POST")


class Observed:
    """ASGI middleware: an id for each request and connection, a count and a line for each.

    Args:
        app: What is observed.
        metrics: Where it is counted.
        paths: The paths that are counted by name.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics, paths: frozenset[str]) -> None:
        self._app = app
        self._metrics = metrics
        self._paths = paths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        token = trace.set(Trace(secrets.token_hex(8)))
        try:
            if scope["type"] == "http":
                await self._http(scope, receive, send)
            else:
                with self._metrics.connection():
                    await self._app(scope, receive, send)
        finally:
            trace.reset(token)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        began = time.perf_counter()
        status = 500

        async def send_observed(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                if current := trace.get():
                    MutableHeaders(scope=message)["X-Request-Id"] = current.id
            await send(message)

        try:
            await self._app(scope, receive, send_observed)
        finally:
            # Looked at afterwards: an inner layer makes one slash of two.
            path = scope["path"] if scope["path"] in self._paths else _OTHER
            method = scope["method"] if scope["method"] in _METHODS else _OTHER
            seconds = time.perf_counter() - began
            self._metrics.request(path, method, status, seconds)
            event = {"route": path, "method": method, "status": status, "ms": _ms(seconds)}
            level = logging.DEBUG if path.startswith(_WATCHING) else logging.INFO
            logger.log(level, "Request", extra={"event": event})


class ObservedDispatcher(Dispatcher):
    """A dispatcher whose messages are counted, and logged with a line each.

    Attributes:
        metrics: Where they are counted; set before the first message.
    """

    metrics: Metrics

    async def call(
        self, message_type: str, data: object, caller: Caller = STRANGER
    ) -> dict[str, Any]:
        """The reply data of one message.

        Raises:
            ServiceError: The request was refused.
        """
        if current := trace.get():
            current.messages += 1
        began = time.perf_counter()
        outcome = "failed"
        try:
            reply = await super().call(message_type, data, caller)
            outcome = _outcome(message_type, reply)
            return reply
        except ServiceError as error:
            outcome = "refused" if error.status < 500 else "failed"
            raise
        finally:
            seconds = time.perf_counter() - began
            self.metrics.message(message_type, outcome, seconds)
            event = {"type": message_type, "outcome": outcome, "ms": _ms(seconds)}
            logger.info("Message", extra={"event": event})


def _outcome(message_type: str, reply: dict[str, Any]) -> str:
    if message_type == CYCLE_REQUEST:
        return str(reply.get("status", "ok"))
    return "late" if reply.get("reason") == "late" else "ok"


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 1)
