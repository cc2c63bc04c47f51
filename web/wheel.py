"""Build the ``syft_web`` wheel into ``build/dist``; quick when nothing changed.

The wheel holds sources and no bytecode, which would fit one version of Python alone. The
copy that the site offers gets that of Pyodide's own Python (`web.precompile`).
"""

from __future__ import annotations

import hashlib
import logging
import os
import subprocess
import sys
from pathlib import Path

__all__ = ["DIST", "ROOT", "WheelError", "build", "main"]

log = logging.getLogger("syft_web.web")

ROOT = Path(__file__).resolve().parent.parent
DIST = ROOT / "build" / "dist"
STAMP = DIST / ".inputs"

EPOCH = "1577836800"
"""Time stamp of the files in the wheel (2020-01-01): the same sources, the same bytes."""


class WheelError(Exception):
    """The wheel could not be built."""


def build() -> Path:
    """Build the wheel unless the one that is there is of these very sources.

    Returns:
        Path of the wheel.

    Raises:
        WheelError: The build backend failed; its words are in the message.
    """
    inputs = _digest_of_inputs()
    wheel = _built()
    if wheel is not None and STAMP.is_file() and STAMP.read_text() == inputs:
        return wheel
    log.info("building the syft_web wheel")
    DIST.mkdir(parents=True, exist_ok=True)
    STAMP.unlink(missing_ok=True)
    for old in DIST.glob("syft_web-*.whl"):
        old.unlink()
    done = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(DIST)],
        cwd=ROOT,
        env={**os.environ, "SOURCE_DATE_EPOCH": EPOCH},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    wheel = _built()
    if done.returncode != 0 or wheel is None:
        raise WheelError(f"hatchling could not build the wheel:\n{done.stdout}{done.stderr}")
    STAMP.write_text(inputs)
    return wheel


def _built() -> Path | None:
    found = sorted(DIST.glob("syft_web-*-py3-none-any.whl"))
    return found[0] if len(found) == 1 else None


def _digest_of_inputs() -> str:
    """One hash over the names and contents of everything the wheel is made of."""
    files = [ROOT / name for name in ("pyproject.toml", "README.md", "LICENSE")]
    files += [ROOT / "web" / name for name in ("build_backend.py", "kernels.py")]
    files += [
        path
        for path in (ROOT / "syft_web").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    ]
    digest = hashlib.sha256()
    for path in sorted(files):
        data = path.read_bytes()
        digest.update(f"{path.relative_to(ROOT).as_posix()}\0{len(data)}\0".encode())
        digest.update(data)
    return digest.hexdigest()


def main() -> int:
    """Build the wheel and print where it is."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        print(build().relative_to(ROOT))
    except WheelError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
