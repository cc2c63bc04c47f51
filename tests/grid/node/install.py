"""Puts the original JavaScript client into ``build/node``, once.

Usage: python tests/grid/node/install.py
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
TARGET = HERE.parents[2] / "build" / "node"
FILES = ("package.json", "package-lock.json")
STAMP = ".installed"


def install(target: Path = TARGET) -> Path:
    """Install what ``package-lock.json`` lists; quick when that is done already.

    Returns:
        The ``node_modules`` folder.

    Raises:
        OSError: There is no npm.
        subprocess.CalledProcessError: npm failed.
    """
    wanted = hashlib.sha256(b"".join((HERE / name).read_bytes() for name in FILES)).hexdigest()
    modules, stamp = target / "node_modules", target / STAMP
    if modules.is_dir() and stamp.is_file() and stamp.read_text() == wanted:
        return modules
    target.mkdir(parents=True, exist_ok=True)
    for name in FILES:
        shutil.copy(HERE / name, target / name)
    npm = shutil.which("npm")
    if npm is None:
        raise FileNotFoundError("npm is not installed; it comes with Node.js 20 or newer")
    subprocess.run(
        [npm, "ci", "--omit=dev", "--ignore-scripts", "--no-audit", "--no-fund"],
        cwd=target,
        check=True,
        stdout=sys.stderr,
        timeout=300,
    )
    stamp.write_text(wanted)
    return modules


if __name__ == "__main__":
    print(install())
