"""Serve the built site, as a page needs it.

* HTTP ranges, so that a page may read its shard of a data set and no more;
* the media types of modules, wasm and wheels, on every machine the same;
* ``Cross-Origin-Opener-Policy`` and ``-Embedder-Policy``, which make
  ``SharedArrayBuffer`` available;
* a strict ``Content-Security-Policy``;
* ``no-store`` for what is edited while the site is served, a check with the server
  before re-use for the rest;
* the package index as JSON to those who ask for it.
"""

from __future__ import annotations

import argparse
import json
import logging
import mimetypes
import threading
from pathlib import Path
from urllib.parse import urljoin

from starlette.applications import Starlette
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from syft_web.grid.threaded import ThreadedServer
from web.package_index import JSON_TYPE

__all__ = ["POLICY", "SiteServer", "create_app", "main"]

_TYPES = {
    ".js": "text/javascript",
    ".mjs": "text/javascript",
    ".wasm": "application/wasm",
    ".whl": "application/zip",
    ".json": "application/json",
}
_EDITED = ("text/html", "text/javascript", "text/css", "application/json", JSON_TYPE)

POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self' 'wasm-unsafe-eval'",
        "worker-src 'self'",
        "style-src 'self'",
        "img-src 'self' data: blob:",
        # Any grid; name those of your own here.
        "connect-src 'self' http: https: ws: wss:",
        "manifest-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'self'",
    )
)
"""The Content-Security-Policy that the pages need: no inline script, nothing evaluated."""

REFERENCE_POLICY = "default-src 'self' data: 'unsafe-inline'"

_HEADERS = {
    "Content-Security-Policy": POLICY,
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
                if scope["path"].startswith("/reference/"):
                    # What pdoc and typedoc write has its scripts and styles within.
                    headers["Content-Security-Policy"] = REFERENCE_POLICY
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


class SiteServer(ThreadedServer):
    """The site on a port of this machine, in a thread of its own.

    Args:
        folder: What `web.site.build` made.
        host: Address to listen at.
        port: Port, 0 for any that is free.
    """

    def __init__(self, folder: Path, host: str = "127.0.0.1", port: int = 0) -> None:
        self._folder = folder
        super().__init__(host, port, name="site", lifespan="off", timeout_graceful_shutdown=2)

    def make_app(self) -> Starlette:
        """The site as an application."""
        return create_app(self._folder)


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
