"""Options that may stand in a file and in the environment as well as on the command line.

An option is declared once, with ``add_argument``. Its key in the file is its name without
the dashes in front, its variable that name in capitals after a prefix: ``--max-message``,
``max-message = 64`` and ``SYFT_WEB_GRID_MAX_MESSAGE=64`` are the same. The command line goes
before the environment, that before the file, that before the default.
"""

from __future__ import annotations

import argparse
import difflib
import os
import sys
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

__all__ = ["SettingsParser"]

_TRUE, _FALSE = ("true", "yes", "on", "1"), ("false", "no", "off", "0")
_NOT_SETTINGS = ("help", "config")


class SettingsParser(argparse.ArgumentParser):
    """A parser that reads ``--config FILE`` and the environment first, where it has a prefix.

    Attributes:
        prefix: Of its variables, e.g. ``"SYFT_WEB_GRID_"``; None for the command line alone.
    """

    prefix: str | None = None

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Read file and environment into the defaults, then the words of the command line.

        The process ends with status 2, and every problem on a line of its own, if file or
        environment are not valid.
        """
        words = sys.argv[1:] if args is None else list(args)
        # Not for the help, which shows the defaults: a database's address may have a password.
        if self.prefix is not None and not {"-h", "--help"} & set(words):
            problems: list[str] = []
            self.set_defaults(**_Settings(self, self.prefix).read(words, problems))
            if problems:
                lines = "".join(f"\n  {problem}" for problem in problems)
                self.exit(2, f"{self.prog}: these settings are not valid:{lines}\n")
        return super().parse_known_args(args, namespace)


class _Settings:
    """The settings of one parser."""

    def __init__(self, parser: argparse.ArgumentParser, prefix: str) -> None:
        self._parser = parser
        self._prefix = prefix
        self._actions = {
            _key(action): action
            for action in parser._actions
            if action.option_strings and action.dest not in _NOT_SETTINGS
        }

    def read(self, arguments: Sequence[str], problems: list[str]) -> dict[str, Any]:
        """Defaults by the names of attributes; what is wrong is added to ``problems``."""
        finder = argparse.ArgumentParser(
            prog=self._parser.prog, add_help=False, allow_abbrev=False, usage=argparse.SUPPRESS
        )
        finder.add_argument("--config", default=os.environ.get(f"{self._prefix}CONFIG") or None)
        file = finder.parse_known_args(arguments)[0].config
        found: dict[str, Any] = {}
        if file is not None:
            found |= self._of_file(Path(file), problems)
        return found | self._of_environment(problems)

    def _of_file(self, file: Path, problems: list[str]) -> dict[str, Any]:
        try:
            with file.open("rb") as opened:
                values = tomllib.load(opened)
        except OSError as error:
            problems.append(f"{file}: it cannot be read: {error.strerror or error}")
            return {}
        except ValueError as error:  # of TOML, or of UTF-8
            problems.append(f"{file}: it is no TOML: {error}")
            return {}
        found: dict[str, Any] = {}
        for name, value in values.items():
            key, where = name.replace("_", "-"), f"{file}: {name}"
            if key in self._actions:
                found |= _checked(self._actions[key], value, where, problems)
            else:
                problems.append(f"{where}: there is no such setting{self._near(key, 0.6)}")
        return found

    def _of_environment(self, problems: list[str]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name, text in _variables(self._prefix):
            key = name.removeprefix(self._prefix).lower().replace("_", "-")
            if key in self._actions:
                found |= _checked(self._actions[key], text, name, problems)
            elif near := self._near(key, 0.8):
                # Others are none of ours: Kubernetes sets some for every service.
                problems.append(f"{name}: there is no such setting{near}")
        return found

    def _near(self, key: str, likeness: float) -> str:
        near = difflib.get_close_matches(key, self._actions, 1, likeness)
        return f"; do you mean {near[0]}?" if near else ""


def _variables(prefix: str) -> list[tuple[str, str]]:
    others = {f"{prefix}CONFIG"}
    return sorted(
        (name, text)
        for name, text in os.environ.items()
        if name.startswith(prefix) and name not in others and text.strip()
    )


def _key(action: argparse.Action) -> str:
    return next(o for o in action.option_strings if o.startswith("--")).removeprefix("--")


def _checked(
    action: argparse.Action, value: object, where: str, problems: list[str]
) -> Mapping[str, Any]:
    """The default for an option, or nothing and a problem."""
    if action.nargs == 0:
        flag = _flag(value)
        if flag is None:
            problems.append(f"{where}: must be true or false")
            return {}
        return {action.dest: flag}
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        problems.append(f"{where}: must be a text or a number")
        return {}
    text = str(value)
    try:
        # What is kept is the text: it is turned into a value where the command line's are.
        checked = action.type(text) if callable(action.type) else text
    except argparse.ArgumentTypeError as error:
        problems.append(f"{where}: {error}")
        return {}
    except (TypeError, ValueError):
        kind = getattr(action.type, "__name__", "value")
        problems.append(f"{where}: {text!r} is no {'whole number' if kind == 'int' else kind}")
        return {}
    if action.choices is not None and checked not in action.choices:
        problems.append(f"{where}: {text!r} is none of {', '.join(map(str, action.choices))}")
        return {}
    return {action.dest: text}


def _flag(value: object) -> bool | None:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.strip().lower() in _TRUE + _FALSE:
        return value.strip().lower() in _TRUE
    return None
