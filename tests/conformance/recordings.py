"""Reading the recorded conversations of the original clients and servers."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.paths import SHARED

TRACEBACK = 'Traceback (most recent call last):\n  File "/app/cycle.py", line 1, in f\nError\n'
"""Stands for the tracebacks that were cut out of the recordings."""

_BLOB = re.compile(r"@(?:base64|BASE64)\((\S+?)(?: [^)]*)?\)")


@dataclass
class Turn:
    """One request of a client and what the server answered.

    Attributes:
        transport: ``"ws"`` or ``"http"``.
        kind: Last part of the message type or route, e.g. ``"authenticate"``.
        sent: The JSON object sent; for a GET its query.
        status: HTTP status, or None over a WebSocket.
        headers: Of the HTTP answer.
        answer: The WebSocket frame's text, or the HTTP body.
    """

    transport: str
    kind: str
    sent: dict[str, Any]
    method: str = ""
    status: int | None = None
    headers: dict[str, str] = field(default_factory=dict)
    answer: bytes = b""


def blob(name: str) -> bytes:
    """The bytes that a recording names: ``bin/...``, ``blobs/...`` or a bare file name."""
    assert SHARED is not None
    places = [SHARED / name, SHARED / "pygrid" / name, SHARED / "bin" / name]
    return next(place for place in places if place.is_file()).read_bytes()


def recording(name: str) -> list[dict[str, Any]]:
    """The exchanges of ``pygrid/NAME``."""
    assert SHARED is not None
    path = next((SHARED / "pygrid").glob(f"{name}*.json"))
    exchanges: list[dict[str, Any]] = json.loads(path.read_text())["exchanges"]
    return exchanges


def recording_names() -> list[str]:
    """All of ``pygrid/``; empty where the fixtures are not at hand."""
    return sorted(path.stem for path in (SHARED / "pygrid").glob("*.json")) if SHARED else []


def turns(exchanges: list[dict[str, Any]], client: str | None = None) -> list[Turn]:
    """The turns of one client (None: of the recorder's own raw client)."""
    return list(_turns(each for each in exchanges if each.get("client") == client))


def exchange(name: str) -> list[Turn]:
    """The turns of ``exchanges/NAME.json``."""
    assert SHARED is not None
    entries = json.loads((SHARED / "exchanges" / f"{name}.json").read_text())
    return [_exchange_turn(entry) for entry in entries]


def _exchange_turn(entry: dict[str, Any]) -> Turn:
    if entry["transport"] == "ws":
        frame = _filled(json.loads(entry["request"]))
        return Turn("ws", _kind(frame["type"]), frame["data"], answer=entry["response"].encode())
    response = entry["response"]
    body = response["body"].encode() if "body" in response else blob(response["body_file"])
    return _http_turn(
        entry["method"], entry["url"], entry["body"], response["status"],
        {"content-type": response["content_type"]}, body,
    )  # fmt: skip


def _turns(entries: Iterator[dict[str, Any]]) -> Iterator[Turn]:
    waiting: dict[str, Any] | None = None
    for entry in entries:
        if entry.get("transport") == "http":
            headers = {name.lower(): value for name, value in entry.get("response_headers") or []}
            yield _http_turn(
                entry["method"], entry["url"], entry.get("request_body"), entry["status"] or 0,
                headers, _body(entry.get("response_body")),
            )  # fmt: skip
        elif entry.get("transport") == "ws":
            waiting = _object(entry["sent"]) if "sent" in entry else waiting
            if "received" in entry and waiting is not None:
                kind = waiting.get("type")
                data = waiting.get("data")
                yield Turn(
                    "ws",
                    _kind(kind) if isinstance(kind, str) else "",
                    data if isinstance(data, dict) else {},
                    answer=_body(entry["received"]),
                )
                waiting = None


def _http_turn(
    method: str, url: str, body: Any, status: int, headers: dict[str, str], answer: bytes
) -> Turn:
    parts = urlsplit(url)
    sent = _object(body) if method == "POST" else dict(parse_qsl(parts.query))
    return Turn("http", _kind(parts.path), sent or {}, method, status, headers, answer)


def _kind(path: str) -> str:
    return path.rpartition("/")[2]


def _object(sent: Any) -> dict[str, Any] | None:
    """What was sent, as an object; None for what was none."""
    if isinstance(sent, dict):
        value = sent.get("json")
    else:
        try:
            value = json.loads(sent)
        except (TypeError, ValueError):
            return None
    return _filled(value) if isinstance(value, dict) else None


def _body(received: Any) -> bytes:
    """What was received, with the parts that were cut out put in again."""
    if received is None:
        return b""
    if isinstance(received, dict):
        name = received.get("blob") or ""
        if name.startswith("(not kept)"):
            return b""
        if name:
            return blob(name)
        if "json" not in received:
            return b""
        received = json.dumps(received["json"])
    return received.replace("<traceback>", json.dumps(TRACEBACK)[1:-1]).encode()


def _filled(value: dict[str, Any]) -> dict[str, Any]:
    """``@base64(file ...)`` replaced by the file's base64."""
    text = json.dumps(value)
    return json.loads(_BLOB.sub(lambda m: base64.b64encode(blob(m[1])).decode("ascii"), text))
