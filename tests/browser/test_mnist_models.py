"""The MNIST page as a whole: two browsers improve one model, which can be looked at and asked."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page

from examples.mnist import cnn
from examples.mnist.config import server_config
from syft_web.author.hosting import host_training
from syft_web.grid import Server
from tests.browser.accessibility import serious_problems
from tests.browser.conftest import Problems
from tests.browser.page_driver import MnistPage

CYCLES = 3


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def trained(browser: Browser, site_url: str) -> AsyncIterator[list[MnistPage]]:
    """Two pages in browsers of their own, which have trained a convolutional network together."""
    found = Problems()
    with Server() as grid:
        bundle = cnn.bundle(1)
        bundle = replace(bundle, client_config=bundle.client_config | {"max_updates": 25})
        rules = server_config(workers=2, cycles=CYCLES)
        given = (bundle.model, bundle.plans, bundle.client_config, rules)
        await host_training(grid.ws_url, bundle.name, bundle.version, *given)
        contexts = [
            await browser.new_context(service_workers="block", bypass_csp=True) for _ in range(2)
        ]
        pages = [MnistPage(await context.new_page(), site_url) for context in contexts]
        for shard, mnist in enumerate(pages):
            found.watch(mnist.page)
            await mnist.open(grid.ws_url, shard=shard, shards=20, keep=1, models="mnist,mnist_conv")
            await mnist.page.get_by_label("Convolutional network").check()
            await mnist.start()
        for mnist in pages:
            assert await mnist.reach("finished", "error", seconds=100) == "finished"
            await mnist.page.evaluate("syftDemo.looked")
        yield pages
        for context in contexts:
            await context.close()
    assert found == []


@pytest.fixture
def first(trained: list[MnistPage]) -> Page:
    return trained[0].page


async def accuracies(page: Page) -> list[float]:
    """Of the shared model, one for each that the page has seen."""
    text = await page.locator("#quality-history").inner_text()
    return [float(number) for number in re.findall(r"([\d.]+)\s%", text)]


@pytest.mark.timeout(240)
async def test_two_browsers_visibly_improve_one_model(trained, first):
    for mnist in trained:
        statuses = [cycle["status"] for cycle in await mnist.cycles()]
        assert statuses == ["reported"] * CYCLES + ["rejected"]
        assert await mnist.page.get_by_label("Model", exact=True).input_value() == cnn.NAME
    seen = [await accuracies(mnist.page) for mnist in trained]
    # Each page saw the models that both had made, and they got better.
    assert seen[0][-1] == seen[1][-1] > seen[0][0] + 20
    await trained[0].shoot("models")


async def test_what_is_taken_for_what(first):
    cells = await first.locator("#matrix td").all_inner_texts()
    assert len(cells) == 100
    assert sum(int(cell) for cell in cells if cell != "·") == 1000
    right = sum(int(cells[digit * 11]) for digit in range(10) if cells[digit * 11] != "·")
    assert await first.locator("#quality-now").inner_text() == f"{right / 10:.1f} %"
    assert await first.locator("#classes li").count() == 10
    # The model of the page itself is another one.
    await first.get_by_role("radio", name="This page’s model").check()
    assert await first.locator("#quality-part").is_visible()
    await first.get_by_role("radio", name="The shared model").check()


async def test_a_test_image_is_asked_about_by_keyboard(first):
    await first.get_by_role("button", name="Take a test image").focus()
    await first.keyboard.press("Enter")
    answer = first.locator("#answer-text")
    await first.wait_for_function("document.querySelector('#answer-text').textContent")
    assert "Test image 1: people read it as 7." in await first.locator("#pad-text").inner_text()
    said = await answer.text_content()
    assert re.fullmatch(
        r"The shared model says \d, [\d.]+ % sure. This page’s model says \d, [\d.]+ % sure.",
        said or "",
    )


async def test_a_digit_can_be_drawn(trained, first):
    await first.get_by_role("button", name="Clear").click()
    await first.wait_for_function("document.querySelector('#digit-shared').textContent === '–'")
    await first.locator("#pad").scroll_into_view_if_needed()
    box = await first.locator("#pad").bounding_box()
    assert box is not None
    middle = box["x"] + box["width"] / 2
    await first.mouse.move(middle, box["y"] + 40)
    await first.mouse.down()
    await first.mouse.move(middle, box["y"] + box["height"] - 40, steps=5)
    await first.mouse.up()
    await first.wait_for_function(
        "/^\\d$/.test(document.querySelector('#digit-own').textContent)"
        " && /sure/.test(document.querySelector('#sure-shared').textContent)"
    )
    pixels = await first.evaluate(
        """async () => {
          const { DigitPad } = await import("./digit.js");
          const pixels = new DigitPad(document.createElement("canvas"), () => {}).pixels();
          return [pixels.length, Math.max(...pixels)];
        }"""
    )
    assert pixels == [784, 0]
    await trained[0].shoot("drawn")


async def test_the_engine_and_all_that_was_sent(first):
    assert await first.locator("#engine-kernels").inner_text() in ("SIMD, relaxed", "SIMD")
    assert re.fullmatch(r"[\d.]+ GFLOP/s", await first.locator("#engine-speed").inner_text())
    sent = await first.locator("#requests").inner_text()
    for purpose in ("Asking for a cycle", "Fetching the model", "Sending the difference"):
        assert purpose in sent
    told = await first.locator("#requests-part").inner_text()
    assert "0 bytes." in told
    numbers = f"{sum(tensor.size for tensor in cnn.initial_model().tensors):,}"
    assert f"{numbers} numbers, of norm" in told
    await first.get_by_text("Every single message").click()
    lines = await first.locator("#messages tr").count()
    assert lines >= 4 * CYCLES


@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_nothing_serious_for_those_who_cannot_see(trained, first, theme):
    before = first.viewport_size
    await first.emulate_media(color_scheme=theme, reduced_motion="reduce")
    assert await serious_problems(first) == []
    await first.set_viewport_size({"width": 360, "height": 740})
    root = "document.documentElement"
    assert await first.evaluate(f"{root}.scrollWidth <= {root}.clientWidth")
    assert await serious_problems(first) == []
    assert before is not None
    await first.set_viewport_size(before)


async def test_before_the_first_cycle(page, site_url):
    """Nothing to ask yet, and the page says so."""
    mnist = await MnistPage(page, site_url).open("ws://127.0.0.1:9")
    assert await page.locator("#models").is_hidden()
    assert "take part in a cycle first" in await page.locator("#answer-hint").inner_text()
    await page.get_by_role("button", name="Take a test image").click()
    await page.wait_for_function("document.querySelector('#pad-text').textContent")
    assert await page.locator("#sure-shared").inner_text() == "No model yet"
    assert await serious_problems(page) == []
    await mnist.shoot("before")
