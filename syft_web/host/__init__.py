"""The only rooms that know where they run.

`current` picks the browser's or CPython's `Host`, `open_storage` its `Storage`; everything above
uses what they give.
"""

from __future__ import annotations

import sys
from pathlib import Path

from syft_web.host.base import BaseHost, Exchange, Host, OnProgress, Response, Socket, Timeouts
from syft_web.host.storage import Hold, MemoryStorage, Storage

__all__ = [
    "BaseHost",
    "Exchange",
    "Hold",
    "Host",
    "MemoryStorage",
    "OnProgress",
    "Response",
    "Socket",
    "Storage",
    "Timeouts",
    "current",
    "open_storage",
]


def current() -> Host:
    """A host for this runtime: the browser's inside Pyodide, else the native one.

    Each call gives a host of its own, which its user closes. On CPython it opens no
    connection and needs no library until it is first used.
    """
    if sys.platform == "emscripten":
        from syft_web.host.browser import BrowserHost

        return BrowserHost()
    from syft_web.host.native import NativeHost

    return NativeHost()


def open_storage(place: str | Path) -> Storage:
    """Where to keep things beyond a reload or a crash, e.g. for ``Syft(url, keep=...)``.

    Args:
        place: On CPython a folder, which is made when it is needed; inside Pyodide the name of
            a database of the page's origin.
    """
    if sys.platform == "emscripten":
        from syft_web.host.browser_storage import IndexedDBStorage

        return IndexedDBStorage(str(place))
    from syft_web.host.native_storage import FolderStorage

    return FolderStorage(place)
