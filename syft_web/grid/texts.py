"""The error texts clients of PyGrid know (protocol.md sections 1.5 and 1.8).

PyGrid appended a Python traceback to most of them; here a sentence in words stands in
that place, or nothing.
"""

from __future__ import annotations

__all__ = [
    "CONFLICT",
    "CYCLE_NOT_FOUND",
    "INTERNAL",
    "INVALID_DIFF",
    "INVALID_REQUEST_KEY",
    "MODEL_NOT_FOUND",
    "NOT_AUTHORIZED",
    "NOT_JOINED",
    "PLAN_INVALID",
    "PLAN_NOT_FOUND",
    "PROCESS_NOT_FOUND",
    "PROTOCOL_NOT_FOUND",
    "TOKEN_INVALID",
    "TOKEN_NOT_PASSED",
    "TOKEN_REQUIRED",
    "TOO_BUSY",
    "TOO_MANY_DOWNLOADS",
    "TOO_MANY_REQUESTS",
    "TOO_OFTEN",
    "TOO_SLOW",
    "VERIFIER_SILENT",
    "WORKER_NOT_FOUND",
    "missing_attribute",
]

CONFLICT = "FL Process already exists."
CYCLE_NOT_FOUND = "Cycle not found!"
INVALID_REQUEST_KEY = "Invalid request key!"
MODEL_NOT_FOUND = "Model ID not found!"
NOT_AUTHORIZED = "User is not authorized for this operation!"
NOT_JOINED = f"{NOT_AUTHORIZED}: join this very model first, with an 'auth_token'"
PLAN_INVALID = "Plan is not valid"
PLAN_NOT_FOUND = "Plan ID not found!"
PROCESS_NOT_FOUND = "Not found any process related with this cycle and worker ID."
PROTOCOL_NOT_FOUND = "Protocol ID not found!"
TOKEN_INVALID = "The 'auth_token' you sent is invalid."
TOKEN_NOT_PASSED = "The 'auth_token' you sent did not pass 3rd party validation."
TOKEN_REQUIRED = "Authentication is required, please pass an 'auth_token'."
WORKER_NOT_FOUND = "Worker ID not found!"

VERIFIER_SILENT = "The 3rd party validation of tokens does not answer; try again later."
"""Ours: PyGrid sent what its HTTP library said."""

INVALID_DIFF = "Invalid diff"
"""Ours: PyGrid took any bytes and failed later."""

TOO_BUSY = "This grid has too much to do just now; come again in some seconds."
TOO_MANY_DOWNLOADS = "This worker has downloaded too often; come again in some minutes."
TOO_MANY_REQUESTS = "This worker has too many cycle requests open; wait for their answers."
TOO_OFTEN = "Too many messages from this address; come again in some seconds."
TOO_SLOW = "The request did not arrive in time."
"""Ours: PyGrid had no limits."""

INTERNAL = "The grid failed on this request; its log says why."
"""Ours: what a client is told of an error that should not be."""


def missing_attribute(value: object, attribute: str) -> str:
    """What PyGrid said of a JSON value of the wrong type: Python's own words."""
    return f"'{type(value).__name__}' object has no attribute '{attribute}'"
