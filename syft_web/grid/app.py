"""The grid as an ASGI application."""

from __future__ import annotations

import contextlib
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.routing import WebSocketRoute

from syft_web.grid.admin import AdminGate
from syft_web.grid.auth_endpoint import Verifier
from syft_web.grid.completion import Completion
from syft_web.grid.cors import Cors
from syft_web.grid.downloads import Downloads
from syft_web.grid.guard import Guard
from syft_web.grid.keeper import Keeper
from syft_web.grid.limits import Limits
from syft_web.grid.memory import Memory
from syft_web.grid.metrics import Metrics
from syft_web.grid.observe import Observed, ObservedDispatcher
from syft_web.grid.overview import Overview
from syft_web.grid.quotas import Quotas
from syft_web.grid.routes import error_page, routes
from syft_web.grid.security import SecurityHeaders
from syft_web.grid.service import Service
from syft_web.grid.sockets import converse, turn_away
from syft_web.grid.store import Store
from syft_web.grid.watch import Watch, Watching

__all__ = ["create_app"]


def create_app(
    database: str | None = None,
    *,
    limits: Limits | None = None,
    clock: Callable[[], float] = time.time,
    admin_token: str | None = None,
    loopback: bool = False,
    memory: Memory | None = None,
    watching: Watching | None = None,
) -> Starlette:
    """A grid for any ASGI server; its cycles run while the application's lifespan does.

    Args:
        database: SQLAlchemy URL, e.g. ``"sqlite:///grid.sqlite"``. None keeps everything
            in a temporary file that is gone when the application ends.
        limits: What clients may ask.
        clock: Gives the time in seconds since 1970.
        admin_token: What those must know who host. None: nobody may, except on loopback.
        loopback: Whether it listens to its own machine only. There everybody may host when
            there is no token, and processes with secrets that can be guessed.
        memory: Room for messages, where others count in it too.
        watching: What there is for those who watch the grid.

    Returns:
        The application. Its ``state`` has ``service``, ``keeper``, ``dispatcher``, ``downloads``,
        ``limits``, ``memory`` and ``quotas``.

    Raises:
        StoreError: The database cannot be opened.
        HostError: The admin token is none.
    """
    admin = AdminGate(admin_token, is_open=loopback)
    limits = limits or Limits()
    cleanup = contextlib.ExitStack()
    if database is None:
        folder = tempfile.TemporaryDirectory(prefix="syft-web-grid-", ignore_cleanup_errors=True)
        database = f"sqlite:///{Path(cleanup.enter_context(folder)) / 'grid.sqlite'}"
    store = Store(database)
    cleanup.callback(store.close)
    overview = Overview(store, clock)
    metrics = Metrics(overview.counts)
    keeper = Keeper(Completion(store, clock, on_ended=metrics.aggregation))
    service = Service(store, clock=clock, on_change=keeper.poke, short_secrets=loopback)
    verifier = Verifier(limits.endpoint_seconds)
    quotas = Quotas(limits)

    @contextlib.asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        keeper.start()
        try:
            yield
        finally:
            await verifier.close()
            await run_in_threadpool(keeper.stop)
            await run_in_threadpool(cleanup.close)

    dispatcher = ObservedDispatcher(service, limits.patience, admin, verifier, quotas)
    dispatcher.metrics = metrics
    watch = Watch(watching or Watching(), overview, metrics, keeper, admin)
    http_routes = [*watch.routes(), *routes()]
    app = Starlette(
        routes=[
            *http_routes,
            WebSocketRoute("/", converse),
            WebSocketRoute("/{path:path}", turn_away),
        ],
        middleware=[
            Middleware(Observed, metrics=metrics, paths=frozenset(r.path for r in http_routes)),
            Middleware(Cors),
            Middleware(SecurityHeaders),
            Middleware(Guard, limits=limits),
        ],
        exception_handlers={HTTPException: error_page},
        lifespan=lifespan,
    )
    # Only the paths of the protocol exist: a redirect would hide a client's mistake.
    app.router.redirect_slashes = False
    app.state.service = service
    app.state.keeper = keeper
    app.state.dispatcher = dispatcher
    app.state.limits = limits
    app.state.memory = memory or Memory(limits.memory)
    app.state.quotas = quotas
    app.state.downloads = Downloads()
    return app
