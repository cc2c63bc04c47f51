"""The grid's database. Only this module, `queries` and `schema` speak SQL.

`Store.read` and `Store.write` open one transaction each; what is written inside
``with store.write()`` is on disk when the block has ended, or not there at all.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError

from syft_web.errors import StoreError
from syft_web.grid.queries import Transaction
from syft_web.grid.schema import metadata
from syft_web.grid.sql_errors import first_line, translated

__all__ = ["Store"]

BUSY_SECONDS = 30
"""How long a writer waits for another one before it gives up."""

CONNECTIONS = 25
"""Kept open; twice as many at most. A server answers up to 40 requests at once."""


class Store:
    """A database of hosted processes.

    Args:
        url: SQLAlchemy URL, e.g. ``"sqlite:///grid.sqlite"``. Tables are made when missing.

    Raises:
        StoreError: The URL is none, or the database cannot be opened.
    """

    def __init__(self, url: str) -> None:
        try:
            self._engine = _engine(url)
            metadata.create_all(self._engine)
        except (SQLAlchemyError, ImportError, ValueError) as error:
            raise StoreError(
                f"The database could not be opened: {first_line(error)}. Give a SQLAlchemy URL "
                "such as sqlite:///grid.sqlite, in a folder that can be written."
            ) from error

    @contextmanager
    def read(self) -> Iterator[Transaction]:
        """A transaction that only reads: one consistent picture of the database.

        Raises:
            StoreError: The database does not answer.
        """
        with translated(), self._engine.connect() as connection:
            yield Transaction(connection)

    @contextmanager
    def write(self) -> Iterator[Transaction]:
        """A transaction that may write; it waits for other writers, then has the database alone.

        Raises:
            StoreError: The database does not answer, or cannot be written.
        """
        with (
            translated(),
            self._engine.connect().execution_options(syft_web_write=True) as connection,
            connection.begin(),
        ):
            yield Transaction(connection)

    def close(self) -> None:
        """Close all connections; the store cannot be used afterwards."""
        self._engine.dispose()


def _engine(url: str) -> Engine:
    address = make_url(url)
    if address.get_backend_name() == "sqlite" and address.database in (None, "", ":memory:"):
        raise ValueError("a database in memory cannot be shared by the threads of a server")
    engine = create_engine(
        address,
        pool_pre_ping=address.get_backend_name() != "sqlite",
        pool_size=CONNECTIONS,
        max_overflow=CONNECTIONS,
    )
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    # The driver must not open transactions by itself: _begin_sqlite chooses their kind.
    connection.isolation_level = None
    for pragma in (
        f"busy_timeout = {BUSY_SECONDS * 1000}",
        "journal_mode = WAL",
        # A report is acknowledged after commit; FULL makes that true even if the power fails.
        "synchronous = FULL",
        "foreign_keys = ON",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    # A writer takes the lock before it reads: what it has read cannot change under it.
    writing = connection.get_execution_options().get("syft_web_write", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")
