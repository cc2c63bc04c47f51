"""The page of the benchmarks: its server, its npm packages, and calls into it."""

from __future__ import annotations

import contextlib
import importlib.metadata
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, BrowserContext, Page, async_playwright
from starlette.applications import Starlette
from starlette.staticfiles import StaticFiles

from syft_web.grid.threaded import ThreadedServer
from web import chromium
from web.serve import create_app
from web.wheel import ROOT

HERE = Path(__file__).resolve().parent

NPM = {
    "@jax-js/jax": "0.1.25",
    "@tensorflow/tfjs": "4.22.0",
    "@tensorflow/tfjs-backend-wasm": "4.22.0",
}
"""npm packages and their exact versions; used here and nowhere else."""

WEBGL = ("--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--ignore-gpu-blocklist")
"""Flags for WebGL by software, which is all that a machine without a screen has."""


NODE_MODULES = ROOT / "build" / "node" / "bench" / "node_modules"
"""Where the npm packages are installed."""


class BenchServer(ThreadedServer):
    """The site, the page of the benchmarks, its npm packages and cases, on one port.

    Args:
        site: The built site.
        npm: A ``node_modules`` folder.
        made: Folder of the cases.
    """

    def __init__(self, site: Path, npm: Path, made: Path) -> None:
        self._site = site
        self._mounts = {"/npm": npm, "/made": made, "/bench": HERE}
        super().__init__("127.0.0.1", 0, name="bench", lifespan="off", timeout_graceful_shutdown=2)

    def make_app(self) -> Starlette:
        """All of them as one application."""
        app = Starlette()
        for path, folder in self._mounts.items():
            app.mount(path, StaticFiles(directory=folder, html=True, check_dir=False))
        app.mount("/", create_app(self._site))
        return app


def npm_packages() -> str:
    """Install the npm packages where they are missing; gives why that failed, else nothing."""
    folder = NODE_MODULES.parent
    stamp = folder / "installed"
    wanted = "\n".join(f"{name}@{version}" for name, version in NPM.items())
    if stamp.is_file() and stamp.read_text() == wanted:
        return ""
    folder.mkdir(parents=True, exist_ok=True)
    command = ["npm", "install", "--prefix", str(folder), "--ignore-scripts"]
    command += ["--no-audit", "--no-fund"]
    try:
        done = subprocess.run(
            [*command, "--loglevel=error", *wanted.split()],
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"npm could not run ({type(error).__name__})"
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["no reason given"]
        return f"npm install failed: {lines[0]}"
    stamp.write_text(wanted)
    return ""


def protobuf_wheel() -> Path | None:
    """The wheel of Google's protobuf without C, which runs in Pyodide; None when pip has none."""
    version = importlib.metadata.version("protobuf")
    folder = ROOT / "build" / "bench"
    path = folder / f"protobuf-{version}-py3-none-any.whl"
    if path.is_file():
        return path
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
    command += ["--only-binary", ":all:", "--platform", "any", "--dest", str(folder)]
    done = subprocess.run([*command, f"protobuf=={version}"], capture_output=True, check=False)
    return path if done.returncode == 0 and path.is_file() else None


class BenchPage:
    """The page, open in a browser; see ``web/bench.js`` for what it can do."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.url = url

    async def load(self) -> None:
        """Open it, or open it anew."""
        await self.page.goto(f"{self.url}/bench/web/bench.html")
        await self.page.wait_for_function("window.bench")

    async def call(self, name: str, *given: Any) -> Any:
        """Call one of the page's functions.

        Raises:
            playwright.async_api.Error: It failed.
        """
        return await self.page.evaluate(f"(given) => bench.{name}(...given)", list(given))

    async def python(self, code: str) -> Any:
        """The value of an expression in Pyodide, through JSON."""
        return await self.call("python", f"json.dumps({code})")


@contextlib.asynccontextmanager
async def open_page(browser: Browser | BrowserContext, url: str) -> AsyncIterator[BenchPage]:
    """Open the page in a context of its own, or in one that is there.

    Args:
        browser: Where to open it.
        url: Of a `BenchServer`.
    """
    async with contextlib.AsyncExitStack() as stack:
        context = browser
        if isinstance(browser, Browser):
            context = await browser.new_context()
            stack.push_async_callback(context.close)
        page = await context.new_page()
        stack.push_async_callback(page.close)
        page.set_default_timeout(120_000)
        bench = BenchPage(page, url)
        await bench.load()
        yield bench


@contextlib.asynccontextmanager
async def open_browser(profile: Path | None = None) -> AsyncIterator[Browser | BrowserContext]:
    """A Chromium with WebGL by software.

    Args:
        profile: Folder for its cache, which is on disk then, as a user's is. Without one the
            cache is in memory, and holds no large files.

    Raises:
        RuntimeError: There is none.
    """
    path = chromium.find()
    if path is None:
        raise RuntimeError(chromium.HELP)
    flags = [*(flag for flag in chromium.ARGUMENTS if flag != "--disable-gpu"), *WEBGL]
    async with async_playwright() as playwright:
        start = playwright.chromium
        if profile is None:
            running = await start.launch(executable_path=path, args=flags)
        else:
            running = await start.launch_persistent_context(
                profile, executable_path=path, args=flags
            )
        try:
            yield running
        finally:
            await running.close()
