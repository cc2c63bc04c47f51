"""``syft-web grid``: run the embedded server."""

from __future__ import annotations

import argparse
import functools
import logging
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

from syft_web.cli.limits import add_limits, given_limits
from syft_web.cli.tokens import VARIABLE, read_token

if TYPE_CHECKING:
    from syft_web.grid import Server
    from syft_web.grid.processes import Processes

__all__ = ["DEFAULT_DATABASE", "DEFAULT_PORT", "add_command"]

DEFAULT_PORT = 5000
"""PyGrid's own default port (protocol.md section 1.1)."""

DEFAULT_DATABASE = "sqlite:///syft-web-grid.sqlite"

MOST_WORKERS = 256

PREFIX = "SYFT_WEB_GRID_"
"""Of the variables that set options."""


def add_command(commands: Any) -> None:
    """Declare the command and its options."""
    grid = commands.add_parser(
        "grid",
        help="run the embedded PyGrid-compatible server",
        description="Runs a grid: models are hosted on it, workers train them in cycles. "
        "Ctrl-C ends it; cycles that are under way go on at the next start. Every option may "
        f"also stand in a file (port = 5000) or in the environment ({PREFIX}PORT=5000); the "
        "command line goes first, then the environment, then the file.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
        allow_abbrev=False,
    )
    grid.prefix = PREFIX
    grid.add_argument(
        "--config", type=Path, metavar="FILE", help="TOML file with options, their names as here"
    )
    grid.add_argument("--host", default="127.0.0.1", help="address to listen on")
    grid.add_argument(
        "--port", type=int, default=DEFAULT_PORT, help="port to listen on, 0 for any free one"
    )
    grid.add_argument(
        "--database",
        default=DEFAULT_DATABASE,
        metavar="URL",
        help="sqlite:///FILE, which is made when it does not exist, or "
        "postgresql://USER@HOST/DATABASE; grids on several hosts may share a PostgreSQL",
    )
    grid.add_argument(
        "--workers",
        type=_count,
        default=1,
        metavar="N",
        help="processes that serve; each has the limits below for itself. They help where many "
        "processors and PostgreSQL are; on SQLite they wait for each other to write",
    )
    grid.add_argument(
        "--admin-token-file",
        type=Path,
        metavar="FILE",
        help="file with the token that those must know who host models; or set "
        f"{VARIABLE}. Without it everybody on this machine may host, and nobody "
        "when the address is not of this machine alone",
    )
    _add_watching(grid)
    add_limits(grid)
    grid.set_defaults(run=_grid)


def _add_watching(grid: argparse.ArgumentParser) -> None:
    """What there is for those who watch the grid."""
    grid.add_argument(
        "--dashboard",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="page at / that shows everybody models, cycles and counts, never who takes part",
    )
    grid.add_argument(
        "--metrics",
        choices=("operator", "everybody", "nobody"),
        default="operator",
        help="who may read /metrics (for Prometheus): operator means with the admin token or, on a "
        "grid without one, from this machine",
    )
    grid.add_argument("--verbose", action="store_true", help="log every cycle, request and message")
    grid.add_argument(
        "--log-format",
        choices=("text", "json"),
        default="text",
        help="json: one object a line. Tokens and addresses of clients are in neither",
    )


def _count(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= MOST_WORKERS:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of 1 to {MOST_WORKERS}")
    return int(text)


def _grid(options: argparse.Namespace) -> int:
    from syft_web.grid import Limits
    from syft_web.grid.watch import Watching

    level = logging.INFO if options.verbose else logging.WARNING
    prepare = functools.partial(_prepare, options.log_format, level)
    prepare()
    limits = Limits(**given_limits(options))
    stop = threading.Event()

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    # Set before the grid starts: a signal that comes early must not leave it running.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, on_signal)
    token = read_token(options.admin_token_file)
    watching = Watching(dashboard=options.dashboard, metrics=options.metrics)
    more = {"limits": limits, "admin_token": token, "watching": watching}
    with _server(options, prepare, **more) as server:
        print(f"Grid at {server.url} and {server.ws_url}", flush=True)
        if not server.takes_models:
            print("No admin token was given: models cannot be hosted", flush=True)
        stop.wait()
        print("Stopping", flush=True)
    return 0


def _prepare(log_format: str, level: int) -> None:
    """What each process that serves does first."""
    from syft_web.grid import logs
    from syft_web.grid.files import raise_limit

    logs.configure(log_format, level)
    raise_limit()


def _server(
    options: argparse.Namespace, prepare: Callable[[], None], **more: Any
) -> Server | Processes:
    address = options.host, options.port, options.database
    if options.workers == 1:
        from syft_web.grid import Server

        return Server(*address, **more)
    from syft_web.grid.processes import Processes

    return Processes(options.workers, *address, prepare=prepare, **more)
