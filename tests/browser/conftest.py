"""Fixtures of the browser tests: the built site, a real Chromium, a fresh page.

Playwright's asynchronous API is used, so a test may drive a page and talk to a grid
at the same time. All tests of this folder run in one event loop, the session's,
because the browser lives as long as the session.
"""

from __future__ import annotations

import inspect
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, ConsoleMessage, Page, async_playwright

from web import chromium
from web.serve import SiteServer
from web.site import build

HERE = Path(__file__).resolve().parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE not in item.path.parents:
            continue
        item.add_marker(pytest.mark.browser)
        if inspect.iscoroutinefunction(getattr(item, "function", None)):
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest.fixture(scope="session")
def site() -> Path:
    """The folder of the built site; built once a session, quick when nothing changed."""
    return build()


@pytest.fixture(scope="session")
def site_url(site: Path) -> Iterator[str]:
    """Base URL of the site, without a slash at its end."""
    with SiteServer(site) as server:
        yield server.url


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """A running Chromium. Missing, it fails in CI and skips at home."""
    path = chromium.find()
    if path is None:
        if os.environ.get("CI"):
            pytest.fail(chromium.HELP)
        pytest.skip(chromium.HELP)
    async with async_playwright() as playwright:
        running = await playwright.chromium.launch(
            executable_path=path, args=list(chromium.ARGUMENTS)
        )
        yield running
        await running.close()


class Problems(list[str]):
    """What the pages of a test complained about, one line each.

    A test that expects complaints empties it; what is left at the end fails the test.
    """

    def watch(self, page: Page) -> None:
        """Collect console errors and uncaught exceptions of a page."""
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.append(f"uncaught: {error}"))
        page.on("crash", lambda _: self.append("the page crashed"))

    def _console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            where = message.location.get("url", "")
            self.append(f"console: {message.text} ({where})")


@pytest.fixture
def problems() -> Iterator[Problems]:
    """Collects what pages complain about; the test fails when something is left in it."""
    found = Problems()
    yield found
    assert not found, "the page complained:\n" + "\n".join(found)


@pytest_asyncio.fixture(loop_scope="session")
async def page(browser: Browser, problems: Problems) -> AsyncIterator[Page]:
    """A fresh page in a browser context of its own, its complaints collected in `problems`."""
    context = await browser.new_context(service_workers="block", bypass_csp=True)
    fresh = await context.new_page()
    fresh.set_default_timeout(60_000)
    problems.watch(fresh)
    yield fresh
    await context.close()
