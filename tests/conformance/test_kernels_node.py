"""Every kernel of both builds against numpy, in Node's Pyodide, with guard bands."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest

from syft_web.kernels.load import BUILDS
from tests.conformance import kernel_checks
from tests.conformance.node import relaxed_is_asked_for, run_script
from tests.paths import ROOT
from web.site import build


@cache
def _lines() -> list[dict[str, Any]]:
    """What is in use, then one line for each check of each build."""
    pyodide = str(build() / "pyodide")
    given = {"pyodide": pyodide, "project": str(ROOT), "builds": list(BUILDS)}
    return run_script("kernels_runner.mjs", given)


@pytest.mark.timeout(330)
def test_the_best_build_is_in_use() -> None:
    info = _lines()[0]["info"]
    assert info["active"] == "relaxed_simd"
    assert info["refused"] == {}


@pytest.mark.timeout(330)
@pytest.mark.skipif(not relaxed_is_asked_for(), reason="this Node always has relaxed SIMD")
def test_without_relaxed_simd_the_other_build_is_used() -> None:
    """What happens in WebKit: the first build is refused, quietly, and the second one loads."""
    pyodide = str(build() / "pyodide")
    given = {"pyodide": pyodide, "project": str(ROOT), "builds": ["simd128"]}
    info, *checks = run_script("kernels_runner.mjs", given, relaxed=False)
    assert info["info"]["active"] == "simd128"
    assert "relaxed" in info["info"]["refused"]["relaxed_simd"]
    assert [line["error"] for line in checks if line["error"]] == []


@pytest.mark.timeout(330)
@pytest.mark.parametrize("build", BUILDS)
@pytest.mark.parametrize("name", kernel_checks.CHECKS)
def test_kernel(build: str, name: str) -> None:
    found = {(line["build"], line["name"]): line["error"] for line in _lines()[1:]}
    assert (build, name) in found, "the check was not run"
    assert found[build, name] is None, found[build, name]
