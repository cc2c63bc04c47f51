"""How much clients may ask of the grid: every limit, its default and what it is for.

The command line and the configuration file read `Limits.options`, so that a limit is
declared here and nowhere else.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, fields
from enum import Enum
from typing import Any

__all__ = ["Limits", "Option", "Unit"]

MIB = 1024 * 1024

SLOWEST_BODY = 4096
"""Bytes a second. A body that arrives faster may take as long as it needs."""

BURST_SECONDS = 10.0
"""For how many seconds' worth of messages somebody who was quiet may send at once."""


class Unit(Enum):
    """What a limit counts, as it is written by its owner."""

    MIB = "MIB"
    COUNT = "N"
    SECONDS = "SECONDS"
    RATE = "PER-SECOND"
    TEXT = "TEXT"


@dataclass(frozen=True, slots=True)
class Option:
    """One limit as an option of a command line or a key of a configuration file.

    Attributes:
        name: Of the attribute of `Limits`.
        flag: E.g. ``"--max-message"``; the key in a file is the same without ``--``.
        unit: What its number counts.
        help: What it is for.
        default: In the unit: MiB and not bytes.
    """

    name: str
    flag: str
    unit: Unit
    help: str
    default: float | int | str

    def parse(self, text: str) -> float | int | str:
        """The value of the attribute from what an owner wrote.

        Raises:
            ValueError: It is no such number; the text says what it must be.
        """
        if self.unit is Unit.TEXT:
            return text.strip()
        try:
            number = float(text)
        except ValueError:
            number = math.nan
        if not 0 < number < 1 << 30:
            raise ValueError(f"{text!r} is no number above 0")
        if self.unit is Unit.MIB:
            return max(1, int(number * MIB))
        if self.unit is Unit.COUNT:
            if number != int(number):
                raise ValueError(f"{text!r} is no whole number")
            return int(number)
        return number


def _limit(default: Any, unit: Unit, text: str, *, flag: str | None = None) -> Any:
    return field(default=default, metadata={"unit": unit, "help": text, "flag": flag})


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds for clients; each server process counts for itself.

    The defaults fit the open internet, models of up to about 60 million weights, and several
    hundred workers behind one address.
    """

    max_message: int = _limit(
        256 * MIB,
        Unit.MIB,
        "largest WebSocket message or request body; a float32 model of a million weights travels "
        "as about 5.4 MB (a report) or 8 MB (hosting)",
    )
    memory: int = _limit(
        1024 * MIB,
        Unit.MIB,
        "messages and bodies that are under way, of all clients together; who sends more is told "
        "to come again",
    )
    connections: int = _limit(4000, Unit.COUNT, "open connections, of all clients together")
    connections_per_address: int = _limit(
        1500,
        Unit.COUNT,
        "open connections of one address; many workers may share one behind a router",
    )
    messages_per_connection: float = _limit(
        50.0,
        Unit.RATE,
        "messages of one WebSocket; after a burst of ten seconds' worth it is read more slowly",
    )
    messages_per_address: float = _limit(
        500.0,
        Unit.RATE,
        "messages and requests of one address; after a burst of ten seconds' worth they wait, "
        "then they are refused (HTTP 429, WebSocket close 1013)",
    )
    queue_seconds: float = _limit(
        5.0, Unit.SECONDS, "how long a message or a request waits before it is refused so"
    )
    downloads: int = _limit(
        64, Unit.COUNT, "downloads of models, plans and protocols at once, of all clients together"
    )
    download_seconds: float = _limit(
        60.0, Unit.SECONDS, "how long a download waits for its turn, before it is refused (503)"
    )
    worker_downloads: int = _limit(
        200, Unit.COUNT, "downloads of one worker in an hour, each part of a resumed one counts"
    )
    worker_requests: int = _limit(
        4, Unit.COUNT, "cycle requests of one worker that may be open at once"
    )
    head_seconds: float = _limit(
        60.0,
        Unit.SECONDS,
        "in which a new connection must have sent the head of its request or its handshake",
    )
    body_seconds: float = _limit(
        60.0,
        Unit.SECONDS,
        "in which a body or a message must have arrived, if it comes at less than 4 KiB a second",
    )
    stall_seconds: float = _limit(
        60.0, Unit.SECONDS, "for how long a client may take nothing of what is sent to it"
    )
    idle_seconds: float = _limit(
        3600.0, Unit.SECONDS, "after which a WebSocket without a message is closed"
    )
    keep_alive: int = _limit(
        # Long: a script that has computed for a while reports on the connection it has.
        300,
        Unit.COUNT,
        "seconds that an HTTP connection may be idle",
    )
    ping_interval: float = _limit(
        60.0, Unit.SECONDS, "between two pings of a quiet WebSocket, which find dead clients"
    )
    ping_timeout: float = _limit(
        # Long: a script that computes cannot answer.
        600.0,
        Unit.SECONDS,
        "for how long a client may leave a ping unanswered",
    )
    patience: float = _limit(
        2.0,
        Unit.SECONDS,
        "that a cycle request may wait for the end of an aggregation, before the worker is sent "
        "away for a second",
    )
    endpoint_seconds: float = _limit(
        5.0, Unit.SECONDS, "a third party may take to answer whether a token is good"
    )
    speed_test_bytes: int = _limit(
        4 * MIB,
        Unit.MIB,
        "size of the sample that workers download to measure their speed",
        flag="--speed-test-size",
    )
    proxies: str = _limit(
        "127.0.0.1,::1",
        Unit.TEXT,
        "addresses or networks of reverse proxies, with commas between; only they may say who a "
        "client is (X-Forwarded-For, X-Forwarded-Proto)",
        flag="--trusted-proxies",
    )

    @classmethod
    def options(cls) -> tuple[Option, ...]:
        """Every limit, in the order in which they are to be shown."""
        found = []
        for each in fields(cls):
            unit: Unit = each.metadata["unit"]
            default: Any = each.default
            found.append(
                Option(
                    name=each.name,
                    flag=each.metadata["flag"] or "--" + each.name.replace("_", "-"),
                    unit=unit,
                    help=each.metadata["help"],
                    default=default // MIB if unit is Unit.MIB else default,
                )
            )
        return tuple(found)
