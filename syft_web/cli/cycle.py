"""``syft-web cycle show``: what an operator wants to know of a model's cycles."""

from __future__ import annotations

import argparse
import json
import time
from typing import Any

from syft_web.cli.asking import add_grid_options, ask, printable
from syft_web.cli.models import cycles_done
from syft_web.cli.tables import table
from syft_web.cli.tokens import read_token

__all__ = ["add_command"]

_CYCLE_HEAD = ("cycle", "state", "reports", "workers", "started", "ends", "note")
_CHECKPOINT_HEAD = ("checkpoint", "reports", "samples", "metrics")


def add_command(commands: Any) -> None:
    """Declare the command and its options."""
    cycle = commands.add_parser("cycle", help="look at the cycles of a model")
    actions = cycle.add_subparsers(title="commands", required=True, metavar="COMMAND")
    show = actions.add_parser(
        "show",
        help="show the cycles, checkpoints and rules of a model",
        description="Shows the newest cycles of a model with what the grid noted about them, its "
        "checkpoints with what workers told, and the rules. Only for whoever runs the grid.",
    )
    show.add_argument("name", help="name of the model")
    show.add_argument("--version", help="its version; the newest by default")
    show.add_argument(
        "--limit", type=int, default=10, metavar="N", help="how many cycles and checkpoints (10)"
    )
    add_grid_options(show)
    show.set_defaults(run=_show)


def _show(options: argparse.Namespace) -> int:
    query = {"name": options.name, "limit": str(options.limit)}
    if options.version is not None:
        query["version"] = options.version
    answer = ask(options.url, "status/cycles", query, token=read_token(options.token_file))
    if options.json:
        print(json.dumps(answer, indent=2))
        return 0
    print(printable(f"{answer['name']} {answer['version']}: {answer['state']}"))
    print(
        f"{cycles_done(answer)} cycles done, {answer['cycles_failed']} without a checkpoint; "
        f"workers so far: {answer['workers']}; parameters: {answer['parameters']}"
    )
    print("\nRules")
    for key, value in answer["rules"].items():
        if value is not None:
            print(f"  {key}: {printable(json.dumps(value))}")
    print("\nCycles")
    print(table(_CYCLE_HEAD, [_cycle_row(each) for each in answer["cycle_list"]]))
    print("\nCheckpoints")
    print(table(_CHECKPOINT_HEAD, [_checkpoint_row(each) for each in answer["checkpoint_list"]]))
    return 0


def _cycle_row(cycle: dict[str, Any]) -> list[object]:
    return [
        cycle["number"],
        cycle["state"],
        cycle["reports"],
        cycle["workers"],
        _time(cycle["started_at"]),
        _time(cycle["completed_at"] or cycle["ends_at"]),
        cycle["note"],
    ]


def _checkpoint_row(checkpoint: dict[str, Any]) -> list[object]:
    metrics = (f"{name}={value:.4g}" for name, value in sorted(checkpoint["metrics"].items()))
    hosted = checkpoint["reports"] is None
    return [
        checkpoint["number"],
        "as hosted" if hosted else checkpoint["reports"],
        checkpoint["num_samples"],
        " ".join(metrics),
    ]


def _time(seconds: float | None) -> str | None:
    """A time of this machine's place."""
    return None if seconds is None else time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds))
