"""The grid's database: SQLite in a file, or PostgreSQL for several servers.

Only this module, `engine`, `queries`, `report_queries`, `schema` and `migrations` speak SQL.
`Store.read` and `Store.write` open one transaction each; what is written inside
``with store.write()`` is on disk when the block has ended, or not there at all.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from syft_web.errors import StoreError
from syft_web.grid.blobs import Blobs
from syft_web.grid.engine import WRITING, database_url, make_engine
from syft_web.grid.migrations import upgrade
from syft_web.grid.queries import Transaction
from syft_web.grid.sql_errors import first_line, translated

__all__ = ["Store"]

_ONE_PICTURE = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
"""What SQLite does anyway: all that a transaction reads was there at one moment."""


class Store:
    """A database of hosted processes.

    Args:
        url: SQLAlchemy URL, e.g. ``"sqlite:///grid.sqlite"`` or
            ``"postgresql://user@host/database"``. Tables are made when missing, and those of
            an older version are brought up to date.

    Raises:
        StoreError: The URL is none, the database cannot be opened, or a newer version of
            syft_web has changed it.
    """

    def __init__(self, url: str) -> None:
        self._engine = _opened(url)
        reading = _ONE_PICTURE if self._engine.dialect.name == "postgresql" else {}
        self._reading = self._engine.execution_options(**reading)
        self._blobs = Blobs()
        self._writing = self._engine.execution_options(**{WRITING: True})

    @contextmanager
    def read(self) -> Iterator[Transaction]:
        """A transaction that only reads: one consistent picture of the database.

        Raises:
            StoreError: The database does not answer.
        """
        with translated(), self._reading.connect() as connection:
            yield Transaction(connection, self._blobs)

    @contextmanager
    def write(self) -> Iterator[Transaction]:
        """A transaction that may write.

        On SQLite it waits for other writers, then has the database alone. On PostgreSQL
        several may write at once: see `Transaction.lock_process`.

        Raises:
            StoreError: The database does not answer, or cannot be written.
        """
        with translated(), self._writing.connect() as connection, connection.begin():
            yield Transaction(connection)

    def close(self) -> None:
        """Close all connections; the store cannot be used afterwards."""
        self._engine.dispose()


def _opened(url: str) -> Engine:
    try:
        engine = make_engine(database_url(url))
        try:
            upgrade(engine)
        except BaseException:
            engine.dispose()
            raise
    except (SQLAlchemyError, ImportError, ValueError) as error:
        raise StoreError(
            f"The database could not be opened: {first_line(error)}. {_advice(error)}"
        ) from error
    return engine


def _advice(error: Exception) -> str:
    if isinstance(error, ImportError):
        return 'For PostgreSQL: pip install "syft_web[postgres]".'
    return (
        "Give a SQLAlchemy URL such as sqlite:///grid.sqlite, in a folder that can be written, "
        "or postgresql://user@host/database."
    )
