"""The steps by which databases of older versions become fit for this one.

They run when a grid opens its database, all in one transaction. To change `schema`: add a
module to ``versions`` whose ``down_revision`` is the newest one before it, and say in its
``upgrade`` what becomes different. A test compares the outcome with `schema`.
"""

from __future__ import annotations

import threading
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, func, select

from syft_web.errors import StoreError
from syft_web.grid.engine import WRITING, is_postgres

__all__ = ["upgrade"]

_FOLDER = Path(__file__).parent

_ALONE = threading.Lock()
"""Alembic's ``context`` and ``op`` are one for the whole process."""

_POSTGRES_LOCK = 0x73796674
"""Held while the tables are changed: several servers may start at the same moment."""


def upgrade(engine: Engine) -> None:
    """Make the tables, or bring those of an older version up to date.

    Raises:
        StoreError: A newer version has changed the database.
        SQLAlchemyError: The database does not answer.
    """
    with _ALONE:
        config = Config()
        config.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))
        script = ScriptDirectory.from_config(config)
        with engine.connect() as connection:
            if _is_current(connection, script):
                return
        with (
            engine.connect().execution_options(**{WRITING: True}) as connection,
            connection.begin(),
        ):
            if is_postgres(connection):
                connection.execute(select(func.pg_advisory_xact_lock(_POSTGRES_LOCK)))
            if not _is_current(connection, script):
                config.attributes["connection"] = connection
                command.upgrade(config, "head")


def _is_current(connection: Connection, script: ScriptDirectory) -> bool:
    found = set(MigrationContext.configure(connection).get_current_heads())
    known = {revision.revision for revision in script.walk_revisions()}
    if unknown := sorted(found - known):
        raise StoreError(
            "The database could not be opened: a newer version of syft_web has changed it "
            f"(revision {', '.join(unknown)}). Use that version, or another database."
        )
    return found == set(script.get_heads())
