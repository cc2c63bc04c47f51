"""The compiled kernels: what they import, where they lie in the wheel, that bytes repeat."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from syft_web.kernels.layouts import LAYOUTS
from tests.paths import ROOT
from web import build_backend, kernels, wheel
from web.kernels import BUILDS, CompileError, compile_kernels


@pytest.fixture(scope="module")
def modules() -> dict[str, bytes]:
    return {name: path.read_bytes() for name, path in compile_kernels(ROOT).items()}


def _numbers(data: bytes, at: int) -> tuple[int, int]:
    """A number in LEB128 and where the next thing begins."""
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return value, at


def _sections(module: bytes) -> dict[int, bytes]:
    assert module[:8] == b"\0asm\1\0\0\0"
    at, found = 8, {}
    while at < len(module):
        kind = module[at]
        size, at = _numbers(module, at + 1)
        found[kind] = module[at : at + size]
        at += size
    return found


def _name(data: bytes, at: int) -> tuple[str, int]:
    size, at = _numbers(data, at)
    return data[at : at + size].decode(), at + size


@pytest.mark.parametrize("build", BUILDS)
def test_no_library_is_needed(build: str, modules: dict[str, bytes]) -> None:
    """Only the memory, the stack and the places of the module; no function from outside."""
    imports = _sections(modules[build])[2]
    count, at = _numbers(imports, 0)
    names = set()
    for _ in range(count):
        where, at = _name(imports, at)
        name, at = _name(imports, at)
        kind = imports[at]
        assert kind in (2, 3), f"{where}.{name} is a function or a table"
        at += 1
        if kind == 2:
            flags, at = _numbers(imports, at)
            _, at = _numbers(imports, at)
            if flags & 1:
                _, at = _numbers(imports, at)
        else:
            at += 2
        names.add(name)
    assert names == {"memory", "__stack_pointer", "__memory_base", "__table_base"}


@pytest.mark.parametrize("build", BUILDS)
def test_every_kernel_is_exported(build: str, modules: dict[str, bytes]) -> None:
    exports = _sections(modules[build])[7]
    count, at = _numbers(exports, 0)
    names = set()
    for _ in range(count):
        name, at = _name(exports, at)
        _, at = _numbers(exports, at + 1)
        names.add(name)
    assert names == set(LAYOUTS)


def test_builds_differ_and_are_small(modules: dict[str, bytes]) -> None:
    assert modules["simd128"] != modules["relaxed_simd"]
    assert max(map(len, modules.values())) < 64_000


def test_same_sources_same_bytes_anywhere(tmp_path: Path, modules: dict[str, bytes]) -> None:
    shutil.copytree(
        ROOT / "syft_web" / "kernels" / "src", tmp_path / "syft_web" / "kernels" / "src"
    )
    again = {name: path.read_bytes() for name, path in compile_kernels(tmp_path).items()}
    assert again == modules


def test_compiled_once(monkeypatch: pytest.MonkeyPatch, modules: dict[str, bytes]) -> None:
    def never(*_given: object) -> None:
        raise AssertionError("compiled again")

    monkeypatch.setattr(kernels, "_compile", never)
    assert set(compile_kernels(ROOT)) == set(modules)


def test_the_compilers_words_are_in_the_error(tmp_path: Path) -> None:
    folder = tmp_path / "syft_web" / "kernels" / "src"
    folder.mkdir(parents=True)
    (folder / "bad.c").write_text("int f(void) { return nothing; }\n")
    with pytest.raises(CompileError, match="nothing"):
        compile_kernels(tmp_path)
    assert not list(tmp_path.rglob("*.wasm"))


def test_wheel_holds_both_builds_and_no_sources(modules: dict[str, bytes]) -> None:
    path = wheel.build()
    assert path.name.endswith("-py3-none-any.whl")
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        for build, data in modules.items():
            assert archive.read(f"syft_web/kernels/{build}.wasm") == data
    assert not [name for name in names if name.endswith((".c", ".h", ".so"))]


def test_source_distribution_holds_what_a_wheel_needs(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hatchling", "build", "--target", "sdist"]
    subprocess.run([*command, "--directory", str(tmp_path)], cwd=ROOT, check=True)
    (archive,) = tmp_path.glob("*.tar.gz")
    shutil.unpack_archive(archive, tmp_path)
    (folder,) = (path for path in tmp_path.iterdir() if path.is_dir())
    assert not list(folder.rglob("*.wasm"))
    assert set(compile_kernels(folder)) == set(BUILDS)
    for name in ("build_backend.py", "kernels.py"):
        assert (folder / "web" / name).is_file()


def test_an_editable_install_compiles_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(_root: Path) -> None:
        raise AssertionError("compiled")

    monkeypatch.setattr(kernels, "compile_kernels", never)
    hook = object.__new__(kernels.KernelsHook)
    data: dict[str, dict[str, str]] = {"force_include": {}}
    hook.initialize("editable", data)
    assert data == {"force_include": {}}


def test_only_a_wheel_needs_the_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    assert build_backend.COMPILER in build_backend.get_requires_for_build_wheel()
    assert build_backend.COMPILER not in build_backend.get_requires_for_build_editable()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert build_backend.COMPILER in project["project"]["optional-dependencies"]["dev"]
