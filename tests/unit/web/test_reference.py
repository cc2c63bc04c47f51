"""The reference has a page for each public module, with what it says."""

from __future__ import annotations

from pathlib import Path

import pytest

from web import reference

pytest.importorskip("torch")
pytest.importorskip("jax")


@pytest.mark.filterwarnings("ignore")
def test_python(tmp_path: Path) -> None:
    reference.python(tmp_path)
    for name in reference.MODULES:
        page = tmp_path / (name.replace(".", "/") + ".html")
        assert page.is_file(), name
    job = (tmp_path / "syft_web/client/job.html").read_text(encoding="utf-8")
    assert "num_samples" in job
