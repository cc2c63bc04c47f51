"""All conformance cases inside Pyodide in a real Chromium.

The page boots Pyodide with the package out of the site's lock file. The cases and their
data are not part of the site: they come as two zip files, from routes of the test.
"""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Route

from tests.browser.conftest import Problems
from tests.conformance import cases
from tests.paths import DATA, ROOT, SHARED

# Without MNIST: the one case that needs it is run by Node, and a page would only wait for it.
NAMES = cases.names(cases.Folders(plans=DATA, fixtures=SHARED))

PAGE = """<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>cases</title>
<link rel="icon" href="data:,"></head></html>"""

RUN = """async ([withFixtures]) => {
  const { loadPyodide } = await import("/pyodide/pyodide.mjs");
  const { runCases } = await import("/conformance/pyodide_runner.mjs");
  const py = await loadPyodide({ packages: ["syft_web"] });
  for (const name of withFixtures ? ["project", "fixtures"] : ["project"]) {
    const zip = await fetch(`/conformance/${name}.zip`);
    py.unpackArchive(await zip.arrayBuffer(), "zip", { extractDir: `/${name}` });
  }
  const lines = [];
  const fixtures = withFixtures ? "/fixtures" : null;
  runCases(py, { project: "/project", fixtures, mnist: null }, (line) => lines.push(line));
  return lines;
}"""


def _zip(root: Path, folders: list[str]) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for folder in folders:
            for path in sorted((root / folder).rglob("*")):
                if path.is_file() and "__pycache__" not in path.parts:
                    archive.write(path, path.relative_to(root))
    return data.getvalue()


def _answers() -> dict[str, tuple[str, bytes]]:
    runner = (ROOT / "tests" / "conformance" / "pyodide_runner.mjs").read_bytes()
    answers = {
        "empty.html": ("text/html", PAGE.encode()),
        "pyodide_runner.mjs": ("text/javascript", runner),
        "project.zip": ("application/zip", _zip(ROOT, ["tests/conformance"])),
    }
    if SHARED is not None:
        answers["fixtures.zip"] = ("application/zip", _zip(SHARED, ["cases", "bin"]))
    return answers


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def results(browser: Browser, site_url: str) -> dict[str, str | None]:
    """Case -> None when it went well, else the traceback."""
    answers = _answers()

    async def answer(route: Route) -> None:
        kind, body = answers[route.request.url.rpartition("/")[2]]
        await route.fulfill(content_type=kind, body=body)

    problems = Problems()
    context = await browser.new_context(service_workers="block", bypass_csp=True)
    try:
        page = await context.new_page()
        problems.watch(page)
        await page.route("**/conformance/*", answer)
        await page.goto(f"{site_url}/conformance/empty.html")
        lines = [json.loads(line) for line in await page.evaluate(RUN, [SHARED is not None])]
    finally:
        await context.close()
    assert not problems
    return {line["name"]: line["error"] for line in lines}


@pytest.mark.timeout(330)
@pytest.mark.parametrize("name", NAMES)
async def test_case(name: str, results: dict[str, str | None]) -> None:
    assert name in results, "the case was not run"
    assert results[name] is None, results[name]
