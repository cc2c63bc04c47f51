"""Which browser is taken."""

from __future__ import annotations

from pathlib import Path

import pytest

from web import chromium


def test_the_named_one_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "my-browser"
    path.touch()
    monkeypatch.setenv("SYFT_WEB_CHROMIUM", str(path))
    assert chromium.find() == str(path)


def test_a_named_one_that_is_missing_is_not_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Who names a browser wants that one, and hears that it is not there."""
    monkeypatch.setenv("SYFT_WEB_CHROMIUM", str(tmp_path / "gone"))
    assert chromium.find() is None
    assert chromium.main([]) == 1
    assert "SYFT_WEB_CHROMIUM" in capsys.readouterr().err


def test_one_of_the_system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SYFT_WEB_CHROMIUM", raising=False)
    path = tmp_path / "google-chrome"
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert chromium.find() == str(path)
