"""A package index as plain files, for ``micropip.install("syft_web")`` by name.

PEP 503 pages (``index.html``), which any static file server can offer, and the same
as PEP 691 JSON (``index.json``), which `web.serve` sends to a client that asks for it.
"""

from __future__ import annotations

import html
import json
from collections import defaultdict
from collections.abc import Sequence
from email.parser import HeaderParser
from pathlib import Path
from zipfile import ZipFile

from packaging.utils import canonicalize_name, parse_wheel_filename

from web.fetch import sha256_of

__all__ = ["JSON_TYPE", "pages"]

JSON_TYPE = "application/vnd.pypi.simple.v1+json"
"""Media type of PEP 691."""

_META = {"api-version": "1.1"}


def pages(wheels: Sequence[Path], folder: str) -> dict[str, str]:
    """The pages of an index that offers these wheels.

    Args:
        wheels: The wheel files.
        folder: Where they are offered, relative to a project's page, with a slash at its end.

    Returns:
        Path inside the index -> contents.
    """
    projects: dict[str, list[Path]] = defaultdict(list)
    for wheel in wheels:
        projects[parse_wheel_filename(wheel.name)[0]].append(wheel)
    links = {name: f"{name}/" for name in sorted(projects)}
    found = {
        "index.html": _page("Simple index", links),
        "index.json": _json({"meta": _META, "projects": [{"name": name} for name in links]}),
    }
    for name, files in projects.items():
        found[f"{name}/index.html"] = _page(
            f"Links for {name}",
            {f.name: f"{folder}{f.name}#sha256={sha256_of(f)}" for f in files},
            {f.name: _requires_python(f) for f in files},
        )
        found[f"{name}/index.json"] = _json(_project(name, files, folder))
    return found


def _project(name: str, files: Sequence[Path], folder: str) -> dict[str, object]:
    return {
        "meta": _META,
        "name": canonicalize_name(name),
        "versions": sorted({str(parse_wheel_filename(f.name)[1]) for f in files}),
        "files": [
            {
                "filename": f.name,
                "url": folder + f.name,
                "hashes": {"sha256": sha256_of(f)},
                "requires-python": _requires_python(f) or None,
                "size": f.stat().st_size,
            }
            for f in files
        ],
    }


def _requires_python(wheel: Path) -> str:
    """``Requires-Python`` of a wheel's metadata, empty when it does not say."""
    with ZipFile(wheel) as archive:
        member = next(n for n in archive.namelist() if n.endswith(".dist-info/METADATA"))
        headers = HeaderParser().parsestr(archive.read(member).decode())
    return str(headers.get("Requires-Python", ""))


def _page(title: str, links: dict[str, str], requires: dict[str, str] | None = None) -> str:
    lines = [
        "<!DOCTYPE html>",
        '<html lang="en">',
        f'<head><meta charset="utf-8"><meta name="pypi:repository-version" content="1.1">'
        f"<title>{html.escape(title)}</title></head>",
        "<body>",
    ]
    for text, href in links.items():
        python = (requires or {}).get(text, "")
        extra = f' data-requires-python="{html.escape(python)}"' if python else ""
        lines.append(f'<a href="{html.escape(href)}"{extra}>{html.escape(text)}</a><br>')
    return "\n".join([*lines, "</body>", "</html>", ""])


def _json(value: object) -> str:
    return json.dumps(value, indent=1, sort_keys=True) + "\n"
