"""Running the scripts of this folder by Node."""

from __future__ import annotations

import json
import shutil
import subprocess
from functools import cache
from typing import Any

from tests.paths import ROOT

__all__ = ["relaxed_is_asked_for", "run_script"]

_FLAG = "--experimental-wasm-relaxed-simd"


def _node() -> str:
    node = shutil.which("node")
    assert node, "Node.js is needed"
    return node


@cache
def relaxed_is_asked_for() -> bool:
    """Whether this Node has relaxed SIMD only when its flag is given (before Node 22)."""
    command = [_node(), _FLAG, "-p", "process.versions.node"]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    return found.returncode == 0 and int(found.stdout.partition(".")[0]) < 22


def run_script(
    name: str, given: dict[str, Any], *, relaxed: bool = True, seconds: float = 300
) -> list[dict[str, Any]]:
    """Run a script of this folder; gives what it printed, lines of JSON.

    Args:
        name: File name.
        given: Its argument.
        relaxed: Whether to ask for relaxed SIMD where that is needed.
        seconds: How long it may take.

    Raises:
        AssertionError: It failed.
    """
    script = ROOT / "tests" / "conformance" / name
    flags = [_FLAG] if relaxed and relaxed_is_asked_for() else []
    done = subprocess.run(
        [_node(), *flags, str(script), json.dumps(given)],
        capture_output=True,
        text=True,
        check=False,
        timeout=seconds,
    )
    # Of an uncaught error Node prints the line it came from, and Pyodide's are very long.
    assert done.returncode == 0, done.stderr[-4000:]
    return [json.loads(line) for line in done.stdout.splitlines()]
