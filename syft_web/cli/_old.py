"""The command line: ``syft-web grid`` and ``syft-web inspect``.

Everything heavy is imported by the command that needs it.
"""

from __future__ import annotations

import argparse
import logging
import signal
import sys
import threading
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import FrameType

from syft_web.errors import SyftError

__all__ = ["main"]

DEFAULT_PORT = 5000
"""PyGrid's own default port (protocol.md section 1.1)."""

DEFAULT_DATABASE = "sqlite:///syft-web-grid.sqlite"


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
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

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

    inspect = commands.add_parser(
        "inspect",
        help="show what is in a plan or model file",
        description="Prints the listing of a Plan, or the shapes of a State.",
    )
    inspect.add_argument("file", type=Path, help="protobuf bytes of a Plan or State")
    inspect.add_argument(
        "--framework", metavar="NAME", help="role of the plan to show: torch, tfjs, ..."
    )
    inspect.set_defaults(run=_inspect)
    return parser


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
    with Server(options.host, options.port, options.database, limits=limits) as server:
        print(f"Grid at {server.url} and {server.ws_url}", flush=True)
        stop.wait()
        print("Stopping", flush=True)
    return 0


def _inspect(options: argparse.Namespace) -> int:
    from syft_web.plan import Plan, State
    from syft_web.wire import syft_proto as pb

    data = options.file.read_bytes()
    looks_like = [kind for kind in ("State", "Plan") if pb.generation(data, kind) == "G4"]
    if looks_like != ["State"]:
        print(Plan.loads(data, options.framework).listing())
        return 0
    tensors = State.loads(data).tensors
    print(f"State of {len(tensors)} tensors, {sum(t.size for t in tensors)} elements")
    for index, tensor in enumerate(tensors):
        print(f"  {index}: {tensor.dtype}{list(tensor.shape)}")
    return 0


def _version() -> str:
    try:
        return version("syft_web")
    except PackageNotFoundError:
        return "(not installed)"


if __name__ == "__main__":
    sys.exit(main())
