"""Performing what `JobProtocol` asks for: control messages and downloads.

Control messages go over the WebSocket or HTTP, as the grid's address says; assets
always come over HTTP (protocol.md 1.4).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from syft_web.client.address import GridAddress
from syft_web.client.answers import DOING, check_download, http_reply, reply_data
from syft_web.client.channel import Channel, sending_time
from syft_web.client.retry import Retry
from syft_web.client.speed_test import SpeedLimits
from syft_web.client.steps import Ask, Fetch
from syft_web.errors import (
    GridAddressError,
    GridAnswerError,
    GridClosedError,
    GridTimeoutError,
    GridUnreachableError,
)
from syft_web.host.base import Host, OnProgress, Timeouts

__all__ = ["Options", "Transport"]

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
        download_retry: When a broken download is begun again.
        speed_limits: Of the speed test.
    """

    answer_seconds: float = 10.0
    timeouts: Timeouts = field(default_factory=Timeouts)
    report_retry: Retry = field(default_factory=Retry)
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
        """Download an asset.

        Raises:
            GridError: The exchange failed, or the grid refused.
        """
        with _in_words(fetch.during):
            response = await self.host.fetch(
                "GET",
                self.address.route(fetch.path, fetch.query),
                timeouts=self.options.timeouts,
                on_progress=on_progress,
            )
            check_download(response.status, response.content_type, response.body, fetch.during)
            return response.body

    async def close(self) -> None:
        """Close the WebSocket, if one is open."""
        await self._channel.close()

    async def _post(self, ask: Ask) -> Any:
        body = _compact(ask.data)
        seconds = self.options.answer_seconds + sending_time(len(body))
        response = await self.host.fetch(
            "POST",
            self.address.route(f"/{ask.type}"),
            headers={"content-type": "application/json"},
            body=body,
            timeouts=Timeouts(self.options.timeouts.connect, seconds, seconds),
        )
        return http_reply(response.status, response.content_type, response.body, ask.during)


def _compact(data: Mapping[str, Any]) -> str:
    return json.dumps(data, separators=(",", ":"), ensure_ascii=False)


@contextmanager
def _in_words(during: str) -> Iterator[None]:
    """Let a failure say during which step it happened."""
    try:
        yield
    except _OF_THE_HOST as error:
        if error.during:
            raise
        raise type(error)(f"While {DOING[during]}: {error}", during=during) from error
