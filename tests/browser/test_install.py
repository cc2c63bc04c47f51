"""The way in without our shim: Pyodide from a script tag, then micropip.

This is what a PyScript or JupyterLite page does. Each test opens an empty page of the
site, loads ``pyodide.js`` by a ``<script>`` tag and installs ``syft_web`` in its own way.
"""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest
from playwright.async_api import Page, Route

from tests.browser.conftest import Problems
from tests.paths import DATA
from web.package_index import JSON_TYPE

PAGE = """<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>install</title>
<link rel="icon" href="data:,"><script src="{site}/pyodide/pyodide.js"></script></head></html>"""

BOOT = """async () => {
  window.py = await loadPyodide();
  await window.py.loadPackage("micropip");
}"""

INSTALL = """async ([what, index]) => {
  const micropip = window.py.pyimport("micropip");
  if (index) micropip.set_index_urls(window.py.toPy([index]));
  await micropip.install(what);
}"""

# Runs a plan that PySyft wrote; the expected outputs lie in the same file as the inputs.
EXECUTE = """async ([plan, arrays]) => {
  window.py.globals.set("given", window.py.toPy([plan, arrays]));
  return JSON.parse(await window.py.runPythonAsync(`
import base64, io, json, sys
import numpy as np
import syft_web
plan_bytes, arrays = (base64.b64decode(text) for text in given)
plan = syft_web.Plan.loads(plan_bytes)
arrays = np.load(io.BytesIO(arrays))
outputs = plan.execute(arrays["in0"])
json.dumps({
    "version": syft_web.__version__,
    "differences": [
        float(np.abs(np.subtract(got, arrays[f"out{i}"], dtype=np.float64)).max())
        for i, got in enumerate(outputs)
    ],
    "not for a browser": [
        name for name in sys.modules if name.startswith(("syft_web.grid", "syft_web.author"))
    ],
})
`));
}"""


async def _boot(page: Page, site_url: str) -> None:
    """Open an empty page of the site that loads Pyodide by a script tag."""

    async def answer(route: Route) -> None:
        await route.fulfill(content_type="text/html", body=PAGE.format(site=site_url))

    await page.route("**/empty.html", answer)
    await page.goto(f"{site_url}/empty.html")
    await page.evaluate(BOOT)


async def _execute(page: Page) -> dict[str, Any]:
    """Import the installed package in the page and let it execute a plan."""
    files = [(DATA / f"inf_mlp.{suffix}").read_bytes() for suffix in ("pb", "npz")]
    found: dict[str, Any] = await page.evaluate(
        EXECUTE, [base64.b64encode(data).decode() for data in files]
    )
    return found


def _check(found: dict[str, Any], site: Path) -> None:
    assert (site / "pyodide" / f"syft_web-{found['version']}-py3-none-any.whl").is_file()
    assert len(found["differences"]) == 2
    assert max(found["differences"]) < 1e-6
    assert found["not for a browser"] == []


@pytest.mark.parametrize("form", ["json", "html"])
async def test_by_name_from_the_package_index(
    page: Page, problems: Problems, site: Path, site_url: str, form: str
) -> None:
    """Name -> index page -> wheel -> its dependencies, numpy from the lock file."""
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    if form == "html":
        # What a static file server would answer: it knows nothing of JSON pages.
        async def without_json(route: Route) -> None:
            await route.continue_(headers={**route.request.headers, "accept": "text/html"})

        await page.route("**/simple/**", without_json)
    await _boot(page, site_url)
    await page.evaluate(INSTALL, ["syft_web", f"{site_url}/simple"])
    _check(await _execute(page), site)
    assert f"{site_url}/simple/syft-web/" in asked
    assert f"{site_url}/simple/msgpack/" in asked
    # numpy is in Pyodide's lock file and not in the index; Chromium prints the 404.
    problems[:] = [line for line in problems if f"{site_url}/simple/numpy/" not in line]


async def test_by_name_from_the_lock_file(page: Page, site: Path, site_url: str) -> None:
    """Without any index: the site's own lock file lists the package."""
    await _boot(page, site_url)
    await page.evaluate(INSTALL, ["syft_web", None])
    _check(await _execute(page), site)


async def test_by_address_of_the_wheel(page: Page, site: Path, site_url: str) -> None:
    wheel = next((site / "pyodide").glob("syft_web-*.whl")).name
    await _boot(page, site_url)
    await page.evaluate(INSTALL, [f"{site_url}/pyodide/{wheel}", None])
    _check(await _execute(page), site)


async def test_a_changed_wheel_is_refused(
    page: Page, problems: Problems, site: Path, site_url: str
) -> None:
    """The index names the hash of each wheel, and micropip holds the wheel against it."""

    async def other_bytes(route: Route) -> None:
        answer = await route.fetch()
        await route.fulfill(response=answer, body=await answer.body() + b"\0")

    await page.route("**/syft_web-*.whl", other_bytes)
    await _boot(page, site_url)
    with pytest.raises(Exception, match=r"SHA-256|checksum|hash"):
        await page.evaluate(INSTALL, ["syft_web", f"{site_url}/simple"])
    problems.clear()


def test_index_in_both_forms_offers_the_same(site_url: str) -> None:
    with urlopen(f"{site_url}/simple/syft-web/") as answer:
        assert answer.headers["content-type"].startswith("text/html")
        html = answer.read().decode()
    asked = Request(f"{site_url}/simple/syft-web/", headers={"accept": JSON_TYPE})
    with urlopen(asked) as answer:
        assert answer.headers["content-type"] == JSON_TYPE
        file = json.load(answer)["files"][0]
    assert file["url"] == f"{site_url}/pyodide/{file['filename']}"
    assert f"{file['filename']}#sha256={file['hashes']['sha256']}" in html
    with urlopen(file["url"]) as answer:
        assert len(answer.read()) == file["size"]


def test_server_answers_as_a_page_needs_it(site_url: str) -> None:
    with urlopen(f"{site_url}/pyodide/pyodide.mjs") as answer:
        assert answer.headers["content-type"].startswith("text/javascript")
        assert answer.headers["cross-origin-opener-policy"] == "same-origin"
        assert answer.headers["cross-origin-embedder-policy"] == "require-corp"
        assert answer.headers["cache-control"] == "no-store"
    with urlopen(f"{site_url}/pyodide/pyodide.asm.wasm") as answer:
        assert answer.headers["content-type"] == "application/wasm"
        assert answer.headers["cache-control"] == "no-cache"
    labels = f"{site_url}/data/mnist/t10k-labels-idx1-ubyte"
    with urlopen(Request(labels, headers={"Range": "bytes=8-17"})) as answer:
        assert answer.status == 206
        assert answer.headers["content-range"] == "bytes 8-17/10008"
        assert list(answer.read()) == [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]
