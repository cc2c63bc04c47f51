"""The list of what can be captured from PyTorch is true, and the page of the docs is that list."""

from __future__ import annotations

import pytest

from syft_web import cli
from syft_web.author.capturable import COMPARED, LIMITS
from tests.paths import ROOT


def test_the_page_says_what_the_list_says(capsys):
    assert cli.main(["ops", "--capture", "--format", "markdown"]) == 0
    page = (ROOT / "web" / "docs" / "capture.md").read_text(encoding="utf-8")
    assert page == capsys.readouterr().out, (
        "run: syft-web ops --capture --format markdown > web/docs/capture.md"
    )


def test_the_text_names_everything(capsys):
    assert cli.main(["ops", "--capture"]) == 0
    out = capsys.readouterr().out
    assert all(what.replace("`", "") in out for what, _, _ in LIMITS)
    assert all(name in out for name in COMPARED)


def test_what_is_compared_is_the_zoo():
    pytest.importorskip("torch")
    from tests.conformance.torch_zoo import REFUSED, ZOO

    assert len(ZOO) >= 60
    assert sorted(COMPARED) == sorted(ZOO)
    refused = " ".join(what for what, _, _ in LIMITS)
    assert [name for name in REFUSED if name not in refused] == []
