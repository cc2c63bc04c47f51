"""Serve the built site, as a page needs it.

* HTTP ranges, so that a page may read its shard of a data set and no more;
* the media types of modules, wasm and wheels, on every machine the same;
* ``Cross-Origin-Opener-Policy`` and ``-Embedder-Policy``, which make
  ``SharedArrayBuffer`` available;
* ``no-store`` for what is edited while the site is served, a check with the server
  before re-use for the rest;
* the package index as JSON to those who ask for it.
"""

from __future__ import annotations

import argparse
import json
import logging
import mimetypes
import socket
import threading
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import urljoin

import uvicorn
from starlette.applications import Starlette
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from web.package_index import JSON_TYPE

__all__ = ["SiteServer", "create_app", "main"]

_TYPES = {
    ".js": "text/javascript",
    ".mjs": "text/javascript",
    ".wasm": "application/wasm",
    ".whl": "application/zip",
    ".json": "application/json",
}
_EDITED = ("text/html", "text/javascript", "text/css", "application/json", JSON_TYPE)

_HEADERS = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
    # Other pages may load the runtime and the wheels from here: all of it is public.
    "Cross-Origin-Resource-Policy": "cross-origin",
    "Access-Control-Allow-Origin": "*",
    "X-Content-Type-Options": "nosniff",
}


class _PageHeaders:
    """Adds the headers above to every answer."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers[name] = value
                edited = headers.get("content-type", "").startswith(_EDITED)
                headers["Cache-Control"] = "no-store" if edited else "no-cache"
            await send(message)

        await self.app(scope, receive, send_with_headers)


class _JsonIndex:
    """Answers requests for the package index with JSON where the client prefers it.

    The files hold relative addresses. micropip takes those of JSON pages to be complete,
    so they are completed here, where the address of the page is known.
    """

    def __init__(self, app: ASGIApp, folder: Path) -> None:
        self.app = app
        self.folder = folder

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        page = self._page(scope) if scope["type"] == "http" else None
        if page is None:
            await self.app(scope, receive, send)
            return
        value = json.loads(page.read_text(encoding="utf-8"))
        here = str(Request(scope).url)
        for file in value.get("files", ()):
            file["url"] = urljoin(here, file["url"])
        await JSONResponse(value, media_type=JSON_TYPE)(scope, receive, send)

    def _page(self, scope: Scope) -> Path | None:
        path: str = scope["path"]
        if not path.startswith("/simple/") or not path.endswith("/"):
            return None
        if JSON_TYPE not in Headers(scope=scope).get("accept", ""):
            return None
        page = (self.folder / path.lstrip("/") / "index.json").resolve()
        inside = page.is_relative_to(self.folder.resolve())
        return page if inside and page.is_file() else None


def create_app(folder: Path) -> Starlette:
    """The site as an ASGI application.

    Args:
        folder: What `web.site.build` made.
    """
    for suffix, media_type in _TYPES.items():
        mimetypes.add_type(media_type, suffix)
    app = Starlette()
    app.mount("/", StaticFiles(directory=folder, html=True))
    app.add_middleware(_JsonIndex, folder=folder)
    app.add_middleware(_PageHeaders)
    return app


class SiteServer:
    """The site on a port of this machine, in a thread of its own.

    Args:
        folder: What `web.site.build` made.
        host: Address to listen at.
        port: Port, 0 for any that is free.

    Attributes:
        url: Address of the site without a slash at its end; known once it runs.
    """

    def __init__(self, folder: Path, host: str = "127.0.0.1", port: int = 0) -> None:
        self.url = ""
        self._address = (host, port)
        self._server = uvicorn.Server(
            uvicorn.Config(
                create_app(folder), log_config=None, lifespan="off", timeout_graceful_shutdown=2
            )
        )
        self._thread: threading.Thread | None = None

    def start(self) -> Self:
        """Start to listen.

        Raises:
            OSError: The port is taken, or the address is not this machine's.
        """
        # Bound here and not in the thread, so that a failure is the caller's.
        listener = socket.create_server(self._address)
        self.url = f"http://{self._address[0]}:{listener.getsockname()[1]}"
        self._thread = threading.Thread(
            target=self._server.run, args=([listener],), name="site", daemon=True
        )
        self._thread.start()
        return self

    def stop(self) -> None:
        """Stop to listen, and wait until it is done."""
        self._server.should_exit = True
        if self._thread is not None:
            self._thread.join(timeout=10)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()


def main(arguments: list[str] | None = None) -> int:
    """Serve ``build/site`` until Ctrl-C."""
    from web.site import SITE

    parser = argparse.ArgumentParser(prog="python -m web.serve", description=main.__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000)
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    with SiteServer(SITE, options.host, options.port) as server:
        print(f"{server.url}/  (Ctrl-C stops)", flush=True)
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            return 0
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
