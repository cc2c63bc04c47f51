"""The page that explains the errors knows all of them."""

from __future__ import annotations

import re

from syft_web import errors
from tests.paths import ROOT


def test_every_code_is_explained_once() -> None:
    page = (ROOT / "web" / "docs" / "errors.md").read_text(encoding="utf-8")
    explained = re.findall(r"^\| `([a-z.]+)` \|", page, re.MULTILINE)
    codes = [getattr(errors, name).code for name in errors.__all__]
    assert sorted(explained) == sorted(codes)
