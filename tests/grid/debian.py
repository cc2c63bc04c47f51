"""Programs of Debian's packages for tests: found where they are, or installed in CI."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
from pathlib import Path

SECONDS = 150
"""For each of the two commands; a registry that cannot be reached refuses long before."""


def find(program: str, *folders: str) -> str | None:
    """Path of a program, in ``PATH`` or in one of the folders (with ``*`` in them)."""
    places = [path for pattern in folders for path in sorted(Path("/").glob(pattern.lstrip("/")))]
    return shutil.which(program, path=os.pathsep.join([os.environ["PATH"], *map(str, places)]))


@functools.cache
def install(package: str) -> None:
    """Try ``apt-get install``, only in CI and only once; whether it worked is seen by `find`."""
    if not os.environ.get("CI") or shutil.which("apt-get") is None:
        return
    root = [] if os.geteuid() == 0 else ["sudo", "-n"]
    if root and shutil.which("sudo") is None:
        return
    command = [*root, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq"]
    for arguments in (["update"], ["install", "-y", "--no-install-recommends", package]):
        try:
            subprocess.run(
                [*command, *arguments],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                check=False,
                timeout=SECONDS,
            )
        except (OSError, subprocess.TimeoutExpired):
            return
