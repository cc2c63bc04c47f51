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
from syft_web.grid.dispatch import Dispatcher
from syft_web.grid.keeper import Keeper
from syft_web.grid.limits import Limits
from syft_web.grid.routes import error_page, routes
from syft_web.grid.service import Service
from syft_web.grid.sockets import converse, turn_away
from syft_web.grid.store import Store

__all__ = ["create_app"]


def create_app(
    database: str | None = None,
    *,
    limits: Limits | None = None,
    clock: Callable[[], float] = time.time,
    admin_token: str | None = None,
    loopback: bool = False,
) -> Starlette:
    """A grid for any ASGI server; its cycles run while the application's lifespan does.

    Args:
        database: SQLAlchemy URL, e.g. ``"sqlite:///grid.sqlite"``. None keeps everything
            in a temporary file that is gone when the application ends.
        limits: Bounds of single requests.
        clock: Gives the time in seconds since 1970.
        admin_token: What those must know who host. None: nobody may, except on loopback.
        loopback: Whether it listens to its own machine only. There everybody may host when
            there is no token, and processes with secrets that can be guessed.

    Returns:
        The application. Its ``state`` has ``service``, ``keeper``, ``dispatcher`` and
        ``limits``.

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
    keeper = Keeper(Completion(store, clock))
    service = Service(store, clock=clock, on_change=keeper.poke, short_secrets=loopback)
    verifier = Verifier(limits.endpoint_seconds)

    @contextlib.asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        keeper.start()
        try:
            yield
        finally:
            await verifier.close()
            await run_in_threadpool(keeper.stop)
            await run_in_threadpool(cleanup.close)

    app = Starlette(
        routes=[
            *routes(),
            WebSocketRoute("/", converse),
            WebSocketRoute("/{path:path}", turn_away),
        ],
        middleware=[Middleware(Cors)],
        exception_handlers={HTTPException: error_page},
        lifespan=lifespan,
    )
    # Only the paths of the protocol exist: a redirect would hide a client's mistake.
    app.router.redirect_slashes = False
    app.state.service = service
    app.state.keeper = keeper
    app.state.dispatcher = Dispatcher(service, limits.patience, admin, verifier)
    app.state.limits = limits
    return app
