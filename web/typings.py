"""TypeScript's view of ``web/``: checks its JSDoc types, and writes them down as ``.d.ts`` files.

The declarations lie beside ``syft-web.js`` in the site, where an editor and ``tsc`` look for them.
They are made from the JSDoc, so they cannot differ from it. ``python -m web.typings`` checks.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path, PurePosixPath

from web import fetch
from web.wheel import ROOT

__all__ = ["TypingsError", "check", "compile_with", "declarations", "fingerprint", "sources"]

WEB = ROOT / "web"
TYPESCRIPT = fetch.NpmPackage(
    "typescript", "5.9.3", "10e108c9cf7d5f2879053dff18515fb405abf2ccef63eaaf017d9c571687a1d3"
)
_SECONDS = 300
_OPTIONS = (
    *("--allowJs", "--declaration", "--emitDeclarationOnly", "--strict", "--skipLibCheck"),
    *("--target", "ES2022", "--module", "ES2022", "--moduleResolution", "bundler"),
    *("--lib", "ES2022,ES2021.WeakRef,DOM,DOM.Iterable,DOM.AsyncIterable"),
)


class TypingsError(Exception):
    """TypeScript cannot be run or finds something wrong; its words are in the message."""


def sources() -> list[Path]:
    """The modules that make up the library, first the one that pages import."""
    return [WEB / "syft-web.js", *sorted((WEB / "syft-web").glob("*.js"))]


def fingerprint() -> str:
    """Changes whenever the declarations may."""
    parts = [TYPESCRIPT.sha256, *_OPTIONS]
    parts += [f"{path.name} {fetch.sha256_of(path)}" for path in sources()]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def declarations() -> dict[str, bytes]:
    """The ``.d.ts`` files by their path in the site.

    Raises:
        TypingsError: TypeScript failed.
        FetchError: TypeScript could not be had.
    """
    with tempfile.TemporaryDirectory() as scratch:
        out = Path(scratch)
        compile_with(
            *_OPTIONS,
            *("--rootDir", str(WEB), "--outDir", str(out)),
            *map(str, sources()),
        )
        made = sorted(out.rglob("*.d.ts"))
        return {path.relative_to(out).as_posix(): path.read_bytes() for path in made}


def check() -> None:
    """Check the types of all scripts of ``web/``.

    Raises:
        TypingsError: They do not fit together.
        FetchError: TypeScript could not be had.
    """
    compile_with("-p", str(WEB / "tsconfig.json"))


def compile_with(*arguments: str) -> None:
    """Run TypeScript's compiler.

    Raises:
        TypingsError: It cannot be run, or reports something.
        FetchError: It could not be had.
    """
    node = shutil.which("node")
    if node is None:
        raise TypingsError("node is needed for the types; install Node.js 18 or newer")
    try:
        done = subprocess.run(
            [node, str(_compiler()), *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=_SECONDS,
        )
    except subprocess.TimeoutExpired as error:
        raise TypingsError(f"TypeScript took more than {_SECONDS} s") from error
    if done.returncode != 0:
        raise TypingsError(f"TypeScript reports:\n{(done.stdout + done.stderr)[-8000:]}")


def _compiler() -> Path:
    """TypeScript's command, unpacked into the cache once."""
    folder = fetch.cache_folder() / f"typescript-{TYPESCRIPT.version}-{TYPESCRIPT.sha256[:8]}"
    if not folder.is_dir():
        # Renamed when complete, so that nobody ever runs half of it.
        with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
            _unpack(fetch.npm_tarball(TYPESCRIPT), Path(scratch))
            try:
                (Path(scratch) / "package").rename(folder)
            except OSError:
                if not folder.is_dir():  # Another build was not quicker: it is a real failure.
                    raise
    return folder / "bin" / "tsc"


def _unpack(tarball: Path, target: Path) -> None:
    """The compiler and the declarations of the platform; not its forty megabytes of services."""
    with tarfile.open(tarball) as tar:
        for member in tar.getmembers():
            path = PurePosixPath(member.name)
            library = path.name.startswith("lib.") and path.name.endswith(".d.ts")
            if library or path.name in ("tsc", "tsc.js", "_tsc.js", "package.json"):
                tar.extract(member, target, filter="data")


def main() -> int:
    """Check, and say what is wrong."""
    try:
        check()
    except (TypingsError, fetch.FetchError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
