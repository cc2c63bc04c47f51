"""An ASGI application on a port of this machine, served in a thread of its own."""

from __future__ import annotations

import logging
import socket
import threading
import time
from abc import ABC, abstractmethod
from types import TracebackType
from typing import Any, Self

import uvicorn
from starlette.applications import Starlette

from syft_web.errors import HostError

__all__ = ["ThreadedServer", "listen"]

logger = logging.getLogger("syft_web.grid")

START_SECONDS = 30.0


class ThreadedServer(ABC):
    """Serves what `make_app` makes; a context manager, or with `start` and `stop`.

    Args:
        host: Address to listen on.
        port: Port to listen on, 0 for any free one.
        name: What it is called in messages and in the list of threads.
        listener: A socket that listens there already, if there is one.
        options: Of ``uvicorn.Config``.
    """

    def __init__(
        self,
        host: str,
        port: int,
        *,
        name: str,
        listener: socket.socket | None = None,
        **options: Any,
    ) -> None:
        self._host = host
        self._port = port
        self._listener = listener
        self._name = name
        self._options = options
        self._thread: threading.Thread | None = None
        self._uvicorn: uvicorn.Server | None = None
        self._failure: BaseException | None = None

    @abstractmethod
    def make_app(self) -> Starlette:
        """The application; called once the port is taken."""

    @property
    def url(self) -> str:
        """The HTTP address, e.g. ``http://127.0.0.1:5000``."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"http://{host}:{self._port}"

    def start(self) -> Self:
        """Listen and serve; returns when it answers.

        Raises:
            HostError: The address cannot be listened on.
        """
        # Bound here and not in the thread, so that a failure is the caller's.
        listener = self._listener or listen(self._host, self._port)
        self._port = listener.getsockname()[1]
        try:
            app = self.make_app()
        except BaseException:
            listener.close()
            raise
        self._uvicorn = uvicorn.Server(uvicorn.Config(app, log_config=None, **self._options))
        self._thread = threading.Thread(
            target=self._serve, args=(self._uvicorn, listener), name=self._name, daemon=True
        )
        self._thread.start()
        limit = time.monotonic() + START_SECONDS
        while not self._uvicorn.started:
            if self._failure is not None or not self._thread.is_alive():
                raise HostError(
                    f"The {self._name} could not start; its log says why."
                ) from self._failure
            if time.monotonic() > limit:
                raise HostError(f"The {self._name} did not start within {START_SECONDS:.0f} s.")
            time.sleep(0.005)
        return self

    def stop(self) -> None:
        """Let open requests end, and close all connections. May be called twice."""
        if self._uvicorn is None or self._thread is None:
            return
        self._uvicorn.should_exit = True
        self._thread.join()
        self._uvicorn = None

    def _serve(self, server: uvicorn.Server, listener: socket.socket) -> None:
        try:
            server.run(sockets=[listener])
        except BaseException as error:
            self._failure = error
            logger.exception("The %s failed", self._name)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()


def listen(host: str, port: int) -> socket.socket:
    """A socket bound to an address and a port, 0 for any free one.

    Raises:
        HostError: Something else listens there, or there is no such address.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio turns Nagle's algorithm off (40 ms an answer) only where TCP is named.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise HostError(
            f"Cannot listen on {host} port {port}: {error.strerror or error}. "
            "Choose another port, or 0 for any free one."
        ) from error
    return listener
