"""What every host shares: reading a body, time limits, showing addresses."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

import pytest

from syft_web import host as rooms
from syft_web.errors import GridAnswerError, GridClosedError, GridTimeoutError
from syft_web.host.base import BaseHost, Response, Timeouts, place, within
from syft_web.host.native import NativeHost


class CannedHost(BaseHost):
    """Answers every exchange with the same head and pieces."""

    sees_encoding = True

    def __init__(self, headers, *pieces, pause=0.0):
        self.headers = headers
        self.pieces = pieces
        self.pause = pause
        self.status = 200

    @asynccontextmanager
    async def exchange(self, method, url, *, headers=None, body=None, timeouts=None):
        yield self

    async def chunks(self):
        for piece in self.pieces:
            await asyncio.sleep(self.pause)
            yield piece


async def fetch(host, **options):
    return await host.fetch("GET", "http://grid/get?key=secret", **options)


async def test_a_short_body_is_a_closed_connection():
    with pytest.raises(GridClosedError, match="after 2 of 5 bytes") as caught:
        await fetch(CannedHost({"content-length": "5"}, b"ab"))
    assert "secret" not in str(caught.value)


async def test_a_compressed_body_may_be_shorter_than_declared():
    headers = {"content-length": "5", "content-encoding": "br"}
    assert (await fetch(CannedHost(headers, b"ab"))).body == b"ab"


class BlindHost(CannedHost):
    sees_encoding = False


async def test_where_the_encoding_is_hidden_a_body_may_be_a_little_shorter():
    for size, packed in [(0, 20), (1, 21), (200_000, 200_083)]:
        host = BlindHost({"content-length": str(packed)}, b"x" * size)
        assert len((await fetch(host)).body) == size


async def test_where_the_encoding_is_hidden_a_body_is_not_much_shorter():
    with pytest.raises(GridClosedError, match="after 190,000 of 200,000 bytes"):
        await fetch(BlindHost({"content-length": "200000"}, b"x" * 190_000))


@pytest.mark.parametrize("length", ["", " ", None])
async def test_no_length(length):
    headers = {} if length is None else {"content-length": length}
    assert (await fetch(CannedHost(headers, b"a", b"b"))).body == b"ab"


@pytest.mark.parametrize("length", ["many", "-1", "1,2", "²"])
async def test_a_length_that_is_no_number(length):
    with pytest.raises(GridAnswerError, match="Content-Length"):
        await fetch(CannedHost({"content-length": length}))


async def test_total_limit():
    with pytest.raises(GridTimeoutError, match=r"http://grid/get did not finish .* within 0\.05 s"):
        await fetch(CannedHost({}, *[b"x"] * 50, pause=0.02), timeouts=Timeouts(total=0.05))


async def test_within_does_not_swallow_a_cancellation():
    task = asyncio.ensure_future(within(10, asyncio.sleep(10), "x"))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


def test_a_base_host_has_no_exchange():
    with pytest.raises(TypeError, match="exchange"):
        BaseHost()


def test_place_hides_what_may_be_secret():
    assert place("https://me:word@host:1/a/b?request_key=1#x") == "https://host:1/a/b"


def test_content_type():
    assert Response(200, {"content-type": "Text/HTML; charset=x"}).content_type == "text/html"
    assert Response(200).content_type == ""


def test_current_is_native_here_and_new_each_time():
    first, second = rooms.current(), rooms.current()
    assert isinstance(first, NativeHost)
    assert first is not second
