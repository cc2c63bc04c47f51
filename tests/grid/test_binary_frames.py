"""The WebSocket subprotocol with msgpack: raw bytes both ways, strangers' frames, old clients."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import msgpack
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from syft_web.client.steps import Accepted
from syft_web.client.syft import Syft
from syft_web.grid import Server
from syft_web.host.native import NativeHost
from syft_web.plan import State
from syft_web.wire.frames import MSGPACK, pack_frame, read_packed
from tests.grid.talk import BIG, Talk, host_data, retrieve, small_diff, small_model
from tests.paths import DATA

REPORT = "model-centric/report"


def binary(grid: Server, *others: str) -> ClientConnection:
    return connect(grid.ws_url, max_size=BIG, subprotocols=[*others, MSGPACK], compression=None)


def call(socket: ClientConnection, name: str, data: object, **more: Any) -> Any:
    """Send a message; returns its reply's data."""
    kind = f"model-centric/{name}"
    socket.send(pack_frame({"type": kind, "data": data, **more}))
    reply = read_packed(socket.recv(timeout=30))
    assert reply["type"] == kind, reply
    return reply["data"]


@pytest.fixture(scope="module")
def shared_grid() -> Iterator[Server]:
    with Server() as server, Talk(server) as talk:
        assert talk.call("host-training", host_data()) == {"status": "success"}
        yield server


def test_a_cycle_in_raw_bytes(grid: Server) -> None:
    data = host_data(max_diffs=1, protocols={"p": b"opaque"})
    diff = State.of(small_diff(1)).dumps()
    with binary(grid, "other") as socket:
        assert socket.subprotocol == MSGPACK
        raw = {
            **data,
            "model": small_model(),
            "plans": {"training_plan": (DATA / "tr_mlp.pb").read_bytes()},
            "protocols": {"p": b"opaque"},
            "averaging_plan": b"",
        }
        assert call(socket, "host-training", raw) == {"status": "success"}
        worker = call(socket, "authenticate", {"model_name": "m"})["worker_id"]
        place = call(socket, "cycle-request", {"worker_id": worker, "model": "m"})
        key = {"worker_id": worker, "request_key": place["request_key"]}
        assert call(socket, "report", {**key, "diff": diff}) == {"status": "success"}
    assert retrieve(grid.url, checkpoint=1).content == small_model()
    assert grid.settle()
    model, average = State.loads(small_model()).tensors, State.loads(diff).tensors
    new = State.loads(retrieve(grid.url, checkpoint=2).content).tensors
    assert [t.tobytes() for t in new] == [
        (p - a).tobytes() for p, a in zip(model, average, strict=True)
    ]


def test_texts_too_are_answered_each_in_its_form(shared_grid: Server) -> None:
    with binary(shared_grid) as socket:
        frame = {"type": "socket-ping", "request_id": 5}
        socket.send(json.dumps(frame))
        assert json.loads(socket.recv(timeout=30)) == {"alive": "True", "request_id": 5}
        socket.send(pack_frame(frame))
        assert read_packed(socket.recv(timeout=30)) == {"alive": "True", "request_id": 5}
        # Base64 in a binary frame is text like any other.
        refused = call(socket, "report", {"worker_id": "w", "request_key": "k", "diff": "AAA="})
        assert refused == {"error": "Worker ID not found!"}


@pytest.mark.parametrize(
    "frame",
    [
        b"\xc1",
        b"\xdd\xff\xff\xff\xff",
        b"\x91" * 1000,
        msgpack.packb([[]] * 200_000),
        pack_frame({"type": REPORT, "data": {"worker_id": b"w", "diff": b""}}),
        pack_frame({"type": "socket-ping", "request_id": b"id"}),
        pack_frame({"type": "model-centric/host-training", "data": {"admin_token": b"x"}}),
        pack_frame({"type": b"socket-ping"}),
        msgpack.packb([1]),
        msgpack.packb(None),
        b"\x80",
    ],
)
def test_frames_that_are_no_request(shared_grid: Server, frame: bytes) -> None:
    with binary(shared_grid) as socket:
        socket.send(frame)
        assert read_packed(socket.recv(timeout=30)).keys() == {"error"}
        socket.send(pack_frame({"type": "socket-ping"}))
        assert read_packed(socket.recv(timeout=30)) == {"alive": "True"}


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=6,
)
DATA_KEYS = ["worker_id", "request_key", "diff", "model", "plans", "averaging_plan"]
DATA_KEYS += ["client_config", "server_config", "protocols", "num_samples", "metrics"]
NAMES = ["host-training", "authenticate", "cycle-request", "report"]
BYTES = st.binary(max_size=30)


@settings(max_examples=60)
@given(
    name=st.sampled_from(NAMES),
    data=VALUES
    | st.dictionaries(
        st.sampled_from(DATA_KEYS), VALUES | BYTES | st.dictionaries(st.text(max_size=5), BYTES)
    ),
)
def test_any_data_gets_an_answer(shared_grid: Server, name: str, data: object) -> None:
    with binary(shared_grid) as socket:
        socket.send(pack_frame({"type": f"model-centric/{name}", "data": data}))
        reply = read_packed(socket.recv(timeout=30))
        error = reply.get("error") or reply["data"]["error"]
        assert "Traceback" not in error
        assert "log says why" not in error


def test_an_answer_without_a_binary_form(grid: Server) -> None:
    data = host_data()
    data["client_config"]["odd"] = 10**400
    with Talk(grid) as talk:
        assert talk.call("host-training", data) == {"status": "success"}
        worker = talk.authenticate()
    with binary(grid) as socket:
        socket.send(
            pack_frame(
                {"type": "model-centric/cycle-request", "data": {"worker_id": worker, "model": "m"}}
            )
        )
        assert "no binary form" in read_packed(socket.recv(timeout=30))["error"]


@pytest.mark.parametrize("offered", [None, ["chat"], ["syft.msgpack.v2"]])
def test_who_does_not_ask_for_it_sees_the_old_protocol(
    shared_grid: Server, offered: list[str] | None
) -> None:
    with connect(shared_grid.ws_url, subprotocols=offered) as socket:
        assert socket.response is not None
        assert "sec-websocket-protocol" not in socket.response.headers
        socket.send('{"type": "socket-ping"}')
        assert socket.recv(timeout=30) == '{"alive": "True"}'
        socket.send(pack_frame({"type": "socket-ping"}))
        with pytest.raises(ConnectionClosed) as caught:
            socket.recv(timeout=30)
    assert caught.value.rcvd is not None
    assert caught.value.rcvd.code == 1003


class Listening(NativeHost):
    """Notes what goes over the wire."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[str | bytes] = []

    async def connect(self, url: str, **options: Any) -> Any:
        socket = await super().connect(url, **options)
        send = socket.send

        async def note(data: str | bytes) -> None:
            self.sent.append(data)
            await send(data)

        socket.send = note
        return socket


async def test_our_client_sends_the_diff_as_it_is(shared_grid: Server) -> None:
    host = Listening()
    async with Syft(shared_grid.ws_url, host=host) as syft:
        job = syft.new_job("m", "1.0.0")
        assert isinstance(await job.request(), Accepted)
        diff = State.of(small_diff(2)).dumps()
        await job.report(diff)
    assert all(isinstance(frame, bytes) for frame in host.sent)
    report = host.sent[-1]
    assert diff in report
    assert len(report) < len(diff) + 300
