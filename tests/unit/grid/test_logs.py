"""The log: one line an event, and nobody's secrets in it."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import pytest

from syft_web.grid import logs

logger = logging.getLogger("syft_web.grid")


@pytest.fixture(autouse=True)
def _as_before(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Loggers as in a new process, whatever other tests have set; and as they were afterwards."""
    for name in ("syft_web", "syft_web.grid", "uvicorn", "uvicorn.error", "httpx"):
        for key, value in (("level", logging.NOTSET), ("propagate", True), ("handlers", [])):
            monkeypatch.setattr(logging.getLogger(name), key, value)
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


def _lines(style: str, level: int = logging.INFO) -> io.StringIO:
    stream = io.StringIO()
    logs.configure(style, level, stream)
    return stream


def test_json_lines() -> None:
    stream = _lines("json")
    token = logs.trace.set(logs.Trace("abc", 2))
    try:
        logger.info("Hosted %s", "a\nname", extra={"event": {"type": "host", "ms": 1.5}})
    finally:
        logs.trace.reset(token)
    try:
        raise ValueError("what went wrong")
    except ValueError:
        logger.exception("A request failed")
    first, second = map(json.loads, stream.getvalue().splitlines())
    assert first.pop("time").endswith("Z")
    assert first == {
        "level": "info",
        "logger": "syft_web.grid",
        "message": "Hosted a\nname",
        "type": "host",
        "ms": 1.5,
        "request": "abc",
        "number": 2,
    }
    assert "request" not in second
    assert second["exception"].endswith("ValueError: what went wrong")


def test_text_lines() -> None:
    stream = _lines("text")
    logger.info("Hosted %s", "a\nname\x1b[2J", extra={"event": {"ms": 1.5}})
    (line,) = stream.getvalue().splitlines()
    assert line.endswith("INFO syft_web.grid: Hosted a\\x0aname\\x1b[2J ms=1.5")


def test_libraries_only_warn() -> None:
    """Uvicorn tells the addresses of clients, httpx those of third parties that check tokens."""
    stream = _lines("text", logging.DEBUG)
    for name in ("uvicorn.error", "httpx", "sqlalchemy.engine"):
        logging.getLogger(name).info("with an address")
    logging.getLogger("uvicorn.error").warning("a warning")
    assert len(stream.getvalue().splitlines()) == 1


def test_configured_twice() -> None:
    _lines("text")
    stream = _lines("json", logging.WARNING)
    logger.info("not shown")
    logger.warning("shown once")
    assert [json.loads(line)["message"] for line in stream.getvalue().splitlines()] == [
        "shown once"
    ]
