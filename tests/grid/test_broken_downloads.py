"""A worker whose connection breaks in the middle of downloads, in front of a real grid."""

from __future__ import annotations

import numpy as np
import pytest

from syft_web.author.hosting import retrieve_model
from syft_web.client.retry import Retry
from syft_web.client.steps import Accepted
from syft_web.client.syft import Syft
from syft_web.client.transport import Options
from syft_web.errors import GridClosedError
from syft_web.grid import Server
from syft_web.plan import State
from tests.grid.talk import Talk, host_data
from tests.unit.host.breaking import breaking

WEIGHTS = np.random.default_rng(0).normal(size=(400, 250)).astype(np.float32)
MODEL = State.of([WEIGHTS]).dumps()
QUICK = Options(download_retry=Retry(tries=2, first=0.01, ceiling=0.01))


def ranges(asked: list[str]) -> list[int]:
    """Where each request begins, 0 for those from the beginning."""
    found = [head.partition("\r\nrange: bytes=")[2].partition("-")[0] for head in asked]
    return [int(start or 0) for start in found]


@pytest.fixture
def place(grid: Server) -> str:
    with Talk(grid) as talk:
        talk.call("host-training", host_data(model=MODEL))
    return grid.url.removeprefix("http://")


async def test_a_job_goes_on_where_downloads_broke(place: str) -> None:
    async with breaking(place) as proxy:
        # More often than it would try without getting further.
        proxy.breaks = [("get-model", size) for size in (100_000, 50_000, 1, 100_000)]
        proxy.breaks.append(("get-plan", 500))
        async with Syft(f"ws://{proxy.place}", options=QUICK) as syft:
            job = syft.new_job("m", "1.0.0")
            seen: list[tuple[int, int | None]] = []
            job.on("progress", lambda p: p.asset == "model" and seen.append((p.received, p.total)))
            assert isinstance(await job.request(), Accepted)
    assert proxy.breaks == []
    assert job.model.params[0].tobytes() == WEIGHTS.tobytes()
    assert list(job.plans) == ["training_plan"]
    models = [head for head in proxy.asked if "get-model" in head]
    assert ranges(models) == [0, 100_000, 150_000, 150_001, 250_001]
    assert seen[-1] == (len(MODEL), len(MODEL))
    assert [received for received, _ in seen] == sorted(received for received, _ in seen)


async def test_it_gives_up_where_it_gets_no_further(place: str) -> None:
    async with breaking(place) as proxy:
        proxy.breaks = [("get-model", 1000), ("get-model", 0)]
        async with Syft(f"ws://{proxy.place}", options=QUICK) as syft:
            with pytest.raises(GridClosedError, match="Failed to load Model"):
                await syft.new_job("m", "1.0.0").request()
    assert ranges(proxy.asked) == [0, 1000]


async def test_checkpoints_too(place: str) -> None:
    async with breaking(place) as proxy:
        proxy.breaks = [("retrieve-model", 70_000)]
        state = await retrieve_model(f"http://{proxy.place}", "m")
    assert state.tensors[0].tobytes() == WEIGHTS.tobytes()
    assert ranges(proxy.asked) == [0, 70_000]
