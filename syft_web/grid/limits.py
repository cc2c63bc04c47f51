"""How much a client may ask of the grid."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Limits"]

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of single requests. The defaults fit models of up to about 60 million weights.

    Attributes:
        max_message: Largest WebSocket message and HTTP body, in bytes. A float32 model
            of N weights travels as about 5.4 N bytes (base64) or 8 N bytes (hex, hosting).
        speed_test_bytes: Size of the sample that workers download to measure their speed.
        patience: Seconds a cycle request may wait for the end of an aggregation before
            the worker is sent away for a second.
        endpoint_seconds: Seconds a third party may take to answer whether a token is good.
        ping_interval: Seconds between protocol pings of a quiet WebSocket.
        ping_timeout: Seconds a client may leave a ping unanswered. Long, because a
            script that computes cannot answer.
        keep_alive: Seconds an HTTP connection may be idle. Long for the same reason: a
            script that has computed for a while reports on the connection it has.
    """

    max_message: int = 256 * MIB
    speed_test_bytes: int = 4 * MIB
    patience: float = 2.0
    endpoint_seconds: float = 5.0
    ping_interval: float = 60.0
    ping_timeout: float = 600.0
    keep_alive: int = 300
