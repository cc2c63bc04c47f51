"""The package index as HTML (PEP 503) and JSON (PEP 691)."""

from __future__ import annotations

import json
import zipfile
from html.parser import HTMLParser
from pathlib import Path

import pytest

from web.fetch import sha256_of
from web.package_index import pages


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    path = tmp_path / "some_tool-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        metadata = "Metadata-Version: 2.1\nName: some_tool\nRequires-Python: >=3.11,<4\n"
        archive.writestr("some_tool-1.0.dist-info/METADATA", metadata)
    return path


class _Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[dict[str, str | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            self.found.append(dict(attrs))


def _links(page: str) -> list[dict[str, str | None]]:
    parser = _Links()
    parser.feed(page)
    return parser.found


def test_names_are_normalised(wheel: Path) -> None:
    found = pages([wheel], "../../files/")
    assert set(found) == {
        "index.html",
        "index.json",
        "some-tool/index.html",
        "some-tool/index.json",
    }
    assert [link["href"] for link in _links(found["index.html"])] == ["some-tool/"]
    assert json.loads(found["index.json"])["projects"] == [{"name": "some-tool"}]


def test_both_forms_say_the_same(wheel: Path) -> None:
    found = pages([wheel], "../../files/")
    (link,) = _links(found["some-tool/index.html"])
    (file,) = json.loads(found["some-tool/index.json"])["files"]
    assert link["href"] == f"../../files/{wheel.name}#sha256={sha256_of(wheel)}"
    assert file["url"] == f"../../files/{wheel.name}"
    assert file["hashes"] == {"sha256": sha256_of(wheel)}
    assert link["data-requires-python"] == file["requires-python"] == ">=3.11,<4"
    assert file["size"] == wheel.stat().st_size
