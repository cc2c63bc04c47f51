"""The site's wheels hold bytecode of Pyodide's own Python, the built wheel holds none."""

from __future__ import annotations

import json
import logging
import shutil
from pathlib import Path
from zipfile import ZipFile

import pytest

from web import fetch, precompile, site, wheel


def compiled(path: Path) -> set[str]:
    with ZipFile(path) as archive:
        return {name for name in archive.namelist() if name.endswith(".pyc")}


def test_the_site_has_bytecode_and_the_distribution_has_none() -> None:
    folder = site.build() / "pyodide"
    assert compiled(wheel.build()) == set()
    ours = compiled(folder / wheel.build().name)
    assert "syft_web/bridge/__pycache__/commands.cpython-312.pyc" in ours
    assert "syft_web/ops/__pycache__/grid.cpython-312.pyc" in ours
    assert not [name for name in ours if name.startswith(("syft_web/grid/", "syft_web/author/"))]
    lock = json.loads((folder / "pyodide-lock.json").read_text())["packages"]
    for name in ("numpy", "msgpack", "syft-web"):
        path = folder / lock[name]["file_name"]
        assert compiled(path), name
        assert fetch.sha256_of(path) == lock[name]["sha256"]


def _core() -> dict[str, precompile.Reader]:
    names = (*site.PYODIDE_CORE, "pyodide-lock.json")
    return {name: site._member(site.PYODIDE, name) for name in names}


def test_made_once_and_with_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    digests = []
    for name in ("one", "two"):
        monkeypatch.setattr(precompile, "PRECOMPILED", tmp_path / name)
        [made] = precompile.precompile([wheel.build()], _core(), "1")
        digests.append(fetch.sha256_of(made))
    assert digests[0] == digests[1]
    monkeypatch.setattr(precompile, "_run", None)  # a second time nothing is run
    assert precompile.precompile([wheel.build()], _core(), "1") == [made]


def test_without_node_the_sources_are_offered(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with caplog.at_level(logging.WARNING):
        given = [Path("some.whl")]
        assert precompile.precompile(given, {}, "1") == given
    assert "Node.js is not installed" in caplog.text


def test_what_pyodide_says_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(precompile, "PRECOMPILED", tmp_path / "made")
    broken = tmp_path / "broken-1-py3-none-any.whl"
    with ZipFile(broken, "w") as archive:
        archive.writestr("broken.py", "def (")
    with pytest.raises(precompile.PrecompileError, match="SyntaxError"):
        precompile.precompile([broken], _core(), "1")
