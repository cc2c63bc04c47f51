"""The speed test: its numbers with a clock under control, its behaviour over a real socket."""

from __future__ import annotations

import asyncio
import json
import math
from urllib.parse import parse_qs, urlsplit

import pytest
from starlette.responses import JSONResponse, PlainTextResponse, StreamingResponse
from starlette.responses import Response as Answer

from syft_web.client.address import GridAddress
from syft_web.client.speed_test import RunningAverage, SpeedLimits, measure
from syft_web.client.steps import Speed
from syft_web.errors import (
    GridClosedError,
    GridRefusedError,
    GridTimeoutError,
    GridUnreachableError,
)
from syft_web.host.base import Response
from syft_web.host.native import NativeHost
from tests.unit.client.fake_host import CannedExchange, FakeHost
from tests.unit.client.local_grid import Silence, local_grid
from tests.unit.host.raw import unused_port

GRID = GridAddress.parse("http://grid/prefix")
OK = Response(200, {"content-type": "application/json"}, b"{}")


class TimedDownload(CannedExchange):
    """Pieces that come at times."""

    def __init__(self, host, pieces, seconds):
        super().__init__(Response(200))
        self.host, self.pieces, self.seconds = host, pieces, seconds

    async def chunks(self):
        for piece in self.pieces:
            self.host.time += self.seconds
            yield piece


def simulated(ping=0.02, megabit=8.0, size=2**20, post_megabit=4.0, latency=True):
    """A host whose grid has a given round trip and speed."""
    host = FakeHost()

    def respond(method, url, body, timeouts):
        if "is_ping" in url:
            host.time += ping
            return OK
        if method == "POST":
            took = (ping if latency else 0) + 8e-6 * len(body) / post_megabit
            if took > timeouts.total:
                host.time += timeouts.total
                return GridTimeoutError("too slow")
            host.time += took
            return OK
        pieces = [bytes(65536)] * (size // 65536)
        return TimedDownload(host, pieces, 8e-6 * 65536 / megabit)

    host.respond = respond
    return host


async def test_numbers_are_ms_and_megabits_a_second():
    speed = await measure(simulated(), GRID, "w")
    assert speed.ping == pytest.approx(20)
    assert speed.download == pytest.approx(8, rel=0.01)
    assert speed.upload == pytest.approx(4, rel=0.01)


async def test_what_is_asked():
    host = simulated()
    await measure(host, GRID, "a b")
    methods = [method for method, _, _ in host.requests]
    assert methods[0] == "GET"
    assert {"GET", "POST"} == set(methods)
    randoms = set()
    for method, url, body in host.requests:
        parts = urlsplit(url)
        assert parts.path == "/prefix/model-centric/speed-test"
        query = parse_qs(parts.query)
        assert query["worker_id"] == ["a b"]
        assert 0 <= float(query["random"][0]) < 1
        randoms.add(query["random"][0])
        assert (method == "POST") == (body is not None)
    assert len(randoms) == len(host.requests)
    # Pings come first.
    kinds = ["is_ping" in url for _, url, _ in host.requests]
    assert kinds == sorted(kinds, reverse=True)


async def test_zero_round_trip_settles():
    host = simulated(ping=0.0)
    speed = await measure(host, GRID, "w")
    assert speed.ping == 0
    assert sum("is_ping" in url for _, url, _ in host.requests) < 10


async def test_everything_instant_gives_finite_numbers():
    host = FakeHost()
    host.respond = lambda *_: OK
    speed = await measure(host, GRID, "w")
    assert all(math.isfinite(value) for value in (speed.ping, speed.download, speed.upload))
    json.dumps([speed.download, speed.upload], allow_nan=False)


async def test_a_small_sample_is_enough():
    host = simulated(size=65536)
    speed = await measure(host, GRID, "w")
    assert speed.download == pytest.approx(8, rel=0.01)


async def test_an_empty_sample():
    host = FakeHost()
    host.respond = lambda *_: Response(200)
    host_json = Response(200, {}, b"{}")
    host.respond = lambda method, url, body, _: (
        host_json if "is_ping" in url or method == "POST" else Response(200)
    )
    assert (await measure(host, GRID, "w")).download == 0


async def test_download_is_left_off_when_settled():
    host = simulated(megabit=100, size=64 * 2**20)
    before = host.time
    speed = await measure(host, GRID, "w")
    assert speed.download == pytest.approx(100, rel=0.01)
    assert host.time - before < 5


async def test_uploads_grow_and_stay_within_the_limits():
    host = simulated(post_megabit=1000)
    limits = SpeedLimits(max_bytes=4 * 2**20, largest_post=2**20)
    await measure(host, GRID, "w", limits)
    sizes = [len(body) for method, _, body in host.requests if method == "POST"]
    assert sizes[:3] == [2**16, 2**18, 2**20]
    assert max(sizes) == 2**20
    assert sum(sizes) <= 4 * 2**20


async def test_slow_uploads_are_not_made_larger():
    host = simulated(post_megabit=0.5)
    speed = await measure(host, GRID, "w")
    sizes = {len(body) for method, _, body in host.requests if method == "POST"}
    assert sizes == {2**16}
    assert speed.upload == pytest.approx(0.5, rel=0.05)


async def test_an_upload_too_slow_to_finish_counts_as_nothing():
    host = simulated(post_megabit=0.01)
    speed = await measure(host, GRID, "w")
    assert speed.upload == 0


async def test_slow_pings_end_by_time():
    host = simulated(ping=3.0)
    speed = await measure(host, GRID, "w")
    assert speed.ping == pytest.approx(3000)
    assert sum("is_ping" in url for _, url, _ in host.requests) <= 5


async def test_a_round_trip_that_stalls_ends_the_pings():
    host = simulated()
    respond, count = host.respond, iter(range(100))

    def stalling(method, url, body, limits):
        if "is_ping" in url and next(count) == 2:
            host.time += limits.total
            return GridTimeoutError("stalled")
        return respond(method, url, body, limits)

    host.respond = stalling
    speed = await measure(host, GRID, "w")
    assert speed.ping == pytest.approx(20)


async def test_running_average_is_the_original_s():
    average = RunningAverage()
    for sample in (10, 20, 30, 40, 50, 60, 70):
        average.add(sample)
    expected = 0.0
    for count, sample in enumerate((10, 20, 30, 40, 50, 60, 70)):
        weight = min(count, 5)
        expected = (expected * weight + sample) / (weight + 1)
    assert average.value == pytest.approx(expected)


async def test_running_average_settles_at_the_sixth_equal_sample():
    average = RunningAverage()
    settled = []
    for _ in range(6):
        average.add(5)
        settled.append(average.settled)
    assert settled == [False] * 5 + [True]


async def test_a_jump_starts_the_count_anew():
    average = RunningAverage()
    for sample in (5, 5, 5, 5, 50, 5, 5):
        average.add(sample)
    assert not average.settled


# Over real sockets


@pytest.fixture
async def host():
    host = NativeHost()
    yield host
    await host.close()


@pytest.fixture
async def grid():
    async with local_grid() as grid:
        yield grid


def sample(total, piece=65536, pause=0.0):
    async def pieces():
        for _ in range(total // piece):
            yield b"x" * piece
            await asyncio.sleep(pause)

    return lambda _data: StreamingResponse(pieces(), media_type="multipart/form-data")


def by_kind(download=None, ping=None, upload=None):
    def reply(data):
        chosen = ping if "is_ping" in data else upload if data["size"] else download
        if chosen is None:
            return JSONResponse({})
        return chosen if chosen is Silence or isinstance(chosen, Answer) else chosen(data)

    return reply


async def test_a_real_one(host, grid):
    grid.replies["speed-test"] = by_kind(download=sample(8 * 2**20))
    speed = await measure(host, GridAddress.parse(grid.http), "w", SpeedLimits(seconds=3))
    assert isinstance(speed, Speed)
    assert speed.ping > 0
    assert speed.download > 1
    assert speed.upload > 1


async def test_a_grid_that_sends_for_ever_is_stopped(host, grid):
    grid.replies["speed-test"] = by_kind(download=sample(2**40, piece=1000, pause=0.03))
    speed = await measure(host, GridAddress.parse(grid.http), "w", SpeedLimits(seconds=0.6))
    assert 0 < speed.download < 5


async def test_a_grid_that_falls_silent_in_the_download(host, grid):
    grid.replies["speed-test"] = by_kind(download=Silence)
    speed = await measure(host, GridAddress.parse(grid.http), "w", SpeedLimits(seconds=0.3))
    assert speed.download == 0


async def test_a_grid_that_never_takes_the_upload(host, grid):
    grid.replies["speed-test"] = by_kind(upload=Silence)
    speed = await measure(host, GridAddress.parse(grid.http), "w", SpeedLimits(seconds=0.3))
    assert speed.upload == 0


async def test_a_grid_that_answers_no_ping(host, grid):
    grid.replies["speed-test"] = Silence
    with pytest.raises(GridTimeoutError):
        await measure(host, GridAddress.parse(grid.http), "w", SpeedLimits(seconds=0.3))


@pytest.mark.parametrize("kind", ["download", "upload"])
async def test_a_grid_that_refuses(host, grid, kind):
    grid.replies["speed-test"] = by_kind(**{kind: JSONResponse({"error": "no test"}, 500)})
    with pytest.raises(GridRefusedError, match="no test"):
        await measure(host, GridAddress.parse(grid.http), "w", SpeedLimits(seconds=2))


async def test_pings_count_whatever_their_status(host, grid):
    grid.replies["speed-test"] = by_kind(ping=PlainTextResponse("odd", 404))
    speed = await measure(host, GridAddress.parse(grid.http), "w", SpeedLimits(seconds=2))
    assert speed.ping > 0


async def test_nobody_there(host):
    address = GridAddress.parse(f"http://127.0.0.1:{await unused_port()}")
    with pytest.raises(GridUnreachableError):
        await measure(host, address, "w")


async def test_one_error_not_a_group_of_them():
    host = simulated()
    respond = host.respond
    host.respond = lambda method, url, body, limits: (
        respond(method, url, body, limits) if "is_ping" in url else GridClosedError("gone")
    )
    with pytest.raises(GridClosedError, match="gone"):
        await measure(host, GRID, "w")


async def test_cancelling_is_cancelling(host, grid):
    grid.replies["speed-test"] = by_kind(download=Silence, upload=Silence)
    task = asyncio.ensure_future(measure(host, GridAddress.parse(grid.http), "w"))
    await asyncio.sleep(0.3)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
