"""Plays a recorded conversation with the original server against ours, and compares.

Ids, worker ids and request keys of the recording are replaced by those our grid gave
for the same thing. Some differences are the same everywhere; they are accounted for here:

* R1  HTTP replies to cycle-request and report: PyGrid's envelope bug, ours is the inner object.
* R2  Where PyGrid appended a traceback, ours has nothing, or ``: `` and a sentence.
* R3  A refused authentication has ``"status": "error"`` over the WebSocket (protocol.md 7.2).
* R4  ``timeout`` is a whole number of seconds, not the text of a timedelta (7.2).
* R5  Downloads have validators and are not kept unasked (1.3); error pages have other words.
* R6  Plans are served with the ids they were hosted with, torchscript byte for byte.
* R7  A rejection, and the answer to a report that comes too late, has a ``reason`` besides.
"""

from __future__ import annotations

import base64
import json
import re
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import InitVar, dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx
import numpy as np
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from syft_web.errors import SyftError
from syft_web.grid import Server
from syft_web.plan import State
from syft_web.wire import syft_proto as pb

BIG = 1 << 28
_BLOB = re.compile(r"@(hex|base64)\((\S+) bytes=(\d+) sha256=\w+\)")
_TRACEBACK = "<traceback>"
_IDS = {"model_id": "model", "plan_id": "plan", "protocol_id": "protocol"}
_HEADERS = (
    "access-control-allow-origin",
    "access-control-allow-headers",
    "access-control-allow-methods",
    "vary",
)


class MissingBlobError(Exception):
    """A body that was not kept beside the recording."""


@dataclass
class Outcome:
    """What came of one exchange: ``problem`` is empty when ours answered alike."""

    index: int
    problem: str
    skipped: bool = False


@dataclass
class Player:
    """Sends the requests of one recording to a grid."""

    grid: Server
    fixtures: Path
    waits: dict[int, float] = field(default_factory=dict)
    texts: InitVar[dict[str, str] | None] = None
    _known: dict[tuple[str, Any], Any] = field(default_factory=dict)
    _sockets: dict[str, ClientConnection] = field(default_factory=dict)
    _pending: dict[str, Any] = field(default_factory=dict)
    _stack: ExitStack = field(default_factory=ExitStack)

    def __post_init__(self, texts: dict[str, str] | None) -> None:
        for theirs, ours in (texts or {}).items():
            self._known["key", theirs] = ours

    def play(self, name: str) -> Iterator[Outcome]:
        """Every exchange in turn; entries without a request are passed over."""
        recording = json.loads((self.fixtures / "pygrid" / f"{name}.json").read_text())
        with self._stack, httpx.Client(base_url=self.grid.url, timeout=60) as client:
            for index, entry in enumerate(recording["exchanges"]):
                if index in self.waits:
                    time.sleep(self.waits[index])
                try:
                    problem = self._exchange(client, entry)
                except MissingBlobError as missing:
                    yield Outcome(index, str(missing), skipped=True)
                    continue
                if problem is not None:
                    yield Outcome(index, problem)

    def _exchange(self, client: httpx.Client, entry: dict[str, Any]) -> str | None:
        transport = entry.get("transport")
        if transport == "http":
            return self._http(client, entry)
        if transport == "tcp":
            return self._tcp(entry)
        if transport == "ws":
            return self._ws(entry)
        return None

    # WebSocket

    def _ws(self, entry: dict[str, Any]) -> str | None:
        # Every client of a recording counts its connections from 1.
        name, event = f"{entry.get('client', '')} {entry['conn']}", entry.get("event", "")
        if event == "open":
            opened = connect(self.grid.ws_url, max_size=BIG, compression=None)
            self._sockets[name] = self._stack.enter_context(opened)
            return None
        if event.endswith("closed"):
            if name in self._sockets:
                self._sockets.pop(name).close()
            return None
        if "sent_frame" in entry:
            return self._control_frame(name, entry["sent_frame"])
        connection = self._sockets[name]
        sent: Any = None
        try:
            if "sent_fragments" in entry:
                connection.send(iter(entry["sent_fragments"]))
            elif "sent" in entry:
                sent = self._send(connection, entry["sent"])
                self._pending[name] = sent
            if "received" not in entry:
                return None
            received = _json_of(entry["received"])
            answer = json.loads(connection.recv(timeout=0.3 if received is None else 30))
        except TimeoutError:
            return "" if entry["received"] is None else "no answer"
        except ConnectionClosed:
            return "" if not entry.get("received") else "the connection ended"
        request = self._pending.pop(name, sent)
        self._learn(_json_of(entry["received"]), answer)
        self._settle_after(request)
        return _compare(_json_of(entry["received"]), answer)

    def _send(self, connection: ClientConnection, sent: Any) -> Any:
        if isinstance(sent, dict) and "binary" in sent:
            connection.send(base64.b64decode(sent["binary"]))
            return None
        if isinstance(sent, str) and sent.startswith("socket-ping with 20,000,000"):
            sent = {"json": {"type": "socket-ping", "data": "x" * 20_000_000}}
        text = sent if isinstance(sent, str) else json.dumps(self._filled(sent["json"]))
        try:
            value = json.loads(text)
        except ValueError:
            connection.send(text)
            return None
        if isinstance(sent, str) and isinstance(value, dict):
            text = json.dumps(self._mapped(value)) if _has_ids(value) else text
        connection.send(text)
        return value

    def _control_frame(self, name: str, frame: str) -> str:
        connection = self._sockets[name]
        kind, _, payload = frame.partition(" ")
        if kind == "ping":
            return "" if connection.ping(payload).wait(10) else "no pong"
        connection.close(int(payload))
        return ""

    def _tcp(self, entry: dict[str, Any]) -> str:
        address = urlsplit(self.grid.url)
        with socket.create_connection((address.hostname, address.port), timeout=5) as raw:
            raw.sendall(entry["sent"].encode())
            raw.settimeout(0.5)
            got = b""
            try:
                while chunk := raw.recv(4096):
                    got += chunk
            except TimeoutError:
                pass
        head, _, rest = got.partition(b"\r\n\r\n")
        expected_head, _, expected_rest = entry["received"].partition("\r\n\r\n")
        expected, ours = _handshake(expected_head), _handshake(head.decode())
        if expected != ours:
            return f"handshake {ours} instead of {expected}"
        wanted = expected_rest.encode("latin-1")
        return "" if rest == wanted else f"then {rest!r} instead of {wanted!r}"

    # HTTP

    def _http(self, client: httpx.Client, entry: dict[str, Any]) -> str:
        body = self._request_body(entry)
        # What Node's fetch adds by itself is for its own connection.
        headers = {} if "client" in entry else entry.get("request_headers", {})
        if "client" in entry and entry["method"] == "POST":
            headers = {"content-type": "application/json"}
        answer = client.request(
            entry["method"], self._mapped_url(entry["url"]), content=body, headers=headers
        )
        if entry["url"].endswith(("report", "host-training")) and answer.status_code == 200:
            self.grid.settle()
        expected_type = _header(entry, "content-type").partition(";")[0]
        ours_type = answer.headers.get("content-type", "").partition(";")[0]
        if entry["status"] != answer.status_code:
            body = repr(answer.content[:150])
            return f"status {answer.status_code} instead of {entry['status']}: {body}"
        if expected_type != ours_type:
            return f"{ours_type} instead of {expected_type}"
        for name in _HEADERS:
            # Downloads vary by what compression the client takes (R5).
            ours = answer.headers.get(name, "").replace("Accept-Encoding, ", "")
            if _header(entry, name) != ours.replace("Accept-Encoding", ""):
                return f"{name}: {answer.headers.get(name)} instead of {_header(entry, name)}"
        allow = [
            {w.strip() for w in text.split(",")}
            for text in (_header(entry, "allow"), answer.headers.get("allow", ""))
        ]
        if allow[0] != allow[1]:
            return f"allow: {allow[1]} instead of {allow[0]}"
        return self._compare_body(entry, answer)

    def _compare_body(self, entry: dict[str, Any], answer: httpx.Response) -> str:
        recorded = entry.get("response_body")
        if entry["method"] == "HEAD":
            length = _header(entry, "content-length")
            kept = entry["status"] >= 400 or "get-plan" in entry["url"]
            ours = answer.headers.get("content-length", "")
            return "" if kept or ours == length else f"length {ours} instead of {length}"
        kind = _header(entry, "content-type").partition(";")[0]
        if kind == "application/json":
            expected = _unwrapped(_json_of(recorded))
            self._learn(expected, answer.json())
            return _compare(expected, answer.json())
        if kind == "application/octet-stream":
            return _compare_bytes(self._recorded_bytes(recorded), answer.content)
        return ""

    def _request_body(self, entry: dict[str, Any]) -> bytes | None:
        body = entry.get("request_body")
        if isinstance(body, str):
            return (
                json.dumps(self._mapped(value)).encode()
                if ((value := _object_or_none(body)) is not None and _has_ids(value))
                else body.encode()
            )
        if isinstance(body, dict) and "json" in body:
            return json.dumps(self._filled(body["json"])).encode()
        if isinstance(body, dict) and "blob" in body:
            return self._file(body["blob"])
        if isinstance(body, dict) and "length" in body:
            return b"y" * body["length"]
        return None

    def _recorded_bytes(self, body: Any) -> bytes:
        if isinstance(body, dict):
            return self._file(body["blob"])
        return (body or "").encode()

    # Replacing what differs by nature

    def _file(self, name: str) -> bytes:
        for folder in (self.fixtures / "pygrid", self.fixtures):
            if (folder / name).is_file():
                return (folder / name).read_bytes()
        raise MissingBlobError(f"{name} is not beside the recordings")

    def _filled(self, value: Any) -> Any:
        """The value with files put in, and ids mapped."""

        def fill(text: str) -> str:
            def data(match: re.Match[str]) -> str:
                raw = self._file(match[2])
                return raw.hex() if match[1] == "hex" else base64.b64encode(raw).decode()

            return _BLOB.sub(data, text)

        return self._mapped(_walk(value, fill))

    def _mapped(self, value: Any) -> Any:
        return _walk(value, lambda text: self._known.get(("key", text), text))

    def _mapped_url(self, url: str) -> str:
        path, question, query = url.partition("?")
        if not question or path.endswith("retrieve-model"):
            return url
        pairs = []
        for key, text in parse_qsl(query, keep_blank_values=True):
            pairs.append((key, self._mapped_id(_IDS[key], text) if key in _IDS else text))
        return path + question + urlencode([(k, self._known.get(("key", v), v)) for k, v in pairs])

    def _mapped_id(self, kind: str, text: str) -> str:
        match = re.fullmatch(r"(\s*)(\d+)(\.0+)?", text)
        if match is None:
            return text
        number = int(match[2])
        known = self._known.get((kind, number))
        if known is None and (after := self._known.get((kind, number + 1))) is not None:
            known = after - 1  # the averaging plan has the id before the first client plan's
        return f"{match[1]}{number if known is None else known}{match[3] or ''}"

    def _learn(self, recorded: Any, ours: Any) -> None:
        """Remember which of our ids stands for which of the recording's."""
        recorded, ours = _inner(recorded), _inner(ours)
        if not isinstance(recorded, dict) or not isinstance(ours, dict):
            return
        for key in ("worker_id", "request_key"):
            if key in recorded and key in ours:
                self._known["key", recorded[key]] = ours[key]
        if "model_id" in recorded and "model_id" in ours:
            self._known["model", recorded["model_id"]] = ours["model_id"]
            for kind in ("plan", "protocol"):
                theirs, mine = recorded[f"{kind}s"], ours[f"{kind}s"]
                for name in theirs.keys() & mine.keys():
                    self._known[kind, theirs[name]] = mine[name]

    def _settle_after(self, request: Any) -> None:
        if isinstance(request, dict) and request.get("type") == "model-centric/report":
            assert self.grid.settle()


def _compare(expected: Any, ours: Any, where: str = "") -> str:
    """What differs between two replies, empty when they are alike."""
    if isinstance(expected, dict) and isinstance(ours, dict):
        extra = ours.keys() - expected.keys()
        if extra == {"status"} and "error" in expected and ours["status"] == "error":
            extra = set()  # R3
        if extra == {"reason"} and isinstance(ours["reason"], str) and "status" in expected:
            extra = set()  # R7
        if extra or expected.keys() - ours.keys():
            return f"{where}: {_brief(ours)} instead of {_brief(expected)}"
        for key in expected:
            if problem := _compare_item(key, expected[key], ours[key], f"{where}.{key}"):
                return problem
        return ""
    same = expected == ours and type(expected) is type(ours)
    return "" if same else f"{where}: {_brief(ours)} instead of {_brief(expected)}"


def _compare_item(key: str, expected: Any, ours: Any, where: str) -> str:
    if key in ("worker_id", "request_key"):
        alike = isinstance(ours, str) and len(ours) == len(expected)
        return "" if alike else f"{where}: another form of id"
    if key == "model_id":
        return "" if isinstance(ours, int) else f"{where}: no number"
    if key in ("plans", "protocols"):
        alike = expected.keys() == ours.keys() and all(isinstance(v, int) for v in ours.values())
        return "" if alike else f"{where}: {ours} instead of {expected}"
    if key == "timeout":
        return "" if isinstance(ours, int) and ours >= 1 else f"{where}: {ours}"  # R4
    if key == "error" and isinstance(ours, str):
        text = expected.partition(_TRACEBACK)[0].rstrip("\n")
        told = _TRACEBACK in expected and ours.startswith(text + ":")  # R2
        return "" if ours == text or told else f"{where}: {ours!r} instead of {text!r}"
    return _compare(expected, ours, where)


def _compare_bytes(expected: bytes, ours: bytes) -> str:
    if expected == ours:
        return ""
    try:
        theirs = State.loads(expected).tensors
    except SyftError:
        return _compare_plans(expected, ours)  # R6
    try:
        mine = State.loads(ours).tensors
    except SyftError as error:
        return f"no State: {error}"
    if len(theirs) != len(mine):
        return f"{len(mine)} tensors instead of {len(theirs)}"
    for index, (a, b) in enumerate(zip(theirs, mine, strict=True)):
        if a.dtype != b.dtype or not np.array_equal(a, b):
            return f"tensor {index} is not the same bit for bit"
    return ""


def _compare_plans(expected: bytes, ours: bytes) -> str:
    try:
        theirs, mine = _plan_facts(expected), _plan_facts(ours)
    except SyftError as error:
        return f"no plan: {error}"
    return "" if theirs == mine else f"plan {mine} instead of {theirs}"


def _plan_facts(data: bytes) -> dict[str, Any]:
    plan = pb.decode(pb.Plan, data)
    assert plan.role is not None
    roles = {"": plan.role, **plan.roles}
    return {
        "commands": {name: [a.command for a in role.actions] for name, role in roles.items()},
        "placeholders": {name: len(role.placeholders) for name, role in roles.items()},
        "base": plan.base_framework,
        "name": plan.name,
        "torchscript": bool(plan.torchscript),
    }


def _unwrapped(value: Any) -> Any:
    enveloped = isinstance(value, dict) and value.keys() == {"type", "data"}
    return value["data"] if enveloped else value  # R1


def _inner(value: Any) -> Any:
    return value["data"] if isinstance(value, dict) and "data" in value else value


def _json_of(recorded: Any) -> Any:
    if isinstance(recorded, dict) and "json" in recorded:
        return recorded["json"]
    if isinstance(recorded, str):
        return json.loads(recorded) if recorded else None
    return recorded


def _object_or_none(text: str) -> dict[str, Any] | None:
    try:
        value = json.loads(text)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def _has_ids(value: dict[str, Any]) -> bool:
    inner = value.get("data")
    return "worker_id" in value or (isinstance(inner, dict) and "worker_id" in inner)


def _walk(value: Any, change: Any) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, dict):
        return {key: _walk(inner, change) for key, inner in value.items()}
    if isinstance(value, list):
        return [_walk(inner, change) for inner in value]
    return value


def _header(entry: dict[str, Any], name: str) -> str:
    for key, value in entry.get("response_headers", []):
        if key.lower() == name:
            return str(value)
    return ""


def _handshake(head: str) -> dict[str, str]:
    status, *lines = head.split("\r\n")
    headers = {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in lines)}
    names = ("sec-websocket-accept", "sec-websocket-protocol", "sec-websocket-extensions")
    return {"status": status, **{name: headers.get(name, "") for name in names}}


def _brief(value: Any) -> str:
    return json.dumps(value)[:300]
