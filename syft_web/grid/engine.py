"""Connections to the two databases a grid can live on: SQLite and PostgreSQL."""

from __future__ import annotations

import sqlite3
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url

__all__ = ["WRITING", "database_url", "is_postgres", "make_engine", "sqlite_file"]

WRITING = "syft_web_write"
"""Execution option of connections whose transaction may write."""

BUSY_SECONDS = 30
"""How long a writer waits for another one before it gives up."""

SQLITE_CONNECTIONS = 25
"""Kept open; twice as many at most. A server answers up to 40 requests at once."""

POSTGRES_CONNECTIONS = 5
"""Kept open by each process, twice as many at most: a PostgreSQL allows 100 in all by default."""

_POSTGRES_SETTINGS = (
    f"SET lock_timeout = '{BUSY_SECONDS}s'",
    # A machine that vanished in the middle of a transaction must not keep its locks for hours.
    "SET tcp_keepalives_idle = 15",
    "SET tcp_keepalives_interval = 5",
    "SET tcp_keepalives_count = 3",
    # A report is acknowledged after commit: by then it is on disk, whatever the server's default.
    "SET synchronous_commit = on",
)
_POSTGRES_ARGUMENTS = {
    "application_name": "syft-web grid",
    "connect_timeout": 10,
    "keepalives_idle": 15,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": BUSY_SECONDS * 1000,
}


def database_url(text: str) -> URL:
    """Read the address of a database.

    Raises:
        ValueError: It is no address, or of a database that a grid cannot live on.
        SQLAlchemyError: The same.
    """
    url = make_url(text)
    if url.drivername in ("postgres", "postgresql"):
        url = url.set(drivername="postgresql+psycopg")
    if url.get_backend_name() not in ("sqlite", "postgresql"):
        raise ValueError(f"a grid lives on SQLite or PostgreSQL, not on {url.get_backend_name()}")
    if url.get_backend_name() == "sqlite" and url.database in (None, "", ":memory:"):
        raise ValueError("a database in memory cannot be shared by the threads of a server")
    return url


def sqlite_file(url: URL) -> str | None:
    """The file of an SQLite database, None for another database."""
    return url.database if url.get_backend_name() == "sqlite" else None


def is_postgres(connection: Connection) -> bool:
    """Whether a connection leads to a PostgreSQL."""
    return connection.dialect.name == "postgresql"


def make_engine(url: URL) -> Engine:
    """Connections with the settings that the grid's promises depend on.

    Raises:
        ImportError: The driver of the database is not installed.
    """
    if url.get_backend_name() == "postgresql":
        return _postgres(url)
    engine = create_engine(url, pool_size=SQLITE_CONNECTIONS, max_overflow=SQLITE_CONNECTIONS)
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _postgres(url: URL) -> Engine:
    arguments = {key: value for key, value in _POSTGRES_ARGUMENTS.items() if key not in url.query}
    engine = create_engine(
        url,
        # A connection that died while it was idle is replaced, not handed out.
        pool_pre_ping=True,
        pool_size=POSTGRES_CONNECTIONS,
        max_overflow=POSTGRES_CONNECTIONS,
        connect_args=arguments,
    )
    event.listen(engine, "connect", _prepare_postgres)
    return engine


def _prepare_postgres(connection: Any, _record: object) -> None:
    with connection.cursor() as cursor:
        for setting in _POSTGRES_SETTINGS:
            cursor.execute(setting)
    connection.commit()


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    # The driver must not open transactions by itself: _begin_sqlite chooses their kind.
    connection.isolation_level = None
    for pragma in (
        f"busy_timeout = {BUSY_SECONDS * 1000}",
        "journal_mode = WAL",
        # A report is acknowledged after commit; FULL makes that true even if the power fails.
        "synchronous = FULL",
        "foreign_keys = ON",
        # KiB, of each connection. Most of what is read are diffs, and each of them once.
        "cache_size = -256",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    # A writer takes the lock before it reads: what it has read cannot change under it.
    writing = connection.get_execution_options().get(WRITING, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")
