"""The limits, each met by a client of a real server; others are served all the while."""

from __future__ import annotations

import json
import select
import socket
from contextlib import ExitStack, suppress
from typing import Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from syft_web.errors import HostError
from syft_web.grid import Limits, Server
from syft_web.grid.connections import SPARE
from tests.grid.raw import close_code, everything, frame, upgraded
from tests.grid.talk import Talk, host_data

PING = '{"type": "socket-ping"}'
MANY = 500
WAIT = 60


def from_address(address: str) -> dict[str, str]:
    """What a proxy on this machine adds."""
    return {"X-Forwarded-For": address}


def refused(grid: Server, headers: dict[str, str]) -> httpx.Response:
    """The first refusal among many requests; until then all is well."""
    with httpx.Client(base_url=grid.url, headers=headers, timeout=WAIT) as client:
        for _ in range(MANY):
            answer = client.get("/")
            if answer.status_code != 200:
                return answer
    raise AssertionError("nothing was refused")


def test_requests_of_one_address() -> None:
    limits = Limits(messages_per_address=0.1, queue_seconds=0.1)
    with Server(limits=limits) as grid:
        answer = refused(grid, from_address("203.0.113.1"))
        assert answer.status_code == 429
        assert answer.json()["error"].startswith("Too many messages from this address")
        assert answer.headers["retry-after"] == "5"
        assert answer.headers["access-control-allow-origin"] == "*"
        # Another one, and one of the same IPv6 network.
        assert refused(grid, from_address("2001:db8::1")).status_code == 429
        other = httpx.get(grid.url, headers=from_address("203.0.113.2"))
        assert other.status_code == 200
        near = httpx.get(grid.url, headers=from_address("2001:db8::2"))
        assert near.status_code == 429


def closed_after_many(client: ClientConnection) -> int:
    """The code with which a connection is closed that says too much."""
    try:
        for _ in range(MANY):
            client.send(PING)
            client.recv(timeout=WAIT)
    except ConnectionClosed as closed:
        return closed.rcvd.code if closed.rcvd else 0
    raise AssertionError("it was not closed")


def denied_after_many(grid: Server, address: str) -> int:
    """The status with which a handshake is refused after too many."""
    for _ in range(MANY):
        try:
            with connect(grid.ws_url, additional_headers=from_address(address)):
                pass
        except InvalidStatus as denied:
            return denied.response.status_code
    raise AssertionError("none was refused")


def test_messages_of_one_address() -> None:
    limits = Limits(messages_per_address=0.5, queue_seconds=0.1)
    with (
        Server(limits=limits) as grid,
        connect(grid.ws_url, additional_headers=from_address("203.0.113.1")) as client,
        connect(grid.ws_url, additional_headers=from_address("203.0.113.2")) as other,
    ):
        assert closed_after_many(client) == 1013
        other.send(PING)
        assert json.loads(other.recv(timeout=WAIT)) == {"alive": "True"}
        assert denied_after_many(grid, "203.0.113.1") == 429


def test_messages_of_one_connection_wait_and_are_all_answered() -> None:
    with Server(limits=Limits(messages_per_connection=2)) as grid, connect(grid.ws_url) as client:
        for _ in range(22):
            client.send(PING)
        for _ in range(22):
            assert json.loads(client.recv(timeout=WAIT)) == {"alive": "True"}


def test_pings_of_one_connection() -> None:
    with Server(limits=Limits(messages_per_connection=0.5)) as grid:
        address = ("127.0.0.1", int(grid.url.rpartition(":")[2]))
        with socket.create_connection(address, timeout=WAIT) as client:
            upgraded(client)
            with suppress(ConnectionError):
                client.sendall(frame(9, b"") * MANY)
            assert close_code(everything(client)) == 1008


def test_who_may_say_who_a_client_is() -> None:
    """Without trusted proxies nobody gets a new turn by claiming to be somebody else."""
    limits = Limits(messages_per_address=0.1, queue_seconds=0.1, proxies="")
    with Server(limits=limits) as grid, httpx.Client() as client:
        statuses = {
            client.get(grid.url, headers=from_address(f"203.0.113.{number}")).status_code
            for number in range(20)
        }
    # Its connections are counted too, and end with a refusal.
    assert {200, 429} <= statuses <= {200, 429, 503}
    with pytest.raises(HostError, match="no address or network"):
        Server(limits=Limits(proxies="nginx"))


@pytest.mark.parametrize(
    "limits",
    [
        Limits(connections=3, head_seconds=90),
        Limits(connections_per_address=3, proxies="", head_seconds=90),
    ],
    ids=["whole", "address"],
)
def test_connections(limits: Limits) -> None:
    with Server(limits=limits) as grid, ExitStack() as stack:
        address = ("127.0.0.1", int(grid.url.rpartition(":")[2]))

        def opened() -> socket.socket:
            return stack.enter_context(socket.create_connection(address, timeout=WAIT))

        inside = [opened() for _ in range(3)]
        answer = httpx.get(grid.url)
        assert answer.status_code == 503
        assert answer.json()["error"].startswith("This grid has too much to do")
        assert answer.headers["x-content-type-options"] == "nosniff"
        waiting = [opened() for _ in range(SPARE)]
        assert everything(opened()) == b""
        for client in inside:
            client.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            assert client.recv(17) == b"HTTP/1.1 200 OK\r\n"
        for client in waiting:
            client.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            assert client.recv(12) == b"HTTP/1.1 503"
        for client in (*inside, *waiting):
            while client.recv(4096):
                pass
            client.close()
        while True:  # until the grid has seen that they are gone
            with suppress(httpx.TransportError):
                if httpx.get(grid.url).status_code == 200:
                    break


def test_websockets_of_one_address_behind_a_proxy() -> None:
    with Server(limits=Limits(connections_per_address=2)) as grid, ExitStack() as stack:

        def opened(address: str) -> Any:
            return stack.enter_context(
                connect(grid.ws_url, additional_headers=from_address(address))
            )

        first = opened("203.0.113.1")
        opened("203.0.113.1")
        with pytest.raises(InvalidStatus):
            opened("203.0.113.1")
        opened("203.0.113.2")
        first.close()
        while True:
            try:
                opened("203.0.113.1")
            except InvalidStatus:
                continue
            break


def test_more_than_there_is_memory_for() -> None:
    """Messages that are nearly whole, until somebody is told to come again."""
    limits = Limits(memory=4 << 20, max_message=1 << 20, head_seconds=90, body_seconds=90)
    with Server(limits=limits) as grid, ExitStack() as stack:
        address = ("127.0.0.1", int(grid.url.rpartition(":")[2]))
        clients = []
        for _ in range(5):
            client = stack.enter_context(socket.create_connection(address, timeout=WAIT))
            upgraded(client)
            clients.append(client)
            with suppress(ConnectionError):
                client.sendall(frame(1, b" " * 900_000, size=1_000_000))
        closed, _, _ = select.select(clients, [], [], WAIT)
        assert close_code(everything(closed[0])) == 1013
        with Talk(grid) as talk:
            assert talk.frame(PING) == {"alive": "True"}
        body = b" " * 900_000
        while httpx.post(f"{grid.url}/model-centric/report", content=body).status_code != 503:
            client = stack.enter_context(socket.create_connection(address, timeout=WAIT))
            upgraded(client)
            client.sendall(frame(1, b" " * 100_000, size=1_000_000))


def test_downloads_of_one_worker() -> None:
    with Server(limits=Limits(worker_downloads=3)) as grid, Talk(grid) as talk:
        assert talk.call("host-training", host_data()) == {"status": "success"}
        queries = []
        for _ in range(2):
            place = talk.join()
            queries.append({**place, "model_id": "1"})
        url = f"{grid.url}/model-centric/get-model"
        assert [httpx.get(url, params=queries[0]).status_code for _ in range(4)] == [200] * 3 + [
            429
        ]
        answer = httpx.get(url, params=queries[0])
        assert answer.json()["error"].startswith("This worker has downloaded too often")
        # Tries with a wrong key are not counted against the worker.
        for _ in range(9):
            wrong = httpx.get(url, params={**queries[1], "request_key": "x"})
            assert wrong.status_code == 401
        assert httpx.get(url, params=queries[1]).status_code == 200


def test_a_websocket_that_is_silent() -> None:
    with Server(limits=Limits(idle_seconds=0.2)) as grid, connect(grid.ws_url) as client:
        with pytest.raises(ConnectionClosed) as caught:
            client.recv(timeout=WAIT)
        assert caught.value.rcvd is not None
        assert caught.value.rcvd.code == 1001
