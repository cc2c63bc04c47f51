"""Downloads that break off, against servers that can and cannot send the rest."""

from __future__ import annotations

import gzip

import numpy as np
import pytest

from syft_web.errors import GridClosedError, GridError
from syft_web.host.base import Timeouts
from syft_web.host.download import Download
from syft_web.host.native import NativeHost
from tests.unit.host.raw import answer, raw_server

BODY = np.random.default_rng(0).bytes(50_000)
TAG = 'ETag: "one"\r\n'
FIRST = answer(body=BODY[:20_000], length=len(BODY), extra=TAG)


def rest(start=20_000, stop=50_000, total=50_000, tag='"one"', body=None, extra=""):
    part = BODY[start:stop] if body is None else body
    extra += f"Content-Range: bytes {start}-{stop - 1}/{total}\r\nETag: {tag}\r\n"
    return answer("206 Partial Content", part, extra=extra)


async def run(replies, tries, progress=None):
    """The last attempt's answer, and the heads of all requests."""
    heads = []

    async def conversation(head, writer):
        heads.append(head.decode().lower())
        writer.write(replies[len(heads) - 1])
        await writer.drain()

    async with raw_server(conversation) as place:
        host = NativeHost()
        download = Download(
            host,
            f"http://{place}/m?key=secret",
            timeouts=Timeouts(idle=20),
            on_progress=None if progress is None else lambda *step: progress.append(step),
        )
        try:
            for _ in range(tries - 1):
                with pytest.raises(GridClosedError):
                    await download.attempt()
            return await download.attempt(), heads, download
        finally:
            await host.close()


async def test_the_rest_is_asked_for():
    progress = []
    got, heads, _ = await run([FIRST, rest(stop=50_000)], 2, progress)
    assert (got.status, got.body) == (200, BODY)
    assert "range:" not in heads[0]
    assert "\r\nrange: bytes=20000-\r\n" in heads[1]
    assert '\r\nif-range: "one"\r\n' in heads[1]
    assert "\r\naccept-encoding: identity\r\n" in heads[1]
    assert progress[0] == (0, 50_000)
    assert progress[-1] == (50_000, 50_000)
    assert [received for received, _ in progress] == sorted(received for received, _ in progress)


async def test_it_breaks_again_and_again():
    replies = [
        FIRST,
        rest()[:-29_000],  # 1000 bytes more
        answer("502 Bad Gateway", b"<html>busy", "text/html"),
        rest(21_000)[:-20_000],
        rest(30_000),
    ]
    heads = []

    async def conversation(head, writer):
        heads.append(head.decode().lower())
        writer.write(replies[len(heads) - 1])
        await writer.drain()

    async with raw_server(conversation) as place:
        host = NativeHost()
        download = Download(host, f"http://{place}/m")
        kept = []
        for reply in replies[:-1]:
            if b"502" in reply:
                assert (await download.attempt()).status == 502
            else:
                with pytest.raises(GridClosedError, match=r"of 50,000 bytes|in the middle"):
                    await download.attempt()
            kept.append(download.kept)
        got = await download.attempt()
        await host.close()
    assert kept == [20_000, 21_000, 21_000, 30_000]
    assert got.body == BODY
    assert [head.partition("range: bytes=")[2].partition("\r")[0] for head in heads] == [
        "",
        "20000-",
        "21000-",
        "21000-",
        "30000-",
    ]


NEW = b"new" * 1000
WHOLE = answer(body=NEW, extra='ETag: "two"\r\n')


@pytest.mark.parametrize(
    "replies",
    [
        [FIRST, WHOLE],  # has changed, or the server knows no parts
        [FIRST, answer(body=NEW)],
        [
            FIRST,
            answer("416 Range Not Satisfiable", extra="Content-Range: bytes */3000\r\n"),
            WHOLE,
        ],
        [FIRST, rest(tag='"two"'), WHOLE],
        [FIRST, rest(start=19_999), WHOLE],
        [FIRST, rest(stop=40_000), WHOLE],
        [FIRST, rest(extra="Content-Encoding: gzip\r\n", body=gzip.compress(b"")), WHOLE],
        [FIRST, answer("206 Partial Content", BODY[20_000:], extra=TAG), WHOLE],
    ],
)
async def test_it_begins_anew_where_it_must(replies):
    got, heads, download = await run(replies, 2)
    assert (got.status, got.body) == (200, NEW)
    assert len(heads) == len(replies)
    assert "range: " in heads[1]
    assert "range: " not in "".join(heads[2:])
    assert download.kept in (0, len(NEW))


@pytest.mark.parametrize("extra", ["", 'ETag: W/"one"\r\n', "ETag: one\r\n"])
async def test_without_a_strong_tag_nothing_is_continued(extra):
    replies = [answer(body=BODY[:20_000], length=len(BODY), extra=extra), answer(body=BODY)]
    got, heads, _ = await run(replies, 2)
    assert got.body == BODY
    assert "range: " not in heads[1]


async def test_what_came_compressed_is_not_continued():
    packed = gzip.compress(BODY)
    first = answer(body=packed, extra=TAG + "Content-Encoding: gzip\r\n")[:-30_000]
    got, heads, _ = await run([first, answer(body=BODY)], 2)
    assert got.body == BODY
    assert "range: " not in heads[1]


async def test_refusals_come_through():
    refusal = answer("400 Bad Request", b'{"error": "Cycle not found!"}')
    got, _, download = await run([FIRST, refusal], 2)
    assert (got.status, got.body) == (400, b'{"error": "Cycle not found!"}')
    assert download.kept == 20_000


async def test_a_part_that_is_too_long_is_not_believed():
    long = rest(body=BODY[20_000:] + b"more")
    with pytest.raises(GridError):
        await run([FIRST, long, WHOLE], 2)


async def test_messages_do_not_tell_the_key():
    with pytest.raises(GridClosedError) as caught:
        await run([FIRST, rest()[:-1]], 2)
    assert "secret" not in str(caught.value)
