"""States of the MNIST page that usually pass in a moment, and its odd corners."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import numpy as np
import pytest
import pytest_asyncio
from playwright.async_api import Browser, Route

from examples.mnist.plan import initial_model, training_plan
from syft_web import State
from syft_web.author.hosting import host_training
from syft_web.author.tracing import Slot, trace
from syft_web.grid import Server
from tests.browser.conftest import Problems
from tests.browser.page_driver import MnistPage
from tests.browser.page_hosting import host_mnist
from tests.browser.page_servers import Reply, accepts, grid_over_http, site_with_headers

# Presses Stop at the very moment in which the page comes into a state.
_STOP_AT = """(state) => {
  new MutationObserver((_, observer) => {
    if (document.documentElement.dataset.state !== state) return;
    observer.disconnect();
    document.querySelector("#stop").click();
  }).observe(document.documentElement, { attributes: true });
}"""


@pytest.fixture
def mnist(page, site_url) -> MnistPage:
    return MnistPage(page, site_url)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def opened(browser: Browser, site_url: str) -> AsyncIterator[MnistPage]:
    """One page, with Python in it, for the tests that need no fresh one."""
    context = await browser.new_context(service_workers="block", bypass_csp=True)
    yield await MnistPage(await context.new_page(), site_url).open("", shards=60)
    await context.close()


@pytest.fixture
def used(opened: MnistPage, problems: Problems) -> MnistPage:
    problems.watch(opened.page)
    return opened


async def last(mnist: MnistPage) -> dict[str, object]:
    return (await mnist.cycles())[-1]


def slow_grid(state: str) -> dict[str, Reply]:
    """Routes of a grid that answers slowly at the step that leads to a state."""
    routes = accepts(
        get_model=Reply(initial_model(0).dumps()), get_plan=Reply(training_plan().dumps())
    )
    routes["authenticate"].body["requires_speed_test"] = state == "measuring"
    routes["speed-test"] = Reply(b"0" * 1000)
    step = {
        "authenticating": "authenticate",
        "measuring": "speed-test",
        "requesting": "cycle-request",
        "downloading": "get-model",
        "sending": "report",
    }[state]
    routes[step].pause = 20
    routes["cycle-request"].body["client_config"]["max_updates"] = 3
    return routes


@pytest.mark.parametrize(
    "state", ["authenticating", "measuring", "requesting", "downloading", "sending"]
)
async def test_each_step_is_told_and_can_be_stopped(used, grid, state):
    mnist = used
    async with grid_over_http(slow_grid(state)) as url:
        await mnist.aim(url)
        await mnist.start()
        await mnist.reach(state)
        if state == "downloading":
            await mnist.page.wait_for_function("document.querySelector('#progress').value > 0.5")
            assert "of 1.2 MB" in await mnist.status()
        await mnist.shoot(state)
        await mnist.page.get_by_role("button", name="Stop").click()
        assert await mnist.reach("stopped", "error", seconds=2) == "stopped"
    await host_mnist(grid.ws_url, updates=3)
    await mnist.aim(grid.ws_url)
    await mnist.join()
    assert await mnist.state() == "done"


@pytest.mark.parametrize("state", ["connecting", "sending"])
async def test_nothing_is_sent_after_stop(mnist, grid, state):
    """Between two commands to the worker there is nothing to cancel, and yet it must end."""
    await host_mnist(grid.ws_url, updates=3, cycles=3)
    sent: list[str] = []
    mnist.page.on("request", lambda r: sent.append(r.url) if grid.url in r.url else None)
    await mnist.open(grid.url, shards=60)
    await mnist.page.evaluate(_STOP_AT, state)
    await mnist.start()
    assert await mnist.reach("stopped", "done", "error") == "stopped"
    assert [url for url in sent if url.endswith("/report")] == []
    if state == "connecting":
        assert sent == []
    await mnist.join()
    assert await mnist.state() == "done"


async def test_the_connection_is_measured_when_the_grid_asks(mnist, grid):
    await host_mnist(grid.ws_url, updates=3, cycles=2, workers=2, minimum_speed=0.001)
    await mnist.open(grid.ws_url, shards=60, keep=1, autostart=1)
    assert await mnist.reach("waiting", "error") == "waiting"
    await asyncio.sleep(3)
    # Every look would measure again: it looks seldom.
    assert (await mnist.trace()).count("measuring") <= 2
    assert await mnist.state() == "waiting"


# What the grid hosts


async def test_training_that_diverges_is_told_and_nothing_is_sent(used, grid):
    mnist = used
    await host_mnist(grid.ws_url, updates=12, lr=1e9)
    await mnist.aim(grid.ws_url)
    await mnist.join()
    status = await mnist.status()
    assert "Training left the model in a bad state." in status
    assert "smaller learning rate" in status
    assert (await last(mnist))["diffBytes"] == 0
    charts = await mnist.page.locator(".charts").inner_text()
    assert "not a number" in charts
    assert "99999" not in charts
    await mnist.shoot("diverged")


@pytest.mark.parametrize("batch_size", [5000, "many", 2.5, 0])
async def test_a_batch_size_that_cannot_be_used_sends_nothing(used, grid, batch_size):
    mnist = used
    await host_mnist(grid.ws_url, updates=3, batch_size=batch_size)
    await mnist.aim(grid.ws_url)
    await mnist.join()
    assert await mnist.state() == "error"
    status = await mnist.status()
    assert "The model’s settings cannot be used in this page." in status
    assert str(batch_size) in status
    assert (await last(mnist))["diffBytes"] == 0


@pytest.mark.parametrize(
    ("described", "words"),
    [
        (False, "has 1 inputs and 2 outputs"),
        (True, "The plan takes data of shape (batch, 3) and target of shape (batch, 1)"),
    ],
)
async def test_a_model_that_is_not_about_digits(used, grid, described, words):
    """The plan may say itself what it takes; either way the page says why it does not fit."""
    mnist = used
    weights = State.of([np.ones((3, 1), np.float32)])
    weight = Slot("model_param", "w", shape=(3, 1), dtype="float32", model_index=0)
    if described:
        plan = trace(
            lambda x, y, w: ((x @ w - y).sum(), w * 0.5),
            Slot("data", shape=(None, 3), dtype="float32"),
            Slot("target", shape=(None, 1), dtype="float32"),
            weight,
            outputs=[Slot("loss"), weight],
            name="training_plan",
        )
    else:
        plan = trace(lambda w: (w.sum(), w * 0.5), *weights.tensors, name="training_plan")
    config = {"name": "other", "version": "1.0", "batch_size": 8, "lr": 0.1}
    rules = {"num_cycles": 1, "cycle_length": 3600, "min_diffs": 1, "max_diffs": 1}
    await host_training(
        grid.ws_url, "other", "1.0", weights, {"training_plan": plan}, config, rules
    )
    await mnist.aim(grid.ws_url, model="other")
    await mnist.join()
    status = await mnist.status()
    assert "This model is not one for this page’s images." in status
    assert words in status
    assert (await last(mnist))["updates"] == 0


async def test_another_grid_with_the_same_model_gets_its_own_contribution(mnist, grid):
    with Server() as other:
        for server in (grid, other):
            await host_mnist(server.ws_url, updates=3, workers=2)
        await mnist.open(grid.ws_url, shards=60)
        await mnist.join()
        await mnist.page.get_by_label("Keep making cycle requests").check()
        await mnist.aim(other.ws_url)
        await mnist.join()
        await mnist.reach("waiting")
        statuses = [cycle["status"] for cycle in await mnist.cycles()]
        assert statuses == ["reported", "reported"]
        # The charts are those of the model at hand.
        assert await mnist.page.locator("#loss-chart .cycle-mark").count() == 0


# The page itself


async def test_progress_counts_only_what_has_come(mnist, grid):
    """The sizes are asked for first; that is no arrival."""
    go_on = asyncio.Event()

    async def hold(route: Route) -> None:
        if route.request.method == "GET":
            await go_on.wait()
        await route.continue_()

    await mnist.page.route("**/pyodide.asm.wasm", hold)
    await host_mnist(grid.ws_url, updates=3)
    await mnist.open(grid.ws_url, shards=60)
    await mnist.start()
    await mnist.page.wait_for_function("document.querySelector('#progress').value > 0.1")
    assert await mnist.page.evaluate("document.querySelector('#progress').value") < 0.5
    assert "The first visit takes longest." in await mnist.status()
    go_on.set()
    assert await mnist.reach("done", "error") == "done"


async def test_no_total_is_told_where_sizes_are_not(mnist, grid):
    async def no_size(route: Route) -> None:
        if route.request.method == "HEAD":
            await route.fulfill(status=405)
        else:
            await route.continue_()

    await mnist.page.route("**/pyodide.asm.wasm", no_size)
    await host_mnist(grid.ws_url, updates=3)
    await mnist.open(grid.ws_url, shards=60)
    await mnist.page.evaluate(
        "window.told = []; new MutationObserver(() => { if (document.documentElement.dataset.state"
        " === 'loading') told.push(document.querySelector('#amount').textContent); })"
        ".observe(document.querySelector('#amount'), { childList: true })"
    )
    await mnist.start()
    assert await mnist.reach("done", "error") == "done"
    told = await mnist.page.evaluate("told")
    assert any("MB" in amount for amount in told)
    assert not [amount for amount in told if " of " in amount]


async def test_webassembly_that_is_not_allowed(page, site, grid, problems):
    policy = "script-src 'self'; connect-src *"
    async with site_with_headers(site, {"Content-Security-Policy": policy}) as url:
        mnist = await MnistPage(page, url).open(grid.ws_url, shards=60)
        await mnist.start()
        await mnist.reach("error")
        assert "WebAssembly is switched off" in await mnist.status()
    problems[:] = [line for line in problems if "Content Security Policy" not in line]


async def test_a_dead_worker_can_be_stopped_and_replaced(mnist, grid):
    await host_mnist(grid.ws_url, updates=2000, cycles=3)
    await mnist.open(grid.ws_url, shards=3)
    await mnist.start()
    await mnist.reach("training")
    await mnist.page.evaluate(
        "import('../syft-web.js').then((syft) => syft.sharedRuntime()._worker.terminate())"
    )
    await mnist.page.get_by_role("button", name="Stop").click()
    assert await mnist.reach("stopped", "error", seconds=8) == "stopped"
    await mnist.start()
    await mnist.reach("training")


async def test_the_keyboard_gets_from_start_to_stop(mnist, grid):
    """Controls that cannot be used just now keep the focus."""
    await host_mnist(grid.ws_url, updates=2000)
    await mnist.open(grid.ws_url, shards=3)
    await mnist.page.get_by_label("Grid address").focus()
    await mnist.page.keyboard.press("Enter")
    await mnist.reach("training")
    focused = "document.activeElement.id"
    assert await mnist.page.evaluate(focused) == "grid"
    await mnist.page.keyboard.type("not now")
    assert await mnist.page.get_by_label("Grid address").input_value() == grid.ws_url
    for wanted in ("model", "version", "keep", "start", "stop"):
        await mnist.page.keyboard.press("Tab")
        assert await mnist.page.evaluate(focused) == wanted
    await mnist.page.keyboard.press("Enter")
    assert await mnist.reach("stopped", "error", seconds=2) == "stopped"


async def test_a_chart_of_very_many_updates_is_drawn_quickly(mnist):
    await mnist.open("")
    drawn = await mnist.page.evaluate(
        """async () => {
          const { Chart } = await import("./chart.js");
          const [box, text] = [document.createElement("div"), document.createElement("p")];
          box.style = "width: 400px; height: 200px";
          document.body.append(box, text);
          const chart = new Chart(box, text, { name: "Loss", format: String });
          chart.startCycle();
          for (let i = 0; i < 200_000; i += 1) chart.add(i % 7);
          chart.draw();
          return { path: box.querySelector(".mean").getAttribute("d").length };
        }"""
    )
    assert 0 < drawn["path"] < 100_000
