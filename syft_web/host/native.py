"""CPython: HTTP by ``httpx``, WebSockets by ``websockets``.

Both come with ``pip install syft_web[native]`` and are imported at first use.
"""

from __future__ import annotations

import asyncio
import importlib
import logging
import secrets
import ssl
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import cache
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import TYPE_CHECKING, Any

from syft_web.errors import (
    GridAddressError,
    GridAnswerError,
    GridClosedError,
    GridError,
    GridTimeoutError,
    GridUnreachableError,
    HostError,
)
from syft_web.host.base import DEFAULT_TIMEOUTS, BaseHost, Exchange, Timeouts, place, within

if TYPE_CHECKING:
    import httpx
    from websockets.asyncio.client import ClientConnection

__all__ = ["NativeHost", "NativeSocket"]

_frames_log = logging.getLogger("syft_web.host.websockets")
_frames_log.setLevel(logging.WARNING)  # Below that the library writes frames, tokens included.

_MAX_FRAME = 256 * 2**20
"""A WebSocket frame larger than this (bytes) is refused; the FL messages are far below."""


class NativeHost(BaseHost):
    """The `Host` of CPython."""

    def __init__(self) -> None:
        self._client: httpx.AsyncClient | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def name(self) -> str:
        """``"native"``."""
        return "native"

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
        httpx = _library("httpx")
        limits = httpx.Timeout(timeouts.idle, connect=timeouts.connect)
        client = self._http()
        try:
            request = client.build_request(
                method, url, headers=dict(headers or {}), content=body, timeout=limits
            )
            response = await client.send(request, stream=True)
        except httpx.HTTPError as error:
            raise _http_failure(error, url, timeouts) from error
        except (httpx.InvalidURL, UnicodeError) as error:
            raise _no_address(url) from error
        try:
            yield _NativeExchange(response, url, timeouts)
        finally:
            await response.aclose()

    async def connect(
        self, url: str, *, protocols: Sequence[str] = (), timeouts: Timeouts = DEFAULT_TIMEOUTS
    ) -> NativeSocket:
        """See `Host.connect`."""
        client = _library("websockets.asyncio.client")
        secure = {"ssl": _tls()} if url.startswith("wss:") else {}
        try:
            opening = client.connect(
                url,
                subprotocols=list(protocols) or None,
                open_timeout=None,
                max_size=_MAX_FRAME,
                close_timeout=2,
                logger=_frames_log,
                **secure,
            )
            connection = await within(
                timeouts.connect, opening, f"{place(url)} did not answer the WebSocket handshake"
            )
        except GridError:
            raise
        except Exception as error:
            raise _handshake_failure(error, url) from error
        return NativeSocket(connection, url)

    def now(self) -> float:
        """See `Host.now`."""
        return time.time()

    def monotonic(self) -> float:
        """See `Host.monotonic`."""
        return time.perf_counter()

    def random_bytes(self, n: int) -> bytes:
        """See `Host.random_bytes`."""
        return secrets.token_bytes(n)

    async def close(self) -> None:
        """See `Host.close`."""
        client, self._client = self._client, None
        if client is not None and self._loop is asyncio.get_running_loop():
            await client.aclose()

    def _http(self) -> httpx.AsyncClient:
        """The pooled client; a pool belongs to the event loop it was made in."""
        loop = asyncio.get_running_loop()
        if self._client is None or self._loop is not loop:
            # A page sends no cookies to a grid either.
            no_cookies = CookieJar(DefaultCookiePolicy(allowed_domains=()))
            self._client = _library("httpx").AsyncClient(
                follow_redirects=False, verify=_tls(), cookies=no_cookies
            )
            _keep_keys_out_of_the_log()
            self._loop = loop
        return self._client


class _NativeExchange:
    """An `Exchange` over an open httpx response."""

    def __init__(self, response: httpx.Response, url: str, timeouts: Timeouts) -> None:
        self._response = response
        self._url = url
        self._timeouts = timeouts

    @property
    def status(self) -> int:
        return self._response.status_code

    @property
    def headers(self) -> Mapping[str, str]:
        return self._response.headers

    @property
    def sees_encoding(self) -> bool:
        return True

    async def chunks(self) -> AsyncIterator[bytes]:
        httpx = _library("httpx")
        try:
            async for piece in self._response.aiter_bytes():
                yield piece
        except httpx.HTTPError as error:
            raise _http_failure(error, self._url, self._timeouts) from error


class NativeSocket:
    """The `Socket` of CPython."""

    def __init__(self, connection: ClientConnection, url: str) -> None:
        self._connection = connection
        self._url = url

    @property
    def protocol(self) -> str:
        """See `Socket.protocol`."""
        return self._connection.subprotocol or ""

    async def send(self, data: str | bytes) -> None:
        """See `Socket.send`."""
        closed = _library("websockets.exceptions").ConnectionClosed
        try:
            await self._connection.send(data)
        except closed as error:
            raise self._gone(error) from error

    async def receive(self) -> str | bytes:
        """See `Socket.receive`."""
        closed = _library("websockets.exceptions").ConnectionClosed
        try:
            return await self._connection.recv()
        except closed as error:
            raise self._gone(error) from error

    async def close(self) -> None:
        """See `Socket.close`."""
        await self._connection.close()

    def _gone(self, error: Exception) -> GridClosedError:
        code = getattr(getattr(error, "rcvd", None), "code", None)
        why = f" (close code {code})" if code else ""
        return GridClosedError(f"{place(self._url)} closed the WebSocket{why}. Try again.")


@cache
def _tls() -> ssl.SSLContext:
    """One trust store for both libraries; reading it takes a moment, so it is read once."""
    context: ssl.SSLContext = _library("httpx").create_ssl_context()
    return context


class _HideKeys(logging.Filter):
    """Cuts the query, which holds a worker's keys, off the requests that httpx logs."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(
                place(str(arg)) if b"worker_id=" in getattr(arg, "query", b"") else arg
                for arg in record.args
            )
        return True


@cache
def _keep_keys_out_of_the_log() -> None:
    logging.getLogger("httpx").addFilter(_HideKeys())


def _library(name: str) -> Any:
    """Import one of the libraries of the extra ``native``."""
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise HostError(
            f"Talking to a grid from CPython needs the library {name.partition('.')[0]}, which is "
            "not installed. Run: pip install syft_web[native]"
        ) from error


def _http_failure(error: Exception, url: str, timeouts: Timeouts) -> GridError:
    """One of our errors for one of httpx's, by its phase."""
    httpx = _library("httpx")
    where = place(url)
    if isinstance(error, httpx.ConnectTimeout | httpx.PoolTimeout):
        return GridTimeoutError(
            f"No connection to {where} came about within {timeouts.connect:g} s. Check the address "
            "and that the grid is running."
        )
    if isinstance(error, httpx.TimeoutException):
        return GridTimeoutError(
            f"{where} sent nothing for {timeouts.idle:g} s. The grid may be busy: try again."
        )
    if isinstance(error, httpx.ConnectError | httpx.ProxyError):
        return _unreachable(error, url)
    if isinstance(error, httpx.NetworkError | httpx.RemoteProtocolError):
        if _not_http(error):
            return GridAnswerError(f"What answers at {where} does not speak HTTP.")
        return GridClosedError(f"{where} closed the connection in the middle. Try again.")
    if isinstance(error, httpx.DecodingError):
        return GridAnswerError(f"{where} sent a body that its Content-Encoding does not fit.")
    return GridUnreachableError(f"{where} cannot be asked: {type(error).__name__}.")


def _not_http(error: Exception) -> bool:
    text = str(error).lower()
    return "illegal" in text or "malformed" in text


def _handshake_failure(error: Exception, url: str) -> GridError:
    """One of our errors for a WebSocket that could not be opened."""
    exceptions = _library("websockets.exceptions")
    where = place(url)
    if isinstance(error, exceptions.InvalidURI | UnicodeError):
        return _no_address(url)
    if isinstance(error, exceptions.InvalidStatus):
        return GridAnswerError(
            f"{where} answered the WebSocket handshake with HTTP {error.response.status_code}. Is "
            "it a grid's address? Check host, port and path."
        )
    if isinstance(error, EOFError) or isinstance(error.__cause__, EOFError):
        return GridUnreachableError(
            f"{where} closed the connection in the middle of the WebSocket handshake. Try again, "
            "or check that it is a grid's address."
        )
    if isinstance(error, exceptions.InvalidHandshake):
        return GridAnswerError(f"What answers at {where} does not speak WebSocket.")
    return _unreachable(error, url)


def _no_address(url: str) -> GridAddressError:
    return GridAddressError(f"{place(url)} cannot be an address: its host name is malformed.")


def _unreachable(error: Exception, url: str) -> GridUnreachableError:
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, ssl.SSLError):
        cause = cause.__cause__ or cause.__context__
    if cause is not None:
        return GridUnreachableError(
            f"No secure connection to {place(url)}: its TLS certificate or protocol was refused. "
            "For a grid without TLS use ws:// or http://."
        )
    return GridUnreachableError(
        f"No connection to {place(url)} could be made. Check the address and that the grid is "
        "running."
    )
