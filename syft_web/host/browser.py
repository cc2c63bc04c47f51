"""Inside Pyodide: the page's own ``fetch``, ``WebSocket`` and ``crypto``.

Works in a page, a Web Worker, and Node. A browser tells scripts little about why a
connection failed (no status, no certificate, no CORS detail), so messages here
name the likely causes. Proxies of Python functions are destroyed when done with.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import js
from pyodide.ffi import JsException, create_proxy, to_js

from syft_web.errors import (
    GridClosedError,
    GridError,
    GridUnreachableError,
    HostError,
)
from syft_web.host.base import DEFAULT_TIMEOUTS, BaseHost, Exchange, Timeouts, place, within

__all__ = ["BrowserHost", "BrowserSocket"]

_RANDOM_AT_ONCE = 65536
"""``crypto.getRandomValues`` refuses more bytes than this in one call."""


class BrowserHost(BaseHost):
    """The `Host` of a browser."""

    def __init__(self) -> None:
        self._without_protocols: set[str] = set()

    @property
    def name(self) -> str:
        """``"browser"``."""
        return "browser"

    @asynccontextmanager
    async def exchange(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: str | bytes | None = None,
        timeouts: Timeouts = DEFAULT_TIMEOUTS,
    ) -> AsyncIterator[Exchange]:
        """See `Host.exchange`."""
        controller = js.AbortController.new()
        options: dict[str, Any] = {
            "method": method,
            "mode": "cors",
            "credentials": "omit",
            "cache": "no-store",
            "redirect": "manual",
            "referrerPolicy": "no-referrer",
            "signal": controller.signal,
        }
        if headers:
            options["headers"] = headers
        if body is not None:
            options["body"] = body if isinstance(body, str) else to_js(memoryview(body))
        request = js.fetch(url, to_js(options, dict_converter=js.Object.fromEntries))
        try:
            response = await within(
                timeouts.connect + timeouts.idle, request, f"{place(url)} did not answer"
            )
        except JsException as error:
            controller.abort()
            raise _unreachable(url) from error
        except BaseException:
            controller.abort()
            raise
        answer = _BrowserExchange(response, url, timeouts)
        try:
            yield answer
        finally:
            # Also ends a download that nobody reads further; harmless after its end.
            controller.abort()

    async def connect(
        self, url: str, *, protocols: Sequence[str] = (), timeouts: Timeouts = DEFAULT_TIMEOUTS
    ) -> BrowserSocket:
        """See `Host.connect`.

        A browser gives up a connection whose server picks none of the protocols on offer, and
        does not tell that this was why. So it is opened once more without any, and such an
        address remembered.
        """
        if not protocols or url in self._without_protocols:
            return await self._open(url, (), timeouts)
        try:
            return await self._open(url, protocols, timeouts)
        except GridUnreachableError:
            socket = await self._open(url, (), timeouts)
        self._without_protocols.add(url)
        return socket

    async def _open(self, url: str, protocols: Sequence[str], timeouts: Timeouts) -> BrowserSocket:
        try:
            socket = BrowserSocket(js.WebSocket.new(url, to_js(list(protocols))), url)
        except (JsException, SystemError) as error:
            # Once in a while Pyodide loses what a constructor threw, and Python then says
            # "SystemError: error return without exception set" in its place.
            raise GridUnreachableError(
                f"The browser does not allow a WebSocket to {place(url)}. A page that came over "
                "https:// may only use wss://; otherwise check the address."
            ) from error
        except AttributeError as error:
            raise HostError("This runtime has no WebSocket. Use an http:// address.") from error
        try:
            await within(
                timeouts.connect,
                socket.opened(),
                f"{place(url)} did not answer the WebSocket handshake",
            )
        except BaseException:
            await socket.close()
            raise
        return socket

    def now(self) -> float:
        """See `Host.now`."""
        return time.time()

    def monotonic(self) -> float:
        """See `Host.monotonic`."""
        return float(js.performance.now()) / 1000

    def random_bytes(self, n: int) -> bytes:
        """See `Host.random_bytes`."""
        parts = []
        for start in range(0, n, _RANDOM_AT_ONCE):
            array = js.Uint8Array.new(min(_RANDOM_AT_ONCE, n - start))
            js.crypto.getRandomValues(array)
            parts.append(array.to_bytes())
        return b"".join(parts)

    async def close(self) -> None:
        """See `Host.close`; the browser pools connections itself."""


class _BrowserExchange:
    """An `Exchange` over a Response of ``fetch``."""

    def __init__(self, response: Any, url: str, timeouts: Timeouts) -> None:
        self._response = response
        self._url = url
        self._timeouts = timeouts
        self._headers: dict[str, str] = js.Object.fromEntries(response.headers).to_py()

    @property
    def status(self) -> int:
        # A redirect that is not followed shows no status of its own.
        redirected = self._response.type == "opaqueredirect"
        return 302 if redirected else int(self._response.status)

    @property
    def headers(self) -> Mapping[str, str]:
        return self._headers

    @property
    def sees_encoding(self) -> bool:
        return False

    async def chunks(self) -> AsyncIterator[bytes]:
        if not self._response.body:
            return
        reader = self._response.body.getReader()
        silence = f"{place(self._url)} sent no further piece of its answer"
        while True:
            try:
                piece = await within(self._timeouts.idle, reader.read(), silence)
            except JsException as error:
                raise GridClosedError(
                    f"{place(self._url)} closed the connection in the middle. Try again."
                ) from error
            if piece.done:
                return
            yield piece.value.to_bytes()


class BrowserSocket:
    """The `Socket` of a browser: its events, as a queue."""

    def __init__(self, socket: Any, url: str) -> None:
        self._socket = socket
        self._url = url
        self._open: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._frames: asyncio.Queue[str | bytes | GridError] = asyncio.Queue()
        self._end: GridError | None = None
        socket.binaryType = "arraybuffer"
        self._handlers = {
            "open": create_proxy(self._on_open),
            "message": create_proxy(self._on_message),
            "close": create_proxy(self._on_close),
        }
        for event, handler in self._handlers.items():
            socket.addEventListener(event, handler)

    @property
    def protocol(self) -> str:
        """See `Socket.protocol`."""
        return str(self._socket.protocol)

    async def opened(self) -> None:
        """Wait until the handshake is done."""
        await self._open

    async def send(self, data: str | bytes) -> None:
        """See `Socket.send`."""
        if self._end is not None:
            raise type(self._end)(str(self._end))
        self._socket.send(data if isinstance(data, str) else to_js(memoryview(data)))

    async def receive(self) -> str | bytes:
        """See `Socket.receive`."""
        if self._end is not None and self._frames.empty():
            raise type(self._end)(str(self._end))
        frame = await self._frames.get()
        if isinstance(frame, GridError):
            raise frame
        return frame

    async def close(self) -> None:
        """See `Socket.close`."""
        if self._end is None:
            self._finish(GridClosedError(f"The WebSocket to {place(self._url)} was closed here."))
        self._socket.close()

    def _on_open(self, _event: Any) -> None:
        if not self._open.done():
            self._open.set_result(None)

    def _on_message(self, event: Any) -> None:
        data = event.data
        self._frames.put_nowait(data if isinstance(data, str) else data.to_bytes())

    def _on_close(self, event: Any) -> None:
        if not self._open.done():
            self._finish(_unreachable(self._url))
            return
        code = f" (close code {event.code})" if event.code else ""
        self._finish(GridClosedError(f"{place(self._url)} closed the WebSocket{code}. Try again."))

    def _finish(self, end: GridError) -> None:
        """Take ``end`` as what every later call says, and let go of the handlers."""
        self._end = end
        if not self._open.done():
            self._open.set_exception(end)
        self._frames.put_nowait(end)
        for event, handler in self._handlers.items():
            self._socket.removeEventListener(event, handler)
            handler.destroy()
        self._handlers = {}


def _unreachable(url: str) -> GridUnreachableError:
    return GridUnreachableError(
        f"No connection to {place(url)} could be made. Check the address and that the grid is "
        "running; from a page the grid must also allow the page's origin (CORS), and a page that "
        "came over https:// needs a grid with https:// or wss://."
    )
