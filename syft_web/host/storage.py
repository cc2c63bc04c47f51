"""Where things are kept that shall outlive a reload or a crash.

A `Storage` maps texts to bytes, changes many entries at once or none, and lets one of several
tabs (or processes) hold a name. `syft_web.host.open_storage` picks the one of this runtime.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Protocol

__all__ = ["Hold", "MemoryStorage", "Storage"]


class Hold(Protocol):
    """A name that is held; also let go of when the tab or process ends, however it ends."""

    def release(self) -> None:
        """Let go of it; does nothing the second time."""


class Storage(Protocol):
    """Bytes by name, shared by all tabs of an origin or all users of a folder."""

    async def read(self, key: str) -> bytes | None:
        """The bytes under a key, None when there are none.

        Raises:
            HostError: The storage does not work.
        """

    async def keys(self, prefix: str) -> list[str]:
        """All keys that begin with a text, in order.

        Raises:
            HostError: The storage does not work.
        """

    async def write(self, changes: Mapping[str, bytes | None]) -> None:
        """Put bytes under keys, or remove those that are None: all of them, or on failure none.

        Raises:
            HostError: The storage does not work, or is full.
        """

    async def hold(self, name: str, *, wait: bool) -> Hold | None:
        """Hold a name that one can hold at a time.

        Args:
            name: What to hold.
            wait: Whether to wait until it is free.

        Returns:
            The hold; None when it is not free and ``wait`` is False.

        Raises:
            HostError: The storage does not work.
        """

    async def is_held(self, name: str) -> bool:
        """Whether someone holds a name now; nobody is kept from taking it by that question.

        Raises:
            HostError: The storage does not work.
        """


class MemoryStorage:
    """Keeps nothing beyond this object: for tests, and where a browser allows no storage."""

    def __init__(self) -> None:
        self._entries: dict[str, bytes] = {}
        self._holds: dict[str, asyncio.Lock] = {}

    async def read(self, key: str) -> bytes | None:
        """See `Storage.read`."""
        return self._entries.get(key)

    async def keys(self, prefix: str) -> list[str]:
        """See `Storage.keys`."""
        return sorted(key for key in self._entries if key.startswith(prefix))

    async def write(self, changes: Mapping[str, bytes | None]) -> None:
        """See `Storage.write`."""
        for key, value in changes.items():
            if value is None:
                self._entries.pop(key, None)
            else:
                self._entries[key] = bytes(value)

    async def hold(self, name: str, *, wait: bool) -> Hold | None:
        """See `Storage.hold`."""
        lock = self._holds.setdefault(name, asyncio.Lock())
        if lock.locked() and not wait:
            return None
        await lock.acquire()
        return _MemoryHold(lock)

    async def is_held(self, name: str) -> bool:
        """See `Storage.is_held`."""
        return name in self._holds and self._holds[name].locked()


class _MemoryHold:
    def __init__(self, lock: asyncio.Lock) -> None:
        self._lock: asyncio.Lock | None = lock

    def release(self) -> None:
        if self._lock is not None:
            self._lock.release()
            self._lock = None
