"""A download that goes on where its connection broke (RFC 9110 section 14).

What came is kept. The rest is asked for on the condition that the asset is still the same, by its
entity tag; a server that knows no parts, or has something else by now, sends everything anew.
"""

from __future__ import annotations

import re

from syft_web.errors import GridClosedError
from syft_web.host.base import (
    DEFAULT_TIMEOUTS,
    Exchange,
    Host,
    OnProgress,
    Response,
    Timeouts,
    place,
    read_body,
    within,
)

__all__ = ["Download"]

_STRONG_TAG = re.compile(r'"[^"]*"')
_CONTENT_RANGE = re.compile(r"bytes ([0-9]{1,18})-([0-9]{1,18})/([0-9]{1,18})")


class Download:
    """One asset, got in one or more attempts.

    Args:
        host: Where this runs.
        url: The asset's address.
        timeouts: Of each attempt.
        on_progress: Called with bytes in all and their total, as the pieces come.
    """

    def __init__(
        self,
        host: Host,
        url: str,
        *,
        timeouts: Timeouts = DEFAULT_TIMEOUTS,
        on_progress: OnProgress | None = None,
    ) -> None:
        self._host = host
        self._url = url
        self._timeouts = timeouts
        self._on_progress = on_progress
        self._tag = ""
        self._pieces: list[bytes] = []

    @property
    def kept(self) -> int:
        """Bytes that need not be sent again, if the asset stays the same."""
        return sum(map(len, self._pieces)) if self._tag else 0

    async def attempt(self) -> Response:
        """Get the asset, or what is missing of it.

        Returns:
            The whole answer, whatever its status; 200 when it came in parts.

        Raises:
            GridError: As `Host.fetch`. Another attempt may go on from here.
        """
        return await within(
            self._timeouts.total, self._attempt(), f"{place(self._url)} did not finish its answer"
        )

    async def _attempt(self) -> Response:
        start = self.kept
        # A part is of the plain bytes; what is compressed on the way cannot be continued.
        headers = {"range": f"bytes={start}-", "if-range": self._tag, "accept-encoding": "identity"}
        async with self._host.exchange(
            "GET", self._url, headers=headers if start else None, timeouts=self._timeouts
        ) as answer:
            if not start or answer.status not in (206, 416):
                return await self._whole(answer)
            total = self._total(answer, start)
            if total is not None:
                return await self._rest(answer, start, total)
        # The server cannot continue after all: once more, from the beginning.
        self._forget()
        return await self._attempt()

    async def _whole(self, answer: Exchange) -> Response:
        pieces: list[bytes] = []
        if answer.status == 200:
            self._forget()
            pieces = self._pieces
            tag = answer.headers.get("etag", "")
            if _STRONG_TAG.fullmatch(tag) and "content-encoding" not in answer.headers:
                self._tag = tag
        await read_body(answer, self._url, self._on_progress, pieces)
        return Response(answer.status, answer.headers, b"".join(pieces))

    async def _rest(self, answer: Exchange, start: int, total: int) -> Response:
        received = start

        def on_progress(more: int, _total: int | None) -> None:
            nonlocal received
            received = start + more
            if self._on_progress:
                self._on_progress(received, total)

        await read_body(answer, self._url, on_progress, self._pieces)
        if received != total:
            if received > total:
                self._forget()
            raise GridClosedError(
                f"{place(self._url)} closed the connection after {received:,} of {total:,} bytes. "
                "Try again."
            )
        return Response(200, answer.headers, b"".join(self._pieces))

    def _total(self, answer: Exchange, start: int) -> int | None:
        """Length of the whole; None when the answer is not the rest of what was begun."""
        match = _CONTENT_RANGE.fullmatch(answer.headers.get("content-range", ""))
        if match is None or answer.status != 206 or "content-encoding" in answer.headers:
            return None
        first, last, total = map(int, match.groups())
        fits = first == start and last == total - 1 and answer.headers.get("etag") == self._tag
        return total if fits else None

    def _forget(self) -> None:
        self._tag, self._pieces = "", []
