"""Copies of a grid on SQLite, made while it runs. PostgreSQL has its own tools for that."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError

from syft_web.errors import StoreError
from syft_web.grid.engine import BUSY_SECONDS, database_url, sqlite_file
from syft_web.grid.sql_errors import first_line
from syft_web.grid.store import Store

__all__ = ["back_up", "restore"]


def back_up(url: str, file: Path) -> None:
    """Copy a database into a new file: all that was committed at one moment.

    Args:
        url: Of the database; a grid may be using it.
        file: Where the copy goes. It must not exist yet.

    Raises:
        StoreError: The database is not there or not SQLite, or the file cannot be written.
    """
    source = _file_of(url, "pg_dump --format=custom --file=FILE URL")
    if file.exists():
        raise StoreError(f"{file} exists already; give the name of a new file.")
    if not source.exists():
        raise StoreError(f"There is no database {source}.")
    # A copy that was cut short must not look like a whole one.
    half = file.with_name(file.name + ".part")
    try:
        half.unlink(missing_ok=True)
        _check(source)
        _copy(source, half)
        _check(half)
        half.rename(file)
    except OSError as error:
        raise StoreError(f"The backup could not be written: {error}") from error
    finally:
        half.unlink(missing_ok=True)


def restore(url: str, file: Path, *, replace: bool = False) -> None:
    """Put a copy in the place of a database. No grid may be using it.

    Args:
        url: Of the database.
        file: What `back_up` has written.
        replace: Whether a database that is there may be overwritten.

    Raises:
        StoreError: The copy is none, the database is there or not SQLite, or cannot be written.
    """
    target = _file_of(url, "pg_restore --dbname=URL FILE")
    if not file.exists():
        raise StoreError(f"There is no file {file}.")
    if target.exists() and target.stat().st_size and not replace:
        raise StoreError(f"There is a database {target} already; --replace overwrites it.")
    _check(file)
    # Written by SQLite and not as a file: what is left of a log beside it must not count.
    _copy(file, target)
    Store(url).close()  # A copy of an older version is brought up to date.


def _file_of(url: str, instead: str) -> Path:
    try:
        file = sqlite_file(database_url(url))
    except (SQLAlchemyError, ValueError) as error:
        raise StoreError(f"The database could not be found: {first_line(error)}.") from error
    if file is None:
        raise StoreError(f"This is for SQLite. With PostgreSQL use its own tools: {instead}")
    return Path(file)


def _copy(source: Path, target: Path) -> None:
    try:
        with closing(_open(source)) as read, closing(_open(target)) as write:
            read.backup(write)
    except sqlite3.Error as error:
        raise StoreError(f"{source} could not be copied to {target}: {error}.") from error


def _check(file: Path) -> None:
    """That a file is the database of a grid, and whole."""
    try:
        with closing(_open(file)) as connection:
            ((whole,),) = connection.execute("PRAGMA quick_check(1)")
            tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master")}
    except sqlite3.Error as error:
        raise StoreError(f"{file} cannot be read: {error}.") from error
    if whole != "ok" or not {"process", "checkpoint", "cycle"} <= tables:
        raise StoreError(f"{file} is not the database of a grid, or not a whole one.")


def _open(file: Path) -> sqlite3.Connection:
    return sqlite3.connect(file, timeout=BUSY_SECONDS)
