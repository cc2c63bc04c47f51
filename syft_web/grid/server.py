"""A grid in a thread: for tests, notebooks, demos and the command line."""

from __future__ import annotations

import logging
import socket
import threading
import time
from types import TracebackType
from typing import Self

import uvicorn
from starlette.applications import Starlette

from syft_web.errors import HostError
from syft_web.grid.app import create_app
from syft_web.grid.limits import Limits

__all__ = ["Server"]

logger = logging.getLogger("syft_web.grid")

START_SECONDS = 30.0
STOP_SECONDS = 5
"""How long open requests may take to end when the server stops."""


class Server:
    """A running grid on an address of this machine.

    Usable as a context manager, or with `start` and `stop`.

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
        self._host = host
        self._port = port
        self._database = database
        self._limits = limits or Limits()
        self._app: Starlette | None = None
        self._thread: threading.Thread | None = None
        self._uvicorn: uvicorn.Server | None = None
        self._failure: BaseException | None = None

    @property
    def url(self) -> str:
        """The HTTP address, e.g. ``http://127.0.0.1:5000``."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"http://{host}:{self._port}"

    @property
    def ws_url(self) -> str:
        """The WebSocket address, e.g. ``ws://127.0.0.1:5000``."""
        return "ws" + self.url.removeprefix("http")

    def start(self) -> Self:
        """Open the database, listen and serve; returns when the grid answers.

        Raises:
            HostError: The address cannot be listened on.
            StoreError: The database cannot be opened.
        """
        listener = self._listen()
        try:
            app = create_app(self._database, limits=self._limits)
        except BaseException:
            listener.close()
            raise
        self._app = app
        config = uvicorn.Config(
            app,
            log_config=None,
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
        self._uvicorn = uvicorn.Server(config)
        self._thread = threading.Thread(
            target=self._serve, args=(self._uvicorn, listener), name="syft-web-grid", daemon=True
        )
        self._thread.start()
        limit = time.monotonic() + START_SECONDS
        while not self._uvicorn.started:
            if self._failure is not None or not self._thread.is_alive():
                raise HostError("The grid could not start; its log says why.") from self._failure
            if time.monotonic() > limit:
                raise HostError(f"The grid did not start within {START_SECONDS:.0f} seconds.")
            time.sleep(0.005)
        return self

    def stop(self) -> None:
        """Let open requests end, close connections and database. May be called twice."""
        if self._uvicorn is None or self._thread is None:
            return
        self._uvicorn.should_exit = True
        self._thread.join()
        self._uvicorn = None

    def settle(self, timeout: float = 10.0) -> bool:
        """Wait until every closed cycle has been aggregated; whether that came in time."""
        return self._app is None or bool(self._app.state.keeper.settle(timeout))

    def _listen(self) -> socket.socket:
        family = socket.AF_INET6 if ":" in self._host else socket.AF_INET
        # asyncio turns Nagle's algorithm off (40 ms an answer) only where TCP is named.
        listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((self._host, self._port))
        except OSError as error:
            listener.close()
            raise HostError(
                f"Cannot listen on {self._host} port {self._port}: {error.strerror or error}. "
                "Choose another port, or 0 for any free one."
            ) from error
        self._port = listener.getsockname()[1]
        return listener

    def _serve(self, server: uvicorn.Server, listener: socket.socket) -> None:
        try:
            server.run(sockets=[listener])
        except BaseException as error:
            self._failure = error
            logger.exception("The grid's server failed")

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()
