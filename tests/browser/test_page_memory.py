"""What the page forgets, the worker forgets: no growth over hundreds of cycles."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from playwright.async_api import CDPSession, Page

from tests.browser.page_scripts import script
from tests.browser.small_model import host_small


async def _settled(page: Page, devtools: CDPSession, most: int) -> dict[str, Any]:
    """What the worker keeps once the page's garbage is collected; at most ``most`` objects.

    What is collected is told to the page some time later, so it takes a few tries.
    """
    stats: dict[str, Any] = {}
    for _ in range(50):
        await devtools.send("HeapProfiler.collectGarbage")
        await asyncio.sleep(0.1)
        stats = await page.evaluate("runtime.stats()")
        if stats["objects"] <= most:
            print(stats)
            return stats
    pytest.fail(f"the worker keeps {stats['kinds']}")


@pytest.mark.timeout(600)
async def test_nothing_grows_over_200_cycles(page, site_url, grid) -> None:
    await host_small(grid.ws_url)
    await page.goto(f"{site_url}/")
    devtools = await page.context.new_cdp_session(page)

    async def run(cycles: int) -> dict[str, Any]:
        for _ in range(cycles // 10):
            await page.evaluate(script("many_cycles"), [site_url, grid.ws_url, 10])
            # Only the connection is left.
            stats = await _settled(page, devtools, most=1)
        return stats

    warm = await run(100)
    done = await run(100)
    assert done["kinds"] == warm["kinds"] == {"Syft": 1}
    # Kept, the arrays of 100 cycles would be more than 250 MB. Python takes memory in large steps.
    assert done["heapBytes"] - warm["heapBytes"] < 96 * 2**20
