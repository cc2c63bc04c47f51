"""All conformance cases inside Pyodide, run by Node: the wheel, numpy for wasm, no browser."""

from __future__ import annotations

import json
import shutil
import subprocess

import pytest

from tests.conformance import cases
from tests.paths import DATA, ROOT, SHARED
from web.site import SITE, build

FOLDERS = cases.Folders(plans=DATA, fixtures=SHARED, mnist=SITE / "data" / "mnist")
NAMES = cases.names(FOLDERS)


@pytest.fixture(scope="module")
def results() -> dict[str, str | None]:
    """Case -> None when it went well, else the traceback."""
    node = shutil.which("node")
    assert node, "Node.js is needed"
    site = build()
    folders = {
        "pyodide": str(site / "pyodide"),
        "project": str(ROOT),
        "fixtures": str(SHARED) if SHARED else None,
        "mnist": str(site / "data" / "mnist"),
    }
    done = subprocess.run(
        [node, str(ROOT / "tests" / "conformance" / "pyodide_runner.mjs"), json.dumps(folders)],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    return {line["name"]: line["error"] for line in lines}


@pytest.mark.timeout(330)
@pytest.mark.parametrize("name", NAMES)
def test_case(name: str, results: dict[str, str | None]) -> None:
    assert name in results, "the case was not run"
    assert results[name] is None, results[name]


def test_the_first_numbers_are_among_them() -> None:
    """The plan of syft.js's own tests runs in both of its roles, where the fixtures are."""
    if SHARED is None:
        pytest.skip("the shared fixtures are not beside this checkout")
    assert {"cases/sh_js2007b_1step/torch", "cases/sh_js2007b_1step/tfjs"} <= set(NAMES)
