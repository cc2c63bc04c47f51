"""A grid in a thread: for tests, notebooks, demos and the command line."""

from __future__ import annotations

from starlette.applications import Starlette

from syft_web.grid.app import create_app
from syft_web.grid.limits import Limits
from syft_web.grid.threaded import ThreadedServer

__all__ = ["Server"]

STOP_SECONDS = 5
"""How long open requests may take to end when the server stops."""


class Server(ThreadedServer):
    """A running grid on an address of this machine.

    Usable as a context manager, or with `start` and `stop`. To start raises `HostError` when
    the address cannot be listened on, and `StoreError` when the database cannot be opened.

    Args:
        host: Address to listen on.
        port: Port to listen on, 0 for any free one.
        database: SQLAlchemy URL; None for a temporary database.
        limits: Bounds of single requests.

    Example:
        >>> with Server() as grid:
        ...     grid.url.startswith("http://127.0.0.1:")
        True
    """

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = 0,
        database: str | None = None,
        *,
        limits: Limits | None = None,
    ) -> None:
        self._database = database
        self._limits = limits or Limits()
        self._app: Starlette | None = None
        super().__init__(
            host,
            port,
            name="grid",
            access_log=False,
            lifespan="on",
            server_header=False,
            ws_max_size=self._limits.max_message,
            ws_ping_interval=self._limits.ping_interval,
            ws_ping_timeout=self._limits.ping_timeout,
            ws_per_message_deflate=False,
            timeout_keep_alive=self._limits.keep_alive,
            timeout_graceful_shutdown=STOP_SECONDS,
        )

    @property
    def ws_url(self) -> str:
        """The WebSocket address, e.g. ``ws://127.0.0.1:5000``."""
        return "ws" + self.url.removeprefix("http")

    def make_app(self) -> Starlette:
        """The grid over its database.

        Raises:
            StoreError: The database cannot be opened.
        """
        self._app = create_app(self._database, limits=self._limits)
        return self._app

    def settle(self, timeout: float = 10.0) -> bool:
        """Wait until every closed cycle has been aggregated; whether that came in time."""
        return self._app is None or bool(self._app.state.keeper.settle(timeout))
