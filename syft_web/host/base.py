"""What the rest of the package may ask of the place it runs in.

One `Host` stands for a browser page (or worker), another for CPython. Both give
the same few things: HTTP exchanges, WebSockets, a clock, and randomness that is
fit to protect a person. Everything above this room is the same code in both.

Transport failures are raised here, as `GridUnreachableError` (no connection
came about), `GridClosedError` (it ended in the middle) and `GridTimeoutError`.
Their messages name the place without its query, because a query may hold keys.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Protocol, TypeVar
from urllib.parse import urlsplit

from syft_web.errors import GridAnswerError, GridClosedError, GridTimeoutError

__all__ = [
    "DEFAULT_TIMEOUTS",
    "BaseHost",
    "Exchange",
    "Host",
    "OnProgress",
    "Response",
    "Socket",
    "Timeouts",
    "place",
    "read_body",
    "within",
]

OnProgress = Callable[[int, int | None], None]
"""Called with bytes received so far and their total (None until the end if nobody says)."""

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long to wait, phase by phase; all in seconds.

    Attributes:
        connect: Until the connection stands.
        idle: Between any two signs of life after that: the answer's head, then each piece of
            its body. A browser does not tell when the connection stands, so there the
            answer's head may take ``connect + idle``.
        total: For the whole exchange; None sets no such limit (downloads).
    """

    connect: float = 10.0
    idle: float = 30.0
    total: float | None = None


DEFAULT_TIMEOUTS = Timeouts()


@dataclass(frozen=True, slots=True)
class Response:
    """A whole HTTP answer.

    Attributes:
        status: HTTP status code.
        headers: Header names in lower case. A page sees only those the server exposes to it.
        body: The body, content encoding undone.
    """

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def content_type(self) -> str:
        """Media type in lower case without parameters, empty when not given."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()


class Exchange(Protocol):
    """An HTTP answer whose body has not been read yet."""

    @property
    def status(self) -> int:
        """HTTP status code."""

    @property
    def headers(self) -> Mapping[str, str]:
        """Header names in lower case."""

    @property
    def sees_encoding(self) -> bool:
        """Whether ``headers`` tell when the body came compressed.

        Browsers hide that of other origins, unless the server exposes it; lengths can be checked
        only roughly there.
        """

    def chunks(self) -> AsyncIterator[bytes]:
        """Pieces of the body as they come.

        Raises:
            GridClosedError: The connection ended before the body did.
            GridTimeoutError: No piece came for ``Timeouts.idle`` seconds.
        """


class Socket(Protocol):
    """An open WebSocket. One task may receive while others send."""

    @property
    def protocol(self) -> str:
        """The subprotocol that the server picked; empty for none."""

    async def send(self, data: str | bytes) -> None:
        """Send one frame: text for ``str``, binary for ``bytes``.

        Raises:
            GridClosedError: The connection is gone.
        """

    async def receive(self) -> str | bytes:
        """Wait for the next frame.

        Raises:
            GridClosedError: The connection ended, from whichever side.
        """

    async def close(self) -> None:
        """Close; does nothing when already closed. Never raises."""


class Host(Protocol):
    """Where the package runs: a browser, or CPython."""

    @property
    def name(self) -> str:
        """``"browser"`` or ``"native"``."""

    def exchange(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: str | bytes | None = None,
        timeouts: Timeouts = DEFAULT_TIMEOUTS,
    ) -> AbstractAsyncContextManager[Exchange]:
        """Send a request and enter with its answer's head; leaving ends the exchange.

        Redirects are not followed, cookies and credentials are not sent.

        Raises:
            GridAddressError: The host name is malformed.
            GridUnreachableError: No connection could be made.
            GridClosedError: The connection ended before the head came.
            GridTimeoutError: One of ``timeouts`` passed.
        """

    async def fetch(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: str | bytes | None = None,
        timeouts: Timeouts = DEFAULT_TIMEOUTS,
        on_progress: OnProgress | None = None,
    ) -> Response:
        """Send a request and read the whole answer, whatever its status.

        Raises:
            GridUnreachableError: No connection could be made.
            GridClosedError: The connection ended before the whole body came.
            GridTimeoutError: One of ``timeouts`` passed.
        """

    async def connect(
        self, url: str, *, protocols: Sequence[str] = (), timeouts: Timeouts = DEFAULT_TIMEOUTS
    ) -> Socket:
        """Open a WebSocket within ``timeouts.connect`` seconds.

        Args:
            url: Its address.
            protocols: Subprotocols to offer. A server that picks none is connected to all the
                same.
            timeouts: ``connect`` counts.

        Raises:
            GridUnreachableError: No connection could be made.
            GridAnswerError: Something answered that does not speak WebSocket.
            GridTimeoutError: The handshake was not answered in time.
        """

    def now(self) -> float:
        """Wall clock: seconds since 1970 (UTC)."""

    def monotonic(self) -> float:
        """A clock in seconds that only goes forward, for measuring."""

    async def sleep(self, seconds: float) -> None:
        """Wait without blocking."""

    def random_bytes(self, n: int) -> bytes:
        """``n`` bytes from the platform's cryptographic source."""

    async def close(self) -> None:
        """Let go of pooled connections. The host may be used again afterwards."""


class BaseHost(ABC):
    """The part of a `Host` that is the same everywhere."""

    @abstractmethod
    def exchange(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: str | bytes | None = None,
        timeouts: Timeouts = DEFAULT_TIMEOUTS,
    ) -> AbstractAsyncContextManager[Exchange]:
        """See `Host.exchange`."""

    async def fetch(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: str | bytes | None = None,
        timeouts: Timeouts = DEFAULT_TIMEOUTS,
        on_progress: OnProgress | None = None,
    ) -> Response:
        """See `Host.fetch`."""

        async def whole() -> Response:
            async with self.exchange(
                method, url, headers=headers, body=body, timeouts=timeouts
            ) as answer:
                pieces: list[bytes] = []
                await read_body(answer, url, on_progress, pieces)
                return Response(answer.status, answer.headers, b"".join(pieces))

        return await within(timeouts.total, whole(), f"{place(url)} did not finish its answer")

    async def sleep(self, seconds: float) -> None:
        """See `Host.sleep`."""
        await asyncio.sleep(seconds)


async def within(seconds: float | None, work: Awaitable[_T], what: str) -> _T:
    """Await ``work``, at most ``seconds`` long.

    Args:
        seconds: Limit; None waits without one.
        work: What to await; it is cancelled when the time is up.
        what: Beginning of the error message, e.g. ``"http://host did not answer"``.

    Raises:
        GridTimeoutError: The time is up.
    """
    try:
        async with asyncio.timeout(seconds):
            return await work
    except TimeoutError:
        raise GridTimeoutError(
            f"{what} within {seconds:.3g} s. The grid may be busy, or the connection poor: try "
            "again."
        ) from None


async def read_body(
    answer: Exchange, url: str, on_progress: OnProgress | None, pieces: list[bytes]
) -> None:
    """Collect a body; checks it against its declared length where that counts plain bytes.

    Args:
        answer: Where it comes from.
        url: The address, for messages.
        on_progress: Called with bytes received and their total.
        pieces: Gets what comes, also of a body that breaks off.

    Raises:
        GridClosedError: The connection ended before the body did.
        GridTimeoutError: No piece came for ``Timeouts.idle`` seconds.
        GridAnswerError: The declared length is none.
    """
    coded = "content-encoding" in answer.headers
    total = None if coded else _declared_length(answer.headers)
    received = 0
    if on_progress:
        on_progress(0, total)
    async for piece in answer.chunks():
        pieces.append(piece)
        received += len(piece)
        if total is not None and received > total:
            total = None  # The length was that of a compressed body.
        if on_progress:
            on_progress(received, total)
    slack = 0 if answer.sees_encoding or total is None else _growth(total)
    if total is not None and received < total - slack:
        raise GridClosedError(
            f"{place(url)} closed the connection after {received:,} of {total:,} bytes. Try again."
        )
    if on_progress and received != total:
        on_progress(received, received)  # What was not told is known now.


def _growth(size: int) -> int:
    """By how many bytes, at the very most, compression may have made a body longer.

    What cannot be compressed is stored with a head, a tail, and a few bytes for each block of
    16 kB or more (RFC 1951 3.2.4, RFC 1952 2.3; Brotli and Zstandard add less).
    """
    return 64 + size // 1000


def _declared_length(headers: Mapping[str, str]) -> int | None:
    text = headers.get("content-length", "").strip()
    if not text:
        return None
    if not (text.isascii() and text.isdigit()):
        raise GridAnswerError(f"The answer's Content-Length is {text!r}, which is not a number.")
    return int(text)


def place(url: str) -> str:
    """An address as it may be shown to people: without query, which may hold keys."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{host}{parts.path}"
