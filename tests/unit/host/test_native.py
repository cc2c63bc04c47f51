"""CPython's transports against real servers on the loopback, well-behaved and not."""

from __future__ import annotations

import asyncio
import gzip
import sys
import time

import pytest
from websockets.asyncio.server import serve

from syft_web.errors import (
    GridAddressError,
    GridAnswerError,
    GridClosedError,
    GridTimeoutError,
    GridUnreachableError,
    HostError,
)
from syft_web.host.base import Timeouts
from syft_web.host.native import NativeHost
from tests.unit.host.raw import answer, raw_server, says, unused_port

QUICK = Timeouts(connect=2, idle=0.3)


@pytest.fixture
async def host():
    host = NativeHost()
    yield host
    await host.close()


async def test_fetch_reads_status_headers_body_and_progress(host):
    body = bytes(range(256)) * 2000
    seen: list[tuple[int, int | None]] = []
    async with raw_server(says(answer("201 Created", body, "application/octet-stream"))) as place:
        response = await host.fetch(
            "GET", f"http://{place}/x", on_progress=lambda *step: seen.append(step)
        )
    assert (response.status, response.content_type) == (201, "application/octet-stream")
    assert response.body == body
    assert seen[0] == (0, len(body))
    assert seen[-1] == (len(body), len(body))
    assert [received for received, _ in seen] == sorted(received for received, _ in seen)


async def test_fetch_sends_method_headers_and_body(host):
    got = {}

    async def echo(head, writer):
        got["head"] = head
        writer.write(answer())

    async with raw_server(echo) as place:
        await host.fetch(
            "POST", f"http://{place}/a?b=c", headers={"content-type": "text/x"}, body="{}"
        )
    head = got["head"].decode().lower()
    assert head.startswith("post /a?b=c http/1.1\r\n")
    assert "content-type: text/x\r\n" in head
    assert "content-length: 2\r\n" in head


async def test_fetch_without_declared_length(host):
    seen = []
    reply = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nabc"
    async with raw_server(says(reply)) as place:
        response = await host.fetch(
            "GET", f"http://{place}/", on_progress=lambda *step: seen.append(step)
        )
    assert response.body == b"abc"
    assert seen == [(0, None), (3, None), (3, 3)]


async def test_fetch_of_a_compressed_body_does_not_trust_the_length(host):
    plain = b"a" * 100_000
    packed = gzip.compress(plain)
    seen = []
    reply = answer(body=packed, extra="Content-Encoding: gzip\r\n")
    async with raw_server(says(reply)) as place:
        response = await host.fetch(
            "GET", f"http://{place}/", on_progress=lambda *step: seen.append(step)
        )
    assert response.body == plain
    assert seen[0] == (0, None)
    assert seen[-1] == (100_000, 100_000)


async def test_redirects_are_not_followed(host):
    asked = []

    async def redirect(head, writer):
        asked.append(head)
        writer.write(answer("307 Temporary Redirect", extra="Location: /elsewhere\r\n"))

    async with raw_server(redirect) as place:
        response = await host.fetch("POST", f"http://{place}/", body="secret")
    assert response.status == 307
    assert len(asked) == 1


async def test_cookies_are_not_kept(host):
    heads = []

    async def bake(head, writer):
        heads.append(head.lower())
        writer.write(answer(extra="Set-Cookie: a=b; Path=/\r\n"))

    async with raw_server(bake) as place:
        await host.fetch("GET", f"http://{place}/")
        await host.fetch("GET", f"http://{place}/")
    assert len(heads) == 2
    assert b"cookie" not in heads[1]


async def test_nobody_listens(host):
    port = await unused_port()
    with pytest.raises(GridUnreachableError, match=rf"http://127.0.0.1:{port}/x could"):
        await host.fetch("GET", f"http://127.0.0.1:{port}/x?key=secret")
    with pytest.raises(GridUnreachableError, match="Check the address"):
        await host.connect(f"ws://127.0.0.1:{port}/")


async def test_unknown_host_name(host):
    with pytest.raises(GridUnreachableError):
        await host.fetch("GET", "http://no-such-host.invalid/")
    with pytest.raises(GridUnreachableError):
        await host.connect("ws://no-such-host.invalid/")


@pytest.mark.parametrize("name", ["ü..x", "[::1]x", "☃.example", "xn--"])
async def test_malformed_host_names(host, name):
    with pytest.raises(GridAddressError, match="malformed"):
        await host.fetch("GET", f"http://{name}/?key=secret")
    with pytest.raises((GridAddressError, GridUnreachableError)):
        await host.connect(f"ws://{name}/")


async def test_other_schemes(host):
    with pytest.raises(GridUnreachableError, match="UnsupportedProtocol"):
        await host.fetch("GET", "gopher://grid/")
    with pytest.raises(GridAddressError):
        await host.connect("gopher://grid/")


async def test_tls_against_a_plain_server(host):
    async with raw_server(says(answer()), whole_head=False) as place:
        with pytest.raises(GridUnreachableError, match="TLS"):
            await host.fetch("GET", f"https://{place}/")
        with pytest.raises(GridUnreachableError, match="TLS"):
            await host.connect(f"wss://{place}/")


async def test_closed_mid_body(host):
    async with raw_server(says(answer(body=b"x" * 10, length=1000))) as place:
        with pytest.raises(GridClosedError, match="in the middle") as caught:
            await host.fetch("GET", f"http://{place}/model?request_key=hidden")
    assert "hidden" not in str(caught.value)


async def test_closed_before_the_head(host):
    async with raw_server(says()) as place:
        with pytest.raises(GridClosedError):
            await host.fetch("GET", f"http://{place}/")


async def test_closed_within_the_head(host):
    async with raw_server(says(b"HTTP/1.1 200 OK\r\nContent-")) as place:
        with pytest.raises(GridClosedError):
            await host.fetch("GET", f"http://{place}/")


async def test_not_http_at_all(host):
    async with raw_server(says(b"SSH-2.0-OpenSSH_9.2\r\n\r\n")) as place:
        with pytest.raises(GridAnswerError, match="does not speak HTTP"):
            await host.fetch("GET", f"http://{place}/")


async def test_a_body_that_is_not_what_its_encoding_says(host):
    reply = answer(body=b"not gzip", extra="Content-Encoding: gzip\r\n")
    async with raw_server(says(reply)) as place:
        with pytest.raises(GridAnswerError, match="Content-Encoding"):
            await host.fetch("GET", f"http://{place}/")


async def test_silence_before_the_head(host):
    async with raw_server(says(hold=30)) as place:
        with pytest.raises(GridTimeoutError, match=r"0\.3 s"):
            await host.fetch("GET", f"http://{place}/", timeouts=QUICK)


async def test_silence_in_the_body(host):
    async with raw_server(says(answer(body=b"abc", length=9), hold=30)) as place:
        with pytest.raises(GridTimeoutError):
            await host.fetch("GET", f"http://{place}/", timeouts=QUICK)


async def test_dripping_server_meets_the_total_limit(host):
    drip = says(answer(length=1000), *[b"x"] * 100, pause=0.05)
    async with raw_server(drip) as place:
        with pytest.raises(GridTimeoutError, match=r"0\.4 s"):
            await host.fetch("GET", f"http://{place}/", timeouts=Timeouts(2, 1, 0.4))


async def test_slow_but_steady_server_is_fine_without_total_limit(host):
    drip = says(answer(length=8), *[b"x"] * 8, pause=0.1)
    async with raw_server(drip) as place:
        response = await host.fetch("GET", f"http://{place}/", timeouts=QUICK)
    assert response.body == b"x" * 8


async def test_leaving_an_exchange_early_ends_it(host):
    async with raw_server(says(answer(length=10**9), *[b"x" * 65536] * 10, hold=30)) as place:
        async with host.exchange("GET", f"http://{place}/") as exchange:
            async for _ in exchange.chunks():
                break
        # The connection is not reused; a second exchange works.
        async with host.exchange("GET", f"http://{place}/") as exchange:
            assert exchange.status == 200


async def test_one_host_in_two_event_loops():
    host = NativeHost()

    async def ask() -> int:
        async with raw_server(says(answer())) as place:
            return (await host.fetch("GET", f"http://{place}/")).status

    def run() -> int:
        return asyncio.run(ask())

    assert await asyncio.to_thread(run) == 200
    assert await asyncio.to_thread(run) == 200


async def test_websocket_texts_bytes_and_large_frames(host):
    async def echo(connection):
        async for message in connection:
            await connection.send(message)

    async with serve(echo, "127.0.0.1", 0, max_size=None) as server:
        port = server.sockets[0].getsockname()[1]
        socket = await host.connect(f"ws://127.0.0.1:{port}/")
        for message in ("text", b"bytes", "x" * 5_000_000):
            await socket.send(message)
            assert await socket.receive() == message
        await socket.close()
        await socket.close()
        with pytest.raises(GridClosedError):
            await socket.send("late")
        with pytest.raises(GridClosedError):
            await socket.receive()


@pytest.mark.parametrize(("known", "picked"), [(["b", "a"], "a"), (["c"], ""), (None, "")])
async def test_websocket_subprotocols(host, known, picked):
    async def wait(connection):
        await connection.wait_closed()

    def choose(_connection, offered):
        return next((each for each in offered if each in (known or ())), None)

    async with serve(wait, "127.0.0.1", 0, subprotocols=known, select_subprotocol=choose) as server:
        port = server.sockets[0].getsockname()[1]
        socket = await host.connect(f"ws://127.0.0.1:{port}/", protocols=("a", "b"))
        assert socket.protocol == picked
        await socket.close()


async def test_websocket_closed_by_the_server(host):
    async def hang_up(connection):
        await connection.close(1011)

    async with serve(hang_up, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        socket = await host.connect(f"ws://127.0.0.1:{port}/")
        with pytest.raises(GridClosedError, match="1011"):
            await socket.receive()
        await socket.close()


async def test_websocket_handshake_never_answered(host):
    async with raw_server(says(hold=30)) as place:
        with pytest.raises(GridTimeoutError, match="handshake"):
            await host.connect(f"ws://{place}/", timeouts=Timeouts(connect=0.2))


async def test_websocket_closed_mid_handshake(host):
    async with raw_server(says(b"HTTP/1.1 101 Switching")) as place:
        with pytest.raises(GridUnreachableError, match="handshake"):
            await host.connect(f"ws://{place}/")


async def test_websocket_at_a_plain_web_server(host):
    async with raw_server(says(answer("404 Not Found", b"<html>", "text/html"))) as place:
        with pytest.raises(GridAnswerError, match="404"):
            await host.connect(f"ws://{place}/")
    async with raw_server(says(b"HTTP/1.1 101 Switching Protocols\r\n\r\n")) as place:
        with pytest.raises(GridAnswerError, match="does not speak WebSocket"):
            await host.connect(f"ws://{place}/")
    async with raw_server(says(b"SSH-2.0-OpenSSH_9.2\r\n\r\n")) as place:
        with pytest.raises(GridAnswerError, match="does not speak WebSocket"):
            await host.connect(f"ws://{place}/")


@pytest.mark.parametrize("library", ["httpx", "websockets"])
async def test_a_missing_library_says_what_to_install(host, monkeypatch, library):
    for name in [name for name in sys.modules if name.split(".")[0] == library]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, library, None)
    attempt = host.fetch("GET", "http://h/") if library == "httpx" else host.connect("ws://h/")
    with pytest.raises(HostError, match=rf"{library}.*pip install syft_web\[native\]"):
        await attempt


async def test_clocks_and_randomness(host):
    assert abs(host.now() - time.time()) < 1
    before = host.monotonic()
    await host.sleep(0.01)
    assert host.monotonic() > before
    assert len(host.random_bytes(7)) == 7
    assert host.random_bytes(16) != host.random_bytes(16)
    assert host.name == "native"
