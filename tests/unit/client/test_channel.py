"""Replies find their requests: over sockets in memory, where every order can be made."""

from __future__ import annotations

import asyncio
import base64

import pytest

from syft_web.client.answers import Frame
from syft_web.client.channel import Channel, Pending, match
from syft_web.errors import (
    EncodeError,
    GridAnswerError,
    GridClosedError,
    GridTimeoutError,
    GridUnreachableError,
)
from syft_web.host.base import Timeouts
from syft_web.wire.frames import MSGPACK
from tests.unit.client.fake_host import FakeHost


@pytest.fixture
def host():
    return FakeHost()


@pytest.fixture
async def channel(host):
    channel = Channel(host, "ws://grid/", Timeouts())
    yield channel
    await channel.close()


def ask(channel, kind, seconds=5.0, **options):
    return asyncio.ensure_future(channel.request(kind, {"k": kind}, seconds=seconds, **options))


async def sent(host, count, socket=-1):
    for _ in range(50):
        await asyncio.sleep(0)
        if len(host.sockets) > max(socket, 0) and len(host.sockets[socket].sent) >= count:
            return host.sockets[socket].sent
    raise AssertionError("not sent")


async def test_a_request_and_its_reply(host, channel):
    task = ask(channel, "a")
    (frame,) = await sent(host, 1)
    assert list(frame) == ["request_id", "type", "data"]
    assert (frame["type"], frame["data"]) == ("a", {"k": "a"})
    assert len(base64.b64decode(frame["request_id"], validate=True)) == 32
    host.sockets[0].answer(type="a", data={"x": 1}, request_id=frame["request_id"])
    assert await task == {"type": "a", "data": {"x": 1}, "request_id": frame["request_id"]}


async def test_bytes_are_text_where_frames_are_json(host, channel):
    for kind, text in (("model-centric/report", "AP8="), ("model-centric/host-training", "00ff")):
        task = asyncio.ensure_future(channel.request(kind, {"diff": b"\0\xff"}, seconds=5))
        frames = await sent(host, 1)
        assert frames.pop()["data"] == {"diff": text}
        host.sockets[0].answer(type=kind, data={})
        await task


async def test_binary_frames_where_the_grid_picks_them(host, channel):
    host.picks = (MSGPACK,)
    task = asyncio.ensure_future(channel.request("a", {"diff": b"\0\xff"}, seconds=5))
    (frame,) = await sent(host, 1)
    assert (frame["type"], frame["data"]) == ("a", {"diff": b"\0\xff"})
    host.sockets[0].answer(type="a", data={"x": 1}, request_id=frame["request_id"])
    assert (await task)["data"] == {"x": 1}


@pytest.mark.parametrize("frame", [b"\xc1", b"\x90", b"\x81\xa1a\xd4\x05x"])
async def test_binary_frames_that_are_no_answer(host, channel, frame):
    host.picks = (MSGPACK,)
    task = ask(channel, "a")
    await sent(host, 1)
    host.sockets[0].incoming.put_nowait(frame)
    with pytest.raises(GridAnswerError, match=r"no answer|no object"):
        await task


async def test_what_cannot_be_sent_hangs_nobody(host, channel):
    for picks in ((), (MSGPACK,)):
        host.picks = picks
        with pytest.raises(EncodeError):
            await channel.request("a", {"x": object()}, seconds=5)
        await channel.close()


async def test_one_socket_for_all_also_when_asked_at_once(host, channel):
    tasks = [ask(channel, kind) for kind in "abc"]
    frames = await sent(host, 3)
    assert len(host.sockets) == 1
    assert len({frame["request_id"] for frame in frames}) == 3
    for frame in reversed(frames):
        host.sockets[0].answer(type="a", data=frame["data"], request_id=frame["request_id"])
    replies = await asyncio.gather(*tasks)
    assert [reply["data"]["k"] for reply in replies] == ["a", "b", "c"]


async def test_without_echo_the_type_decides_then_the_order(host, channel):
    tasks = [ask(channel, kind) for kind in ("a", "b", "a")]
    await sent(host, 3)
    host.sockets[0].answer(type="b", data={"n": "b"})
    host.sockets[0].answer(type="a", data={"n": "first"}, request_id=None)
    host.sockets[0].answer(type="a", data={"n": "second"})
    replies = await asyncio.gather(*tasks)
    assert [reply["data"]["n"] for reply in replies] == ["first", "b", "second"]


async def test_a_dispatcher_failure_goes_to_the_first(host, channel):
    first, second = ask(channel, "a"), ask(channel, "b")
    await sent(host, 2)
    host.sockets[0].answer(error="'data'")
    assert await first == {"error": "'data'"}
    host.sockets[0].answer(type="b", data={})
    await second


async def test_a_dispatcher_failure_with_id_goes_to_its_request(host, channel):
    first, second = ask(channel, "a"), ask(channel, "b")
    frames = await sent(host, 2)
    host.sockets[0].answer(error="'b'", request_id=frames[1]["request_id"])
    assert (await second)["error"] == "'b'"
    assert not first.done()
    first.cancel()


async def test_frames_that_answer_nothing_are_dropped(host, channel):
    task = ask(channel, "a")
    (frame,) = await sent(host, 1)
    host.sockets[0].answer(type="a", data={}, request_id="unknown")
    host.sockets[0].answer(type="other", data={})
    await asyncio.sleep(0.01)
    assert not task.done()
    host.sockets[0].answer(type="a", data={"ok": 1}, request_id=frame["request_id"])
    assert (await task)["data"] == {"ok": 1}


@pytest.mark.parametrize("text", ["<html>", "", b"\x00", "[]", "5", "{"])
async def test_a_frame_that_is_no_message(host, channel, text):
    task = ask(channel, "a")
    await sent(host, 1)
    host.sockets[0].incoming.put_nowait(text)
    with pytest.raises(GridAnswerError):
        await task
    # The socket is not trusted any more: the next request opens another.
    again = ask(channel, "a")
    await sent(host, 1, socket=1)
    host.sockets[1].answer(type="a", data={})
    await again


async def test_an_unasked_frame_that_is_no_message(host, channel, caplog):
    task = ask(channel, "a")
    await sent(host, 1)
    host.sockets[0].answer(type="a", data={})
    await task
    host.sockets[0].incoming.put_nowait("garbage")
    await asyncio.sleep(0.01)
    assert "Dropped" in caplog.text


async def test_no_answer(host, channel):
    with pytest.raises(GridTimeoutError, match=r"within 0\.0[56]"):
        await ask(channel, "a", seconds=0.05)


async def test_after_a_timeout_the_next_request_gets_a_new_socket(host, channel):
    with pytest.raises(GridTimeoutError):
        await ask(channel, "a", seconds=0.02)
    await asyncio.sleep(0.01)
    assert host.sockets[0].closed
    task = ask(channel, "a")
    await sent(host, 1, socket=1)
    host.sockets[1].answer(type="a", data={"n": 2})
    assert (await task)["data"] == {"n": 2}


async def test_a_timeout_does_not_take_others_down_and_late_replies_do_not_confuse(host, channel):
    early = ask(channel, "a", seconds=0.02)
    patient = ask(channel, "a", seconds=5)
    await sent(host, 2)
    with pytest.raises(GridTimeoutError):
        await early
    assert not host.sockets[0].closed
    # The server does not echo ids: the first reply is the late one of the first request.
    host.sockets[0].answer(type="a", data={"n": "late"})
    host.sockets[0].answer(type="a", data={"n": "mine"})
    assert (await patient)["data"] == {"n": "mine"}
    await asyncio.sleep(0.01)
    assert host.sockets[0].closed


async def test_a_cancelled_request_leaves_the_socket_in_order(host, channel):
    gone, kept = ask(channel, "a"), ask(channel, "a")
    await sent(host, 2)
    gone.cancel()
    await asyncio.sleep(0)
    host.sockets[0].answer(type="a", data={"n": 1})
    host.sockets[0].answer(type="a", data={"n": 2})
    assert (await kept)["data"] == {"n": 2}


async def test_a_lost_connection_fails_every_waiting_request(host, channel):
    tasks = [ask(channel, "a"), ask(channel, "b")]
    await sent(host, 2)
    host.sockets[0].break_off()
    errors = await asyncio.gather(*tasks, return_exceptions=True)
    assert all(isinstance(error, GridClosedError) for error in errors)
    assert errors[0] is not errors[1]


async def test_reopened_at_next_use(host, channel):
    task = ask(channel, "a")
    await sent(host, 1)
    host.sockets[0].answer(type="a", data={})
    await task
    host.sockets[0].break_off()
    await asyncio.sleep(0.01)
    task = ask(channel, "b")
    await sent(host, 1, socket=1)
    host.sockets[1].answer(type="b", data={"n": 2})
    assert (await task)["data"] == {"n": 2}


@pytest.mark.parametrize("repeatable", [True, False])
async def test_an_idle_connection_that_dies_under_a_request(host, channel, repeatable):
    task = ask(channel, "a")
    await sent(host, 1)
    host.sockets[0].answer(type="a", data={})
    await task
    task = ask(channel, "b", repeatable=repeatable)
    await sent(host, 2)
    host.sockets[0].break_off()
    if not repeatable:
        with pytest.raises(GridClosedError):
            await task
        return
    await sent(host, 1, socket=1)
    host.sockets[1].answer(type="b", data={"n": 2})
    assert (await task)["data"] == {"n": 2}


async def test_a_fresh_connection_that_dies_is_not_tried_again(host, channel):
    task = ask(channel, "a", repeatable=True)
    await sent(host, 1)
    host.sockets[0].break_off()
    with pytest.raises(GridClosedError):
        await task
    assert len(host.sockets) == 1


async def test_a_grid_that_cannot_be_reached(host, channel):
    host.connect_error = GridUnreachableError("nobody there")
    with pytest.raises(GridUnreachableError):
        await ask(channel, "a")
    host.connect_error = None
    task = ask(channel, "a")
    await sent(host, 1)
    host.sockets[0].answer(type="a", data={})
    await task


async def test_close_ends_what_waits_and_may_be_repeated(host, channel):
    task = ask(channel, "a")
    await sent(host, 1)
    await channel.close()
    with pytest.raises(GridClosedError):
        await task
    await channel.close()
    assert host.sockets[0].closed


async def test_a_fault_of_the_reader_hangs_nobody(host, channel):
    task = ask(channel, "a")
    await sent(host, 1)
    host.sockets[0].incoming.put_nowait(ZeroDivisionError())
    with pytest.raises(GridClosedError):
        await task


async def test_large_requests_get_more_time(host, channel):
    task = asyncio.ensure_future(channel.request("a", {"x": "y" * 65536}, seconds=0.02))
    await sent(host, 1)
    await asyncio.sleep(0.1)
    assert not task.done()
    host.sockets[0].answer(type="a", data={})
    await task


async def test_match_alone():
    loop = asyncio.get_running_loop()
    a, b = (Pending(kind, kind, loop.create_future()) for kind in "ab")
    assert match([a, b], Frame("b", "a", {})) is b
    assert match([a, b], Frame("?", "a", {})) is None
    assert match([a, b], Frame(7, "a", {})) is None
    assert match([a, b], Frame(None, "b", {})) is b
    assert match([a, b], Frame(None, "c", {})) is None
    assert match([a, b], Frame(None, None, {})) is a
    assert match([], Frame(None, None, {})) is None
