"""The headless demo from end to end, as a person starts it: ``./build.sh demo --headless``."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from playwright.async_api import Browser

from tests.paths import ROOT
from web.rounds import RoundError, open_pages

pytestmark = pytest.mark.slow

DEMO = [sys.executable, "-m", "web.demo", "--headless"]


def _children(pid: int) -> set[int]:
    """All descendants of a process that are alive."""
    listed = subprocess.run(
        ["ps", "-eo", "pid=,ppid="], capture_output=True, text=True, check=True
    ).stdout
    pairs = [tuple(map(int, line.split())) for line in listed.splitlines()]
    found, before = {pid}, set()
    while found != before:
        before = set(found)
        found |= {child for child, parent in pairs if parent in before}
    return found - {pid}


def _alive(pids: set[int]) -> set[int]:
    listed = subprocess.run(
        ["ps", "-eo", "pid=,stat="], capture_output=True, text=True, check=True
    ).stdout
    rows = [line.split() for line in listed.splitlines()]
    return {int(pid) for pid, state in rows if not state.startswith("Z")} & pids


@pytest.mark.timeout(600)
def test_three_workers_five_cycles(site: Path, tmp_path: Path) -> None:
    """The model gets better in real pages, to over 0.90 on the 10,000 test images."""
    results = tmp_path / "results.json"
    done = subprocess.run(
        [*DEMO, "--workers", "3", "--cycles", "5", "--json", str(results)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(results.read_text())
    assert set(found) == {"initial_accuracy", "cycles", "seconds"}
    assert found["initial_accuracy"] < 0.3
    assert [len(cycle["losses"]) for cycle in found["cycles"]] == [3] * 5
    means = [sum(cycle["losses"]) / 3 for cycle in found["cycles"]]
    assert means == sorted(means, reverse=True)
    assert found["cycles"][-1]["test_accuracy"] > 0.90
    lines = [line for line in done.stdout.splitlines() if line.startswith("cycle ")]
    assert len(lines) == 5
    assert f"{found['cycles'][-1]['test_accuracy']:.4f}" in lines[-1]
    assert "ERROR" not in done.stderr


@pytest.mark.timeout(120)
def test_stops_in_good_order(site: Path) -> None:
    """SIGTERM in the middle of a cycle: a word, a status, no process left."""
    demo = subprocess.Popen(
        [*DEMO, "--workers", "1", "--cycles", "50"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        assert demo.stdout is not None
        assert "initial model" in demo.stdout.readline()
        time.sleep(3)
        family = _children(demo.pid)
        assert family, "the demo has started no browser"
        demo.send_signal(signal.SIGTERM)
        rest = demo.communicate(timeout=30)[0]
    finally:
        demo.kill()
    assert demo.returncode == 130
    assert "stopped" in rest
    assert "Traceback" not in rest
    deadline = time.monotonic() + 10
    while _alive(family) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert _alive(family) == set()


async def test_a_failed_worker_says_why(browser: Browser, site_url: str) -> None:
    """The page's own error, with its code, becomes the demo's."""
    address = f"{site_url}/mnist/?grid=ws://127.0.0.1:9&model=mnist&shards=60"
    async with open_pages([address]) as (worker,):
        with pytest.raises(RoundError, match=r"worker 1: grid\.unreachable: .*127\.0\.0\.1:9"):
            await worker.join()


@pytest.mark.timeout(120)
def test_a_browser_that_does_not_start(site: Path, tmp_path: Path) -> None:
    """One clear message, status 1."""
    broken = tmp_path / "chromium"
    broken.write_text("#!/bin/sh\nexit 3\n")
    broken.chmod(0o755)
    done = subprocess.run(
        [*DEMO, "--workers", "1", "--cycles", "1"],
        cwd=ROOT,
        env={**os.environ, "SYFT_WEB_CHROMIUM": str(broken)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "does not start" in done.stderr
    assert "Traceback" not in done.stderr
