"""Performing what `JobProtocol` asks for: control messages and downloads.

Control messages go over the WebSocket or HTTP, as the grid's address says; assets
always come over HTTP (protocol.md 1.4).
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from syft_web.client.address import GridAddress
from syft_web.client.answers import DOING, check_download, http_reply, reply_data
from syft_web.client.channel import Channel, sending_time
from syft_web.client.retry import Retry, is_passing
from syft_web.client.speed_test import SpeedLimits
from syft_web.client.steps import Ask, Fetch
from syft_web.errors import (
    GridAddressError,
    GridAnswerError,
    GridClosedError,
    GridTimeoutError,
    GridUnreachableError,
    SyftError,
)
from syft_web.host.base import Host, OnProgress, Timeouts
from syft_web.host.download import Download
from syft_web.wire.frames import text_frame
from syft_web.wire.messages import as_json

__all__ = ["Options", "Transport"]

_log = logging.getLogger("syft_web.client")

_OF_THE_HOST = (
    GridAddressError,
    GridAnswerError,
    GridClosedError,
    GridTimeoutError,
    GridUnreachableError,
)
_NOT_REPEATABLE = {"cycle-request", "host-training"}


@dataclass(frozen=True, slots=True)
class Options:
    """How patient a client is.

    Attributes:
        answer_seconds: For the answer to a control message; the time to send a large one (a
            diff) comes on top, counted at half a Mbit/s.
        timeouts: Of connections and downloads.
        report_retry: When a report whose fate is unknown is sent again; the grid counts it once.
        join_retry: When `Job.join` asks again at a grid that cannot be reached.
        keep_retry: When `Syft.deliver` sends a kept difference again.
        download_retry: When a broken download is tried again.
        speed_limits: Of the speed test.
    """

    answer_seconds: float = 10.0
    timeouts: Timeouts = field(default_factory=Timeouts)
    report_retry: Retry = field(default_factory=Retry)
    join_retry: Retry = field(default_factory=lambda: Retry(12, 1.0, 60.0, 600.0))
    keep_retry: Retry = field(default_factory=lambda: Retry(2000, 1.0, 60.0, 24 * 3600.0))
    download_retry: Retry = field(default_factory=lambda: Retry(tries=3, ceiling=4, max_seconds=60))
    speed_limits: SpeedLimits = field(default_factory=SpeedLimits)


class Transport:
    """A grid, as a place to send requests to. Several jobs may share it."""

    def __init__(self, host: Host, address: GridAddress, options: Options) -> None:
        self.host = host
        self.address = address
        self.options = options
        self._channel = Channel(host, address.websocket, options.timeouts)

    async def ask(self, ask: Ask) -> Any:
        """Send a control message; returns the inner object of its reply.

        Raises:
            GridError: The exchange failed, or the grid refused.
        """
        with _in_words(ask.during):
            if self.address.over_websocket:
                body = await self._channel.request(
                    ask.type,
                    ask.data,
                    seconds=self.options.answer_seconds,
                    repeatable=ask.during not in _NOT_REPEATABLE,
                )
                return reply_data(body, ask.during)
            return await self._post(ask)

    async def download(self, fetch: Fetch, on_progress: OnProgress | None = None) -> bytes:
        """Download an asset; when the connection breaks, go on from there after a while.

        A try that got further counts as the first.

        Raises:
            GridError: The exchange failed in all tries, or the grid refused.
        """
        download = Download(
            self.host,
            self.address.route(fetch.path, fetch.query),
            timeouts=self.options.timeouts,
            on_progress=on_progress,
        )
        waits, furthest = self._waits(), 0
        while True:
            try:
                return await self._attempt(download, fetch)
            except SyftError as error:
                if download.kept > furthest:
                    waits, furthest = self._waits(), download.kept
                wait = next(waits, None) if is_passing(error) else None
                if wait is None:
                    raise
                _log.info(
                    "Download of the %s broke off at %d bytes; again in %.1f s.",
                    fetch.asset,
                    download.kept,
                    wait,
                )
            await self.host.sleep(wait)

    async def _attempt(self, download: Download, fetch: Fetch) -> bytes:
        with _in_words(fetch.during):
            answer = await download.attempt()
            check_download(answer.status, answer.content_type, answer.body, fetch.during)
            return answer.body

    def _waits(self) -> Iterator[float]:
        return self.options.download_retry.waits(self.host.random_bytes, self.host.monotonic)

    async def close(self) -> None:
        """Close the WebSocket, if one is open."""
        await self._channel.close()

    async def _post(self, ask: Ask) -> Any:
        body = text_frame(as_json(ask.type, ask.data))
        seconds = self.options.answer_seconds + sending_time(len(body))
        response = await self.host.fetch(
            "POST",
            self.address.route(f"/{ask.type}"),
            headers={"content-type": "application/json"},
            body=body,
            timeouts=Timeouts(self.options.timeouts.connect, seconds, seconds),
        )
        return http_reply(response.status, response.content_type, response.body, ask.during)


@contextmanager
def _in_words(during: str) -> Iterator[None]:
    """Let a failure say during which step it happened."""
    try:
        yield
    except _OF_THE_HOST as error:
        if error.during:
            raise
        raise type(error)(f"While {DOING[during]}: {error}", during=during) from error
