"""Lets pages of any origin use the grid, as PyGrid does (protocol.md section 1.3).

Wrapped around the whole application, so that refusals and unknown paths carry the
headers too: without them a browser hides the error from the page.
"""

from __future__ import annotations

import re

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["Cors"]

METHODS = "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT"

_SLASHES = re.compile(r"/{2,}")


class Cors:
    """ASGI middleware: CORS headers on every answer, and one slash where clients send two."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and add the headers to its answer."""
        if scope["type"] in ("http", "websocket"):
            # A grid address with a slash at its end makes syft.js ask for //model-centric/...
            scope["path"] = _SLASHES.sub("/", scope["path"])
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        asked = Headers(scope=scope)

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                _add_headers(MutableHeaders(scope=message), asked, scope["method"])
            await send(message)

        await self._app(scope, receive, send_with_headers)


def _add_headers(headers: MutableHeaders, asked: Headers, method: str) -> None:
    origin = asked.get("origin")
    headers["Access-Control-Allow-Origin"] = origin or "*"
    if origin:
        headers.add_vary_header("Origin")
    if method == "OPTIONS" and "access-control-request-method" in asked:
        headers["Access-Control-Allow-Methods"] = METHODS
        if wanted := asked.get("access-control-request-headers"):
            headers["Access-Control-Allow-Headers"] = wanted
