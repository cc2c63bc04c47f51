"""The grid's log: one line an event, for people or for programs.

An event is a sentence and, where a program should not have to read it, named values beside
it (``extra={"event": {...}}``). Within a request every line has the request's id. Tokens,
keys, ids of workers and addresses of clients are never among what is logged.
"""

from __future__ import annotations

import json
import logging
import sys
import time
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TextIO

__all__ = ["FORMATS", "JsonFormatter", "TextFormatter", "Trace", "configure", "trace"]

FORMATS = ("text", "json")


@dataclass(slots=True)
class Trace:
    """The request or connection that is being served.

    Attributes:
        id: Random; it goes back to the client as ``X-Request-Id``.
        messages: How many messages it has brought: the number of the one in hand.
    """

    id: str
    messages: int = 0


trace: ContextVar[Trace | None] = ContextVar("syft_web_grid_trace", default=None)
"""Set for as long as something is served, in its worker threads too."""


def configure(style: str, level: int, stream: TextIO | None = None) -> None:
    """Log to a stream, by default standard error.

    Args:
        style: One of `FORMATS`.
        level: Of the grid's own events. Of libraries only warnings are logged: some would
            write the addresses of clients.
        stream: Where to.
    """
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonFormatter() if style == "json" else TextFormatter())
    root = logging.getLogger()
    for old in [h for h in root.handlers if getattr(h, "is_of_the_grid", False)]:
        root.removeHandler(old)
    handler.is_of_the_grid = True  # type: ignore[attr-defined]
    handler.addFilter(_is_ours_or_a_warning)
    root.addHandler(handler)
    root.setLevel(level)


def _is_ours_or_a_warning(record: logging.LogRecord) -> bool:
    return record.name.startswith("syft_web") or record.levelno >= logging.WARNING


class JsonFormatter(logging.Formatter):
    """A JSON object a line: ``time``, ``level``, ``message``, the event's values, ``request``."""

    def format(self, record: logging.LogRecord) -> str:
        """The line for an event."""
        line: dict[str, object] = {
            "time": _time(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **_values(record),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


class TextFormatter(logging.Formatter):
    """Time, level, sentence, and the event's values as ``key=value``; breaks are escaped."""

    def format(self, record: logging.LogRecord) -> str:
        """The line for an event; a traceback follows on lines of its own."""
        # Names of models are chosen by others: they must not begin a line of their own.
        text = "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in record.getMessage())
        values = "".join(f" {key}={value}" for key, value in _values(record).items())
        line = f"{_time(record)} {record.levelname} {record.name}: {text}{values}"
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


def _values(record: logging.LogRecord) -> dict[str, object]:
    values: dict[str, object] = dict(getattr(record, "event", {}))
    current = trace.get()
    if current is not None:
        values["request"] = current.id
        if current.messages:
            values["number"] = current.messages
    return values


def _time(record: logging.LogRecord) -> str:
    whole = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
    return f"{whole}.{int(record.msecs):03d}Z"
