"""Put the bytecode of this very Python into a copy of a wheel.

A browser would compile every module again in each page, because nothing that Python writes
there is kept. The sources stay in the wheel beside the bytecode: a Python of another version
takes those, and tracebacks show their lines.

This file uses the standard library alone, for it is run in Pyodide (`web.precompile`).
"""

from __future__ import annotations

import base64
import hashlib
import importlib.util
import py_compile
import tempfile
from pathlib import Path, PurePosixPath
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

__all__ = ["add_bytecode"]

_DATE = (2020, 1, 1, 0, 0, 0)
_NOT_FOR_PAGES = {
    *("author", "cli", "grid"),  # of syft_web
    *("distutils", "f2py", "ma", "polynomial", "testing", "tests"),  # of numpy
}
"""Folders whose modules hardly any page imports; their bytecode would only be carried along."""

_LEFT_OUT = "syft_web/grid/dashboard/"
"""A page for a grid to serve; no grid runs in a browser."""


def add_bytecode(source: Path, target: Path) -> None:
    """Write a wheel that holds what `source` holds, and bytecode that is never checked.

    Only the grid's own page is left out.

    The same wheel gives the same bytes as long as the hashes of strings are the same
    (``PYTHONHASHSEED``).

    Args:
        source: The wheel.
        target: The wheel to write.

    Raises:
        py_compile.PyCompileError: A module cannot be compiled.
    """
    with ZipFile(source) as wheel, ZipFile(target, "w", ZIP_DEFLATED, compresslevel=9) as made:
        record, lines = None, []
        for info in wheel.infolist():
            if info.filename.startswith(_LEFT_OUT):
                continue
            data = wheel.read(info)
            if info.filename.endswith(".dist-info/RECORD"):
                record = (info, data)
                continue
            made.writestr(info, data, ZIP_DEFLATED)
            if _wanted(PurePosixPath(info.filename)):
                name = importlib.util.cache_from_source(info.filename)
                code = _bytecode(data, info.filename)
                made.writestr(_member(name), code)
                lines.append(_record_line(name, code))
        if record is not None:  # the last member, as in every wheel
            info, data = record
            kept = [n for n in data.decode().splitlines() if not n.startswith(_LEFT_OUT)]
            made.writestr(info, "".join(f"{line}\n" for line in kept + lines))


def _wanted(path: PurePosixPath) -> bool:
    return path.suffix == ".py" and not _NOT_FOR_PAGES & set(path.parts[:-1])


def _bytecode(source: bytes, name: str) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        module = Path(folder) / "module.py"
        module.write_bytes(source)
        made = module.with_suffix(".pyc")
        py_compile.compile(
            str(module),
            str(made),
            dfile=name,
            doraise=True,
            # The time of a file says nothing once the wheel is unpacked in a page.
            invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
        )
        return made.read_bytes()


def _member(name: str) -> ZipInfo:
    info = ZipInfo(name, _DATE)
    info.compress_type = ZIP_DEFLATED
    info.external_attr = 0o100644 << 16
    return info


def _record_line(name: str, data: bytes) -> str:
    digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
    return f"{name},sha256={digest},{len(data)}"
