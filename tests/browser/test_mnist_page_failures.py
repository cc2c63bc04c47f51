"""The MNIST page when things go wrong: it says what, and can start again."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, Route

from examples.mnist.plan import initial_model
from tests.browser.conftest import Problems
from tests.browser.page_driver import MnistPage
from tests.browser.page_hosting import host_mnist
from tests.browser.page_servers import Reply, accepts, grid_over_http, html_server, silent_server


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def opened(browser: Browser, site_url: str) -> AsyncIterator[MnistPage]:
    """One page for most of these tests: it has to start again after every failure."""
    context = await browser.new_context(service_workers="block", bypass_csp=True)
    yield await MnistPage(await context.new_page(), site_url).open("", shards=20)
    await context.close()


@pytest.fixture
def mnist(opened: MnistPage, problems: Problems) -> MnistPage:
    problems.watch(opened.page)
    return opened


@pytest.fixture
def fresh(page: Page, site_url: str) -> MnistPage:
    return MnistPage(page, site_url)


async def fails(mnist: MnistPage, problems: Problems, sentence: str, *words: str) -> str:
    """Start, and expect a failure that is told in these words; gives its code."""
    await mnist.join()
    assert await mnist.state() == "error"
    status = await mnist.status()
    assert sentence in status
    for word in words:
        assert word in status
    assert await mnist.page.get_by_role("button", name="Start again").is_enabled()
    assert await mnist.page.get_by_label("Grid address").is_enabled()
    # A request that fails is listed by the browser in the console, whoever handles it.
    expected = ("Failed to load", "WebSocket", "blocked by CORS")
    problems[:] = [line for line in problems if not any(text in line for text in expected)]
    return str(await mnist.page.evaluate("window.syftDemo.errors.at(-1).code"))


async def recovers(mnist: MnistPage, grid) -> None:
    """The same page, pointed at a grid that works."""
    await host_mnist(grid.ws_url, updates=3)
    await mnist.aim(grid.ws_url)
    await mnist.join()
    assert await mnist.state() == "done"


@pytest.mark.parametrize("scheme", ["ws", "http"])
async def test_an_unreachable_grid(mnist, grid, problems, scheme):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    await mnist.aim(f"{scheme}://127.0.0.1:{port}")
    code = await fails(mnist, problems, "The grid cannot be reached.", "Check the address")
    assert code == "grid.unreachable"
    await mnist.shoot("error")
    await recovers(mnist, grid)


async def test_a_cycle_that_ends_during_the_download_is_asked_for_again(fresh, problems):
    """A page that keeps on looks a few times for the next one before it gives up."""
    gone = Reply({"error": "Cycle not found!"}, status=400)
    async with grid_over_http(accepts(get_model=gone)) as url:
        await fresh.open(url, shards=20, keep=1, autostart=1)
        assert await fresh.reach("waiting", "error") == "waiting"
        await fresh.reach("error")
        assert "Cycle not found!" in await fresh.status()
    assert await fresh.page.evaluate("syftDemo.errors.map((error) => error.code)") == [
        "cycle.download"
    ]
    problems[:] = [line for line in problems if "Failed to load" not in line]


async def test_an_unknown_model(mnist, grid, problems):
    await mnist.aim(grid.ws_url, model="tulips")
    code = await fails(mnist, problems, "The grid refused.", "Check the model’s name and version")
    assert code == "grid.refused"
    await recovers(mnist, grid)


@pytest.mark.parametrize("scheme", ["ws", "http"])
async def test_a_server_that_answers_with_a_page(mnist, grid, problems, scheme):
    async with html_server() as address:
        await mnist.aim(f"{scheme}://{address}")
        code = await fails(mnist, problems, "grid", "Check the address")
    # A browser does not tell a page why a WebSocket could not be opened.
    assert code == {"ws": "grid.unreachable", "http": "grid.answer"}[scheme]
    await recovers(mnist, grid)


@pytest.mark.slow
async def test_a_server_that_never_answers(mnist, grid, problems):
    async with silent_server() as address:
        await mnist.aim(f"ws://{address}")
        code = await fails(mnist, problems, "The grid did not answer in time.")
        assert code == "grid.timeout"
    await recovers(mnist, grid)


async def test_a_silent_server_can_be_left_at_once(mnist):
    async with silent_server() as address:
        await mnist.aim(f"ws://{address}")
        await mnist.start()
        await mnist.reach("authenticating")
        await mnist.page.get_by_role("button", name="Stop").click()
        assert await mnist.reach("stopped", "error", seconds=2) == "stopped"


async def test_a_grid_that_answers_with_an_error(mnist, problems):
    refusal = Reply({"error": "the database is on holiday"}, status=500)
    async with grid_over_http(accepts(authenticate=refusal)) as url:
        await mnist.aim(url)
        code = await fails(mnist, problems, "The grid refused.", "on holiday")
    assert code == "grid.refused"


async def test_a_grid_that_asks_for_a_token(mnist, problems):
    refusal = Reply({"error": "Authentication is required, please pass an 'auth_token'."}, 400)
    async with grid_over_http(accepts(authenticate=refusal)) as url:
        await mnist.aim(url)
        code = await fails(mnist, problems, "The grid wants to know who you are.", "access token")
    assert code == "grid.authentication"


async def test_a_download_that_breaks_off(mnist, problems):
    model = Reply(initial_model(0).dumps(), cut=100_000)
    async with grid_over_http(accepts(get_model=model)) as url:
        await mnist.aim(url)
        code = await fails(mnist, problems, "The grid closed the connection.", "get-model")
    assert code == "grid.closed"


async def test_a_model_that_is_none(mnist, problems):
    async with grid_over_http(accepts(get_model=Reply(b"no model at all"))) as url:
        await mnist.aim(url)
        code = await fails(mnist, problems, "The model or its plan could not be fetched.", "model")
    assert code == "cycle.download"


async def test_a_plan_that_is_none(mnist, problems):
    routes = accepts(get_model=Reply(initial_model(0).dumps()), get_plan=Reply(b"\xff" * 40))
    async with grid_over_http(routes) as url:
        await mnist.aim(url)
        code = await fails(
            mnist, problems, "The model or its plan could not be fetched.", "training_plan"
        )
    assert code == "cycle.download"


async def test_a_model_hosted_without_what_the_plan_needs(mnist, grid, problems):
    await host_mnist(grid.ws_url, updates=3, lr=None)
    await mnist.aim(grid.ws_url)
    code = await fails(mnist, problems, "The training broke off.", "lr", "Nothing was sent")
    assert code == "training"


async def test_a_python_that_cannot_be_loaded(fresh, grid, problems):
    await fresh.page.route("**/pyodide.asm.wasm", lambda route: route.abort())
    await fresh.open(grid.ws_url, shards=20)
    code = await fails(fresh, problems, "Python could not be loaded.", "pyodide.asm.wasm")
    assert code == "boot"
    await fresh.page.unroute("**/pyodide.asm.wasm")
    problems.clear()
    await recovers(fresh, grid)


async def test_images_that_cannot_be_loaded(fresh, grid, problems):
    await fresh.page.route("**/data/mnist/train-images*", lambda route: route.fulfill(status=404))
    await fresh.open(grid.ws_url, shards=20)
    code = await fails(fresh, problems, "The images could not be loaded.", "404")
    assert code == "data"
    await fresh.page.unroute("**/data/mnist/train-images*")
    await recovers(fresh, grid)


async def test_images_from_a_server_that_knows_no_ranges(fresh, grid):
    whole: list[int] = []

    async def without_range(route: Route) -> None:
        headers = {k: v for k, v in route.request.headers.items() if k.lower() != "range"}
        await route.continue_(headers=headers)

    await fresh.page.route("**/data/mnist/train-*", without_range)
    fresh.page.on("response", lambda r: whole.append(r.status) if "/train-" in r.url else None)
    await host_mnist(grid.ws_url, updates=3)
    await fresh.open(grid.ws_url, shard=1, shards=20)
    await fresh.join()
    assert await fresh.state() == "done"
    assert whole == [200, 200]
