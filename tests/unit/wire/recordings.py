"""Reads the recorded conversations of the original clients and servers."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from syft_web.client import answers
from syft_web.wire import messages
from tests.paths import SHARED

REQUESTS = {
    messages.AUTHENTICATE: messages.AuthenticateRequest,
    messages.CYCLE_REQUEST: messages.CycleRequest,
    messages.HOST_TRAINING: messages.HostTrainingRequest,
    messages.REPORT: messages.ReportRequest,
}

_REPLIES = {
    messages.AUTHENTICATE: messages.AuthenticateReply.from_json,
    messages.CYCLE_REQUEST: messages.parse_cycle_reply,
    messages.HOST_TRAINING: messages.HostTrainingReply.from_json,
    messages.REPORT: messages.ReportReply.from_json,
}


def read_reply(kind: str, reply: object) -> Any:
    """A reply as the client reads it, bare or in an envelope.

    Raises:
        GridError: It is an error, or no JSON object.
        MessageError: It is no reply to such a request.
    """
    return _REPLIES[kind](answers.reply_data(reply, kind.rpartition("/")[2]))


@dataclass(frozen=True)
class Exchange:
    """A request and its reply as JSON values or, where they are none, as texts."""

    place: str
    type: str
    request: Any
    reply: Any
    over_http: bool


_BYTES = re.compile(r"@(hex|base64)\((\S+)( bytes=\d+ sha256=\w+)?\)", re.IGNORECASE)


def _fill_in(value: Any) -> Any:
    """Long bytes were put aside into files; those not at hand become empty."""
    if isinstance(value, dict):
        return {key: _fill_in(item) for key, item in value.items()}
    match = _BYTES.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        return value
    places = [SHARED / folder / match[2] for folder in (".", "bin", "pygrid")]
    found = [path for path in places if path.is_file()]
    raw = found[0].read_bytes() if found else b""
    return raw.hex() if match[1].lower() == "hex" else base64.b64encode(raw).decode()


def _value(text: Any) -> Any:
    if isinstance(text, dict):
        return _fill_in(text["json"]) if "json" in text else None
    try:
        return _fill_in(json.loads(text))
    except (TypeError, ValueError):
        return text


def _frames(place: str, sent: Any, received: Any) -> Iterator[Exchange]:
    request, reply = _value(sent), _value(received)
    if isinstance(request, dict) and request.get("type") in list(REQUESTS):
        yield Exchange(place, request["type"], request.get("data"), reply, over_http=False)


def _posts(place: str, entry: dict[str, Any], body: Any, answer: Any) -> Iterator[Exchange]:
    kind = entry["url"].lstrip("/")
    if entry["method"] == "POST" and kind in REQUESTS:
        yield Exchange(place, kind, _value(body), _value(answer), over_http=True)


def exchanges() -> list[Exchange]:
    """All recorded requests of the FL message types with their replies."""
    found: list[Exchange] = []
    for path in sorted((SHARED / "exchanges").glob("exchange_*.json")):
        for index, entry in enumerate(json.loads(path.read_text())):
            place = f"{path.stem}[{index}]"
            if entry["transport"] == "ws":
                found += _frames(place, entry["request"], entry["response"])
            else:
                found += _posts(place, entry, entry.get("body"), entry["response"].get("body"))
    for path in sorted((SHARED / "pygrid").glob("*.json")):
        if path.stem == "INDEX":
            continue
        waiting: dict[str, Any] = {}
        for index, entry in enumerate(json.loads(path.read_text())["exchanges"]):
            place = f"{path.stem}[{index}]"
            if entry.get("transport") == "http":
                found += _posts(place, entry, entry["request_body"], entry["response_body"])
            elif entry.get("transport") == "ws":
                if "sent" in entry:
                    waiting[entry["conn"]] = entry["sent"]
                if "received" in entry:
                    found += _frames(place, waiting.pop(entry["conn"], None), entry["received"])
    return found
