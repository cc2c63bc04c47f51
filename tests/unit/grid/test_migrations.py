"""Databases of every age become what `schema` says, and newer ones are left alone."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import create_engine

from syft_web.errors import StoreError
from syft_web.grid.schema import metadata
from syft_web.grid.store import Store

NEWEST = "0002"
OF_ALEMBIC = "alembic_version"


def statements(path: Path) -> dict[str, str]:
    """What made each table and index."""
    with sqlite3.connect(path) as raw:
        rows = raw.execute(
            "SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL AND name != ?",
            (OF_ALEMBIC,),
        )
        return {name: " ".join(sql.split()) for name, sql in rows}


def revision(path: Path) -> str:
    with sqlite3.connect(path) as raw:
        return raw.execute(f"SELECT version_num FROM {OF_ALEMBIC}").fetchone()[0]


def made_by_metadata(path: Path) -> Path:
    engine = create_engine(f"sqlite:///{path}")
    metadata.create_all(engine)
    engine.dispose()
    return path


def open_and_close(path: Path) -> None:
    Store(f"sqlite:///{path}").close()


def test_migrations_make_what_the_schema_says(tmp_path: Path) -> None:
    path = tmp_path / "grid.sqlite"
    open_and_close(path)
    assert revision(path) == NEWEST
    assert statements(path) == statements(made_by_metadata(tmp_path / "other.sqlite"))
    engine = create_engine(f"sqlite:///{path}")
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []
    engine.dispose()


@pytest.mark.parametrize("late", [(), ("report_extra", "checkpoint_summary", "optimizer_memory")])
def test_a_database_from_before_there_were_migrations(tmp_path: Path, late: tuple[str]) -> None:
    path = made_by_metadata(tmp_path / "grid.sqlite")
    with sqlite3.connect(path) as raw:
        for table in ("aggregation_claim", *late):
            raw.execute(f"DROP TABLE {table}")
        raw.execute("INSERT INTO worker (id, created_at) VALUES ('w', 1.0)")
    open_and_close(path)
    assert statements(path) == statements(made_by_metadata(tmp_path / "other.sqlite"))
    assert revision(path) == NEWEST
    with sqlite3.connect(path) as raw:
        assert raw.execute("SELECT id FROM worker").fetchall() == [("w",)]


def test_a_newer_database_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "grid.sqlite"
    open_and_close(path)
    with sqlite3.connect(path) as raw:
        raw.execute(f"UPDATE {OF_ALEMBIC} SET version_num = '9999'")
        raw.execute("ALTER TABLE worker ADD COLUMN of_tomorrow")
    with pytest.raises(StoreError, match=r"newer version of syft_web.*revision 9999"):
        open_and_close(path)
    assert revision(path) == "9999"


def test_a_step_that_fails_leaves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "grid.sqlite"
    with sqlite3.connect(path) as raw:
        raw.execute("CREATE TABLE aggregation_claim (something)")
    with pytest.raises(StoreError, match="could not be opened"):
        open_and_close(path)
    assert list(statements(path)) == ["aggregation_claim"]


def test_many_open_a_new_database_at_once(tmp_path: Path) -> None:
    path = tmp_path / "grid.sqlite"
    failures: list[BaseException] = []

    def run() -> None:
        try:
            open_and_close(path)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=run) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert revision(path) == NEWEST
