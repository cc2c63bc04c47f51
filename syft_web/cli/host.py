"""``syft-web host``: put what a bundle holds on a grid."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any

from syft_web.cli.tokens import VARIABLE, read_token

__all__ = ["add_command"]


def add_command(commands: Any) -> None:
    """Declare the command and its options."""
    host = commands.add_parser(
        "host",
        help="host a model with its plans on a grid",
        description="Hosts what a bundle (syft_web.author.Bundle) holds: model, plans, settings. "
        "A grid keeps each name and version once. 'syft-web inspect' shows what is in a bundle.",
    )
    host.add_argument("file", type=Path, help="the bundle, by custom NAME.syft")
    host.add_argument("--url", required=True, help="address of the grid, e.g. ws://localhost:5000")
    host.add_argument("--name", help="another name than the bundle's")
    host.add_argument("--version", help="another version than the bundle's")
    host.add_argument(
        "--token-file",
        type=Path,
        metavar="FILE",
        help=f"file with the grid's admin token, if it asks for one; or set {VARIABLE}",
    )
    host.set_defaults(run=_host)


def _host(options: argparse.Namespace) -> int:
    from syft_web.author import Bundle, host_bundle

    bundle = Bundle.load(options.file)
    bundle = replace(
        bundle, name=options.name or bundle.name, version=options.version or bundle.version
    )
    host_bundle(options.url, bundle, token=read_token(options.token_file))
    print(f"{bundle.name} {bundle.version} is hosted on {options.url}")
    return 0
