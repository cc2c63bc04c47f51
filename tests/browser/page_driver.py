"""Driving the MNIST page in tests: addresses, states, screenshots."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from playwright.async_api import Page

__all__ = ["FINAL", "SHOTS", "MnistPage"]

FINAL = ("done", "finished", "stopped", "error")

# Notes every state that the page goes through, and tasks that kept it from answering.
_WATCH = """
window.trace = [];
window.longTasks = [];
addEventListener("DOMContentLoaded", () => {
  const root = document.documentElement;
  const note = () => {
    if (root.dataset.state && root.dataset.state !== trace.at(-1)) trace.push(root.dataset.state);
  };
  new MutationObserver(note).observe(root, { attributes: true });
  note();
});
new PerformanceObserver((list) => {
  for (const task of list.getEntries()) {
    longTasks.push({ ms: task.duration, state: document.documentElement.dataset.state });
  }
}).observe({ type: "longtask" });
"""

SHOTS = Path(__file__).resolve().parents[2] / "build" / "screenshots"


class MnistPage:
    """The MNIST page in a browser.

    Args:
        page: Where to open it.
        site_url: Base URL of the built site.
    """

    def __init__(self, page: Page, site_url: str) -> None:
        self.page = page
        self._base = f"{site_url}/mnist/"

    async def open(self, grid: str, **query: object) -> MnistPage:
        """Load the page with an address of a grid and other query parameters."""
        await self.page.add_init_script(_WATCH)
        await self.page.goto(f"{self._base}?{urlencode({'grid': grid, **query})}")
        if "autostart" not in query:
            await self.reach("idle")
        return self

    async def start(self) -> None:
        """Press the button."""
        await self.page.get_by_role("button", name="Start").click()

    async def aim(self, grid: str, model: str = "mnist") -> None:
        """Fill in another grid and model."""
        await self.page.get_by_label("Grid address").fill(grid)
        await self.page.get_by_label("Model", exact=True).fill(model)

    async def join(self) -> None:
        """Press the button, and wait until that has come to an end."""
        before = len(await self.cycles())
        await self.start()
        await self.page.wait_for_function(f"window.syftDemo.cycles.length > {before}")

    async def reach(self, *states: str, seconds: float = 60) -> str:
        """Wait for one of some states; gives the one that came."""
        selector = ", ".join(f"html[data-state={state}]" for state in states)
        await self.page.wait_for_selector(selector, state="attached", timeout=seconds * 1000)
        return await self.state()

    async def state(self) -> str:
        """The state that the page says it is in."""
        return str(await self.page.evaluate("document.documentElement.dataset.state"))

    async def sentence(self) -> str:
        """The status line."""
        return await self.page.locator("#sentence").inner_text()

    async def status(self) -> str:
        """All that the status card says."""
        return await self.page.locator("#status").inner_text()

    async def trace(self) -> list[str]:
        """The states so far, in order."""
        return list(await self.page.evaluate("window.trace"))

    async def cycles(self) -> list[dict[str, Any]]:
        """Outcomes as the page gives them to programs."""
        return list(await self.page.evaluate("window.syftDemo.cycles"))

    async def shoot(self, name: str) -> None:
        """With SYFT_WEB_SCREENSHOTS set: pictures in both themes, wide and as on a phone."""
        if not os.environ.get("SYFT_WEB_SCREENSHOTS"):
            return
        SHOTS.mkdir(parents=True, exist_ok=True)
        before = self.page.viewport_size
        for width in (1200, 390):
            await self.page.set_viewport_size({"width": width, "height": 900})
            for theme in ("light", "dark"):
                await self.page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
                # The charts are drawn anew some 100 ms after their size has changed.
                await self.page.wait_for_timeout(250)
                await self.page.screenshot(
                    path=SHOTS / f"{name}-{theme}-{width}.png", full_page=True
                )
        if before:
            await self.page.set_viewport_size(before)
