"""Clients that mean harm or are broken, at the sockets: each is answered or closed.

One real server in a process of its own; after each fault another client is served.
"""

from __future__ import annotations

import json
import socket
import struct
from collections.abc import Iterator
from contextlib import suppress

import httpx
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from tests.grid.guarded import Guarded, guarded_process
from tests.grid.raw import (
    HANDSHAKE,
    PLAIN,
    POST,
    WAIT,
    close_code,
    everything,
    frame,
    raw,
    upgraded,
)
from tests.grid.talk import Talk


@pytest.fixture(scope="module")
def grid(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    with guarded_process(tmp_path_factory.mktemp("faults"), max_message=1 << 20) as guarded:
        yield guarded


@pytest.fixture(autouse=True)
def unharmed(grid: Guarded) -> Iterator[None]:
    yield
    grid.assert_well()


@pytest.mark.parametrize("asked", [PLAIN, POST])
def test_half_open_sockets(grid: Guarded, asked: bytes) -> None:
    """The client has shut its side down, in the middle or after its request."""
    with raw(grid) as client:
        client.sendall(asked)
        client.shutdown(socket.SHUT_WR)
        everything(client)


def test_clients_that_vanish(grid: Guarded) -> None:
    for _ in range(20):
        for sent in (PLAIN, POST, HANDSHAKE, b"GET"):
            with raw(grid) as client:
                client.sendall(sent)
                # A reset instead of a polite end.
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


# What is no HTTP, and no WebSocket


@pytest.mark.parametrize(
    "sent",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nA: " + b"a" * 3_000_000 + b"\r\n\r\n",
        b"GET /" + b"a" * 3_000_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"POST /model-centric/report HTTP/1.1\r\nHost: a\r\n"
        b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nA: b\r\n c\0\r\n\r\n",
    ],
)
def test_malformed_requests(grid: Guarded, sent: bytes) -> None:
    with raw(grid) as client:
        client.sendall(sent)
        got = everything(client)
    head, _, body = got.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 ")
    assert b"nosniff" in head
    assert list(json.loads(body)) == ["error"]


@pytest.mark.parametrize(
    "change",
    [
        (b"GET", b"POST"),
        (b"Sec-WebSocket-Version: 13", b"Sec-WebSocket-Version: 12"),
        (b"Sec-WebSocket-Key", b"Sec-WebSocket-Kee"),
        (b"HTTP/1.1", b"HTTP/1.0"),
        (b"Upgrade\r\n", b"Upgrade\r\nA: " + b"a" * 9000 + b"\r\n"),
        (b"Upgrade\r\n", b"Upgrade\r\n" + b"A: b\r\n" * 200),
    ],
    ids=["post", "version", "key", "old http", "long header", "many headers"],
)
def test_malformed_handshakes(grid: Guarded, change: tuple[bytes, bytes]) -> None:
    with raw(grid) as client:
        client.sendall((HANDSHAKE % b"AAAAAAAAAAAAAAAAAAAAAA==").replace(*change))
        client.shutdown(socket.SHUT_WR)
        assert not everything(client).startswith(b"HTTP/1.1 101 ")


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (frame(3, b"a"), 1002),
        (b"\xc1\x80\0\0\0\0", 1002),
        (b"\x81\x01a", 1002),
        (frame(9, b"a" * 126), 1002),
        (frame(9, b"", fin=False), 1002),
        (frame(0, b"a"), 1002),
        (frame(1, b"a", fin=False) + frame(1, b"a"), 1002),
        (frame(1, b"\xff\xfe"), 1007),
        (frame(8, b"a"), 1002),
        (frame(8, struct.pack("!H", 1)), 1002),
        (frame(1, b"a", size=1 << 62), 1009),
        (frame(1, b"a", size=(1 << 20) + 1), 1009),
        (frame(1, b"a" * (1 << 19), fin=False) + frame(0, b"a" * ((1 << 19) + 1)), 1009),
        (frame(1, b"a", fin=False) + frame(0, b"", fin=False) * 70_000, 1009),
    ],
)
def test_malformed_frames(grid: Guarded, sent: bytes, code: int) -> None:
    with raw(grid) as client:
        upgraded(client)
        with suppress(ConnectionError):
            client.sendall(sent)
        assert close_code(everything(client)) == code


def test_bodies_that_are_too_large(grid: Guarded) -> None:
    for path in ("report", "authenticate", "cycle-request"):
        url = f"{grid.url}/model-centric/{path}"
        answer = httpx.post(url, content=b" " * (2 << 20), timeout=WAIT)
        assert answer.status_code == 413
        assert "larger than 1048576 bytes" in answer.json()["error"]


def test_deep_and_wide_json(grid: Guarded) -> None:
    texts = ["[" * 100_000, '{"a":' * 100_000, "1" * 5000, "[" + "0," * 100_000 + "0]"]
    with Talk(grid.url) as talk:
        for text in texts:
            assert "error" in talk.frame(text)
    for text in texts:
        answer = httpx.post(f"{grid.url}/model-centric/report", content=text, timeout=WAIT)
        assert answer.status_code in (200, 400)
        assert answer.json()["error"]


def test_pings_and_messages_are_interleaved(grid: Guarded) -> None:
    with connect("ws" + grid.url[4:]) as client:
        assert isinstance(client, ClientConnection)
        for _ in range(3):
            client.ping().wait(WAIT)
            client.send('{"type": "socket-ping"}')
            assert json.loads(client.recv(timeout=WAIT)) == {"alive": "True"}
        client.close()
        with pytest.raises(ConnectionClosed):
            client.recv()
