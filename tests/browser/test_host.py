"""The browser's transports in a real Chromium, against servers well-behaved and not.

The counterpart of ``tests/unit/host/test_native.py``. Everything is done in a page and in a
module worker. The servers are on other origins than the page, as a grid is.
"""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import time
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

from syft_web.errors import (
    GridAddressError,
    GridClosedError,
    GridTimeoutError,
    GridUnreachableError,
)
from tests.browser.conftest import Problems
from tests.browser.python_page import PLACES, PythonPage, open_python, without_network
from tests.unit.client.local_grid import serving
from tests.unit.host.raw import answer, raw_server, says, unused_port

PRELUDE = """
import asyncio, time
from syft_web.errors import GridClosedError
from syft_web.host import current
from syft_web.host.base import Timeouts

host = current()

async def fetch(url, method="GET", **options):
    response = await host.fetch(method, url, **options)
    return [response.status, response.content_type, response.body]

async def ending(work):
    # The words in which a connection says that it has ended.
    try:
        return ["no error", repr(await work)]
    except GridClosedError as error:
        return str(error)
"""

CORS = "Access-Control-Allow-Origin: *\r\n"


@pytest_asyncio.fixture(scope="module", loop_scope="session", params=PLACES)
async def booted(
    browser: Browser, site_url: str, request: pytest.FixtureRequest
) -> AsyncIterator[PythonPage]:
    async with open_python(browser, site_url, request.param, PRELUDE) as python:
        yield python


@pytest.fixture
def python(booted: PythonPage, problems: Problems) -> PythonPage:
    """Python in a page or worker, with a `host`; what it leaves unhandled fails the test."""
    problems.watch(booted.page)
    yield booted
    problems[:] = without_network(problems)


async def echo(request: Request) -> JSONResponse:
    body = await request.body()
    reply = JSONResponse(
        {"method": request.method, "body": body.hex(), "headers": dict(request.headers)}
    )
    reply.set_cookie("biscuit", "1")
    return reply


async def converse(peer: WebSocket) -> None:
    """Echoes frames; does what a text says that begins with an exclamation mark."""
    await peer.accept()
    while True:
        frame = await peer.receive()
        if frame["type"] == "websocket.disconnect":
            return
        text = frame.get("text")
        if text == "!close":
            await peer.close(1011)
            return
        if text == "!speak and close":
            await peer.send_text("last words")
            await peer.close()
            return
        if text == "!speak late":
            await asyncio.sleep(0.1)
            with contextlib.suppress(Exception):
                await peer.send_text("late")
        elif text is not None:
            await peer.send_text(text)
        else:
            await peer.send_bytes(frame["bytes"])


@pytest_asyncio.fixture(loop_scope="session")
async def api() -> AsyncIterator[str]:
    """``host:port`` of a server that works."""
    routes = [Route("/echo", echo, methods=["GET", "POST"]), WebSocketRoute("/", converse)]
    cors = Middleware(CORSMiddleware, allow_origins=["*"], allow_methods=["*"], allow_headers=["*"])
    async with serving(Starlette(routes=routes, middleware=[cors])) as place:
        yield place


async def test_it_is_chosen_here(python):
    assert await python.run("[host.name, type(host).__name__]") == ["browser", "BrowserHost"]


# fetch


async def test_fetch_reads_status_type_body_and_progress(python):
    body = bytes(range(256)) * 20_000
    head = "201 Created", body, "Application/Octet-Stream; x=y"
    async with raw_server(says(answer(*head, extra=CORS))) as place:
        status, kind, whole, steps = await python.run(
            """
            steps = []
            note = lambda *step: steps.append(step)
            status, kind, body = await fetch(url, on_progress=note)
            [status, kind, type(body) is bytes and body == bytes(range(256)) * 20_000, steps]
            """,
            url=f"http://{place}/",
        )
    assert (status, kind, whole) == (201, "application/octet-stream", True)
    assert steps[0] == [0, len(body)]
    assert steps[-1] == [len(body), len(body)]
    assert steps == sorted(steps)
    assert len(steps) > 2


async def test_fetch_without_declared_length(python):
    reply = f"HTTP/1.1 200 OK\r\n{CORS}Connection: close\r\n\r\nabc"
    async with raw_server(says(reply.encode())) as place:
        body, steps = await python.run(
            """
            steps = []
            note = lambda *step: steps.append(step)
            _, _, body = await fetch(url, on_progress=note)
            [body.decode(), steps]
            """,
            url=f"http://{place}/",
        )
    assert body == "abc"
    assert steps == [[0, None], [3, None], [3, 3]]


@pytest.mark.parametrize("size", [100_000, 1, 0], ids="{} bytes".format)
async def test_fetch_of_a_compressed_body_does_not_trust_the_length(python, size):
    """Packed, it is much shorter than plain, or longer; a page does not see Content-Encoding."""
    packed = gzip.compress(b"a" * size)
    reply = answer(body=packed, extra=f"{CORS}Content-Encoding: gzip\r\n")
    async with raw_server(says(reply)) as place:
        body = await python.run("(await fetch(url))[2].decode()", url=f"http://{place}/")
    assert body == "a" * size


async def test_fetch_without_a_body(python):
    async with raw_server(says(f"HTTP/1.1 204 No Content\r\n{CORS}\r\n".encode())) as place:
        status, size = await python.run(
            """
            status, _, body = await fetch(url)
            [status, len(body)]
            """,
            url=f"http://{place}/",
        )
    assert (status, size) == (204, 0)


async def test_post_of_a_text(python, api):
    seen = await python.run(
        """
        import json
        headers = {"content-type": "application/json"}
        json.loads((await fetch(url, "POST", headers=headers, body=text))[2])
        """,
        url=f"http://{api}/echo",
        text='{"a": "ü"}',
    )
    assert seen["method"] == "POST"
    assert seen["headers"]["content-type"] == "application/json"
    assert bytes.fromhex(seen["body"]).decode() == '{"a": "ü"}'


async def test_post_of_bytes(python, api):
    seen = await python.run(
        """
        import json
        headers = {"content-type": "application/octet-stream"}
        body = bytes(range(256)) * 4000
        json.loads((await fetch(url, "POST", headers=headers, body=body))[2])
        """,
        url=f"http://{api}/echo",
    )
    assert seen["headers"]["content-type"] == "application/octet-stream"
    assert bytes.fromhex(seen["body"]) == bytes(range(256)) * 4000


async def test_neither_cookies_nor_the_page_s_address_are_sent(python, api):
    seen = await python.run(
        """
        import json
        await fetch(url)
        json.loads((await fetch(url))[2])
        """,
        url=f"http://{api}/echo",
    )
    assert not {"cookie", "referer"} & set(seen["headers"])
    assert await python.page.context.cookies() == []


async def test_redirects_are_not_followed(python, api):
    asked = []

    async def redirect(head, writer):
        asked.append(head.partition(b"\r\n")[0])
        place = f"Location: http://{api}/echo\r\n"
        writer.write(answer("307 Temporary Redirect", extra=CORS + place))

    async with raw_server(redirect) as place:
        status = await python.run(
            "(await fetch(url, 'POST', body='secret'))[0]", url=f"http://{place}/"
        )
    assert status == 302, "a browser does not tell which kind of redirect it was"
    assert asked == [b"POST / HTTP/1.1"]


async def test_an_error_status_is_an_answer(python):
    async with raw_server(says(answer("404 Not Found", b"{}", extra=CORS))) as place:
        assert await python.run("(await fetch(url))[:2]", url=f"http://{place}/") == [
            404,
            "application/json",
        ]


async def test_a_server_that_allows_no_other_origin(python):
    async with raw_server(says(answer())) as place:
        with pytest.raises(GridUnreachableError, match="CORS") as caught:
            await python.run("await fetch(url)", url=f"http://{place}/x?key=hidden")
    assert f"http://{place}/x could be made" in str(caught.value)
    assert "hidden" not in str(caught.value)


async def test_nobody_listens(python):
    port = await unused_port()
    with pytest.raises(GridUnreachableError, match="Check the address"):
        await python.run("await fetch(url)", url=f"http://127.0.0.1:{port}/")


@pytest.mark.parametrize("url", ["http://ü..x/", "http://[::1]x/", "http://ho st/", "gopher://h/"])
async def test_addresses_that_are_none(python, url):
    with pytest.raises((GridAddressError, GridUnreachableError)):
        await python.run("await fetch(url)", url=url)


BEFORE_AN_ANSWER = {
    "at once": b"",
    "in the head": b"HTTP/1.1 200 OK\r\nContent-",
    "not HTTP": b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
}


@pytest.mark.parametrize("said", BEFORE_AN_ANSWER.values(), ids=list(BEFORE_AN_ANSWER))
async def test_closed_before_an_answer(python, said):
    async with raw_server(says(said)) as place:
        with pytest.raises(GridUnreachableError):
            await python.run("await fetch(url)", url=f"http://{place}/")


async def test_tls_against_a_plain_server(python):
    async with raw_server(says(answer()), whole_head=False) as place:
        with pytest.raises(GridUnreachableError):
            await python.run("await fetch(url)", url=f"https://{place}/")


async def test_closed_mid_body(python):
    reply = answer(body=b"x" * 10, length=1000, extra=CORS)
    async with raw_server(says(reply)) as place:
        with pytest.raises(GridClosedError, match="in the middle") as caught:
            await python.run("await fetch(url)", url=f"http://{place}/model?key=hidden")
    assert "hidden" not in str(caught.value)


# Time limits, phase by phase: in each of these tests only one limit is short.


async def test_silence_before_the_head(python):
    """A browser does not tell when it is connected: both limits together count."""
    async with raw_server(says(hold=30)) as place:
        with pytest.raises(GridTimeoutError, match=r"did not answer within 0\.4 s"):
            await python.run(
                "await fetch(url, timeouts=Timeouts(connect=0.1, idle=0.3))", url=f"http://{place}/"
            )


async def test_silence_in_the_body(python):
    async with raw_server(says(answer(body=b"abc", length=9, extra=CORS), hold=30)) as place:
        with pytest.raises(GridTimeoutError, match=r"no further piece .* within 0\.3 s"):
            await python.run(
                "await fetch(url, timeouts=Timeouts(connect=20, idle=0.3))", url=f"http://{place}/"
            )


async def test_dripping_server_meets_the_total_limit(python):
    drip = says(answer(length=1000, extra=CORS), *[b"x"] * 600, pause=0.05)
    async with raw_server(drip) as place:
        with pytest.raises(GridTimeoutError, match=r"did not finish its answer within 0\.5 s"):
            await python.run(
                "await fetch(url, timeouts=Timeouts(20, 20, 0.5))", url=f"http://{place}/"
            )


async def test_slow_but_steady_server_is_fine_without_total_limit(python):
    drip = says(answer(length=8, extra=CORS), *[b"x"] * 8, pause=0.2)
    async with raw_server(drip) as place:
        body = await python.run(
            "(await fetch(url, timeouts=Timeouts(20, 1.2)))[2].decode()", url=f"http://{place}/"
        )
    assert body == "x" * 8


# Ending an exchange from here: the server has to notice.


BODY = answer(length=10**9, extra=CORS)
HANDSHAKE = b"HTTP/1.1 101 Switching Protocols\r\nX: "


@contextlib.asynccontextmanager
async def endless(head: bytes) -> AsyncIterator[tuple[str, asyncio.Event]]:
    """A server that sends until the other side goes; its ``host:port``, and an event for that."""
    left = asyncio.Event()

    async def talk(_head: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(head)
        try:
            while True:
                writer.write(b"x" * 100)
                await writer.drain()
                await asyncio.sleep(0.02)
        except ConnectionError:
            left.set()
            raise

    async with raw_server(talk) as place:
        yield place, left


async def is_set(event: asyncio.Event) -> bool:
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(event.wait(), 20)
    return event.is_set()


async def test_leaving_an_exchange_early_ends_it(python):
    async with endless(BODY) as (place, left):
        await python.run(
            """
            async with host.exchange("GET", url) as exchange:
                async for piece in exchange.chunks():
                    break
            """,
            url=f"http://{place}/",
        )
        assert await is_set(left)


async def test_cancelling_a_fetch_ends_it(python):
    async with endless(BODY) as (place, left):
        cancelled = await python.run(
            """
            begun = asyncio.Event()
            note = lambda received, _: received and begun.set()
            task = asyncio.ensure_future(fetch(url, on_progress=note))
            await begun.wait()
            task.cancel()
            await asyncio.wait([task])
            task.cancelled()
            """,
            url=f"http://{place}/",
        )
        assert cancelled
        assert await is_set(left)


async def test_a_time_out_ends_it(python):
    async with endless(BODY) as (place, left):
        with pytest.raises(GridTimeoutError):
            await python.run(
                "await fetch(url, timeouts=Timeouts(20, 20, 0.3))", url=f"http://{place}/"
            )
        assert await is_set(left)


# WebSocket

SENT = {
    "text": "'hé'",
    "empty text": "''",
    "bytes": "b'\\x00\\x01'",
    "empty bytes": "b''",
    "large text": "'x' * 5_000_000",
    "large bytes": "bytes(range(256)) * 20_000",
}


@pytest.mark.parametrize("frame", SENT.values(), ids=list(SENT))
async def test_websocket_carries(python, api, frame):
    assert await python.run(
        f"""
        frame = {frame}
        socket = await host.connect(url)
        await socket.send(frame)
        back = await socket.receive()
        await socket.close()
        type(back) is type(frame) and back == frame
        """,
        url=f"ws://{api}/",
    )


@pytest.mark.parametrize(("known", "picked"), [("b", "b"), ("", "")])
async def test_websocket_subprotocols(python, known, picked):
    offers = []

    async def accept(peer: WebSocket) -> None:
        offers.append(peer.scope["subprotocols"])
        await peer.accept(next((each for each in offers[-1] if each == known), None))
        await peer.receive()

    async with serving(Starlette(routes=[WebSocketRoute("/", accept)])) as place:
        found = await python.run(
            """
            here, found = type(host)(), []
            for _ in range(2):
                socket = await here.connect(url, protocols=("a", "b"))
                found.append(socket.protocol)
                await socket.close()
            found
            """,
            url=f"ws://{place}/",
        )
    assert found == [picked, picked]
    # Where none is picked, a browser gives up, and is told not to offer any again.
    assert offers == ([["a", "b"]] * 2 if known else [["a", "b"], [], []])


async def test_websocket_closed_by_the_server(python, api):
    waiting, receiving, sending = await python.run(
        """
        socket = await host.connect(url)
        waiting = asyncio.ensure_future(socket.receive())
        await socket.send("!close")
        words = [await ending(waiting), await ending(socket.receive())]
        words.append(await ending(socket.send("x")))
        await socket.close()
        words
        """,
        url=f"ws://{api}/",
    )
    assert "closed the WebSocket (close code 1011)" in waiting
    assert receiving == sending == waiting


async def test_websocket_says_what_came_before_its_end(python, api):
    words, end = await python.run(
        """
        socket = await host.connect(url)
        await socket.send("!speak and close")
        await host.sleep(0.3)
        [await socket.receive(), await ending(socket.receive())]
        """,
        url=f"ws://{api}/",
    )
    assert words == "last words"
    assert "close code 1000" in end


async def test_websocket_closed_here(python, api):
    waiting, receiving, sending = await python.run(
        """
        socket = await host.connect(url)
        waiting = asyncio.ensure_future(socket.receive())
        await host.sleep(0)
        await socket.close()
        await socket.close()
        words = [await ending(waiting), await ending(socket.receive())]
        words + [await ending(socket.send("x"))]
        """,
        url=f"ws://{api}/",
    )
    assert "was closed here" in waiting
    assert receiving == sending == waiting


async def test_websocket_hears_nothing_once_it_is_closed(python, api):
    """A frame that is on its way then must not find a handler that is gone."""
    await python.run(
        """
        socket = await host.connect(url)
        await socket.send("!speak late")
        await socket.close()
        await host.sleep(0.3)
        """,
        url=f"ws://{api}/",
    )


async def test_websocket_where_nobody_listens(python):
    port = await unused_port()
    with pytest.raises(GridUnreachableError, match="Check the address"):
        await python.run("await host.connect(url)", url=f"ws://127.0.0.1:{port}/")


async def test_websocket_handshake_never_answered(python):
    async with endless(HANDSHAKE) as (place, left):
        with pytest.raises(GridTimeoutError, match=r"handshake within 0\.3 s"):
            await python.run(
                "await host.connect(url, timeouts=Timeouts(connect=0.3))", url=f"ws://{place}/"
            )
        assert await is_set(left)


async def test_websocket_cancelled_in_the_handshake(python):
    async with endless(HANDSHAKE) as (place, left):
        assert await python.run(
            """
            task = asyncio.ensure_future(host.connect(url))
            await host.sleep(0.3)
            task.cancel()
            await asyncio.wait([task])
            task.cancelled()
            """,
            url=f"ws://{place}/",
        )
        assert await is_set(left)


AT_A_HANDSHAKE = {
    "hangs up": b"",
    "hangs up in the head": b"HTTP/1.1 101 Switching",
    "a web server": answer("404 Not Found", b"<html>", "text/html"),
    "no WebSocket": b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
    "not HTTP": b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
}


@pytest.mark.parametrize("said", AT_A_HANDSHAKE.values(), ids=list(AT_A_HANDSHAKE))
async def test_websocket_handshake_answered_with(python, said):
    """A browser does not tell why there is no connection; CPython knows more."""
    async with raw_server(says(said)) as place:
        with pytest.raises(GridUnreachableError) as caught:
            await python.run("await host.connect(url)", url=f"ws://{place}/?key=hidden")
    assert "hidden" not in str(caught.value)


@pytest.mark.parametrize("url", ["ws://ho st/", "ws://[::1]x/", "gopher://h/"])
async def test_websocket_addresses_that_are_none(python, url):
    with pytest.raises(GridUnreachableError):
        await python.run("await host.connect(url)", url=url)


async def test_websocket_address_whose_error_pyodide_loses(python):
    """That happens by itself, but rarely; here it is made to happen."""
    with pytest.raises(GridUnreachableError, match="does not allow a WebSocket"):
        await python.run(
            """
            from types import SimpleNamespace
            from syft_web.host import browser

            def lose(_url, _protocols):
                raise SystemError("error return without exception set")

            real, browser.js = browser.js, SimpleNamespace(WebSocket=SimpleNamespace(new=lose))
            try:
                await host.connect("ws://[::1]x/")
            finally:
                browser.js = real
            """
        )


# Clock and randomness


@pytest.mark.parametrize("n", [0, 7, 65536, 200_000])
async def test_random_bytes(python, n):
    """``crypto.getRandomValues`` gives 65 536 at once and no more."""
    size, distinct, kinds = await python.run(
        """
        one, other = host.random_bytes(n), host.random_bytes(n)
        [len(one), one != other, len(set(one[-1000:]))]
        """,
        n=n,
    )
    assert size == n
    assert distinct == (n > 0)
    assert kinds > 200 or n < 1000


async def test_clocks(python):
    slept, apart = await python.run(
        """
        before = host.monotonic()
        await host.sleep(0.05)
        [host.monotonic() - before, host.now() - time.time()]
        """
    )
    assert 0.04 < slept < 10
    assert abs(apart) < 1
    assert await python.run("host.now()") == pytest.approx(time.time(), abs=30)
