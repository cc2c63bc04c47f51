"""Both transports of a running grid: right answers, wrong requests, and limits."""

from __future__ import annotations

import json
import re
import socket
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from syft_web.errors import HostError, StoreError
from syft_web.grid import Limits, Server
from syft_web.plan import State
from tests.grid.talk import BIG, Talk, host_data, mean, retrieve, small_diff, small_model

ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=6,
)
NAMES = ["host-training", "authenticate", "cycle-request", "report"]
KEYS = ["model_name", "model_version", "worker_id", "request_key", "diff", "model", "version"]
KEYS += ["ping", "download", "upload", "plans", "averaging_plan", "client_config", "server_config"]

QUERY_KEYS = ["worker_id", "request_key", "model_id", "plan_id", "protocol_id"]
QUERY_KEYS += ["name", "version", "checkpoint", "receive_operations_as"]


@pytest.fixture(scope="module")
def shared_grid(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One grid for tests that leave nothing behind."""
    path = tmp_path_factory.mktemp("grid") / "grid.sqlite"
    with Server(database=f"sqlite:///{path}") as server, Talk(server) as talk:
        assert talk.call("host-training", host_data()) == {"status": "success"}
        yield server


@pytest.mark.parametrize("http", [False, True])
def test_cycles_from_hosting_to_the_end(grid: Server, http: bool) -> None:
    with Talk(grid) as talk:
        data = host_data(max_diffs=2, num_cycles=2)
        assert talk.call("host-training", data) == {"status": "success"}
    model = State.loads(small_model()).tensors
    with Talk(grid, http=http) as talk:
        for number in (2, 3):
            places = [talk.join() for _ in range(2)]
            diffs = [small_diff(10 * number + i) for i in range(2)]
            for place, diff in zip(places, diffs, strict=True):
                assert talk.report(place, State.of(diff).dumps()) == {"status": "success"}
            assert grid.settle()
            model = [p - a for p, a in zip(model, mean(diffs), strict=True)]
            checkpoint = State.loads(retrieve(grid.url, checkpoint=number).content).tensors
            for ours, expected in zip(checkpoint, model, strict=True):
                assert ours.tobytes() == expected.tobytes()
        finished = {"status": "rejected", "reason": "finished"}
        assert talk.request(talk.authenticate()) == finished
    latest = retrieve(grid.url)
    assert latest.content == retrieve(grid.url, checkpoint=3).content
    assert retrieve(grid.url, checkpoint=4).status_code == 404


@pytest.mark.parametrize("http", [False, True])
def test_a_big_model(grid: Server, http: bool) -> None:
    """12 MiB of parameters: base64 makes 16 MiB of it, more than usual limits."""
    shape = (3, 1 << 20)
    model = State.of([np.zeros(shape, np.float32)]).dumps()
    with Talk(grid) as talk:
        assert talk.call("host-training", host_data(model=model, max_diffs=1)) == {
            "status": "success"
        }
    with Talk(grid, http=http) as talk:
        diff = State.of([np.full(shape, 0.5, np.float32)]).dumps()
        assert talk.report(talk.join(), diff) == {"status": "success"}
    assert grid.settle()
    (new,) = State.loads(retrieve(grid.url, checkpoint=2).content).tensors
    assert (new == -0.5).all()


@pytest.mark.parametrize("text", ["{bad", "[]", "null", "12", '"x"', "{}", '{"type": 5}'])
def test_frames_that_are_no_request(shared_grid: Server, text: str) -> None:
    with Talk(shared_grid) as talk:
        reply = talk.frame(text)
        assert reply.keys() == {"error"}
        assert talk.frame('{"type": "socket-ping"}') == {"alive": "True"}


@pytest.mark.parametrize("route", ["authenticate", "cycle-request", "report"])
@pytest.mark.parametrize(
    "body", [b"{bad", b"", b"\xff\xfe\x00", b"[" * 100_000, b'{"a": ' + b"9" * 5000 + b"}"]
)
def test_bodies_that_are_no_json(shared_grid: Server, route: str, body: bytes) -> None:
    answer = httpx.post(f"{shared_grid.url}/model-centric/{route}", content=body)
    assert answer.status_code == 400
    assert answer.json().keys() == {"error"}
    assert answer.headers["access-control-allow-origin"] == "*"


@settings(max_examples=60)
@given(name=st.sampled_from(NAMES), data=ANY | st.dictionaries(st.sampled_from(KEYS), ANY))
def test_any_data_gets_an_answer(shared_grid: Server, name: str, data: Any) -> None:
    with Talk(shared_grid) as talk:
        reply = talk.call(name, data)
        assert "error" in reply
        assert "Traceback" not in reply["error"]
        assert "log says why" not in reply["error"]
    if name != "host-training":
        answer = httpx.post(
            f"{shared_grid.url}/model-centric/{name}", content=json.dumps(data).encode()
        )
        assert answer.status_code in (200, 400, 401)
        assert "error" in answer.json()


@settings(max_examples=60)
@given(
    route=st.sampled_from(["get-model", "get-plan", "get-protocol", "retrieve-model"]),
    query=st.dictionaries(
        st.sampled_from(QUERY_KEYS),
        st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.just("1"),
    ),
)
def test_any_query_gets_an_answer(shared_grid: Server, route: str, query: dict[str, str]) -> None:
    answer = httpx.get(f"{shared_grid.url}/model-centric/{route}", params=query)
    assert answer.status_code in (400, 401, 404, 500)
    assert re.fullmatch(
        r"(Model|Plan|Protocol|Worker) ID not found!|Cycle not found!|Not found any process.*",
        answer.json()["error"],
    )


def test_names_like_sql_and_paths(grid: Server) -> None:
    names = ["'; DROP TABLE process; --", "../../etc/passwd", "a%00b", "name with / and ?", "名前"]
    with Talk(grid) as talk:
        for name in names:
            assert talk.call("host-training", host_data(name)) == {"status": "success"}
            assert talk.request(talk.authenticate(name), name)["model"] == name
            assert retrieve(grid.url, name).status_code == 200


def test_request_ids_come_back(shared_grid: Server) -> None:
    with Talk(shared_grid) as talk:
        for name in NAMES:
            frame = {"type": f"model-centric/{name}", "data": {}, "request_id": ["x", 1]}
            assert talk.frame(json.dumps(frame))["request_id"] == ["x", 1]
        assert talk.frame('{"type": "nothing", "request_id": "\\ud800"}')["error"] == "'nothing'"
        assert len(talk.frame(json.dumps({"type": "x" * 100_000}))["error"]) <= 200


def test_a_binary_frame_ends_the_connection(shared_grid: Server) -> None:
    with connect(shared_grid.ws_url) as opened:
        opened.send(b"\x00\x01")
        with pytest.raises(ConnectionClosed) as caught:
            opened.recv(timeout=10)
    assert caught.value.rcvd is not None
    assert caught.value.rcvd.code == 1003


def test_a_slash_too_many(shared_grid: Server) -> None:
    url = f"{shared_grid.url}//model-centric/retrieve-model?name=m"
    assert httpx.get(url).status_code == 200


def test_a_preflight(shared_grid: Server) -> None:
    headers = {
        "Origin": "http://page.example",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type",
    }
    answer = httpx.options(f"{shared_grid.url}/model-centric/report", headers=headers)
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == "http://page.example"
    assert answer.headers["access-control-allow-headers"] == "content-type"
    assert "POST" in answer.headers["access-control-allow-methods"]


# Speed test and limits


@pytest.fixture(scope="module")
def strict_grid() -> Iterator[Server]:
    """A grid with small limits."""
    with Server(limits=Limits(max_message=100_000, speed_test_bytes=123_457)) as server:
        yield server


def test_the_sample_of_the_speed_test(strict_grid: Server) -> None:
    url = f"{strict_grid.url}/model-centric/speed-test?worker_id=w&random=0.5?0.6"
    answer = httpx.get(url)
    boundary = answer.headers["content-type"].partition("boundary=")[2]
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="sample"\r\n\r\n'
    assert answer.text == head + "x" * 123_457 + f"\r\n--{boundary}--\r\n"
    assert int(answer.headers["content-length"]) == len(answer.content) == 123_457 + 125
    for answer in (
        httpx.get(f"{url}&is_ping="),
        httpx.head(url),
        httpx.post(url, content=b"\0" * 90_000),
    ):
        assert answer.status_code == 200
        assert answer.headers["content-length"] == "2"


def test_bodies_that_are_too_large(strict_grid: Server) -> None:
    def chunks() -> Iterator[bytes]:
        for _ in range(20):
            yield b" " * 10_000

    for route in ("report", "speed-test?worker_id=w&random=1"):
        for content in (b" " * 200_000, chunks()):
            answer = httpx.post(f"{strict_grid.url}/model-centric/{route}", content=content)
            assert answer.status_code == 413
            assert "larger than 100000 bytes" in answer.json()["error"]
            assert answer.headers["connection"] == "close"


def test_a_client_that_leaves_during_the_sample(caplog: pytest.LogCaptureFixture) -> None:
    with Server() as server:
        port = int(server.url.rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port)) as client:
            client.sendall(
                b"GET /model-centric/speed-test?worker_id=w&random=1 HTTP/1.1\r\nHost: x\r\n\r\n"
            )
            client.recv(10)
            # A reset instead of a polite end.
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        assert httpx.get(server.url).status_code == 200
    assert not [record for record in caplog.records if record.levelname != "INFO"]


def test_of_a_key_given_twice_the_first_counts(shared_grid: Server) -> None:
    url = f"{shared_grid.url}/model-centric/retrieve-model"
    assert httpx.get(f"{url}?name=m&name=x").status_code == 200
    assert httpx.get(f"{url}?name=x&name=m").status_code == 500


def test_frames_that_are_too_large(strict_grid: Server) -> None:
    with connect(strict_grid.ws_url, max_size=BIG) as opened:
        opened.send("x" * 200_000)
        with pytest.raises(ConnectionClosed) as caught:
            opened.recv(timeout=10)
    assert caught.value.rcvd is not None
    assert caught.value.rcvd.code == 1009
    with Talk(strict_grid) as talk:
        assert talk.frame('{"type": "socket-ping"}') == {"alive": "True"}


# The server itself


def test_a_port_that_is_taken(shared_grid: Server) -> None:
    port = int(shared_grid.url.rpartition(":")[2])
    with pytest.raises(HostError, match=f"Cannot listen on 127.0.0.1 port {port}"):
        Server(port=port).start()


def test_a_database_that_cannot_be_opened(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="could not be opened"):
        Server(database=f"sqlite:///{tmp_path}").start()


def test_a_grid_without_a_database_leaves_nothing(tmp_path: Path) -> None:
    server = Server()
    with server, Talk(server) as talk:
        assert talk.call("host-training", host_data()) == {"status": "success"}
    server.stop()
    with pytest.raises(httpx.ConnectError):
        httpx.get(server.url)
    assert not list(tmp_path.iterdir())


def test_a_stopped_grid_goes_on_where_it_was(tmp_path: Path) -> None:
    database = f"sqlite:///{tmp_path / 'grid.sqlite'}"
    diffs = [small_diff(0), small_diff(1)]
    with Server(database=database) as server, Talk(server) as talk:
        talk.call("host-training", host_data(max_diffs=2))
        places = [talk.join(), talk.join()]
        assert talk.report(places[0], State.of(diffs[0]).dumps()) == {"status": "success"}
    with Server(database=database) as server:
        with Talk(server) as talk:
            assert talk.report(places[1], State.of(diffs[1]).dumps()) == {"status": "success"}
        assert server.settle()
        new = State.loads(retrieve(server.url, checkpoint=2).content).tensors
    before = State.loads(small_model()).tensors
    for ours, old, average in zip(new, before, mean(diffs), strict=True):
        assert np.array_equal(ours, old - average)
