"""Pages and answers for those who watch a grid: the dashboard, health, metrics, status.

The dashboard shows counts and curves to everybody, unless it is off. What tells more, and the
metrics unless their owner says otherwise, is for those who have the admin token, or on a grid
without one for its own machine.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from syft_web.errors import ServiceError, StoreError
from syft_web.grid.admin import AdminGate, Caller, is_loopback
from syft_web.grid.keeper import Keeper
from syft_web.grid.metrics import CONTENT_TYPE, Metrics
from syft_web.grid.overview import Overview

__all__ = ["METRICS_FOR", "Watch", "Watching"]

METRICS_FOR = ("operator", "everybody", "nobody")
"""Who may read the metrics."""

_PAGE = Path(__file__).with_name("dashboard")
_TYPES = {
    ".css": "text/css",
    ".html": "text/html",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
}
_ASK_AGAIN = "no-cache"
"""May be kept, but its entity tag is compared each time."""

Endpoint = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Watching:
    """What of it there is.

    Attributes:
        dashboard: The page at ``/``, and its counts for everybody.
        metrics: One of `METRICS_FOR`.
    """

    dashboard: bool = True
    metrics: str = "operator"


class Watch:
    """The routes.

    Args:
        choices: What of it there is.
        overview: What can be seen of the database.
        metrics: What was counted.
        keeper: Must be running for the grid to be healthy.
        admin: Knows who is an operator.
    """

    def __init__(
        self,
        choices: Watching,
        overview: Overview,
        metrics: Metrics,
        keeper: Keeper,
        admin: AdminGate,
    ) -> None:
        self._choices = choices
        self._overview = overview
        self._metrics = metrics
        self._keeper = keeper
        self._admin = admin

    def routes(self) -> list[Route]:
        """All routes; the page at ``/`` goes before the one of `routes.routes`."""
        found = [
            _route("/health", self._health),
            _route("/health/live", self._live),
            _route("/status/models", self._models),
            _route("/status/cycles", self._cycles),
        ]
        if self._choices.metrics != "nobody":
            found.append(_route("/metrics", self._read_metrics))
        # A wheel that was made for browsers comes without it.
        if self._choices.dashboard and _PAGE.is_dir():
            found.append(_route("/", _file(_PAGE / "index.html")))
            found += [
                _route(f"/dashboard/{file.name}", _file(file))
                for file in sorted(_PAGE.iterdir())
                if file.suffix in _TYPES and file.suffix != ".html"
            ]
        return found

    async def _live(self, _request: Request) -> Response:
        return _json({"status": "ok"})

    async def _health(self, _request: Request) -> Response:
        """Whether this process can do its work; what is wrong is in the log, not here."""
        try:
            await run_in_threadpool(self._overview.ping)
            database = "ok"
        except StoreError:
            database = "does not answer"
        cycles = "ok" if self._keeper.is_running() else "are not being ended"
        fine = database == cycles == "ok"
        answer = {
            "status": "ok" if fine else "failing",
            "database": database,
            "cycles": cycles,
        }
        return _json(answer, 200 if fine else 503)

    async def _read_metrics(self, request: Request) -> Response:
        if self._choices.metrics == "operator":
            self._check(request, "reading the metrics of")
        return Response(await run_in_threadpool(self._metrics.text), media_type=CONTENT_TYPE)

    async def _models(self, request: Request) -> Response:
        if not self._choices.dashboard:
            self._check(request, "listing the models of")
        return _tagged(request, await run_in_threadpool(self._overview.overview))

    async def _cycles(self, request: Request) -> Response:
        self._check(request, "reading the cycles of")
        query = dict(request.query_params)
        return _json(await run_in_threadpool(self._overview.details, query))

    def _check(self, request: Request, what: str) -> None:
        caller = Caller.of(request.headers)
        if caller.token is None and not _names_this_machine(request.headers.get("host", "")):
            # A page of another site whose name leads to this machine sends no other sign of it.
            caller = Caller(is_near=False)
        self._admin.check(caller, what=what)


def _names_this_machine(host: str) -> bool:
    try:
        return is_loopback(urlsplit(f"//{host}").hostname or "")
    except ValueError:
        return False


def _route(path: str, endpoint: Endpoint) -> Route:
    @wraps(endpoint)
    async def answer(request: Request) -> Response:
        if request.method == "OPTIONS":
            return PlainTextResponse("", headers={"Allow": "GET, HEAD, OPTIONS"})
        try:
            return await endpoint(request)
        except ServiceError as error:
            return _json({"error": error.text}, error.status)

    return Route(path, answer, methods=["GET", "OPTIONS"])


def _file(path: Path) -> Endpoint:
    data = path.read_bytes()
    headers = {"Cache-Control": _ASK_AGAIN, "ETag": _tag(data)}

    async def send(request: Request) -> Response:
        if request.headers.get("if-none-match") == headers["ETag"]:
            return Response(status_code=304, headers=headers)
        return Response(data, media_type=_TYPES[path.suffix], headers=headers)

    return send


def _tagged(request: Request, value: dict[str, Any]) -> Response:
    answer = _json(value)
    tag = _tag(bytes(answer.body))
    answer.headers["ETag"] = tag
    answer.headers["Cache-Control"] = _ASK_AGAIN
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers={"ETag": tag, "Cache-Control": _ASK_AGAIN})
    return answer


def _tag(data: bytes) -> str:
    return f'"{hashlib.sha256(data).hexdigest()[:32]}"'


def _json(value: dict[str, Any], status: int = 200) -> Response:
    return Response(json.dumps(value), status, media_type="application/json")
