"""ASGI middleware that holds every request and every WebSocket to the limits.

How often an address may ask, how long a body may take, how long a WebSocket may be silent.
What a client waits for here it has been promised, see `buckets`: a queue never grows longer
than `Limits.queue_seconds`. `connections` guards what lies below, the sockets themselves.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from syft_web.errors import ServiceError
from syft_web.grid import texts
from syft_web.grid.addresses import client_of
from syft_web.grid.buckets import Bucket, Buckets
from syft_web.grid.limits import BURST_SECONDS, SLOWEST_BODY, Limits

__all__ = ["AFTERWARDS", "Guard", "refusal"]

logger = logging.getLogger("syft_web.grid")

INTERNAL_ERROR, GOING_AWAY, TRY_AGAIN_LATER = 1011, 1001, 1013

AFTERWARDS = "syft_web.afterwards"
"""Key in an HTTP request's scope: an `ExitStack`, closed when its answer has been sent."""

PART = 64 * 1024
"""Bytes of an answer that are handed on at once: the next when the client has taken most."""


def refusal(text: str, status: int, headers: dict[str, str] | None = None) -> Response:
    """An error as clients of the protocol read it. What they still send is not waited for."""
    return Response(
        json.dumps({"error": text}),
        status,
        {"Connection": "close", **(headers or {})},
        media_type="application/json",
    )


class Guard:
    """The middleware; one for an application, used in its event loop only.

    Args:
        app: What is guarded.
        limits: What clients may ask.
    """

    def __init__(self, app: ASGIApp, limits: Limits) -> None:
        self._app = app
        self._limits = limits
        rate = limits.messages_per_address
        self._addresses = Buckets(rate, rate * BURST_SECONDS)
        self._sockets: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] == "http":
            await self._http(scope, receive, send)
        elif scope["type"] == "websocket":
            await self._websocket(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        wait = self._addresses.take(client_of(scope), self._limits.queue_seconds)
        if wait is None:
            answer = refusal(texts.TOO_OFTEN, 429, {"Retry-After": "5"})
            await answer(scope, receive, send)
            return
        await asyncio.sleep(wait)
        started = False

        async def send_in_parts(message: Message) -> None:
            nonlocal started
            started = True
            body = message.get("body", b"")
            for begin in range(0, max(0, len(body) - PART), PART):
                part = body[begin : begin + PART]
                await send({"type": "http.response.body", "body": part, "more_body": True})
            if len(body) > PART:
                message = {**message, "body": body[_last_part(len(body)) :]}
            await send(message)

        afterwards = scope[AFTERWARDS] = ExitStack()
        try:
            await self._app(scope, _in_time(receive, self._limits.body_seconds), send_in_parts)
        except Exception as error:
            if not isinstance(error, ServiceError):
                logger.exception("A request failed")
                error = ServiceError(texts.INTERNAL, status=500)
            if not started:
                await refusal(error.text, error.status)(scope, receive, send)
        finally:
            afterwards.close()

    async def _websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        client = client_of(scope)
        wait = self._addresses.take(client, self._limits.queue_seconds)
        if wait is None or self._sockets[client] >= self._limits.connections_per_address:
            logger.info("Refused a WebSocket: its address has too many, or asks too often")
            # Instead of a handshake's answer.
            await refusal(texts.TOO_OFTEN, 429, {"Retry-After": "5"})(scope, receive, send)
            return
        await asyncio.sleep(wait)
        self._sockets[client] += 1
        try:
            await self._app(scope, self._held_back(client, receive, send), send)
        except Exception as error:
            # OSError: the client has left in the middle of an answer.
            if not isinstance(error, OSError):
                logger.exception("A WebSocket failed")
                await send({"type": "websocket.close", "code": INTERNAL_ERROR})
        finally:
            self._sockets[client] -= 1
            if not self._sockets[client]:
                del self._sockets[client]

    def _held_back(self, client: str, receive: Receive, send: Send) -> Receive:
        """Receive the messages of one WebSocket, no faster than they may come.

        While a message is held back the next one is not read: its sender has to wait.
        """
        limits = self._limits
        rate = limits.messages_per_connection
        own = Bucket(rate, rate * BURST_SECONDS)

        async def close(code: int, reason: str) -> Message:
            await send({"type": "websocket.close", "code": code, "reason": reason})
            return {"type": "websocket.disconnect", "code": code}

        async def receive_slowly() -> Message:
            try:
                async with asyncio.timeout(limits.idle_seconds):
                    message = await receive()
            except TimeoutError:
                return await close(GOING_AWAY, "Nothing was said for a long time")
            if message["type"] != "websocket.receive":
                return message
            wait = self._addresses.take(client, limits.queue_seconds)
            if wait is None:
                return await close(TRY_AGAIN_LATER, texts.TOO_OFTEN)
            await asyncio.sleep(max(wait, own.take(1 / rate) or 0.0))
            return message

        return receive_slowly


def _in_time(
    receive: Receive, seconds: float, clock: Callable[[], float] = time.monotonic
) -> Receive:
    """Receive a body that must arrive in some seconds, or at a fair speed."""
    begun: float | None = None
    size = 0
    over = False

    async def receive_in_time() -> Message:
        nonlocal begun, size, over
        if over:
            # Asked after the whole body only to learn whether the client has left.
            return await receive()
        begun = clock() if begun is None else begun
        try:
            async with asyncio.timeout(max(0.0, begun + seconds + size / SLOWEST_BODY - clock())):
                message = await receive()
        except TimeoutError:
            logger.info("A body came too slowly")
            raise ServiceError(texts.TOO_SLOW, status=408) from None
        size += len(message.get("body", b""))
        over = not message.get("more_body", False)
        return message

    return receive_in_time


def _last_part(size: int) -> int:
    return (size - 1) // PART * PART
