"""The rooms of the package keep apart: who may import whom, and what from outside.

The tables below are the rule. A module that breaks it is named with its line.
"""

from __future__ import annotations

import ast
import importlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import syft_web
from tests.paths import ROOT

PACKAGE = ROOT / "syft_web"

BROWSER_ROOMS = {"errors", "wire", "kernels", "ops", "plan", "host", "data", "client"}
MAY_IMPORT = {
    "errors": set(),
    "wire": {"errors"},
    "kernels": {"errors"},
    "ops": {"errors", "kernels"},
    "plan": {"errors", "wire", "ops"},
    "host": {"errors"},
    "data": {"errors", "host"},
    "client": {"errors", "wire", "plan", "host", "data"},
    "bridge": BROWSER_ROOMS,
    # Hosting speaks with a grid through the channel that jobs use.
    "author": {"errors", "wire", "plan", "ops", "host", "client"},
    "grid": {"errors", "wire", "plan", "ops"},
    "cli": BROWSER_ROOMS | {"author", "grid"},
    "__init__": BROWSER_ROOMS,
}
"""Room -> the rooms it may import, itself always included."""

MAY_USE = {
    "js": {"host"},
    "pyodide": {"host"},
    "pyodide_js": {"host"},
    "httpx": {"host", "grid"},
    "websockets": {"host"},
    "starlette": {"grid"},
    "uvicorn": {"grid"},
    "h11": {"grid"},
    "alembic": {"grid"},
    "sqlalchemy": {"grid"},
    "cryptography": {"grid"},
    "prometheus_client": {"grid"},
    "jwt": {"grid"},
    "jax": {"author"},
    "torch": {"author"},
    "numpy": set(MAY_IMPORT),
    "msgpack": {"wire"},
}
"""Package from outside -> the rooms that may import it; any other package is a mistake."""

SYNCHRONOUS = {"errors", "wire", "kernels", "ops", "plan"}
"""Rooms in which nothing awaits."""

NOT_ALONE = {
    "syft_web.host.browser",
    "syft_web.host.browser_storage",
    "syft_web.grid.migrations.env",
}
"""Modules that are imported by Pyodide or by Alembic; every browser test and grid does."""

FILES = sorted(PACKAGE.rglob("*.py"))
MODULES = [
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    for path in FILES
]


def _room(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def _imports(path: Path) -> Iterator[tuple[int, str]]:
    """Line and full name of everything a file imports, at any depth of it."""
    here = list(path.relative_to(ROOT).with_suffix("").parts)
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = here[: -node.level] if node.level else []
            name = ".".join([*base, *([node.module] if node.module else [])])
            if name == "syft_web":  # `from syft_web import wire` imports a room
                yield from ((node.lineno, f"{name}.{alias.name}") for alias in node.names)
            else:
                yield node.lineno, name


def _mistakes(path: Path) -> Iterator[str]:
    room = _room(path)
    where = path.relative_to(ROOT)
    for line, name in _imports(path):
        top, _, rest = name.partition(".")
        if top == "syft_web":
            other = rest.partition(".")[0]
            is_room = other in MAY_IMPORT
            if is_room and other != room and other not in MAY_IMPORT[room]:
                yield f"{where}:{line}: {room} may not import {other}"
        elif top in MAY_USE:
            if room not in MAY_USE[top]:
                yield f"{where}:{line}: {room} may not use {top}"
        elif top not in sys.stdlib_module_names and top != "__future__":
            yield f"{where}:{line}: {top} is no dependency of the package"


def test_every_room_has_a_rule() -> None:
    assert {_room(path) for path in FILES} <= set(MAY_IMPORT)


def test_rooms_import_only_what_they_may() -> None:
    found = [mistake for path in FILES for mistake in _mistakes(path)]
    assert not found, "\n".join(found)


def test_protocol_machine_knows_no_host() -> None:
    path = PACKAGE / "client" / "protocol.py"
    assert [name for _, name in _imports(path) if name.startswith("syft_web.host")] == []


def test_a_mistake_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The check itself: each kind of mistake in a made-up module of ``wire``."""
    module = tmp_path / "syft_web" / "wire" / "bad.py"
    module.parent.mkdir(parents=True)
    module.write_text(
        "import numpy\n"
        "import httpx\n"
        "import requests\n"
        "from syft_web.plan import Plan\n"
        "def later():\n"
        "    from ..client import syft\n"
    )
    monkeypatch.setitem(globals(), "ROOT", tmp_path)
    monkeypatch.setitem(globals(), "PACKAGE", tmp_path / "syft_web")
    assert [mistake.partition(": ")[2] for mistake in _mistakes(module)] == [
        "wire may not use httpx",
        "requests is no dependency of the package",
        "wire may not import plan",
        "wire may not import client",
    ]


@pytest.mark.parametrize("room", sorted(SYNCHRONOUS))
def test_nothing_awaits_in(room: str) -> None:
    asynchronous = (ast.AsyncFunctionDef, ast.Await, ast.AsyncFor, ast.AsyncWith)
    found = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in FILES
        if _room(path) == room
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, asynchronous)
    ]
    assert not found


@pytest.mark.parametrize("module", [name for name in MODULES if name not in NOT_ALONE])
def test_module_imports(module: str) -> None:
    importlib.import_module(module)


def test_public_names_are_sorted_and_there() -> None:
    assert syft_web.__all__ == sorted(syft_web.__all__)
    assert [name for name in syft_web.__all__ if not hasattr(syft_web, name)] == []


def test_a_browser_needs_only_numpy_and_msgpack() -> None:
    """Import the package, and the bridge, where nothing else from outside can be imported."""
    script = """
import sys

class OnlyTheTwo:
    def find_spec(self, name, path=None, target=None):
        top = name.partition(".")[0]
        if top in sys.stdlib_module_names or top in {"syft_web", "numpy", "msgpack"}:
            return None
        raise ModuleNotFoundError(f"{name} is not there in a browser", name=name)

sys.meta_path.insert(0, OnlyTheTwo())
import syft_web, syft_web.bridge
print([m for m in sys.modules if m.startswith(("syft_web.grid", "syft_web.author"))])
"""
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"
