from __future__ import annotations

import sqlite3
import sys
import threading
from pathlib import Path

import pytest

from syft_web.errors import StoreError
from syft_web.grid.service import Service
from syft_web.grid.store import Store
from tests.grid.talk import host_data


def test_sqlite_is_set_up_for_durability(tmp_path: Path) -> None:
    path = tmp_path / "grid.sqlite"
    store = Store(f"sqlite:///{path}")
    with store.read() as tx:
        values = {
            name: tx._connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys")
        }
    store.close()
    assert values == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}


def test_a_failed_transaction_leaves_nothing(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path / 'grid.sqlite'}")
    Service(store).host(host_data())

    def fail() -> None:
        with store.write() as tx:
            tx.add_worker("w", 1, 0.0)
            raise RuntimeError("half way")

    with pytest.raises(RuntimeError, match="half way"):
        fail()
    with store.read() as tx:
        assert not tx.has_worker("w")
    store.close()


def test_a_reader_sees_one_picture(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path / 'grid.sqlite'}")
    Service(store).host(host_data())
    with store.read() as tx:
        assert not tx.has_worker("w")
        with store.write() as other:
            other.add_worker("w", 1, 0.0)
        assert not tx.has_worker("w")
    with store.read() as tx:
        assert tx.has_worker("w")
    store.close()


def test_writers_wait_for_each_other(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path / 'grid.sqlite'}")
    Service(store).host(host_data())

    def add(first: int) -> None:
        for number in range(first, first + 20):
            with store.write() as tx:
                tx.add_worker(str(number), 1, 0.0)

    threads = [threading.Thread(target=add, args=(i * 100,)) for i in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with store.read() as tx:
        assert all(tx.has_worker(str(i * 100 + k)) for i in range(5) for k in range(20))
    store.close()


@pytest.mark.parametrize(
    "url",
    [
        "",
        "nonsense",
        "sqlite://",
        "sqlite:///:memory:",
        "sqlite:////nowhere/at/all/grid.sqlite",
        "sqlite:///{folder}",
        "unknown://x",
        "mysql://user@host/name",
    ],
)
def test_databases_that_cannot_be_opened(url: str, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="could not be opened"):
        Store(url.format(folder=tmp_path))


def test_a_postgres_that_is_not_there() -> None:
    pytest.importorskip("psycopg")
    with pytest.raises(StoreError, match="could not be opened") as caught:
        Store("postgresql://user:hush@127.0.0.1:1/name")
    assert "hush" not in str(caught.value)


def test_a_postgres_without_its_driver(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(StoreError, match=r'pip install "syft_web\[postgres\]"'):
        Store("postgresql://user@host/name")


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    path = tmp_path / "grid.sqlite"
    path.write_bytes(b"not a database, but long enough to look like a file" * 10)
    with pytest.raises(StoreError, match="could not be opened"):
        Store(f"sqlite:///{path}")


def test_errors_tell_nothing_of_what_was_written(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "grid.sqlite"
    store = Store(f"sqlite:///{path}")
    Service(store).host(host_data())
    with sqlite3.connect(path) as raw:
        raw.execute("DROP TABLE worker")
    with pytest.raises(StoreError) as caught, store.write() as tx:
        tx.add_worker("a-secret-id", 1, 0.0)
    assert caught.value.status == 503
    assert "a-secret-id" not in str(caught.value) + caplog.text
    store.close()
