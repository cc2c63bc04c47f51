"""The second demo in a real Chromium: counting what visitors like, against a real grid."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page

from examples.bandit import plan as bandit
from examples.mnist.config import server_config
from syft_web.author import retrieve_model
from syft_web.author.hosting import host_training
from syft_web.grid import Server
from tests.browser.accessibility import serious_problems
from tests.browser.conftest import Problems
from tests.browser.page_driver import SHOTS

STATE = "document.documentElement.dataset.state"


async def shoot(page: Page, name: str) -> None:
    """With SYFT_WEB_SCREENSHOTS set: pictures in both themes, wide and as on a phone."""
    if not os.environ.get("SYFT_WEB_SCREENSHOTS"):
        return
    SHOTS.mkdir(parents=True, exist_ok=True)
    for width in (1200, 390):
        await page.set_viewport_size({"width": width, "height": 900})
        for theme in ("light", "dark"):
            await page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
            await page.screenshot(path=SHOTS / f"{name}-{theme}-{width}.png", full_page=True)
    await page.set_viewport_size({"width": 1280, "height": 720})


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def grid() -> AsyncIterator[Server]:
    with Server() as server:
        made = bandit.bundle()
        given = (made.model, made.plans, made.client_config, server_config(workers=1, cycles=0))
        await host_training(server.ws_url, made.name, made.version, *given)
        yield server


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def page(browser: Browser, site_url: str, grid: Server) -> AsyncIterator[Page]:
    """One page for all tests, which go on where the one before has left it."""
    found = Problems()
    context = await browser.new_context(service_workers="block", bypass_csp=True)
    page = await context.new_page()
    page.set_default_timeout(60_000)
    found.watch(page)
    await page.goto(f"{site_url}/bandit/?grid={grid.ws_url}")
    await page.wait_for_function(f"{STATE} === 'idle'")
    yield page
    await context.close()
    assert found == []


async def counted(grid: Server) -> float:
    """Answers of which the grid knows."""
    state = await retrieve_model(grid.ws_url, bandit.NAME, bandit.VERSION)
    return float(sum(tensor.sum() for tensor in state.tensors)) - 2 * bandit.VERSIONS


async def test_a_person_answers_by_keyboard(page, grid):
    await shoot(page, "bandit-idle")
    await page.get_by_label("Grid address").focus()
    await page.keyboard.press("Enter")
    await page.wait_for_function(f"{STATE} === 'ready'")
    assert await page.locator(".sign:visible").count() == 1
    await shoot(page, "bandit-ready")
    for answer in ("I like it", "Not for me"):
        await page.get_by_role("button", name=answer).focus()
        for _ in range(10):
            await page.keyboard.press("Enter")
    await page.wait_for_function("syftBandit.reports.length === 1")
    await page.wait_for_function(f"{STATE} === 'ready'")
    report = await page.evaluate("syftBandit.reports[0]")
    assert (report["visits"], report["likes"]) == (20, 10)
    assert await counted(grid) == 20


async def test_simulated_visitors_find_the_best_version(page, grid):
    await page.get_by_role("slider", name="Version A").fill("5")
    await page.get_by_role("slider", name="Version B").fill("90")
    await page.get_by_role("slider", name="Version C").fill("5")
    await page.get_by_role("button", name="Let 200 visitors come").click()
    await page.wait_for_function("syftBandit.reports.length === 11")
    await page.get_by_role("button", name="Let 200 visitors come").wait_for()
    await page.wait_for_function(f"{STATE} === 'ready'")
    assert await counted(grid) == 220
    model = await page.evaluate("syftBandit.model")
    shown = [a + b for a, b in zip(model["alphas"], model["betas"], strict=True)]
    assert max(shown) == shown[1]
    assert "So far version B looks best" in await page.locator("#winner").inner_text()
    assert await page.locator("#history tr").count() == 11
    await shoot(page, "bandit-learned")


async def test_what_was_sent(page):
    sent = await page.locator("#requests").inner_text()
    assert "Sending the difference" in sent
    assert "0 bytes." in await page.locator("#requests-part").inner_text()


@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_nothing_serious_for_those_who_cannot_see(page, theme):
    await page.emulate_media(color_scheme=theme, reduced_motion="reduce")
    for width in (1200, 360):
        await page.set_viewport_size({"width": width, "height": 800})
        root = "document.documentElement"
        assert await page.evaluate(f"{root}.scrollWidth <= {root}.clientWidth")
        assert await serious_problems(page) == []


async def test_draws_follow_the_counts(page):
    """The best is chosen most, by as much as the counts are sure of it."""
    found = await page.evaluate(
        """async () => {
          const { chances, rate } = await import("./chance.js");
          return {
            equal: chances({ alphas: [1, 1, 1], betas: [1, 1, 1] }, 6000),
            sure: chances({ alphas: [90, 10, 10], betas: [10, 90, 90] }),
            half: rate(50, 50),
          };
        }"""
    )
    assert all(abs(share - 1 / 3) < 0.05 for share in found["equal"])
    assert found["sure"][0] > 0.99
    assert found["half"]["mean"] == 0.5
    assert 0.09 < found["half"]["off"] < 0.11


async def test_another_model_is_refused_in_words(page, grid, site_url):
    await page.goto(f"{site_url}/bandit/?grid={grid.ws_url}&model=nothing")
    await page.get_by_role("button", name="Start").click()
    await page.wait_for_function(f"{STATE} === 'error'")
    assert "The grid refused." in await page.locator("#status").inner_text()
    await shoot(page, "bandit-error")


async def test_the_site_lists_both_demos(page, site_url):
    await page.goto(f"{site_url}/")
    for theme in ("light", "dark"):
        await page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
        assert await serious_problems(page) == []
    for name, heading in (
        ("Handwritten digits", "Help a model read handwriting"),
        ("Which version is liked best?", "Learn what people like"),
    ):
        await page.get_by_role("link", name=name).click()
        await page.get_by_role("heading", level=1, name=heading).wait_for()
        await page.get_by_role("link", name="syft_web").click()
        await page.get_by_role("heading", level=1, name="syft_web").wait_for()
    await shoot(page, "index")
