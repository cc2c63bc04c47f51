"""The command line: ``syft-web grid``, ``backup``, ``host``, ``inspect``, ...; modules for each.

Everything heavy is imported by the command that needs it.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version

from syft_web.cli import backup, checkpoint, cycle, grid, host, inspect, models, ops
from syft_web.cli.settings import SettingsParser
from syft_web.errors import SyftError

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit status.

    Args:
        arguments: The words after ``syft-web``; None for those of this process.
    """
    options = _parser().parse_args(arguments)
    try:
        status: int = options.run(options)
    except (SyftError, OSError) as error:
        print(f"syft-web: {error}", file=sys.stderr)
        return 1
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="syft-web", description="Federated learning in the browser: the tools around it."
    )
    parser.add_argument("--version", action="version", version=f"syft-web {_version()}")
    commands = parser.add_subparsers(
        title="commands", required=True, metavar="COMMAND", parser_class=SettingsParser
    )
    for module in (grid, backup, host, models, cycle, checkpoint, inspect, ops):
        module.add_command(commands)
    return parser


def _version() -> str:
    try:
        return version("syft_web")
    except PackageNotFoundError:
        return "(not installed)"
