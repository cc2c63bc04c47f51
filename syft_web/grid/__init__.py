"""The embedded PyGrid-compatible server. Needs the extra ``syft_web[grid]``.

Two faces of one service: `routes` (HTTP) and `sockets` (WebSocket) call `service`, which
has the rules; `store` keeps everything; `completion` and `keeper` bring cycles to their
end with `aggregation`. `watch` has what there is for those who look on: dashboard, health, metrics.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from syft_web.grid.app import create_app
    from syft_web.grid.limits import Limits
    from syft_web.grid.server import Server

__all__ = ["Limits", "Server", "create_app"]

_HOMES = {"Limits": "limits", "Server": "server", "create_app": "app"}


def __getattr__(name: str) -> Any:
    """Import what is asked for: the command line reads `limits` without a web framework."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
