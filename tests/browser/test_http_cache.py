"""Checkpoints that a page fetches: Chromium's own cache, and what it unpacks by itself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import httpx
import numpy as np
import pytest_asyncio
from playwright.async_api import Page
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Route

from syft_web.author.hosting import host_training
from syft_web.client.syft import Syft
from syft_web.grid import Server
from syft_web.plan.state import State
from tests.grid.talk import Talk, host_data
from tests.paths import DATA
from tests.unit.client.local_grid import serving
from tests.unit.host.breaking import breaking

PLAN = (DATA / "tr_mlp.pb").read_bytes()

FETCH = """async (url) => {
  const answer = await fetch(url);
  const body = [...new Uint8Array(await answer.arrayBuffer())];
  return [answer.status, body, answer.headers.get("content-encoding")];
}"""


def empty_page(_request: Request) -> HTMLResponse:
    return HTMLResponse("<!doctype html>")


@pytest_asyncio.fixture(loop_scope="session")
async def elsewhere(page: Page) -> AsyncIterator[Page]:
    """A page of another origin than the grid's."""
    async with serving(Starlette(routes=[Route("/{path:path}", empty_page)])) as place:
        await page.goto(f"http://{place}/")
        yield page


async def test_a_checkpoint_is_kept_but_never_stale(elsewhere: Page, grid: Server) -> None:
    start = np.arange(6, dtype=np.float32)
    await host_training(
        grid.url, "m", "1", [start], {"p": PLAN}, {}, {"cycle_length": None, "max_diffs": 1}
    )
    # Nothing is cut: the proxy only notes what was asked.
    async with breaking(grid.url.removeprefix("http://")) as proxy:
        url = f"http://{proxy.place}/model-centric/retrieve-model?name=m"
        bodies = [bytes((await elsewhere.evaluate(FETCH, url))[1]) for _ in range(2)]
        async with Syft(grid.url) as syft:
            job = syft.new_job("m", "1")
            await job.request()
            await job.report(job.model.create_serialized_diff([start - 1]))
        assert await asyncio.to_thread(grid.settle)
        bodies.append(bytes((await elsewhere.evaluate(FETCH, url))[1]))
    assert [State.loads(body).tensors[0].tolist() for body in bodies] == [
        start.tolist(),
        start.tolist(),
        (start - 1).tolist(),
    ]
    first, second, third = proxy.asked
    assert "if-none-match" not in first
    assert "if-none-match" in second
    assert "if-none-match" in third


def plan_url(grid: Server) -> str:
    """Address of a plan, for an accepted worker."""
    with Talk(grid) as talk:
        talk.call("host-training", host_data(plans={"p": PLAN}))
        keys = "&".join(f"{key}={value}" for key, value in talk.join().items())
    return f"{grid.url}/model-centric/get-plan?{keys}&plan_id=2&receive_operations_as=list"


async def test_a_browser_unpacks_plans(elsewhere: Page, grid: Server) -> None:
    url = await asyncio.to_thread(plan_url, grid)
    status, body, coding = await elsewhere.evaluate(FETCH, url)
    assert status == 200
    assert coding in ("zstd", "gzip")
    plain = await asyncio.to_thread(httpx.get, url, headers={"accept-encoding": "identity"})
    assert bytes(body) == plain.content
