"""Every kernel of both builds against numpy, in Pyodide in a real Chromium, with guard bands.

The checks are those of tests/conformance/kernel_checks.py; they come from routes of the test.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Route

from syft_web.kernels.load import BUILDS
from tests.browser.conftest import Problems
from tests.conformance import kernel_checks
from tests.paths import ROOT

HERE = ROOT / "tests" / "conformance"

PAGE = """<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>kernels</title>
<link rel="icon" href="data:,"></head></html>"""

RUN = """async ([builds, checks]) => {
  const { loadPyodide } = await import("/pyodide/pyodide.mjs");
  const { runChecks } = await import("/kernels/kernels_runner.mjs");
  const py = await loadPyodide({ packages: ["syft_web"] });
  py.FS.mkdirTree("/project/tests/conformance");
  py.FS.writeFile("/project/tests/conformance/kernel_checks.py", checks);
  const lines = [];
  runChecks(py, "/project", builds, (line) => lines.push(line));
  return lines;
}"""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def lines(browser: Browser, site_url: str) -> list[dict[str, Any]]:
    """What is in use, then one line for each check of each build."""

    async def answer(route: Route) -> None:
        if route.request.url.endswith(".mjs"):
            runner = (HERE / "kernels_runner.mjs").read_bytes()
            await route.fulfill(content_type="text/javascript", body=runner)
        else:
            await route.fulfill(content_type="text/html", body=PAGE)

    problems = Problems()
    context = await browser.new_context(service_workers="block", bypass_csp=True)
    try:
        page = await context.new_page()
        problems.watch(page)
        await page.route("**/kernels/*", answer)
        await page.goto(f"{site_url}/kernels/empty.html")
        checks = (HERE / "kernel_checks.py").read_text()
        found = [json.loads(line) for line in await page.evaluate(RUN, [list(BUILDS), checks])]
    finally:
        await context.close()
    assert not problems
    return found


@pytest.mark.timeout(330)
async def test_the_best_build_is_in_use(lines: list[dict[str, Any]]) -> None:
    assert lines[0]["info"]["active"] == "relaxed_simd"
    assert lines[0]["info"]["refused"] == {}


@pytest.mark.timeout(330)
@pytest.mark.parametrize("build", BUILDS)
@pytest.mark.parametrize("name", kernel_checks.CHECKS)
async def test_kernel(build: str, name: str, lines: list[dict[str, Any]]) -> None:
    found = {(line["build"], line["name"]): line["error"] for line in lines[1:]}
    assert (build, name) in found, "the check was not run"
    assert found[build, name] is None, found[build, name]
