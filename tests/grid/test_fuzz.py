"""Anything at all, to every route and every message: answered or closed, and never a fault.

One real server in a process of its own. What is sent starts from what a good client sends,
so that it comes far, and is then spoilt. The examples are the same in every run.
"""

from __future__ import annotations

import asyncio
import base64
import copy
import json
import socket
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from typing import Any

import httpx
import msgpack
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.routing import Route
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

from syft_web.grid import create_app, texts
from syft_web.plan import State
from syft_web.wire.frames import MSGPACK
from tests.grid.guarded import Guarded, guarded_process
from tests.grid.raw import WAIT, frame, upgraded
from tests.grid.talk import BIG, Talk, host_data, small_diff
from tests.grid.test_faults_protocol import NAMES, assert_discreet
from tests.unit.grid.tokens import SECRET

GIVEN = settings(
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)

LEAF = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(min_value=10**18, max_value=10**40)
    | st.floats()
    | st.text(max_size=12)
    | st.sampled_from(NAMES)
)
ANY = st.recursive(
    LEAF,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=6,
)


@pytest.fixture(scope="module")
def grid(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    """A grid with processes of several kinds."""
    limits = {"messages_per_connection": 1e6, "messages_per_address": 1e6, "max_message": 1 << 22}
    with guarded_process(tmp_path_factory.mktemp("fuzz"), **limits) as guarded:
        with Talk(guarded.url) as talk:
            for name, config in {
                "open": {},
                "secret": {"authentication": {"secret": SECRET}},
                "fast": {"minimum_upload_speed": 1, "minimum_download_speed": 1},
                "ended": {"max_diffs": 1, "num_cycles": 1},
            }.items():
                data = host_data(name, **config)
                assert talk.call("host-training", data) == {"status": "success"}
        yield guarded
        guarded.assert_well()
        assert "A request failed" not in guarded.log()


@pytest.fixture(scope="module")
def good(grid: Guarded) -> list[tuple[str, dict[str, Any]]]:
    """Messages as good clients send them."""
    diff = base64.b64encode(State.of(small_diff(1)).dumps()).decode()
    with Talk(grid.url) as talk:
        place, worker, fast = (
            talk.join("open"),
            talk.authenticate("open"),
            talk.authenticate("fast"),
        )
    speeds = {"ping": 1, "download": 2.5, "upload": 3}
    return [
        ("host-training", host_data("again", averaging_plan=b"")),
        ("host-training", host_data("weighted", max_diffs=2, weighted=True, num_cycles=2)),
        ("authenticate", {"model_name": "open", "model_version": "1.0.0", "auth_token": None}),
        ("authenticate", {"model_name": "secret", "auth_token": "a.b.c"}),
        ("cycle-request", {"worker_id": worker, "model": "open", "version": "1.0.0", **speeds}),
        ("cycle-request", {"worker_id": fast, "model": "fast", **speeds}),
        ("report", {**place, "diff": diff, "num_samples": 5, "metrics": {"loss": 0.5}}),
    ]


def spoil(draw: st.DrawFn, value: Any, depth: int = 0) -> Any:
    """Change something in it, or leave it."""
    if isinstance(value, dict) and value and depth < 4 and draw(st.integers(0, 5)):
        value = dict(value)
        key = draw(st.sampled_from(sorted(value)))
        what = draw(st.sampled_from(["inside", "inside", "inside", "away", "more"]))
        if what == "inside":
            value[key] = spoil(draw, value[key], depth + 1)
        elif what == "away":
            del value[key]
        else:
            value[draw(st.text(max_size=8))] = draw(ANY)
        return value
    if isinstance(value, str) and len(value) > 20 and draw(st.booleans()):
        # Hex and base64 of models, plans and diffs: other bytes in the same clothes.
        at = draw(st.integers(0, len(value) - 1))
        what = draw(st.sampled_from(["cut", "one", "twice"]))
        if what == "cut":
            return value[:at]
        if what == "one":
            return value[:at] + draw(st.sampled_from("0189aefAZ+/=")) + value[at + 1 :]
        return value + value[at:]
    return draw(ANY)


@st.composite
def spoilt(draw: st.DrawFn, choices: list[tuple[str, dict[str, Any]]]) -> tuple[str, Any]:
    kind, data = draw(st.sampled_from(choices))
    data = copy.deepcopy(data)
    for _ in range(draw(st.integers(1, 3))):
        data = spoil(draw, data)
    return kind, data


def assert_sound(reply: Any, sent: str) -> None:
    """It is an answer, and tells nothing of our insides but what the client sent."""
    assert isinstance(reply, dict), reply
    text = json.dumps(reply)
    assert texts.INTERNAL not in text, sent
    if "Traceback" not in sent:
        assert "Traceback" not in text, text
    error = reply.get("error") or (reply.get("data") or {}).get("error")
    if error is not None:
        assert isinstance(error, str)
        assert error
        if not any(name in sent for name in ("/", "\\\\", ".py", "sqlite", "SELECT")):
            assert_discreet(error)


class Sockets:
    """A WebSocket that is opened anew when the grid has closed it."""

    def __init__(self, url: str, *protocols: str) -> None:
        self._url = "ws" + url[4:]
        self._protocols = [Subprotocol(each) for each in protocols] or None
        self._socket: ClientConnection | None = None
        self._stack = ExitStack()

    def ask(self, message: str | bytes) -> str | bytes | None:
        """The answer; None when the connection was closed instead."""
        try:
            if self._socket is None:
                opened = connect(
                    self._url, max_size=BIG, compression=None, subprotocols=self._protocols
                )
                self._socket = self._stack.enter_context(opened)
            self._socket.send(message)
            return self._socket.recv(timeout=WAIT)
        except ConnectionClosed:
            self._socket = None
            return None

    def close(self) -> None:
        self._stack.close()


def test_messages(grid: Guarded, good: list[tuple[str, dict[str, Any]]]) -> None:
    sockets = Sockets(grid.url)

    @settings(GIVEN, max_examples=400)
    @given(spoilt(good), ANY, st.integers(0, 9))
    def run(message: tuple[str, Any], other: Any, choice: int) -> None:
        kind, data = message
        envelope: Any = {"type": f"model-centric/{kind}", "data": data}
        if choice == 1:
            envelope["request_id"] = other
        elif choice == 2:
            envelope["type"] = other
        elif choice == 3:
            envelope = other
        sent = json.dumps(envelope)
        reply = sockets.ask(sent)
        assert isinstance(reply, str), sent
        assert_sound(json.loads(reply), sent)

    run()
    sockets.close()


def test_texts(grid: Guarded) -> None:
    sockets = Sockets(grid.url)
    pieces = ['{"type":', '"model-centric/report"', ',"data":', "{", "}", "[", "]", '"', "1e999"]
    pieces += ["NaN", "-", "\\ud800", "null", "\u0000", "é", '{"type":"socket-ping"}', ",", ":"]

    @settings(GIVEN, max_examples=150)
    @given(st.lists(st.sampled_from(pieces) | st.text(max_size=5), min_size=1).map("".join))
    def run(text: str) -> None:
        if text:  # an empty frame has no answer, as on PyGrid
            reply = sockets.ask(text.encode("utf-8", "replace").decode())
            assert isinstance(reply, str)
            json.loads(reply)

    run()
    sockets.close()


def test_binary_messages(grid: Guarded, good: list[tuple[str, dict[str, Any]]]) -> None:
    sockets = Sockets(grid.url, MSGPACK)

    @settings(GIVEN, max_examples=200)
    @given(spoilt(good), st.binary(max_size=40), st.integers(0, 6), st.data())
    def run(message: tuple[str, Any], junk: bytes, choice: int, data: st.DataObject) -> None:
        kind, body = message
        if isinstance(body, dict) and choice == 1:
            body["diff"] = junk
        try:
            sent = msgpack.packb({"type": f"model-centric/{kind}", "data": body})
        except (OverflowError, UnicodeEncodeError):
            return
        if choice == 2:
            sent = junk
        elif choice == 3:
            at = data.draw(st.integers(0, len(sent)))
            sent = sent[:at] + junk + sent[at + len(junk) :]
        if not sent:
            return
        reply = sockets.ask(sent)
        assert isinstance(reply, bytes), sent
        assert_sound(msgpack.unpackb(reply), repr(sent))

    run()
    sockets.close()


async def every_path() -> list[str]:
    """All paths that a grid has, and some that it has not."""
    app = create_app()
    async with app.router.lifespan_context(app):
        found = {route.path for route in app.routes if isinstance(route, Route)}
    assert {"/", "/model-centric/report", "/health", "/metrics"} <= found
    wrong = {"/nothing", "/model-centric/req-join", "/model-centric/host-training", "/../x"}
    return sorted(found | wrong)


QUERY = ["worker_id", "request_key", "model_id", "plan_id", "protocol_id", "name", "version"]
QUERY += ["checkpoint", "receive_operations_as", "random", "is_ping"]
VALUES = ["1", "2", "-1", "1.0", "open", "latest", "list", "tfjs", "99999999999999999999", "²", ""]
HEADERS = {
    "content-type": ["application/json", "text/plain", "multipart/form-data", "a/b; charset=x"],
    "range": ["bytes=0-", "bytes=5-2", "bytes=-3", "bytes=0-1,2-3", "bytes=999999999999-", "x=1"],
    "if-none-match": ["*", '"a"', "W/", '"' * 50],
    "if-range": ['"a"', "Wed, 21 Oct 2015 07:28:00 GMT"],
    "accept-encoding": ["gzip", "zstd", "br;q=x", "gzip;q=0, *", "identity;q=0", ";;;"],
    "origin": ["null", "http://x", "a b"],
    "authorization": ["Bearer", "Bearer x", "Basic ==", "Bearer " + "x" * 5000],
    "x-forwarded-for": ["1.2.3.4", "::1", "x" * 300, "1.2.3.4:x, [::", ","],
    "x-forwarded-proto": ["https", "javascript"],
    "access-control-request-method": ["POST"],
    "access-control-request-headers": ["x-a, x-b"],
    "upgrade": ["websocket", "h2c"],
    "expect": ["100-continue"],
    "accept": ["text/html", "*/*"],
}


def test_routes(grid: Guarded, good: list[tuple[str, dict[str, Any]]]) -> None:
    body = st.binary(max_size=60) | spoilt(good).map(lambda pair: json.dumps(pair[1]).encode())
    header = st.sampled_from(sorted(HEADERS)).flatmap(
        lambda name: st.tuples(st.just(name), st.sampled_from(HEADERS[name]))
    )
    value = st.sampled_from(VALUES) | st.text(max_size=8, alphabet=st.characters(codec="utf-8"))

    @settings(GIVEN, max_examples=400)
    @given(
        st.sampled_from(["GET", "POST", "HEAD", "OPTIONS", "PUT", "DELETE", "PATCH", "TRACE", "X"]),
        st.sampled_from(asyncio.run(every_path())),
        st.lists(st.tuples(st.sampled_from(QUERY), value), max_size=5),
        st.lists(header, max_size=3),
        body,
    )
    def run(
        method: str,
        route: str,
        query: list[tuple[str, str]],
        headers: list[tuple[str, str]],
        content: bytes,
    ) -> None:
        request = client.build_request(
            method, route, params=query, headers=headers, content=content
        )
        answer = client.send(request)
        # As PyGrid has it for processes that do not exist.
        unknown = answer.status_code == 500 and route.endswith("/retrieve-model")
        assert unknown or answer.status_code < 500, (method, route, query, headers, content)
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "access-control-allow-origin" in answer.headers
        if answer.headers.get("content-type") == "application/json" and answer.content:
            assert_sound(answer.json(), f"{query!r} {content!r}")

    with httpx.Client(base_url=grid.url, timeout=WAIT) as client:
        run()


def test_assets_in_every_way(grid: Guarded) -> None:
    """The downloads of a worker with its right key, with strange headers and forms."""
    with Talk(grid.url) as talk:
        worker = talk.authenticate("open")
        accepted = talk.request(worker, "open")
    ids = {"model_id": accepted["model_id"], "plan_id": accepted["plans"]["training_plan"]}
    key = {"worker_id": worker, "request_key": accepted["request_key"], **ids}
    names = ["range", "if-none-match", "if-range", "accept-encoding"]

    @settings(GIVEN, max_examples=80)
    @given(
        st.sampled_from(["get-model", "get-plan", "retrieve-model"]),
        st.sampled_from(["GET", "HEAD"]),
        st.sampled_from(["list", "torchscript", "tfjs", "", "x"]),
        st.fixed_dictionaries({}, optional={n: st.sampled_from(HEADERS[n]) for n in names}),
    )
    def run(route: str, method: str, form: str, headers: dict[str, str]) -> None:
        query = {**key, "name": "open", "receive_operations_as": form}
        answer = client.request(method, f"/model-centric/{route}", params=query, headers=headers)
        assert answer.status_code in (200, 206, 304, 400, 416), (route, method, form, headers)

    with httpx.Client(base_url=grid.url, timeout=WAIT) as client:
        run()


def test_frames(grid: Guarded) -> None:
    """Frames of any kind in any order: the connection is answered or closed."""
    payload = st.binary(max_size=140) | st.sampled_from([b'{"type": "socket-ping"}', b"\x03\xe8"])
    any_frame = st.builds(
        lambda opcode, data, fin: frame(opcode, data, fin=fin),
        st.integers(0, 127),
        payload,
        st.booleans(),
    )

    @settings(GIVEN, max_examples=80)
    @given(st.lists(any_frame | st.binary(min_size=1, max_size=20), min_size=1, max_size=6))
    def run(frames: list[bytes]) -> None:
        with socket.create_connection(grid.address, timeout=WAIT) as client:
            upgraded(client)
            with suppress(ConnectionError):
                client.sendall(b"".join(frames))
                client.shutdown(socket.SHUT_WR)
                while client.recv(65536):
                    pass

    run()


def test_bytes(grid: Guarded) -> None:
    """What looks like HTTP, more or less."""
    pieces = [b"GET ", b"POST ", b"/", b"/model-centric/report", b" HTTP/1.1\r\n", b"Host: a\r\n"]
    pieces += [b"Content-Length: 5\r\n", b"Transfer-Encoding: chunked\r\n", b"\r\n", b"5\r\nhello"]
    pieces += [b"Connection: close\r\n", b"Upgrade: websocket\r\n", b"Connection: Upgrade\r\n"]
    pieces += [b"0\r\n\r\n", b"Expect: 100-continue\r\n", b"\0", b"\xff", b"?a=%zz&%00"]

    @settings(GIVEN, max_examples=150)
    @given(st.lists(st.sampled_from(pieces) | st.binary(max_size=4), min_size=1, max_size=14))
    def run(sent: list[bytes]) -> None:
        with socket.create_connection(grid.address, timeout=WAIT) as client:
            got = b""
            with suppress(ConnectionError):
                client.sendall(b"".join(sent))
                client.shutdown(socket.SHUT_WR)
                while part := client.recv(65536):
                    got += part
        assert b"HTTP/1.1 500 " not in got, sent

    run()
