"""`Storage` on CPython: a folder with an SQLite file.

SQLite gives what is needed on every system: changes that happen as a whole, and locks that the
system lets go of when a process dies.
"""

from __future__ import annotations

import asyncio
import hashlib
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from syft_web.errors import HostError
from syft_web.host.storage import Hold

__all__ = ["FolderStorage"]

_T = TypeVar("_T")

_POLL_SECONDS = 0.2
"""How often to look whether a held name is free."""


class FolderStorage:
    """The `Storage` of a folder.

    Args:
        folder: Made when it is first used, readable for this user only: what is kept holds the
            keys of cycles.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder).expanduser()

    async def read(self, key: str) -> bytes | None:
        """See `Storage.read`."""

        def read(base: sqlite3.Connection) -> bytes | None:
            row = base.execute("SELECT value FROM kept WHERE key = ?", (key,)).fetchone()
            return None if row is None else bytes(row[0])

        return await self._do(read)

    async def keys(self, prefix: str) -> list[str]:
        """See `Storage.keys`."""

        def keys(base: sqlite3.Connection) -> list[str]:
            # Not LIKE, which knows wildcards and no upper case.
            rows = base.execute(
                "SELECT key FROM kept WHERE substr(key, 1, ?) = ? ORDER BY key",
                (len(prefix), prefix),
            )
            return [str(row[0]) for row in rows]

        return await self._do(keys)

    async def write(self, changes: Mapping[str, bytes | None]) -> None:
        """See `Storage.write`."""

        def write(base: sqlite3.Connection) -> None:
            with base:
                for key, value in changes.items():
                    if value is None:
                        base.execute("DELETE FROM kept WHERE key = ?", (key,))
                    else:
                        base.execute("INSERT OR REPLACE INTO kept VALUES (?, ?)", (key, value))

        await self._do(write)

    async def hold(self, name: str, *, wait: bool) -> Hold | None:
        """See `Storage.hold`."""
        path = self._lock(name)
        with self._in_words():
            self._make_folder()
            while True:
                # Not on another thread: when this is cancelled, no lock may stay behind.
                if (held := _FileHold.take(path)) is not None or not wait:
                    return held
                await asyncio.sleep(_POLL_SECONDS)

    async def is_held(self, name: str) -> bool:
        """See `Storage.is_held`."""
        path = self._lock(name)
        with self._in_words():
            return path.exists() and _FileHold.is_taken(path)

    def _lock(self, name: str) -> Path:
        return self.folder / f"{hashlib.sha256(name.encode()).hexdigest()[:32]}.lock"

    async def _do(self, work: Callable[[sqlite3.Connection], _T]) -> _T:
        def connected() -> _T:
            self._make_folder()
            base = sqlite3.connect(self.folder / "kept.sqlite3", timeout=30)
            try:
                base.execute(
                    "CREATE TABLE IF NOT EXISTS kept (key TEXT PRIMARY KEY, value BLOB NOT NULL)"
                )
                return work(base)
            finally:
                base.close()

        with self._in_words():
            return await asyncio.to_thread(connected)

    def _make_folder(self) -> None:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    @contextmanager
    def _in_words(self) -> Iterator[None]:
        try:
            yield
        except (OSError, sqlite3.Error) as error:
            raise HostError(
                f"Nothing can be kept in the folder {self.folder.name!r}: {error}. Check that "
                "it can be written and that the disk is not full."
            ) from error


class _FileHold:
    def __init__(self, base: sqlite3.Connection) -> None:
        self._base: sqlite3.Connection | None = base

    @classmethod
    def take(cls, path: Path) -> _FileHold | None:
        """The hold, None when another has it."""
        # A job that nobody keeps is let go by whichever thread collects it.
        base = sqlite3.connect(path, timeout=0, isolation_level=None, check_same_thread=False)
        if _is_refused(base, "BEGIN EXCLUSIVE"):
            base.close()
            return None
        return cls(base)

    @staticmethod
    def is_taken(path: Path) -> bool:
        """Whether someone has it. Those who ask do not get in each other's way."""
        base = sqlite3.connect(path, timeout=0, isolation_level=None)
        try:
            return _is_refused(base, "SELECT * FROM sqlite_master")
        finally:
            base.close()

    def release(self) -> None:
        if self._base is not None:
            self._base.close()  # Rolls back, and so unlocks.
            self._base = None


def _is_refused(base: sqlite3.Connection, statement: str) -> bool:
    """Execute; whether another's lock forbids it."""
    try:
        base.execute(statement)
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            return True
        base.close()
        raise
    return False
