"""A grid in a thread: for tests, notebooks, demos and the command line."""

from __future__ import annotations

import logging
import socket

from starlette.applications import Starlette

from syft_web.grid.admin import is_loopback
from syft_web.grid.app import create_app
from syft_web.grid.connections import Door, protocols
from syft_web.grid.limits import Limits
from syft_web.grid.memory import Memory
from syft_web.grid.threaded import ThreadedServer
from syft_web.grid.watch import Watching

__all__ = ["Server"]

STOP_SECONDS = 10
"""How long open requests may take to end when the server stops."""


class Server(ThreadedServer):
    """A running grid on an address of this machine.

    Usable as a context manager, or with `start` and `stop`. To start raises `HostError` when
    the address cannot be listened on, and `StoreError` when the database cannot be opened.

    Args:
        host: Address to listen on.
        port: Port to listen on, 0 for any free one.
        database: SQLAlchemy URL; None for a temporary database.
        limits: What clients may ask.
        admin_token: What those must know who host. On loopback everybody may host without
            one, elsewhere nobody.
        listener: A socket that is bound to the address already, if there is one.
        watching: What there is for those who watch the grid: dashboard and metrics.

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
        admin_token: str | None = None,
        listener: socket.socket | None = None,
        watching: Watching | None = None,
    ) -> None:
        self._database = database
        self._limits = limits or Limits()
        self._memory = Memory(self._limits.memory)
        http, websocket = protocols(Door(self._limits, self._memory))
        self._admin_token = admin_token
        self._watching = watching
        self._app: Starlette | None = None
        super().__init__(
            host,
            port,
            name="grid",
            listener=listener,
            access_log=False,
            # Never below info: there the WebSocket library writes frames, tokens included.
            log_level=max(logging.getLogger().getEffectiveLevel(), logging.INFO),
            lifespan="on",
            http=http,
            ws=websocket,
            forwarded_allow_ips=self._limits.proxies,
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

    @property
    def takes_models(self) -> bool:
        """Whether anybody may host: with the admin token, or everybody on loopback."""
        return self._admin_token is not None or is_loopback(self._host)

    def make_app(self) -> Starlette:
        """The grid over its database.

        Raises:
            StoreError: The database cannot be opened.
            HostError: The admin token is none.
        """
        self._app = create_app(
            self._database,
            limits=self._limits,
            admin_token=self._admin_token,
            loopback=is_loopback(self._host),
            memory=self._memory,
            watching=self._watching,
        )
        return self._app

    def settle(self, timeout: float = 10.0) -> bool:
        """Wait until every closed cycle has been aggregated; whether that came in time."""
        return self._app is None or bool(self._app.state.keeper.settle(timeout))
