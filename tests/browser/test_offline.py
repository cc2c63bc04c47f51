"""The site as it is hosted: without a network, under a strict policy, as plain files."""

from __future__ import annotations

import functools
import threading
from collections.abc import AsyncIterator, Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from tests.browser.conftest import Problems
from tests.browser.page_driver import MnistPage
from tests.browser.page_hosting import host_mnist
from web.serve import POLICY, SiteServer

READY = """async () => {
  const { sharedRuntime } = await import(new URL("../syft-web.js", location.href));
  return (await sharedRuntime().ready).python;
}"""


@pytest_asyncio.fixture(loop_scope="session")
async def visitor(browser: Browser, problems: Problems) -> AsyncIterator[Page]:
    """A page of a person: the site's policy holds, and the browser may keep the site."""
    context = await browser.new_context(service_workers="allow")
    page = await context.new_page()
    page.set_default_timeout(90_000)
    problems.watch(page)
    yield page
    await context.close()


async def test_the_second_visit_needs_no_network(
    visitor: Page, site: Path, problems: Problems
) -> None:
    with SiteServer(site) as server:
        await visitor.goto(f"{server.url}/mnist/")
        assert await visitor.evaluate("syftDemo.offline") is True
        names = await visitor.evaluate(
            "caches.open('syft-web-site').then((c) => c.keys()).then((k) => k.map((r) => r.url))"
        )
        assert any("pyodide.asm.wasm?contents=" in name for name in names)
    # The server is gone; so is, to be sure, the network.
    await visitor.context.set_offline(True)
    await visitor.reload()
    await visitor.wait_for_selector("html[data-state=idle]", state="attached")
    assert (await visitor.evaluate(READY)).startswith("3.")
    problems.clear()  # it tells that it could not look for a new version


async def test_what_was_built_anew_is_what_is_shown(
    visitor: Page, tmp_path: Path, problems: Problems
) -> None:
    """Only a changed file is fetched again; nobody sees an old one after the next visit."""
    worker = Path(__file__).parents[2] / "web"
    (tmp_path / "common").mkdir()
    for name in ("offline-worker.js", "common/offline.js"):
        (tmp_path / name).write_bytes((worker / name).read_bytes())
    (tmp_path / "start.js").write_text(
        'import { keepOffline } from "./common/offline.js";\n'
        "window.kept = keepOffline({ busy: () => false });\n"
    )
    (tmp_path / "same.txt").write_text("same")

    def publish(version: int) -> None:
        (tmp_path / "index.html").write_text(
            f"<!doctype html><title>{version}</title><link rel=icon href=data:,>"
            "<script type=module src=start.js></script>"
        )
        keys = {"index.html": version, "start.js": 0, "common/offline.js": 0, "same.txt": 0}
        (tmp_path / "site-files.js").write_text(f"self.siteFiles = {keys};")

    publish(1)
    with SiteServer(tmp_path) as server:
        await visitor.goto(server.url)
        assert await visitor.evaluate("kept") is True
        publish(2)
        await visitor.reload()
        await expect(visitor).to_have_title("2", timeout=60_000)
        await visitor.wait_for_load_state()
        await visitor.evaluate("kept")
        names = await visitor.evaluate(
            "caches.open('syft-web-site').then((c) => c.keys()).then((k) => k.map((r) => r.url))"
        )
        pages = [name.partition("contents=")[2] for name in names if "index.html" in name]
        assert pages == ["2"]
        assert sum("same.txt" in name for name in names) == 1


class _Files(SimpleHTTPRequestHandler):
    """Plain files under a strict policy, as a host of static files serves them."""

    extensions_map = SimpleHTTPRequestHandler.extensions_map | {".mjs": "text/javascript"}

    def end_headers(self) -> None:
        self.send_header("Content-Security-Policy", POLICY)
        super().end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def subfolder(site: Path) -> Iterator[str]:
    """The site below a folder, on a server that knows neither ranges nor headers."""
    handler = functools.partial(_Files, directory=str(site.parent))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/{site.name}"
        server.shutdown()
        thread.join()


async def test_from_a_subfolder_of_plain_files_under_a_strict_policy(
    visitor: Page, subfolder: str, grid
) -> None:
    await host_mnist(grid.ws_url, updates=3)
    mnist = await MnistPage(visitor, subfolder).open(grid.ws_url, shards=60, autostart=1)
    assert await mnist.reach("done", "finished", "error") == "done", await mnist.status()
    assert len(await mnist.cycles()) == 1


async def test_the_policy_forbids_inline_scripts(visitor: Page, site_url: str, problems) -> None:
    await visitor.goto(f"{site_url}/mnist/")
    await visitor.wait_for_selector("html[data-state=idle]", state="attached")
    ran = await visitor.evaluate(
        """() => {
          const script = document.createElement("script");
          script.textContent = "window.ran = true";
          document.body.append(script);
          return Boolean(window.ran);
        }"""
    )
    assert ran is False
    assert any("Content Security Policy" in line for line in problems)
    problems.clear()
