"""Reading what a grid answers, over HTTP and over the WebSocket.

Pure functions from status and text to the inner JSON object of a reply, or to one
typed error. They understand every form the original servers used: the object
alone, the object in an envelope, error bodies, and the answers of things that are
no grid at all (protocol.md 1.2, 1.3, 1.8).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from syft_web.errors import (
    AuthenticationError,
    DecodeError,
    GridAnswerError,
    GridError,
    GridRefusedError,
    GridUnreachableError,
    MessageError,
)
from syft_web.wire import messages
from syft_web.wire.frames import read_packed

__all__ = ["DOING", "Frame", "check_download", "http_reply", "read_frame", "refusal", "reply_data"]

DOING = {
    "authenticate": "signing in at the grid",
    "speed-test": "measuring the connection",
    "cycle-request": "asking to join a cycle",
    "get-model": "downloading the model",
    "get-plan": "downloading a plan",
    "get-protocol": "downloading a protocol",
    "report": "reporting the diff",
    "host-training": "hosting the model",
    "retrieve-model": "fetching a checkpoint",
}
"""The steps of the protocol in words, for messages."""

_ADVICE = (
    ("auth_token", "Give new_job a valid auth_token."),
    ("not found any process", "Check the model's name and version."),
    ("cycle not found", "The cycle ended meanwhile: start the job again to join the next one."),
    ("request key", "The cycle ended meanwhile: start the job again to join the next one."),
    ("worker id not found", "The grid has forgotten this worker: start the job again."),
)
_BUSY = {408, 429, 502, 503, 504}
"""Statuses by which a proxy or an overloaded server says "not now"."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame from the grid.

    Attributes:
        request_id: Echo of the request's; None from servers that do not echo.
        type: Message type; None in a dispatcher's failure.
        body: The whole object.
    """

    request_id: object
    type: str | None
    body: Mapping[str, Any]


def read_frame(frame: str | bytes, *, packed: bool = False) -> Frame:
    """Read a WebSocket frame's envelope.

    Args:
        frame: What came: a text is JSON in any case.
        packed: Whether the connection carries msgpack in binary frames.

    Raises:
        GridAnswerError: It is binary where it should not be, cannot be read, or is no object.
    """
    if isinstance(frame, str):
        body = _json(frame, "The grid sent a frame that is")
    elif packed:
        body = _unpacked(frame)
    else:
        raise GridAnswerError("The grid sent a binary frame where a JSON text was due.")
    kind = body.get("type")
    return Frame(body.get("request_id"), kind if isinstance(kind, str) else None, body)


def reply_data(body: object, during: str, *, status: int | None = None) -> Any:
    """The inner object of a reply; the envelope, where there is one, is taken off.

    Raises:
        GridRefusedError: It carries an error (`AuthenticationError` where that is about a token).
        GridAnswerError: There is an envelope with nothing in it.
    """
    inner = messages.unwrap(body)
    if not isinstance(inner, Mapping) or (inner is body and _is_bare_envelope(inner)):
        raise GridAnswerError(
            f"While {DOING[during]}: the grid's reply holds no JSON object.", during=during
        )
    if inner.get("error") or set(inner) == {"error"}:
        raise refusal(inner["error"], during, status=status)
    return inner


def _is_bare_envelope(body: Mapping[str, Any]) -> bool:
    return "type" in body and set(body) <= {"type", "request_id"}


def http_reply(status: int, content_type: str, body: bytes, during: str) -> Any:
    """The inner object of an HTTP reply to a control message.

    Raises:
        GridRefusedError: The grid answered with an error text.
        GridUnreachableError: A proxy or overloaded server said "not now".
        GridAnswerError: A redirect, an HTML page, or no JSON object.
    """
    _check_status(status, content_type, body, during)
    parsed = _json(
        _text(body), f"While {DOING[during]}: the grid's answer (HTTP {status}) is", during
    )
    return reply_data(parsed, during, status=status)


def check_download(status: int, content_type: str, body: bytes, during: str) -> None:
    """Check that an HTTP answer can be the bytes of an asset.

    Raises:
        GridRefusedError: The grid answered with an error text.
        GridUnreachableError: A proxy or overloaded server said "not now".
        GridAnswerError: A redirect, or an HTML page.
    """
    _check_status(status, content_type, body, during)
    if content_type == "text/html":
        raise _no_grid(status, during)
    if content_type == "application/json":
        parsed = _maybe_json(body)
        if parsed is not None and parsed.get("error"):
            raise refusal(parsed["error"], during, status=status)


def refusal(text: object, during: str, *, status: int | None = None) -> GridRefusedError:
    """The error for a grid's own error text, shown without any traceback behind it."""
    words = _first_line(text)
    lower = words.lower()
    advice = next((advice for key, advice in _ADVICE if key in lower), "")
    message = f"While {DOING[during]}: the grid said: {words} {advice}".strip()
    kind = AuthenticationError if "auth_token" in lower else GridRefusedError
    return kind(message, during=during, status=status, text=words)


def _check_status(status: int, content_type: str, body: bytes, during: str) -> None:
    if 200 <= status < 300:
        return
    parsed = _maybe_json(body)
    if parsed is not None and isinstance(parsed.get("error"), str):
        raise refusal(parsed["error"], during, status=status)
    if status in _BUSY:
        raise GridUnreachableError(
            f"While {DOING[during]}: the grid cannot be reached just now (HTTP {status}). Try "
            "again later.",
            during=during,
        )
    if 300 <= status < 400:
        raise GridAnswerError(
            f"While {DOING[during]}: the address leads elsewhere (a redirect), which is not "
            "followed because the request may hold a token. Give the grid's own address.",
            during=during,
        )
    raise _no_grid(status, during)


def _no_grid(status: int, during: str) -> GridAnswerError:
    return GridAnswerError(
        f"While {DOING[during]}: HTTP {status} with a page instead of a grid's answer. Check "
        "that the address is a grid's, path included.",
        during=during,
    )


def _json(text: str, what: str, during: str = "") -> dict[str, Any]:
    try:
        parsed = messages.parse_json(text)
    except MessageError:
        raise GridAnswerError(
            f"{what} not JSON. Check that the address is a grid's.", during=during
        ) from None
    if not isinstance(parsed, dict):
        raise GridAnswerError(f"{what} JSON but not an object.", during=during)
    return parsed


def _unpacked(frame: bytes) -> dict[str, Any]:
    try:
        body = read_packed(frame)
    except DecodeError as error:
        raise GridAnswerError(f"The grid sent what is no answer: {error}.") from error
    if not isinstance(body, dict):
        raise GridAnswerError("The grid sent a binary frame that holds no object.")
    return body


def _maybe_json(body: bytes) -> dict[str, Any] | None:
    try:
        return _json(_text(body), "")
    except GridError:
        return None


def _text(body: bytes) -> str:
    return body.decode("utf-8", errors="replace")


def _first_line(text: object) -> str:
    """A server's words, one line, without the Python traceback that may be glued to them."""
    words = text if isinstance(text, str) else json.dumps(text, default=str)
    lines = words.partition("Traceback (most recent call last)")[0].strip().splitlines()
    words = "".join(character for character in "".join(lines[:1]) if character.isprintable())
    words = words.strip()[:300]
    return words or "an error without a reason."
