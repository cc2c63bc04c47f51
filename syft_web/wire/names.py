"""Names of the messages and routes. Import them from `syft_web.wire.messages`."""

from __future__ import annotations

from typing import Final

__all__ = [
    "AUTHENTICATE",
    "CYCLE_REQUEST",
    "GET_MODEL",
    "GET_PLAN",
    "GET_PROTOCOL",
    "HOST_TRAINING",
    "REPORT",
    "RETRIEVE_MODEL",
    "SOCKET_PING",
    "SPEED_TEST",
]

# Message types. Over HTTP the route is "/" and the type (host-training has none).
HOST_TRAINING: Final = "model-centric/host-training"
AUTHENTICATE: Final = "model-centric/authenticate"
CYCLE_REQUEST: Final = "model-centric/cycle-request"
REPORT: Final = "model-centric/report"
SOCKET_PING: Final = "socket-ping"

# Routes that exist over HTTP only.
GET_MODEL: Final = "/model-centric/get-model"
GET_PLAN: Final = "/model-centric/get-plan"
GET_PROTOCOL: Final = "/model-centric/get-protocol"
RETRIEVE_MODEL: Final = "/model-centric/retrieve-model"
SPEED_TEST: Final = "/model-centric/speed-test"
