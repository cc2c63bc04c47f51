"""Find a Firefox and the module that drives it; Playwright drives only one of its own.

``SYFT_WEB_FIREFOX`` names one. ``python -m web.firefox --install`` gets one by apt where that
needs no password, and puppeteer-core by npm.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from web.chromium import apt_install
from web.wheel import ROOT

__all__ = ["HELP", "find", "main", "puppeteer"]

PUPPETEER = "puppeteer-core@24.43.1"
TOOLS = ROOT / "build" / "node" / "puppeteer-core"
HELP = "no Firefox found: install firefox-esr or set SYFT_WEB_FIREFOX to one"


def find() -> str | None:
    """Path of a Firefox that is installed, None when there is none."""
    named = os.environ.get("SYFT_WEB_FIREFOX")
    if named:
        return named if Path(named).is_file() else None
    return shutil.which("firefox-esr") or shutil.which("firefox")


def puppeteer() -> str | None:
    """Path of puppeteer-core's module, got by npm at the first use; None where that fails."""
    module = TOOLS / "node_modules/puppeteer-core/lib/esm/puppeteer/puppeteer-core.js"
    npm = shutil.which("npm")
    if not module.is_file() and npm:
        TOOLS.mkdir(parents=True, exist_ok=True)
        options = ("--no-audit", "--no-fund", "--loglevel=error", "--ignore-scripts")
        command = [npm, "install", "--prefix", str(TOOLS), *options, PUPPETEER]
        subprocess.run(command, capture_output=True, check=False, timeout=300)
    return str(module) if module.is_file() else None


def main() -> int:
    """Print the path of a Firefox; with ``--install``, get what is missing."""
    if "--install" in sys.argv[1:]:
        if find() is None:
            apt_install("firefox-esr")
        puppeteer()
    path = find()
    print(path or HELP, file=sys.stdout if path else sys.stderr)
    return 0 if path else 1


if __name__ == "__main__":
    raise SystemExit(main())
