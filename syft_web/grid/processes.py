"""Several servers on one port and one database, each in a process of its own.

They share nothing but the listening socket and the database, exactly as servers on several
hosts do. One that dies is replaced; what it had in hand, another one brings to its end.
"""

from __future__ import annotations

import contextlib
import logging
import multiprocessing
import signal
import socket
import threading
from collections.abc import Callable
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from types import TracebackType
from typing import Any, Self

from syft_web.errors import HostError, SyftError
from syft_web.grid.metrics import share
from syft_web.grid.server import STOP_SECONDS, Server
from syft_web.grid.store import Store
from syft_web.grid.threaded import listen

__all__ = ["Processes"]

logger = logging.getLogger("syft_web.grid")

START_SECONDS = 60.0
"""How long a process may take until it serves."""

RESTART_SECONDS = 1.0
"""Wait before a process that died is replaced: it might die again at once."""

_context = multiprocessing.get_context("spawn")


class Processes:
    """A context manager like `Server`, for the same arguments.

    Args:
        count: How many processes serve.
        host: Address to listen on.
        port: Port to listen on, 0 for any free one.
        database: SQLAlchemy URL of the database they share.
        prepare: Called first in each process, to set up logging, say; it must be picklable.
        options: Further arguments of each `Server`; limits hold for each process.
    """

    def __init__(
        self,
        count: int,
        host: str,
        port: int,
        database: str,
        *,
        prepare: Callable[[], None] | None = None,
        **options: Any,
    ) -> None:
        self._count = count
        self._address = host, port
        self._database = database
        self._prepare = prepare
        self._options = options
        self._server = Server(host, port, database, **options)
        self._listener: socket.socket | None = None
        self._shared = contextlib.ExitStack()
        self._running: list[SpawnProcess] = []
        self._stopping = threading.Event()
        self._keeper = threading.Thread(target=self._keep, name="grid-processes", daemon=True)

    @property
    def url(self) -> str:
        """The HTTP address."""
        return self._server.url

    @property
    def ws_url(self) -> str:
        """The WebSocket address."""
        return self._server.ws_url

    @property
    def takes_models(self) -> bool:
        """Whether anybody may host."""
        return self._server.takes_models

    def start(self) -> Self:
        """Open the database, listen, and start all processes; returns when they serve.

        Raises:
            HostError: The address cannot be listened on, or a process does not start.
            StoreError: The database cannot be opened.
        """
        Store(self._database).close()  # makes its tables before anybody else needs them
        host, port = self._address
        self._listener = listen(host, port)
        self._server = Server(host, self._listener.getsockname()[1], **self._options)
        self._shared.enter_context(share())
        try:
            begun = [self._begin() for _ in range(self._count)]
            for ready in begun:
                self._await(ready)
        except BaseException:
            self.stop()
            raise
        self._keeper.start()
        return self

    def stop(self) -> None:
        """Let all processes answer what they have in hand, and end them."""
        self._stopping.set()
        if self._keeper.is_alive():
            self._keeper.join()
        for process in self._running:
            process.terminate()
        for process in self._running:
            process.join(2 * STOP_SECONDS)
            if process.is_alive():
                process.kill()
                process.join()
        self._running.clear()
        self._shared.close()
        if self._listener is not None:
            self._listener.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def _begin(self) -> Connection:
        """Start a process; gives the pipe on which it tells that it serves, or why not."""
        ours, theirs = _context.Pipe(duplex=False)
        process = _context.Process(
            target=_serve,
            args=(self._prepare, self._address[0], self._listener, theirs),
            kwargs={"database": self._database, **self._options},
            name="syft-web-grid",
        )
        process.start()
        theirs.close()
        self._running.append(process)
        return ours

    @staticmethod
    def _await(ready: Connection) -> None:
        with ready:
            try:
                problem = ready.recv() if ready.poll(START_SECONDS) else "it took too long"
            except EOFError:
                problem = "its log says why"
        if problem is not None:
            raise HostError(f"A process of the grid could not start: {problem}")

    def _keep(self) -> None:
        """Replace processes that end before they are told to."""
        while not self._stopping.is_set():
            wait([process.sentinel for process in self._running], timeout=RESTART_SECONDS)
            ended = [process for process in self._running if not process.is_alive()]
            if not ended or self._stopping.wait(RESTART_SECONDS):
                continue
            for process in ended:
                logger.error("A process of the grid ended (%s); starting another", process.exitcode)
                self._running.remove(process)
                with contextlib.closing(self._begin()):
                    pass


def _serve(
    prepare: Callable[[], None] | None,
    host: str,
    listener: socket.socket,
    ready: Connection,
    **options: Any,
) -> None:
    """What each process does until it is told to end, or nobody is left to tell it."""
    stop = threading.Event()
    # Ctrl-C reaches all processes of a terminal: the first one tells the others.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    if prepare is not None:
        prepare()
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_follow, args=(parent.sentinel, stop), daemon=True).start()
    server = Server(host, listener.getsockname()[1], listener=listener, **options)
    try:
        server.start()
    except SyftError as error:
        _tell(ready, str(error))
        return
    _tell(ready, None)
    stop.wait()
    server.stop()


def _follow(parent: int, stop: threading.Event) -> None:
    wait([parent])
    stop.set()


def _tell(ready: Connection, problem: str | None) -> None:
    # After a restart nobody listens.
    with ready, contextlib.suppress(OSError):
        ready.send(problem)
