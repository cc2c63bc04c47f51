"""The grid's own page, in a real browser: its states, live, and under its strict policy."""

from __future__ import annotations

import asyncio
import base64
from typing import Any

from playwright.async_api import Page, expect

from syft_web.grid import Server
from syft_web.plan import State
from tests.browser.conftest import Problems
from tests.grid.talk import Talk, host_data, small_diff

DIFF = base64.b64encode(State.of(small_diff(0)).dumps()).decode()


def _host(grid: Server, name: str, **rules: Any) -> None:
    with Talk(grid) as talk:
        assert talk.call("host-training", host_data(name, **rules)) == {"status": "success"}


def _report(grid: Server, name: str, **metrics: float) -> None:
    with Talk(grid) as talk:
        talk.call("report", {**talk.join(name), "diff": DIFF, "metrics": metrics})
    assert grid.settle(60)


async def test_dashboard(page: Page, problems: Problems, grid: Server) -> None:
    await page.set_viewport_size({"width": 360, "height": 800})
    await page.goto(grid.url)
    await expect(page.get_by_text("No model is hosted here yet")).to_be_visible()
    await expect(page.get_by_role("status")).to_have_text("Ready for models")

    # What happens on the grid is seen without a reload.
    await asyncio.to_thread(_host, grid, "digits<b>", max_diffs=2, min_diffs=2, num_cycles=2)
    card = page.get_by_role("article").filter(has_text="digits<b> 1.0.0")
    await expect(card).to_contain_text("Waiting for workers", timeout=60_000)
    await asyncio.to_thread(_report, grid, "digits<b>", loss=2.0, accuracy=0.5)
    await expect(card).to_contain_text("Cycle 1 has 1 of 2 reports", timeout=60_000)
    progress = card.get_by_role("progressbar", name="Reports to cycle 1")
    await expect(progress).to_have_js_property("value", 1)
    await expect(progress).to_have_js_property("max", 2)
    assert await card.get_by_role("img").count() == 0

    for loss in (1.0, 0.5, 0.25):
        await asyncio.to_thread(_report, grid, "digits<b>", loss=loss)
    await expect(card).to_contain_text("Training has ended after 2 cycles", timeout=60_000)
    await expect(progress).to_be_hidden()
    curve = card.get_by_role("img", name="Loss: from 1.5 at checkpoint 2 to 0.375 at checkpoint 3")
    await expect(curve).to_be_visible()
    await card.get_by_text("Recent cycles").click()
    await expect(card.get_by_role("row").filter(has_text="new checkpoint")).to_have_count(2)
    width = await page.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert width == 0

    # Nothing is left to join; then there are two.
    take_part = page.get_by_role("region", name="Take part", exact=True)
    await expect(take_part).to_be_hidden()
    await asyncio.to_thread(_host, grid, "first")
    token = {"secret": "a secret that is long enough to be one"}
    await asyncio.to_thread(_host, grid, 'the "other"', authentication=token)
    choice = take_part.get_by_role("combobox", name="Model")
    await expect(choice.get_by_role("option")).to_have_count(2, timeout=60_000)
    await choice.select_option("first 1.0.0")
    python = take_part.get_by_role("region", name="In Python")
    await expect(python).to_contain_text(f'Syft("{grid.ws_url}")')
    await expect(python).to_contain_text('new_job("first", "1.0.0")')
    await choice.select_option('the "other" 1.0.0')
    await expect(python).to_contain_text('new_job("the \\"other\\"", "1.0.0", auth_token=')

    # The grid goes: the page says so, and goes on when it is back.
    grid.stop()
    await expect(page.get_by_role("status")).to_contain_text("does not answer", timeout=60_000)
    await page.close()  # it would go on asking, and complaining
    assert all("Failed to load resource" in problem for problem in problems)
    problems.clear()


async def test_programs_of_the_dashboard(page: Page, grid: Server) -> None:
    """What the page offers for Python compiles; its JavaScript is a module."""
    await asyncio.to_thread(_host, grid, 'a "model" \\ </script>')
    await page.emulate_media(color_scheme="dark")
    await page.goto(grid.url)
    await expect(page.locator("#python")).to_contain_text("take_part", timeout=60_000)
    python = await page.locator("#python").inner_text()
    compile(python, "python of the dashboard", "exec")
    script = (await page.locator("#page").inner_text()).removeprefix('<script type="module">')
    assert script.count("</script>") == 1
    program = script.partition("</script>")[0].replace('import { Syft } from "./syft-web.js";', "")
    await page.evaluate("(program) => { new (async () => {}).constructor(program); }", program)
