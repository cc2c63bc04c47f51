"""Clients without a library: bytes on a socket."""

from __future__ import annotations

import base64
import os
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from tests.grid.guarded import Guarded

WAIT = 60
"""Seconds a test waits for the server before it fails."""

PLAIN = b"GET /model-centric/retrieve-model?name=calm HTTP/1.1\r\nHost: grid\r\n\r\n"
POST = b"POST /model-centric/report HTTP/1.1\r\nHost: grid\r\nContent-Length: 1000\r\n\r\n"
HANDSHAKE = (
    b"GET / HTTP/1.1\r\nHost: grid\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: %s\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


@contextmanager
def raw(grid: Guarded) -> Iterator[socket.socket]:
    with socket.create_connection(grid.address, timeout=WAIT) as client:
        yield client


def upgraded(client: socket.socket) -> None:
    client.sendall(HANDSHAKE % base64.b64encode(os.urandom(16)))
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += client.recv(1)
    assert head.startswith(b"HTTP/1.1 101 ")


def everything(client: socket.socket) -> bytes:
    """All that still comes, until the server closes."""
    got = b""
    with suppress(ConnectionError):
        while part := client.recv(65536):
            got += part
    return got


def frame(opcode: int, payload: bytes, *, fin: bool = True, size: int | None = None) -> bytes:
    """A masked frame; ``size`` may lie."""
    size = len(payload) if size is None else size
    head = bytes([opcode | (0x80 if fin else 0)])
    if size < 126:
        head += bytes([0x80 | size])
    elif size < 1 << 16:
        head += bytes([0xFE]) + struct.pack("!H", size)
    else:
        head += bytes([0xFF]) + struct.pack("!Q", size)
    return head + b"\0\0\0\0" + payload


def close_code(got: bytes) -> int:
    """Of the close frame at the end of what came."""
    begin = got.rindex(b"\x88")
    return int.from_bytes(got[begin + 2 : begin + 4], "big")
