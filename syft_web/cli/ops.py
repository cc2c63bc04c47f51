"""``syft-web ops``: which operations plans may use."""

from __future__ import annotations

import argparse
import sys
from typing import Any

__all__ = ["add_command"]


def add_command(commands: Any) -> None:
    """Declare the command and its options."""
    ops = commands.add_parser(
        "ops",
        help="list the operations that plans may use",
        description="Prints every command that the engine runs, by kind, with its parameters, "
        "and those that are left out, with the reason.",
    )
    ops.add_argument(
        "--missing", action="store_true", help="only what is left out or not known before it runs"
    )
    ops.add_argument(
        "--capture", action="store_true", help="what can be captured from PyTorch, and what not"
    )
    ops.add_argument(
        "--format", choices=("text", "markdown"), default="text", help="how to print it"
    )
    ops.set_defaults(run=_ops)


def _ops(options: argparse.Namespace) -> int:
    if options.capture:
        from syft_web.author.capturable import report as capture_report

        sys.stdout.write(capture_report(options.format))
        return 0
    from syft_web.ops.coverage import report

    sys.stdout.write(report(options.format, missing=options.missing))
    return 0
