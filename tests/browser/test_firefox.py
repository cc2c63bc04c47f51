"""The same pages in a real Firefox: a cycle from start to report, stop, reload and resume."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.browser.page_hosting import host_mnist
from tests.browser.test_nothing_lost import BEGIN, LAB, RESUME, host
from web import firefox

HERE = Path(__file__).resolve().parent

pytestmark = pytest.mark.timeout(300)


async def drive(folder: Path, *steps: dict[str, Any]) -> list[Any]:
    """Do some steps in one page of a new Firefox; gives the result of each."""
    browser, module, node = firefox.find(), firefox.puppeteer(), shutil.which("node")
    if browser is None or module is None or node is None:
        pytest.skip(firefox.HELP if browser is None else "npm did not bring puppeteer-core")
    script = folder / "steps.json"
    script.write_text(json.dumps({"puppeteer": module, "firefox": browser, "steps": steps}))
    process = await asyncio.create_subprocess_exec(
        *(node, str(HERE / "firefox.mjs"), str(script)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=os.environ | {"MOZ_DISABLE_CONTENT_SANDBOX": "1"},
    )
    out, err = await process.communicate()
    lines = [json.loads(line) for line in out.decode().splitlines()]
    assert len(lines) == len(steps), err.decode()[-2000:]
    assert "error" not in lines[-1], lines[-1]["error"]
    return [line["result"] for line in lines]


async def test_a_cycle_from_start_to_report(site_url: str, grid: Any, tmp_path: Path) -> None:
    await host_mnist(grid.ws_url, updates=10)
    address = f"{site_url}/mnist/?grid={grid.ws_url}&shards=60&autostart=1"
    *_, state, cycles, kernels = await drive(
        tmp_path,
        {"goto": address},
        {"wait": "html[data-state=done], html[data-state=finished], html[data-state=error]"},
        {"evaluate": "() => document.documentElement.dataset.state"},
        {"evaluate": "() => window.syftDemo.cycles"},
        {"evaluate": "() => document.body.innerText"},
    )
    assert state == "done", kernels
    (cycle,) = cycles
    assert cycle["status"] == "reported"
    assert cycle["updates"] == 10
    assert cycle["losses"][-1] < cycle["losses"][0]


async def test_stopped_reloaded_and_resumed(site_url: str, grid: Any, tmp_path: Path) -> None:
    await host(grid.url)
    page = {"goto": f"{site_url}/"}
    lab = {"evaluate": LAB, "args": [site_url, grid.ws_url]}
    *_, resumed = await drive(
        tmp_path, page, lab, {"evaluate": BEGIN}, page, lab, {"evaluate": RESUME}
    )
    assert resumed["same"]
    assert resumed["moved"]
