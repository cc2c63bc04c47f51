"""KotlinSyft's and SwiftSyft's ways of calling (protocol.md section 5.5), request for request."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import httpx
import numpy as np
import pytest
from websockets.sync.client import ClientConnection, connect

from syft_web.grid import Server
from syft_web.plan import State
from syft_web.wire import syft_proto as pb
from tests.grid.talk import host_data, mean, retrieve, small_diff, small_model

OKHTTP = "okhttp/4.8.1"
SUCCESS = {"status": "success"}
ACCEPTED_KEYS = {"request_key", "model", "version", "plans", "protocols", "client_config"} | {
    "model_id",
    "status",
}


def by_kotlin(diff: list[np.ndarray]) -> str:
    """A diff as KotlinSyft writes it: ids are texts, empty for tensors; lines of 76 characters."""
    state = pb.decode(pb.State, State.of(diff).dumps())
    placeholders = [
        replace(each, id=pb.Id(id_str=str(index)), tags=[str(index), f"#state-{index}"])
        for index, each in enumerate(state.placeholders)
    ]
    tensors = []
    for each in state.tensors:
        assert each.torch_tensor is not None
        tensors.append(replace(each, torch_tensor=replace(each.torch_tensor, id=pb.Id(id_str=""))))
    data = pb.encode(replace(state, placeholders=placeholders, tensors=tensors))
    text = base64.b64encode(data).decode()
    return "".join(text[i : i + 76] + "\n" for i in range(0, len(text), 76))


@contextmanager
def kotlin(url: str) -> Iterator[ClientConnection]:
    with connect("ws" + url[4:], user_agent_header=OKHTTP, compression=None) as socket:
        yield socket


def call(socket: ClientConnection, name: str, data: Any) -> Any:
    """Without a request_id; answers are told apart by their type."""
    socket.send(json.dumps({"type": f"model-centric/{name}", "data": data}))
    reply = json.loads(socket.recv(timeout=60))
    assert reply.keys() == {"type", "data"}
    assert reply["type"] == f"model-centric/{name}"
    return reply["data"]


def unmeasured(worker: str) -> dict[str, Any]:
    """A cycle request of KotlinSyft when no speed test was asked for."""
    key = {"worker_id": worker, "model": "m", "version": "1.0.0"}
    return {**key, "ping": -1, "download": 0.0, "upload": 0.0}


def host(grid: Server, **config: Any) -> None:
    with connect(grid.ws_url) as socket:
        assert call(socket, "host-training", host_data(**config)) == SUCCESS


def test_kotlin_over_websocket(grid: Server) -> None:
    """It fails on every key it does not know: so there are only those of PyGrid."""
    host(grid, max_diffs=1, num_cycles=1, protocols={"p": b"raw"})
    login = {"model_name": "m", "model_version": "1.0.0"}
    with kotlin(grid.url) as socket:
        joined = call(socket, "authenticate", login)
        assert joined.keys() == {"status", "worker_id", "requires_speed_test"}
        late = call(socket, "authenticate", login)["worker_id"]
        places = [call(socket, "cycle-request", unmeasured(w)) for w in (joined["worker_id"], late)]
        assert all(place.keys() == ACCEPTED_KEYS for place in places)
        again = call(socket, "cycle-request", unmeasured(late))
        assert again.keys() == {"status", "timeout"}
        assert isinstance(again["timeout"], int)
        key = {"worker_id": joined["worker_id"], "request_key": places[0]["request_key"]}
        with httpx.Client(base_url=grid.url, headers={"user-agent": OKHTTP}) as http:
            for route, query in (
                ("get-model", {"model_id": places[0]["model_id"]}),
                (
                    "get-plan",
                    {
                        "plan_id": places[0]["plans"]["training_plan"],
                        "receive_operations_as": "torchscript",
                    },
                ),
                ("get-protocol", {"protocol_id": places[0]["protocols"]["p"]}),
            ):
                answer = http.get(f"/model-centric/{route}", params={**key, **query})
                assert answer.status_code == 200, answer.text
        diff = small_diff(5)
        assert call(socket, "report", {**key, "diff": by_kotlin(diff)}) == SUCCESS
        assert grid.settle()
        key = {"worker_id": late, "request_key": places[1]["request_key"]}
        assert call(socket, "report", {**key, "diff": by_kotlin(diff)}) == SUCCESS
        assert call(socket, "cycle-request", unmeasured(late)) == {"status": "rejected"}
    new = State.loads(retrieve(grid.url, checkpoint=2).content).tensors
    before = State.loads(small_model()).tensors
    for ours, old, average in zip(new, before, mean([diff]), strict=True):
        assert ours.tobytes() == (old - average).tobytes()


def test_kotlin_refused(grid: Server) -> None:
    """It reads the status of a refused authentication before anything else."""
    host(grid, authentication={"secret": "a secret that nobody guesses, not even once"})
    with kotlin(grid.url) as socket:
        reply = call(socket, "authenticate", {"model_name": "m", "auth_token": "wrong"})
    assert reply == {"status": "error", "error": "The 'auth_token' you sent is invalid."}


def test_kotlin_over_http(grid: Server) -> None:
    host(grid, max_diffs=2)
    with httpx.Client(base_url=grid.url, headers={"user-agent": OKHTTP}) as http:
        joined = http.post("/model-centric/authenticate", json={"model_name": "m"}).json()
        request = unmeasured(joined["worker_id"])
        place = http.post("/model-centric/cycle-request", json=request).json()
        assert place.keys() == ACCEPTED_KEYS
        again = http.post("/model-centric/cycle-request", json=request).json()
        assert again.keys() == {"status", "timeout"}
        key = {"worker_id": joined["worker_id"], "request_key": place["request_key"]}
        report = {**key, "diff": by_kotlin(small_diff(0))}
        assert http.post("/model-centric/report", json=report).json() == SUCCESS


def test_what_is_not_measured_does_not_pass_for_measured(grid: Server) -> None:
    host(grid, minimum_download_speed=1)
    with kotlin(grid.url) as socket:
        joined = call(socket, "authenticate", {"model_name": "m"})
        assert joined["requires_speed_test"] is True
        reply = call(socket, "cycle-request", unmeasured(joined["worker_id"]))
    assert reply == {"status": "rejected", "error": "'ping' needs to be a positive number"}


@pytest.mark.parametrize("over_http", [False, True])
def test_swift(grid: Server, over_http: bool) -> None:
    """It leaves out what it did not measure, and needs whole numbers for ids and time-outs."""
    host(grid, max_diffs=2)
    with (
        connect(grid.ws_url, compression=None) as socket,
        httpx.Client(base_url=grid.url) as http,
    ):

        def send(name: str, data: Any) -> Any:
            if over_http:
                return http.post(f"/model-centric/{name}", json=data).json()
            return call(socket, name, data)

        socket.send('{"type": "socket-ping"}')
        assert json.loads(socket.recv(timeout=60)) == {"alive": "True"}
        worker = send("authenticate", {"model_name": "m", "model_version": "1.0.0"})["worker_id"]
        request = {"worker_id": worker, "model": "m", "version": "1.0.0"}
        place = send("cycle-request", request)
        assert type(place["model_id"]) is int
        assert type(place["plans"]["training_plan"]) is int
        rejected = send("cycle-request", request)
        assert type(rejected["timeout"]) is int
        assert rejected["status"] == "rejected"
        key = {"worker_id": worker, "request_key": place["request_key"]}
        model = http.get(
            "/model-centric/get-model", params={**key, "model_id": str(place["model_id"])}
        )
        assert model.content == small_model()
        diff = base64.b64encode(State.of(small_diff(0)).dumps()).decode()
        assert send("report", {**key, "diff": diff}) == SUCCESS


def test_swifts_speed_test(grid: Server) -> None:
    with httpx.Client(base_url=grid.url) as http:
        query = {"worker_id": "w", "random": "0.5"}
        answer = http.post(
            "/model-centric/speed-test", params=query, files={"file": b"\0" * 1_000_000}
        )
        assert (answer.status_code, answer.json()) == (200, {})
