"""All conformance cases inside Pyodide, run by Node: the wheel, numpy for wasm, no browser.

Once with each build of the kernels and once with none.
"""

from __future__ import annotations

from functools import cache

import pytest

from syft_web.kernels.load import BUILDS
from tests.conformance import cases
from tests.conformance.node import run_script
from tests.paths import DATA, ROOT, SHARED
from web.site import SITE, build

FOLDERS = cases.Folders(plans=DATA, fixtures=SHARED, mnist=SITE / "data" / "mnist")
NAMES = cases.names(FOLDERS)


@cache
def results(kernels: str) -> dict[str, str | None]:
    """Case -> None when it went well with this build, else the traceback."""
    site = build()
    given = {
        "pyodide": str(site / "pyodide"),
        "project": str(ROOT),
        "fixtures": str(SHARED) if SHARED else None,
        "mnist": str(site / "data" / "mnist"),
        "kernels": kernels,
    }
    return {line["name"]: line["error"] for line in run_script("pyodide_runner.mjs", given)}


@pytest.mark.timeout(330)
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kernels", [*BUILDS, "numpy"])
def test_case(kernels: str, name: str) -> None:
    found = results(kernels)
    assert name in found, "the case was not run"
    assert found[name] is None, found[name]


def test_the_first_numbers_are_among_them() -> None:
    """The plan of syft.js's own tests runs in both of its roles, where the fixtures are."""
    if SHARED is None:
        pytest.skip("the shared fixtures are not beside this checkout")
    assert {"cases/sh_js2007b_1step/torch", "cases/sh_js2007b_1step/tfjs"} <= set(NAMES)
