"""What a grid counts, for Prometheus.

Each process counts for itself. Where several serve one address, `share` must have been called
before they start: they then count in files of one folder, and whichever is asked adds all up.
What stands in the database, such as the cycles by state, is read when it is asked for.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.registry import Collector

__all__ = ["CONTENT_TYPE", "Metrics", "share"]

CONTENT_TYPE = CONTENT_TYPE_LATEST

_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
"""The library looks at this variable once, when it is imported."""

_PREFIX = "syft_web_grid_"


class Metrics:
    """The counters of one application.

    Args:
        counts: Reads what stands in the database, as `Overview.counts` does.
    """

    def __init__(self, counts: Callable[[], dict[str, Any]]) -> None:
        self._own = CollectorRegistry()
        self._counts = counts
        self._requests = Counter(
            f"{_PREFIX}requests",
            "HTTP requests that were answered",
            ["route", "method", "status"],
            registry=self._own,
        )
        self._request_seconds = Histogram(
            f"{_PREFIX}request_seconds",
            "Time from the head of an HTTP request to the end of its answer",
            ["route"],
            registry=self._own,
        )
        self._messages = Counter(
            f"{_PREFIX}messages",
            "Messages of the protocol, over HTTP and WebSocket",
            ["type", "outcome"],
            registry=self._own,
        )
        self._message_seconds = Histogram(
            f"{_PREFIX}message_seconds",
            "Time a message took, without the way to and from the client",
            ["type"],
            registry=self._own,
        )
        self._connections = Gauge(
            f"{_PREFIX}websocket_connections",
            "Open WebSockets",
            registry=self._own,
            multiprocess_mode="livesum",
        )
        self._aggregation_seconds = Histogram(
            f"{_PREFIX}aggregation_seconds",
            "Time from the reports of a closed cycle to what came of it",
            ["outcome"],
            registry=self._own,
            buckets=(0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100, 300),
        )

    def request(self, route: str, method: str, status: int, seconds: float) -> None:
        """Count an answered HTTP request."""
        self._requests.labels(route, method, str(status)).inc()
        self._request_seconds.labels(route).observe(seconds)

    def message(self, message_type: str, outcome: str, seconds: float) -> None:
        """Count a message, by what came of it.

        The outcome is ``ok``, ``accepted``, ``rejected``, ``late``, ``refused`` or ``failed``.
        """
        self._messages.labels(message_type, outcome).inc()
        self._message_seconds.labels(message_type).observe(seconds)

    def aggregation(self, outcome: str, seconds: float) -> None:
        """Count an aggregation: ``done`` or ``failed``."""
        self._aggregation_seconds.labels(outcome).observe(seconds)

    @contextmanager
    def connection(self) -> Iterator[None]:
        """Count a WebSocket for as long as it is open."""
        self._connections.inc()
        try:
            yield
        finally:
            self._connections.dec()

    def text(self) -> bytes:
        """All of it in Prometheus' own format.

        Raises:
            StoreError: The database does not answer.
        """
        counted = self._own
        if folder := os.environ.get(_FOLDER):
            _forget_the_dead(Path(folder))
            counted = CollectorRegistry()
            MultiProcessCollector(counted, folder)  # type: ignore[no-untyped-call]
        stored = CollectorRegistry()
        stored.register(_Stored(self._counts()))
        return generate_latest(counted) + generate_latest(stored)


class _Stored(Collector):
    """What was read from the database, as gauges."""

    def __init__(self, counts: dict[str, Any]) -> None:
        self._counts = counts

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """The gauges."""
        cycles = GaugeMetricFamily(f"{_PREFIX}cycles", "Cycles by state", labels=["state"])
        for state, number in self._counts["cycles"].items():
            cycles.add_metric([state], number)
        yield cycles
        yield GaugeMetricFamily(
            f"{_PREFIX}models", "Hosted models, versions counted one by one", self._counts["models"]
        )
        yield GaugeMetricFamily(
            f"{_PREFIX}workers_training",
            "Workers with a place in a cycle under way that have not reported yet",
            self._counts["workers_training"],
        )
        yield GaugeMetricFamily(
            f"{_PREFIX}diffs_waiting",
            "Reports to cycles under way, kept until they are averaged",
            self._counts["diffs_waiting"],
        )


@contextmanager
def share() -> Iterator[None]:
    """Let the processes that are started inside count together.

    A folder that the environment names already is used as it is.
    """
    if os.environ.get(_FOLDER):
        yield
        return
    with tempfile.TemporaryDirectory(prefix="syft-web-metrics-") as folder:
        os.environ[_FOLDER] = folder
        try:
            yield
        finally:
            del os.environ[_FOLDER]


def _forget_the_dead(folder: Path) -> None:
    """Drop the open connections of processes that were killed."""
    for file in folder.glob("gauge_live*_*.db"):
        number = file.stem.rpartition("_")[2]
        if number.isdecimal() and not _is_alive(int(number)):
            mark_process_dead(int(number), str(folder))  # type: ignore[no-untyped-call]


def _is_alive(process: int) -> bool:
    if os.name == "nt":
        return True  # there a signal 0 is not only a question
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
