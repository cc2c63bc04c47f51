"""How many files the operating system lets a process have open; a connection is one."""

from __future__ import annotations

import logging

try:
    import resource
except ImportError:  # not on Windows, where there is no such limit
    resource = None  # type: ignore[assignment]

__all__ = ["raise_limit", "room_for"]

logger = logging.getLogger("syft_web.grid")

RESERVED = 128
"""For the database, logs, libraries and questions to third parties."""


def raise_limit() -> None:
    """Let this process have as many files as it may."""
    if resource is None:
        return
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    except (OSError, ValueError) as error:
        logger.info("The limit of open files stays as it is: %s", error)


def room_for(connections: int) -> int:
    """As many of these connections as there are files for."""
    if resource is None:
        return connections
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= connections + RESERVED:
        return connections
    room = max(RESERVED, soft - RESERVED)
    logger.warning("There are files for %d connections only, see ulimit -n", room)
    return room
