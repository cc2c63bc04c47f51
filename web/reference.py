"""The reference of all public names, from docstrings (pdoc) and JSDoc (typedoc).

``build/site/reference/`` gets ``python/`` and ``js/``, beside the site's own files, which leave
that folder alone. ``./build.sh docs`` does it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pdoc
import pdoc.render

from web.site import SITE
from web.wheel import ROOT

__all__ = ["FOLDER", "MODULES", "javascript", "main", "python"]

FOLDER = SITE / "reference"

MODULES = (
    "syft_web",
    "syft_web.author",
    "syft_web.author.jax",
    "syft_web.author.torch",
    "syft_web.author.tracing",
    "syft_web.client.job",
    "syft_web.client.keep",
    "syft_web.client.model",
    "syft_web.client.retry",
    "syft_web.client.specs",
    "syft_web.client.syft",
    "syft_web.client.trainer",
    "syft_web.client.training_events",
    "syft_web.data",
    "syft_web.errors",
    "syft_web.grid",
    "syft_web.kernels",
    "syft_web.plan",
    "syft_web.plan.limits",
    "syft_web.plan.plan",
    "syft_web.plan.signature",
    "syft_web.plan.state",
)
"""What people call; the rest is inside."""

TYPEDOC = ("typedoc@0.28.20", "typescript@5.9.3")


def python(folder: Path) -> None:
    """Write the pages of the Python package.

    Args:
        folder: Where they go; what is there is removed.
    """
    shutil.rmtree(folder, ignore_errors=True)
    # Modules whose library is not installed are left out with a warning.
    pdoc.render.configure(docformat="google", show_source=False)
    pdoc.pdoc(*MODULES, output_directory=folder)


def javascript(folder: Path) -> None:
    """Write the pages of ``syft-web.js``.

    Args:
        folder: Where they go; what is there is removed.

    Raises:
        subprocess.CalledProcessError: npm or typedoc failed.
    """
    tools = ROOT / "build" / "node" / "typedoc"
    command = tools / "node_modules" / "typedoc" / "bin" / "typedoc"
    if not command.is_file():
        tools.mkdir(parents=True, exist_ok=True)
        options = ("--no-audit", "--no-fund", "--loglevel=error")
        subprocess.run(["npm", "install", "--prefix", tools, *options, *TYPEDOC], check=True)
    subprocess.run(
        [
            *("node", command, "--tsconfig", "web/tsconfig.json", "--out", folder),
            *("--entryPoints", "web/syft-web.js", "--name", "syft-web.js", "--readme", "none"),
            # The check of types is made by `./build.sh test`.
            *("--disableSources", "--skipErrorChecking", "--logLevel", "Error"),
        ],
        cwd=ROOT,
        check=True,
    )


def main() -> int:
    """Write both beside the site and print where."""
    # Pages for readers, not for a machine with a certain backend.
    os.environ.setdefault("KERAS_BACKEND", "jax")
    python(FOLDER / "python")
    javascript(FOLDER / "js")
    print(FOLDER.relative_to(ROOT))
    return 0


if __name__ == "__main__":
    sys.exit(main())
