"""Find a Chromium, or say how to get one.

A browser that is there already is taken before one is downloaded. The order:
``SYFT_WEB_CHROMIUM``, a system Chromium or Chrome, Playwright's own, and only in
``python -m web.chromium --install`` the installers of Playwright and of Debian.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path

__all__ = ["ARGUMENTS", "apt_install", "find", "install", "main"]

ARGUMENTS = (
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    # Containers give /dev/shm 64 MB; three pages with numpy want more.
    "--disable-dev-shm-usage",
    # Pages of a test are never in front, and still have to train at full speed.
    "--disable-background-timer-throttling",
    "--disable-renderer-backgrounding",
    "--disable-backgrounding-occluded-windows",
    # Root may not use the sandbox, and containers often have none. The pages are our own.
    "--no-sandbox",
)
"""Flags for driving our own pages without a screen."""

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
MAC = "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"
HELP = (
    "no Chromium found. Install one of chromium or google-chrome, run "
    "'.venv/bin/python -m playwright install chromium', or set SYFT_WEB_CHROMIUM to one"
)


def find() -> str | None:
    """Path of a Chromium or Chrome that is installed, None when there is none."""
    named = os.environ.get("SYFT_WEB_CHROMIUM")
    if named:
        return named if Path(named).is_file() else None
    for name in NAMES:
        path = shutil.which(name)
        if path:
            return path
    if Path(MAC).is_file():
        return MAC
    return _of_playwright()


def _of_playwright() -> str | None:
    """The browser that ``playwright install chromium`` put down."""
    script = (
        "from playwright.sync_api import sync_playwright\n"
        "with sync_playwright() as p: print(p.chromium.executable_path)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=60
    )
    path = done.stdout.strip()
    return path if path and Path(path).is_file() else None


def install() -> str | None:
    """Install a Chromium by Playwright, or by apt where that needs no password.

    Returns:
        Its path, None when neither way worked.
    """
    print("no Chromium here; trying 'playwright install chromium'", flush=True)
    _try([sys.executable, "-m", "playwright", "install", "chromium"], timeout=300)
    path = find()
    if path is None:
        apt_install("chromium")
    return path or find()


def apt_install(package: str) -> None:
    """Install a Debian package where that needs no password; says what it does.

    Args:
        package: Its name.
    """
    if not shutil.which("apt-get"):
        return
    root = _root_prefix()
    if root is None:
        print(f"apt would need a password: run 'sudo apt-get install {package}' yourself")
        return
    print(f"trying 'apt-get install {package}'", flush=True)
    quiet = [*root, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq", "-o"]
    quiet.append("Acquire::Retries=2")
    _try([*quiet, "update"], timeout=180)
    _try([*quiet, "install", "-y", "--no-install-recommends", package], timeout=600)


def _root_prefix() -> list[str] | None:
    """What to put before a command to run it as root; None when that is not to be had."""
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        return []
    if shutil.which("sudo"):
        done = subprocess.run(["sudo", "-n", "true"], capture_output=True, check=False)
        if done.returncode == 0:
            return ["sudo", "-n"]
    return None


def _try(command: list[str], *, timeout: float) -> None:
    """Run an installer; whether it worked is seen by looking for the browser."""
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=timeout,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        print(f"  did not work: {type(error).__name__}", flush=True)
        return
    if done.returncode != 0:
        lines = (done.stderr or done.stdout).strip().splitlines() or ["no reason given"]
        reason = next((line for line in lines if "rror" in line), lines[-1])
        print(f"  did not work: {reason}", flush=True)


def main(arguments: list[str] | None = None) -> int:
    """Print the path of a Chromium; with ``--install``, get one when there is none."""
    parser = argparse.ArgumentParser(prog="python -m web.chromium", description=main.__doc__)
    parser.add_argument("--install", action="store_true")
    options = parser.parse_args(arguments)
    path = find() or (install() if options.install else None)
    if path is None:
        print(HELP, file=sys.stderr)
        return 1
    print(path)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
