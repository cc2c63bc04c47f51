"""The only rooms that know where they run.

`current` picks the browser's or CPython's `Host`; everything above uses what it gives.
"""

from __future__ import annotations

import sys

from syft_web.host.base import BaseHost, Exchange, Host, OnProgress, Response, Socket, Timeouts

__all__ = [
    "BaseHost",
    "Exchange",
    "Host",
    "OnProgress",
    "Response",
    "Socket",
    "Timeouts",
    "current",
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
