"""Compile the SIMD kernels of ``syft_web/kernels/src`` and put them into the wheel.

Each build becomes one WebAssembly side module, which Pyodide's ``ctypes`` can load. They are
named ``*.wasm``: Pyodide loads every ``*.so`` of a wheel while it installs it, and a browser
without relaxed SIMD would then refuse the whole wheel.

`KernelsHook` is the build hook of hatchling (pyproject.toml). It has no part in an editable
install, which therefore needs no compiler.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

__all__ = ["BUILDS", "CompileError", "KernelsHook", "compile_kernels"]

BUILDS = {"relaxed_simd": "+simd128+relaxed_simd", "simd128": "+simd128"}
"""Name of each build, and the features of WebAssembly that it uses."""

_COMPILE = (
    *("cc", "-target", "wasm32-emscripten", "-O3", "-std=c11", "-Wall", "-Wextra", "-Werror"),
    *("-fPIC", "-fvisibility=hidden"),
    # No C library: neither its headers nor calls of memcpy where a loop was written.
    *("-ffreestanding", "-fno-builtin"),
    # Else that LLVM computes addresses between the products instead of using load offsets,
    # and fused products gain nothing.
    *("-mllvm", "-disable-lsr"),
)
_LINK = ("wasm-ld", "-shared", "--experimental-pic", "--strip-all", "--no-entry")


class CompileError(Exception):
    """The compiler or the linker failed; its words are in the message."""


def compile_kernels(root: Path) -> dict[str, Path]:
    """Compile every build, unless that of these very sources and this compiler is there.

    Args:
        root: Of the checkout or the unpacked source distribution.

    Returns:
        Build -> its module, in a folder of ``build/kernels`` named by the hash of all inputs.

    Raises:
        CompileError: `ziglang` is not installed, or it failed.
    """
    sources = sorted((root / "syft_web" / "kernels" / "src").glob("*.[ch]"))
    version = _zig("version").strip()
    digest = hashlib.sha256(f"{version} {_COMPILE} {_LINK} {BUILDS}".encode())
    for path in sources:
        data = path.read_bytes()
        digest.update(f"{path.name} {len(data)}\n".encode() + data)
    folder = root / "build" / "kernels" / digest.hexdigest()[:16]
    modules = {name: folder / f"{name}.wasm" for name in BUILDS}
    if not all(path.is_file() for path in modules.values()):
        folder.mkdir(parents=True, exist_ok=True)
        for name, path in modules.items():
            _compile(sources, BUILDS[name], path)
    return modules


def _compile(sources: list[Path], features: str, module: Path) -> None:
    """Compile and link one build; what is written at last appears all at once."""
    with tempfile.TemporaryDirectory(dir=module.parent) as scratch:
        objects = []
        for path in sources:
            if path.suffix == ".c":
                objects.append(f"{scratch}/{path.stem}.o")
                # Names without folders, so that none gets into the module.
                command = [*_COMPILE, f"-mcpu=generic{features}", "-c", path.name]
                _zig(*command, "-o", objects[-1], folder=path.parent)
        linked = Path(scratch) / module.name
        _zig(*_LINK, "-o", str(linked), *objects)
        linked.chmod(0o644)
        linked.replace(module)


def _zig(*arguments: str, folder: Path | None = None) -> str:
    """Run Zig's clang or linker, from the Python package `ziglang`."""
    with tempfile.TemporaryDirectory() as cache:
        done = subprocess.run(
            [sys.executable, "-m", "ziglang", *arguments],
            cwd=folder,
            env={**os.environ, "ZIG_LOCAL_CACHE_DIR": cache, "ZIG_GLOBAL_CACHE_DIR": cache},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode != 0:
        words = done.stderr or done.stdout
        raise CompileError(f"python -m ziglang {' '.join(arguments)}\n{words}")
    return done.stdout


class KernelsHook(BuildHookInterface[Any]):
    """Puts the compiled modules beside the Python files of ``syft_web.kernels``."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile, and name the modules to the builder.

        Args:
            version: ``"standard"``, or ``"editable"``, which gets none.
            build_data: Of hatchling; ``force_include`` is added to.
        """
        if version == "editable":
            return
        for name, path in compile_kernels(Path(self.root)).items():
            build_data["force_include"][str(path)] = f"syft_web/kernels/{name}.wasm"
