"""The MNIST page in a real Chromium, against a real grid: every state, in words."""

from __future__ import annotations

import re

import pytest

from tests.browser.page_driver import MnistPage
from tests.browser.page_hosting import host_mnist
from tests.browser.page_servers import Reply, accepts, grid_over_http, site_with_headers


@pytest.fixture
def mnist(page, site_url) -> MnistPage:
    return MnistPage(page, site_url)


# The happy path


async def test_a_cycle_from_start_to_report(mnist, grid, problems):
    await host_mnist(grid.ws_url, updates=30, cycles=3)
    await mnist.open(grid.ws_url, shard=1, shards=3)
    await mnist.shoot("idle")
    await mnist.start()
    assert await mnist.reach("done", "error") == "done"
    trace = await mnist.trace()
    wanted = ["idle", "loading", "data", "connecting", "requesting", "downloading", "training"]
    assert [state for state in trace if state in wanted] == wanted
    assert trace[-3:] == ["sending", "reported", "done"]

    (cycle,) = await mnist.cycles()
    assert cycle["status"] == "reported"
    assert cycle["updates"] == len(cycle["losses"]) == len(cycle["accuracies"]) == 30
    assert cycle["lastLoss"] == cycle["losses"][-1] < cycle["losses"][0]
    assert cycle["meanLoss"] == pytest.approx(sum(cycle["losses"]) / 30)
    assert cycle["diffBytes"] == pytest.approx(311_650 * 4, rel=0.01)

    row = await mnist.page.locator("#history tr").inner_text()
    assert "Reported" in row
    assert "1.2 MB" in row
    assert "30 updates" in (await mnist.page.locator("#loss-text").text_content() or "")
    assert await mnist.page.locator("#loss-chart path.mean").count() == 1
    await mnist.shoot("done")


async def test_the_grid_gets_nothing_but_the_difference(mnist, grid):
    """The page's own requests: none to the grid carries more than a few bytes."""
    await host_mnist(grid.ws_url, updates=3)
    bodies: dict[str, int] = {}

    def note(request) -> None:
        if grid.url in request.url:
            bodies[request.url] = len(request.post_data_buffer or b"")

    mnist.page.context.on("request", note)
    await mnist.open(grid.url, shards=60)
    await mnist.start()
    await mnist.reach("done")
    report = sum(size for url, size in bodies.items() if url.endswith("/report"))
    others = sum(size for url, size in bodies.items() if not url.endswith("/report"))
    assert report == pytest.approx(311_650 * 4 * 4 / 3, rel=0.01)  # base64
    assert others < 1000


async def test_keeping_on_until_there_are_no_more_cycles(mnist, grid):
    await host_mnist(grid.ws_url, updates=5, cycles=2)
    await mnist.open(grid.ws_url, shards=20, keep=1, autostart=1)
    assert await mnist.reach("finished", "error") == "finished"
    assert [cycle["status"] for cycle in await mnist.cycles()] == [
        "reported",
        "reported",
        "rejected",
    ]
    assert "no more cycles" in await mnist.sentence()
    assert await mnist.page.locator("#loss-chart .cycle-mark").count() == 1
    await mnist.shoot("finished")


async def test_a_page_that_keeps_on_waits_for_the_others_of_its_cycle(
    mnist, grid, browser, site_url
):
    """It never trains the same model twice, so no worker counts double in an average."""
    await host_mnist(grid.ws_url, updates=5, cycles=2, workers=2)
    await mnist.open(grid.ws_url, shards=20, keep=1, autostart=1)
    assert await mnist.reach("waiting", "error") == "waiting"
    assert "next cycle" in await mnist.sentence()
    await mnist.shoot("waiting")
    context = await browser.new_context(service_workers="block", bypass_csp=True)
    try:
        other = MnistPage(await context.new_page(), site_url)
        await other.open(grid.ws_url, shard=1, shards=20, keep=1, autostart=1)
        for page in (mnist, other):
            assert await page.reach("finished", "error") == "finished"
            statuses = [cycle["status"] for cycle in await page.cycles()]
            assert statuses == ["reported", "reported", "rejected"]
    finally:
        await context.close()


async def test_a_program_can_join_cycle_after_cycle(mnist, grid):
    await host_mnist(grid.ws_url, updates=5, cycles=2)
    await mnist.open(grid.ws_url, shards=20)
    statuses = [
        (await mnist.page.evaluate("syftDemo.joinOnce()"))["status"],
        (await mnist.page.evaluate("syftDemo.joinOnce()"))["status"],
        (await mnist.page.evaluate("syftDemo.joinOnce()"))["status"],
    ]
    assert statuses == ["reported", "reported", "rejected"]


# Stopping


async def test_stopping_in_the_middle_sends_nothing_and_can_start_again(mnist, grid):
    await host_mnist(grid.ws_url, updates=2000, cycles=3)
    await mnist.open(grid.ws_url, shards=3)
    await mnist.start()
    await mnist.reach("training")
    await mnist.page.wait_for_selector("#loss-chart path.mean", state="attached")
    await mnist.shoot("training")
    await mnist.page.get_by_role("button", name="Stop").click()
    assert await mnist.reach("stopped", "error", seconds=2) == "stopped"
    assert "sending" not in await mnist.trace()
    (cycle,) = await mnist.cycles()
    assert cycle["status"] == "stopped"
    assert cycle["diffBytes"] == 0
    await mnist.shoot("stopped")
    await mnist.start()
    await mnist.reach("training")


async def test_stopping_while_python_is_loading(mnist, grid):
    await host_mnist(grid.ws_url, updates=3)
    await mnist.open(grid.ws_url, shards=20)
    await mnist.start()
    await mnist.reach("loading")
    await mnist.shoot("loading")
    await mnist.page.get_by_role("button", name="Stop").click()
    assert await mnist.reach("stopped", "error", seconds=2) == "stopped"
    await mnist.start()
    assert await mnist.reach("done", "error") == "done"


async def test_training_does_not_block_the_page(mnist, grid):
    await host_mnist(grid.ws_url, updates=60, cycles=5)
    await mnist.open(grid.ws_url, shards=3)
    tasks: list[object] = []
    for _ in range(5):
        await mnist.page.evaluate("longTasks.length = 0")
        await mnist.page.evaluate("syftDemo.joinOnce()")
        tasks = await mnist.page.evaluate(
            "longTasks.filter((task) => !['idle', 'loading', 'data'].includes(task.state))"
        )
        # A busy machine makes any task long now and then; a page that blocks, always.
        if not tasks:
            break
    assert tasks == []


# Being told to wait


async def test_a_rejection_is_counted_down_and_can_be_cut_short(mnist):
    rejected = Reply({"status": "rejected", "timeout": 300})
    async with grid_over_http(accepts(cycle_request=rejected)) as url:
        await mnist.open(url, shards=20, keep=1)
        await mnist.start()
        await mnist.reach("rejected")
        detail = mnist.page.locator("#detail")
        await mnist.page.wait_for_function(
            "/Asking again in (5:00|4:5)/.test(document.querySelector('#detail').textContent)"
        )
        await mnist.shoot("rejected")
        await mnist.page.get_by_role("button", name="Ask again now").click()
        await mnist.page.wait_for_function("syftDemo.cycles.length === 2")
        await mnist.reach("rejected")
        await mnist.page.get_by_role("button", name="Stop").click()
        await mnist.reach("stopped", seconds=2)
        assert "next cycle" in await detail.inner_text()


async def test_a_rejection_without_keeping_on_says_until_when(mnist):
    # What PyGrid sends: a time span as text.
    rejected = Reply({"status": "rejected", "timeout": "1:30:00.250000"})
    async with grid_over_http(accepts(cycle_request=rejected)) as url:
        await mnist.open(url, shards=20)
        await mnist.start()
        await mnist.reach("rejected")
        assert re.search(r"again in 1:30:0\d", await mnist.status())
        assert await mnist.page.get_by_role("button", name="Start again").is_enabled()


async def test_no_longer_wanting_to_keep_on_ends_the_countdown(mnist):
    rejected = Reply({"status": "rejected", "timeout": 300})
    async with grid_over_http(accepts(cycle_request=rejected)) as url:
        await mnist.open(url, shards=20, keep=1)
        await mnist.start()
        await mnist.page.wait_for_selector("#again:visible")
        await mnist.page.get_by_label("Keep making cycle requests").uncheck()
        await mnist.page.wait_for_selector("#again", state="hidden")
        assert "can be asked again in 4:5" in await mnist.status()
        assert await mnist.page.get_by_role("button", name="Start again").is_enabled()
        assert len(await mnist.cycles()) == 1


# For everyone


async def test_it_works_under_a_strict_content_security_policy(page, site, grid):
    policy = (
        "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self' ws: http:"
    )
    await host_mnist(grid.ws_url, updates=3)
    async with site_with_headers(site, {"Content-Security-Policy": policy}) as url:
        mnist = await MnistPage(page, url).open(grid.ws_url, shards=20)
        await mnist.start()
        assert await mnist.reach("done", "error") == "done", await mnist.status()


async def test_it_fits_a_narrow_phone(mnist, grid):
    await host_mnist(grid.ws_url, updates=3)
    await mnist.page.set_viewport_size({"width": 360, "height": 740})
    await mnist.open(grid.ws_url, shards=20)
    await mnist.start()
    await mnist.reach("done")
    root = "document.documentElement"
    assert await mnist.page.evaluate(f"{root}.scrollWidth <= {root}.clientWidth")


async def test_it_can_be_used_by_keyboard_and_heard(mnist, grid):
    await host_mnist(grid.ws_url, updates=3)
    await mnist.open(grid.ws_url, shards=20)
    page = mnist.page
    await page.get_by_label("Grid address").focus()
    for label in ("Model", "Version", "Keep making cycle requests"):
        await page.keyboard.press("Tab")
        focused = await page.evaluate("document.activeElement.labels[0].innerText")
        assert focused.strip() == label
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    await mnist.reach("done")
    status = page.get_by_role("status")
    assert "Done" in await status.inner_text()
    assert await status.get_attribute("aria-live") == "polite"
    unnamed = await page.evaluate(
        "[...document.querySelectorAll('button, input, img, canvas, svg, progress')]"
        ".filter((e) => !(e.labels?.length || e.ariaLabel || e.textContent.trim()"
        " || e.hasAttribute('alt') || e.hasAttribute('aria-labelledby'))).map((e) => e.outerHTML)"
    )
    assert unnamed == []


@pytest.mark.parametrize(
    ("grid", "words"),
    [("", "Enter the grid’s address."), ("example.org:5000", "should begin with ws://")],
)
async def test_an_address_that_cannot_be_one_is_said_at_the_field(mnist, grid, words):
    await mnist.open(grid)
    await mnist.start()
    assert words in await mnist.page.get_by_role("alert").inner_text()
    assert await mnist.page.get_by_label("Grid address").get_attribute("aria-invalid") == "true"
    assert await mnist.state() == "idle"
    await mnist.shoot("bad-address")
