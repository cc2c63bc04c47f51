"""The embedded PyGrid-compatible server. Needs the extra ``syft_web[grid]``.

Two faces of one service: `routes` (HTTP) and `sockets` (WebSocket) call `service`, which
has the rules; `store` keeps everything; `completion` and `keeper` bring cycles to their
end with `aggregation`.
"""

from __future__ import annotations

from syft_web.grid.app import create_app
from syft_web.grid.limits import Limits
from syft_web.grid.server import Server

__all__ = ["Limits", "Server", "create_app"]
