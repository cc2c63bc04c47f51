"""The page that runs a program in Python on its main thread, in a real Chromium."""

from __future__ import annotations

import os

import pytest
from playwright.async_api import expect

from tests.browser.page_driver import SHOTS
from tests.browser.page_hosting import host_mnist


@pytest.mark.timeout(240)
async def test_a_cycle_and_a_mistake(page, site_url, grid):
    await host_mnist(grid.ws_url, updates=5)
    await page.goto(f"{site_url}/python/?grid={grid.ws_url}")
    await page.wait_for_selector("html[data-state=idle]", state="attached", timeout=120_000)
    run = page.get_by_role("button", name="Run")
    await run.click()
    await page.wait_for_selector("html[data-state=done], html[data-state=error]", state="attached")
    said = await page.locator("#output").inner_text()
    assert await page.evaluate("document.documentElement.dataset.state") == "done", said
    assert said.count("loss") == 5
    assert "Reported" in said
    if os.environ.get("SYFT_WEB_SCREENSHOTS"):
        for width, theme in ((1200, "light"), (390, "dark")):
            await page.set_viewport_size({"width": width, "height": 900})
            await page.emulate_media(color_scheme=theme)
            await page.screenshot(path=SHOTS / f"python-{theme}-{width}.png", full_page=True)

    await page.locator("#program").fill("print(1)\nnone_such")
    await run.click()
    await page.wait_for_selector("html[data-state=error]", state="attached")
    await expect(page.locator("#status")).to_contain_text("an error")
    assert "none_such" in await page.locator("#output").inner_text()
