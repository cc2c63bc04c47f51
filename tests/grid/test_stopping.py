"""A grid that is asked to stop: what is in hand is answered, then everybody is sent away."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from syft_web.grid import Server
from syft_web.grid.dispatch import Dispatcher
from tests.grid.talk import Talk, host_data

GOING_AWAY = 1001


def test_quiet_connections_are_told(grid: Server) -> None:
    with connect(grid.ws_url) as one, connect(grid.ws_url) as other:
        one.send('{"type": "socket-ping"}')
        one.recv(timeout=30)
        grid.stop()
        for opened in (one, other):
            with pytest.raises(ConnectionClosed) as caught:
                opened.recv(timeout=30)
            assert caught.value.rcvd is not None
            assert caught.value.rcvd.code == GOING_AWAY


@pytest.mark.parametrize("http", [False, True])
def test_a_request_in_hand_is_answered(
    grid: Server, monkeypatch: pytest.MonkeyPatch, http: bool
) -> None:
    inside, go_on = threading.Event(), threading.Event()
    original = Dispatcher.call

    async def call(self: Dispatcher, *arguments: Any) -> dict[str, Any]:
        inside.set()
        await asyncio.to_thread(go_on.wait, 60)
        return await original(self, *arguments)

    with Talk(grid) as talk:
        talk.call("host-training", host_data())
    monkeypatch.setattr(Dispatcher, "call", call)
    with Talk(grid, http=http) as talk, ThreadPoolExecutor(2) as pool:
        reply = pool.submit(talk.authenticate)
        assert inside.wait(30)
        stopped = pool.submit(grid.stop)
        # The server does not take anybody any more, and still waits for this one.
        wait_until_closed(grid)
        go_on.set()
        assert len(reply.result(timeout=30)) == 36
        stopped.result(timeout=60)
        if not http:
            with pytest.raises(ConnectionClosed) as caught:
                talk.frame(json.dumps({"type": "socket-ping"}))
            assert caught.value.rcvd is not None
            assert caught.value.rcvd.code == GOING_AWAY


def wait_until_closed(grid: Server) -> None:
    port = int(grid.url.rpartition(":")[2])
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=30).close()
        except OSError:
            return
        time.sleep(0.01)
