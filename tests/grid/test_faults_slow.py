"""Clients that are slow or silent, all at once: each is sent away when its time is over.

The time-outs are short here, and the clients need as long as the longest of them; meanwhile
others are served.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest
from websockets.exceptions import WebSocketException

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

SECONDS = 3.0

LIMITS = {
    "head_seconds": SECONDS,
    "body_seconds": SECONDS,
    "stall_seconds": SECONDS,
    "keep_alive": 3,
    "ping_interval": SECONDS,
    "ping_timeout": SECONDS,
    "speed_test_bytes": 64 << 20,
}


def drip(client: socket.socket, piece: bytes) -> bytes:
    """Send piece by piece until the server has had enough; what it said."""
    client.settimeout(0.05)
    got = b""
    for _ in range(20 * WAIT):
        try:
            client.sendall(piece)
            part = client.recv(65536)
            if not part:
                return got
            got += part
        except TimeoutError:
            continue
        except ConnectionError:
            return got
    raise AssertionError("the server never had enough")


def dripping(head: bytes, piece: bytes) -> Callable[[Guarded], bytes]:
    def run(grid: Guarded) -> bytes:
        with raw(grid) as client:
            client.sendall(head)
            return drip(client, piece)

    return run


def dripping_frames(head: bytes, piece: bytes) -> Callable[[Guarded], bytes]:
    def run(grid: Guarded) -> bytes:
        with raw(grid) as client:
            upgraded(client)
            client.sendall(head)
            return drip(client, piece)

    return run


def silent(grid: Guarded) -> bytes:
    with raw(grid) as client:
        return everything(client)


def idle(grid: Guarded) -> bytes:
    with raw(grid) as client:
        client.sendall(PLAIN)
        return everything(client)


def without_pongs(grid: Guarded) -> bytes:
    with raw(grid) as client:
        upgraded(client)
        return everything(client)


def reading_nothing(grid: Guarded) -> bytes:
    """A client that takes the beginning of 64 MiB, and no more."""
    files = Path(f"/proc/{grid.process.pid}/fd")
    with raw(grid) as client:
        client.sendall(b"GET /model-centric/speed-test?worker_id=w&random=1 HTTP/1.1\r\n")
        client.sendall(b"Host: grid\r\n\r\n")
        got = client.recv(17)
        inode = socket_of(client)
        limit = time.monotonic() + WAIT
        while inode in open_files(files):
            assert time.monotonic() < limit
            time.sleep(0.05)
        return got


def open_files(files: Path) -> set[str]:
    found = set()
    for each in files.iterdir():
        with suppress(OSError):
            found.add(str(each.readlink()))
    return found


def socket_of(client: socket.socket) -> str:
    """The server's end of a connection, as the list of its open files names it."""
    here = f"0100007F:{client.getsockname()[1]:04X}"
    for line in Path("/proc/net/tcp").read_text().splitlines():
        words = line.split()
        if words[2] == here:
            return f"socket:[{words[9]}]"
    raise AssertionError("no such connection")


TEXT_BODY = POST.replace(b"report", b"authenticate")
CLIENTS: dict[str, Callable[[Guarded], bytes]] = {
    "408 headers": dripping(b"GET / HTTP/1.1\r\n", b"X-A: b\r\n"),
    "408 a word": dripping(b"", b"G"),
    "408 a handshake": dripping(HANDSHAKE[:60], b"a"),
    "408 the second request": dripping(PLAIN, b"G"),
    "408 a report": dripping(POST, b" "),
    "408 an authentication": dripping(TEXT_BODY, b" "),
    "408 an upload": dripping(POST.replace(b"report", b"speed-test?worker_id=w&random=1"), b" "),
    "404 a body that nobody wants": dripping(POST.replace(b"report", b"nothing"), b" "),
    "1008 a message": dripping_frames(frame(1, b"{", size=100_000), b" "),
    "1008 fragments": dripping_frames(frame(1, b"{", fin=False), frame(0, b" ", fin=False)),
    "1011 no pongs": without_pongs,
    "0 nothing": silent,
    "200 idle": idle,
    "200 reading nothing": reading_nothing,
}


@pytest.fixture(scope="module")
def grid(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    with guarded_process(tmp_path_factory.mktemp("slow"), **LIMITS) as guarded:
        yield guarded


@pytest.fixture(scope="module")
def outcomes(grid: Guarded) -> dict[str, Future[bytes]]:
    with ThreadPoolExecutor(len(CLIENTS)) as pool:
        found = {name: pool.submit(run, grid) for name, run in CLIENTS.items()}
        assert_served(grid)
    assert_served(grid)
    return found


def assert_served(grid: Guarded) -> None:
    # With such limits a good client on a busy machine may be late too; then it comes again.
    for _ in range(10):
        with suppress(WebSocketException, OSError, TimeoutError):
            grid.assert_well()
            return
    grid.assert_well()


@pytest.mark.parametrize("name", CLIENTS)
def test_slow_clients(outcomes: dict[str, Future[bytes]], name: str) -> None:
    got = outcomes[name].result()
    code = int(name.partition(" ")[0])
    if code > 1000:
        assert close_code(got) == code
    elif code:
        assert f"HTTP/1.1 {code} ".encode() in got
    else:
        assert got == b""
