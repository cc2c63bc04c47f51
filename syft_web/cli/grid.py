"""``syft-web grid``: run the embedded server."""

from __future__ import annotations

import argparse
import logging
import signal
import threading
from pathlib import Path
from types import FrameType
from typing import Any

from syft_web.cli.tokens import VARIABLE, read_token

__all__ = ["DEFAULT_DATABASE", "DEFAULT_PORT", "add_command"]

DEFAULT_PORT = 5000
"""PyGrid's own default port (protocol.md section 1.1)."""

DEFAULT_DATABASE = "sqlite:///syft-web-grid.sqlite"


def add_command(commands: Any) -> None:
    """Declare the command and its options."""
    grid = commands.add_parser(
        "grid",
        help="run the embedded PyGrid-compatible server",
        description="Runs a grid: models are hosted on it, workers train them in cycles. "
        "Ctrl-C ends it; cycles that are under way go on at the next start.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    grid.add_argument("--host", default="127.0.0.1", help="address to listen on")
    grid.add_argument(
        "--port", type=int, default=DEFAULT_PORT, help="port to listen on, 0 for any free one"
    )
    grid.add_argument(
        "--database",
        default=DEFAULT_DATABASE,
        metavar="URL",
        help="SQLAlchemy URL of the database; it is made when it does not exist",
    )
    grid.add_argument(
        "--admin-token-file",
        type=Path,
        metavar="FILE",
        help="file with the token that those must know who host models; or set "
        f"{VARIABLE}. Without it everybody on this machine may host, and nobody "
        "when the address is not of this machine alone",
    )
    grid.add_argument(
        "--max-message",
        type=_mebibytes,
        default="256",
        metavar="MIB",
        help="largest message or request body, in MiB",
    )
    grid.add_argument(
        "--speed-test-size",
        type=_mebibytes,
        default="4",
        metavar="MIB",
        help="size of the sample workers download to measure their speed, in MiB",
    )
    grid.add_argument("--verbose", action="store_true", help="log every cycle")
    grid.set_defaults(run=_grid)


def _mebibytes(text: str) -> int:
    try:
        size = float(text)
    except ValueError:
        size = 0.0
    if not 0 < size < 1 << 20:
        raise argparse.ArgumentTypeError(f"{text!r} is no size in MiB")
    return int(size * 1024 * 1024)


def _grid(options: argparse.Namespace) -> int:
    from syft_web.grid import Limits, Server

    logging.basicConfig(
        level=logging.INFO if options.verbose else logging.WARNING,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
    )
    limits = Limits(max_message=options.max_message, speed_test_bytes=options.speed_test_size)
    stop = threading.Event()

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    # Set before the grid starts: a signal that comes early must not leave it running.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, on_signal)
    server = Server(
        options.host,
        options.port,
        options.database,
        limits=limits,
        admin_token=read_token(options.admin_token_file),
    )
    with server:
        print(f"Grid at {server.url} and {server.ws_url}", flush=True)
        if not server.takes_models:
            print("No admin token was given: models cannot be hosted", flush=True)
        stop.wait()
        print("Stopping", flush=True)
    return 0
