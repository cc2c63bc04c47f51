"""The grid's limits as options of a command."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

from syft_web.grid.limits import Limits, Option, Unit

__all__ = ["add_limits", "given_limits"]

Value = float | int | str


def add_limits(parser: argparse.ArgumentParser) -> None:
    """Declare an option for every limit."""
    group = parser.add_argument_group(
        "limits",
        "What clients may ask. The defaults are made for the open internet; each of several "
        "processes counts for itself.",
    )
    for option in Limits.options():
        group.add_argument(
            option.flag,
            dest=option.name,
            type=_reader(option),
            # Left out: so that a configuration file may say it instead.
            default=argparse.SUPPRESS,
            metavar=option.unit.value,
            help=f"{option.help} (default: {_shown(option)})",
        )


def given_limits(options: argparse.Namespace) -> dict[str, Any]:
    """What was given on the command line, for ``Limits(**...)``."""
    names = [option.name for option in Limits.options()]
    return {name: getattr(options, name) for name in names if hasattr(options, name)}


def _reader(option: Option) -> Callable[[str], Value]:
    def read(text: str) -> Value:
        try:
            return option.parse(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from error

    return read


def _shown(option: Option) -> str:
    if option.unit is Unit.TEXT:
        return str(option.default)
    number = f"{option.default:g}"
    return f"{number} MiB" if option.unit is Unit.MIB else number
