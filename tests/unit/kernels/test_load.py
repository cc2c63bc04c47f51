"""Choosing what is used, on CPython, where that is always numpy."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator

import numpy as np
import pytest

from syft_web import kernels
from syft_web.errors import HostError
from syft_web.kernels import load
from syft_web.kernels.layouts import LAYOUTS
from syft_web.ops import table
from tests.paths import ROOT

SOURCES = sorted((ROOT / "syft_web" / "kernels" / "src").glob("*.[ch]"))
TEXT = "\n".join(path.read_text() for path in SOURCES)


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    yield
    kernels.use("auto")


def test_numpy_is_used_and_the_reason_told() -> None:
    assert kernels.active() == "numpy"
    info = kernels.info()
    assert info["active"] == "numpy"
    assert "Pyodide" in info["reason"]
    assert set(info["refused"]) == set(load.BUILDS)


@pytest.mark.parametrize("build", load.BUILDS)
def test_a_build_that_cannot_be_used_is_refused(build: str) -> None:
    with pytest.raises(HostError, match=f"{build} cannot be used here"):
        kernels.use(build)
    assert kernels.active() == "numpy"


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(HostError, match="no kernels named 'avx'"):
        kernels.use("avx")


def test_numpy_may_be_asked_for() -> None:
    kernels.use("numpy")
    assert "asked for" in kernels.info()["reason"]


def test_a_build_that_computes_wrong_numbers_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(_name: str) -> dict[str, load.Kernel]:
        return {name: load.Kernel(lambda _at: 0, layout) for name, layout in LAYOUTS.items()}

    monkeypatch.setattr(load, "_state", load._State())
    monkeypatch.setattr(load, "_load", wrong)
    monkeypatch.setattr(load, "address", lambda _x: 0)  # here they have 64 bits
    assert kernels.active() == "numpy"
    assert set(kernels.info()["refused"].values()) == {"it computes wrong numbers here"}


def test_whatever_loading_raises_numpy_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(name: str) -> dict[str, load.Kernel]:
        raise OSError(f"no {name}")

    monkeypatch.setattr(load, "_state", load._State())
    monkeypatch.setattr(load, "_load", broken)
    assert kernels.active() == "numpy"
    assert kernels.info()["refused"]["simd128"] == "no simd128"


def test_nothing_is_probed_by_the_import() -> None:
    script = "import syft_web; from syft_web.kernels import load; print(load._state.probed)"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "False"


# -- the C sources and what Python says of them --------------------------------------------


def _fields(struct_name: str) -> str:
    """The fields of a C struct in the letters of `struct`, pointers as ``I``."""
    body = re.search(rf"struct {struct_name} \{{(.*?)\n\}};", TEXT, re.DOTALL)
    assert body, struct_name
    letters = ""
    for line in re.sub(r"/\*.*?\*/", "", body[1], flags=re.DOTALL).split(";"):
        words = line.split()
        if not words:
            continue
        if words[0] == "struct":
            letters += _fields(words[1])
            continue
        kind = {"int": "i", "float": "f", "long": "?"}[words[1 if words[0] == "const" else 0]]
        for name in line.split(","):
            letters += "I" if "*" in name else kind
    return letters


def _spelt_out(layout: str) -> str:
    pairs = re.findall(r"(\d*)([a-zA-Z])", layout)
    return "".join(letter * int(count or 1) for count, letter in pairs)


EXPORTS = dict(
    re.findall(r"^EXPORT int (\w+)\(const struct (\w+) \*", TEXT, re.MULTILINE)
) | dict.fromkeys((f"map_{n}" for n in re.findall(r"^MAP\(map_(\w+),", TEXT, re.MULTILINE)), "map")


def test_every_exported_function_has_a_layout() -> None:
    assert set(EXPORTS) == set(LAYOUTS)


@pytest.mark.parametrize("name", LAYOUTS)
def test_layout_is_that_of_the_struct(name: str) -> None:
    assert _spelt_out(LAYOUTS[name]) == _fields(EXPORTS[name])


def test_rows_name_kernels_that_exist() -> None:
    named = {
        row.kernel
        for name in table.all_names()
        for framework in ("torch", "tfjs")
        for row in _rows(name, framework)
        if row.kernel
    }
    assert "gemm" in named
    assert named <= set(LAYOUTS)


def _rows(name: str, framework: str) -> tuple[table.Row, ...]:
    op = table.lookup(name.removeprefix("."), method=name.startswith("."), framework=framework)
    return op.rows if op else ()


def test_addresses_are_numpys() -> None:
    x = np.zeros((4, 6), np.float32)
    for y in (x, x[1:, 2:], x.T, x[::-1], np.zeros(()), np.zeros(0)):
        assert load.address(y) == y.__array_interface__["data"][0]
