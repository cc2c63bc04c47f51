"""What axe-core, the usual checker of accessibility, finds on a page."""

from __future__ import annotations

from playwright.async_api import Page

from web import fetch

__all__ = ["serious_problems"]

_AXE = fetch.NpmPackage(
    "axe-core", "4.10.3", "0f2b4d7dcdf7d1219df8d1959ad68e565f51d14c3f0d88bb71cd59abeb956292"
)

_RUN = """async () => {
  const { violations } = await axe.run();
  return violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .flatMap(({ id, nodes }) => nodes.map(({ target, failureSummary }) =>
      `${id}: ${target.join(" ")}: ${failureSummary}`));
}"""


async def serious_problems(page: Page) -> list[str]:
    """What it calls serious or critical, one line each: the rule, the element, the reason."""
    if not await page.evaluate("'axe' in window"):
        await page.evaluate(fetch.npm_member(_AXE, "axe.min.js").decode())
    return list(await page.evaluate(_RUN))
