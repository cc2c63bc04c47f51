"""A third party that says whether tokens are good: a real HTTP server on loopback."""

from __future__ import annotations

import json
import select
import socket
import threading
from collections import deque
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

CHUNK = b"x" * 65536


@dataclass(frozen=True)
class Asked:
    """One question it got."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def token(self) -> Any:
        return json.loads(self.body)["auth_token"]


class ThirdParty:
    """Answers by path: ``/good``, ``/refusing``, ``/redirect``, ``/slow``, ``/huge``, ``/drip``,
    ``/head`` (endless header) and ``/junk`` (no HTTP).

    Other paths get the statuses in ``script``, one after the other, then 200.
    """

    def __init__(self, script: list[int] | None = None) -> None:
        self.script = deque(script or [])
        self.asked: list[Asked] = []
        self.sent = 0
        self.under_way = 0
        self.most_under_way = 0
        self.release = threading.Event()
        self._lock = threading.Lock()
        party = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                party.answer(self)

            def do_GET(self) -> None:
                party.answer(self)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.release.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        body = request.rfile.read(int(request.headers.get("Content-Length", 0)))
        with self._lock:
            self.asked.append(Asked(request.path, dict(request.headers), body))
            self.under_way += 1
            self.most_under_way = max(self.most_under_way, self.under_way)
        try:
            self._answer(request)
        except OSError:
            request.close_connection = True  # the grid hung up
        finally:
            with self._lock:
                self.under_way -= 1

    def _answer(self, request: BaseHTTPRequestHandler) -> None:
        path = request.path.partition("?")[0]
        if path == "/junk":
            request.wfile.write(b"HELLO THIS IS NO HTTP\r\n\r\n")
            request.close_connection = True
        elif path == "/slow":
            while not self.release.wait(0.02) and not _has_left(request):
                pass
            _simple(request, 200)
        elif path == "/drip":
            while not self.release.wait(0.05):
                request.wfile.write(b"H")
        elif path == "/head":
            request.wfile.write(b"HTTP/1.1 200 OK\r\nX: ")
            self._pour(request)
        elif path == "/huge":
            request.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n")
            self._pour(request)
        elif path == "/redirect":
            request.send_response(302)
            request.send_header("Location", f"{self.url}/good")
            request.end_headers()
        elif path in ("/good", "/refusing"):
            _simple(request, 200 if path == "/good" else 401)
        else:
            _simple(request, self.script.popleft() if self.script else 200)

    def _pour(self, request: BaseHTTPRequestHandler) -> None:
        for _ in range(10_000):
            request.wfile.write(CHUNK)
            self.sent += len(CHUNK)


def _has_left(request: BaseHTTPRequestHandler) -> bool:
    readable, _, _ = select.select([request.connection], [], [], 0)
    return bool(readable) and not request.connection.recv(1, socket.MSG_PEEK)


def _simple(request: BaseHTTPRequestHandler, status: int) -> None:
    request.send_response(status)
    if status == 302:
        request.send_header("Location", request.path)
    if status != 204:
        request.send_header("Content-Length", "2")
    request.end_headers()
    if status != 204:
        request.wfile.write(b"ok")
