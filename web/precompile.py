"""Give the site's wheels the bytecode of Pyodide's own Python, by running it in Node.js.

Bytecode fits one version of Python, so it has to be Pyodide's that writes it; what
`web.bytecode` does is sent to it as text. Without Node.js the site is complete, but its
pages start more slowly. The wheels of ``build/dist`` stay as they are.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from web.fetch import sha256_of
from web.wheel import ROOT

__all__ = ["PRECOMPILED", "PrecompileError", "Reader", "precompile"]

Reader = Callable[[], bytes]
"""Gives the contents of a file."""

log = logging.getLogger("syft_web.web")

PRECOMPILED = ROOT / "build" / "precompiled"
_SECONDS = 180

_SCRIPT = """
const given = JSON.parse(process.argv.at(-1));
// Of an uncaught error Node prints the line it came from, and Pyodide's are very long.
process.on("uncaughtException", (error) => {
  console.error(error.message);
  process.exit(1);
});
const { loadPyodide } = await import(`file://${given.core}/pyodide.mjs`);
const pyodide = await loadPyodide({
  indexURL: given.core,
  // Without it the order of constant sets changes from run to run, and so would the bytes.
  env: { HOME: "/home/pyodide", PYTHONHASHSEED: "0" },
  stdout: console.error,
});
pyodide.mountNodeFS("/out", given.out);
for (const [from, name] of given.wheels) {
  pyodide.FS.writeFile("/source.whl", (await import("node:fs")).readFileSync(from));
  pyodide.globals.set("name", name);
  pyodide.runPython(`${given.bytecode}
add_bytecode(Path("/source.whl"), Path("/out") / name)`);
}
"""


class PrecompileError(Exception):
    """Pyodide could not compile the wheels; its words are in the message."""


def precompile(wheels: Sequence[Path], core: Mapping[str, Reader], version: str) -> list[Path]:
    """Wheels with bytecode, made anew only for other wheels or another Pyodide.

    Args:
        wheels: The wheels as they are.
        core: Pyodide's files, ``pyodide-lock.json`` among them: name -> what reads it.
        version: Changes whenever `core` does.

    Returns:
        The wheels to offer, in the same order; the given ones where there is no Node.js.

    Raises:
        PrecompileError: See the class.
    """
    node = shutil.which("node")
    if node is None:
        log.warning("Node.js is not installed: pages will compile the wheels at every start")
        return list(wheels)
    bytecode = Path(__file__).with_name("bytecode.py").read_text()
    common = f"{version}\0{bytecode}\0{_SCRIPT}"
    targets = {wheel: _target(wheel, common) for wheel in wheels}
    missing = [wheel for wheel, target in targets.items() if not target.is_file()]
    if missing:
        log.info("compiling %s", ", ".join(wheel.name for wheel in missing))
        with tempfile.TemporaryDirectory() as scratch:
            made = _run(node, missing, core, bytecode, Path(scratch))
            for wheel in missing:
                _keep(made / wheel.name, targets[wheel])
    return [targets[wheel] for wheel in wheels]


def _target(wheel: Path, common: str) -> Path:
    key = hashlib.sha256(f"{common}\0{sha256_of(wheel)}".encode()).hexdigest()[:16]
    return PRECOMPILED / key / wheel.name


def _keep(made: Path, target: Path) -> None:
    """Move a wheel to its place; those of the same name are of older sources."""
    for old in PRECOMPILED.glob(f"*/{target.name}"):
        shutil.rmtree(old.parent)
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_suffix(".partial")
    shutil.copyfile(made, partial)
    partial.replace(target)


def _run(
    node: str,
    wheels: Sequence[Path],
    core: Mapping[str, Reader],
    bytecode: str,
    scratch: Path,
) -> Path:
    """Compile these wheels; gives the folder they are in."""
    folder, out = scratch / "core", scratch / "out"
    folder.mkdir()
    out.mkdir()
    for name, read in core.items():
        (folder / name).write_bytes(read())
    given = {
        "core": str(folder),
        "out": str(out),
        "wheels": [[str(wheel), wheel.name] for wheel in wheels],
        "bytecode": bytecode,
    }
    try:
        done = subprocess.run(
            [node, "--input-type=module", "-e", _SCRIPT, "--", json.dumps(given)],
            env=dict(os.environ),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=_SECONDS,
        )
    except subprocess.TimeoutExpired as error:
        raise PrecompileError(f"Pyodide took more than {_SECONDS} s to compile wheels") from error
    if done.returncode != 0:
        raise PrecompileError(f"Pyodide could not compile the wheels:\n{done.stderr[-4000:]}")
    return out
