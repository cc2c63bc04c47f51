"""``syft-web models``: what is hosted on a grid, and how it is getting on."""

from __future__ import annotations

import argparse
import json
from typing import Any

from syft_web.cli.asking import add_grid_options, ask
from syft_web.cli.tables import table
from syft_web.cli.tokens import read_token
from syft_web.errors import AuthenticationError

__all__ = ["add_command", "cycles_done", "reports"]


def add_command(commands: Any) -> None:
    """Declare the command and its options."""
    models = commands.add_parser(
        "models",
        help="list what is hosted on a grid",
        description="Lists the newest models of a grid: where their cycles stand, how many "
        "workers and checkpoints there have been. A grid without a dashboard asks for its admin "
        "token.",
    )
    add_grid_options(models)
    models.set_defaults(run=_models)


def cycles_done(model: dict[str, Any]) -> str:
    """``"3 of 5"``, or ``"3"`` where there is no last cycle."""
    done, wanted = model["cycles_done"], model["cycles_wanted"]
    return f"{done} of {wanted}" if wanted else str(done)


def reports(model: dict[str, Any], cycle: dict[str, Any]) -> str:
    """How many reports a cycle has, of how many."""
    most = model["reports_most"]
    wanted = f"{model['reports_least']} or more" if most is None else most
    return f"{cycle['reports']} of {wanted}"


def _models(options: argparse.Namespace) -> int:
    try:
        answer = ask(options.url, "status/models")
    except AuthenticationError:
        # Only now: a token is not for grids that do not ask for it.
        if (token := read_token(options.token_file)) is None:
            raise
        answer = ask(options.url, "status/models", token=token)
    if options.json:
        print(json.dumps(answer, indent=2))
        return 0
    if not answer["models"]:
        print(f"No model is hosted on {options.url}")
        return 0
    head = ("name", "version", "state", "cycles", "reports", "workers", "checkpoint")
    print(table(head, [_row(model) for model in answer["models"]]))
    left = answer["models_total"] - len(answer["models"])
    if left > 0:
        print(f"and {left} older ones")
    return 0


def _row(model: dict[str, Any]) -> list[object]:
    is_under_way = model["state"] not in ("finished", "failed")
    return [
        model["name"],
        model["version"],
        model["state"],
        cycles_done(model),
        reports(model, model["recent"][0]) if is_under_way else None,
        model["workers"],
        model["checkpoint"],
    ]
