"""The module script of the README, in a real page, against a real grid."""

from __future__ import annotations

import asyncio
import re

import httpx
from playwright.async_api import Page, Route

from syft_web.grid import Server
from tests.browser.page_hosting import host_mnist
from tests.paths import ROOT


async def test_script_takes_part_in_a_cycle(page: Page, site_url: str, grid: Server) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    found = re.search(r"^```html\n(.*?)^```$", readme, flags=re.DOTALL | re.MULTILINE)
    assert found
    assert "ws://127.0.0.1:5000" in found[1]
    script = found[1].replace("ws://127.0.0.1:5000", grid.ws_url)

    async def answer(route: Route) -> None:
        icon = '<link rel="icon" href="data:,">'
        await route.fulfill(content_type="text/html", body=f"<!DOCTYPE html>{icon}{script}")

    await host_mnist(grid.ws_url, updates=10, cycles=1)
    losses: list[str] = []
    page.on("console", lambda message: losses.append(message.text))
    await page.route("**/readme.html", answer)
    await page.goto(f"{site_url}/readme.html")

    query = {"name": "mnist", "version": "1.0", "checkpoint": "2"}
    async with httpx.AsyncClient() as client, asyncio.timeout(60):
        while True:
            reply = await client.get(f"{grid.url}/model-centric/retrieve-model", params=query)
            if reply.status_code == httpx.codes.OK:
                break
            await asyncio.sleep(0.1)
    assert len(losses) == 10, losses
    assert float(losses[-1]) < float(losses[0]), "one class only: the loss must fall"
