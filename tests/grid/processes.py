"""Grids in processes of their own, for tests that stop or kill them."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from tests.paths import ROOT


@contextmanager
def grid_process(database: str, *options: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """``syft-web grid`` on a free port; gives its address."""
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "syft_web.cli", "grid", "--port", "0"),
            *("--database", database, *options),
        ],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        found = re.search(r"http://\S+", line)
        assert found, f"the grid said {line!r}"
        yield found[0], process
    finally:
        process.kill()
        process.wait()


def kill(process: subprocess.Popen[str]) -> None:
    """As when the power fails."""
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
