"""A copy of a grid, made while it runs, and a grid that goes on from it."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path

import pytest

from syft_web import cli
from syft_web.grid import Server
from syft_web.plan import State
from tests.grid.talk import Talk, host_data, retrieve, small_diff
from tests.grid.waiting import checkpoint


def command(*words: str | Path) -> int:
    return cli.main([str(word) for word in words])


def test_from_a_running_grid_into_another(tmp_path: Path) -> None:
    url, copy = f"sqlite:///{tmp_path / 'grid.sqlite'}", tmp_path / "copy.sqlite"
    other = f"sqlite:///{tmp_path / 'other.sqlite'}"
    diffs = [State.of(small_diff(i)).dumps() for i in range(3)]
    with Server(database=url) as grid, Talk(grid) as talk:
        talk.call("host-training", host_data(max_diffs=3))
        places = [talk.join() for _ in range(3)]
        talk.report(places[0], diffs[0])
        done = threading.Event()

        def keep_busy() -> None:
            with Talk(grid) as busy:
                while not done.is_set():
                    busy.authenticate()

        busy = threading.Thread(target=keep_busy)
        busy.start()
        try:
            assert command("backup", copy, "--database", url) == 0
        finally:
            done.set()
            busy.join()
        for place, diff in zip(places[1:], diffs[1:], strict=True):
            talk.report(place, diff)
        expected = [tensor.tobytes() for tensor in checkpoint(grid.url, 2)]
    assert command("restore", copy, "--database", other) == 0
    with Server(database=other) as grid, Talk(grid) as talk:
        assert retrieve(grid.url, checkpoint=2).status_code == 404
        for place, diff in zip(places, diffs, strict=True):
            assert talk.report(place, diff) == {"status": "success"}
        assert [tensor.tobytes() for tensor in checkpoint(grid.url, 2)] == expected


def test_in_the_place_of_a_database(tmp_path: Path) -> None:
    path, copy = tmp_path / "grid.sqlite", tmp_path / "copy.sqlite"
    url = f"sqlite:///{path}"
    with Server(database=url) as grid, Talk(grid) as talk:
        talk.call("host-training", host_data("old"))
        assert command("backup", copy, "--database", url) == 0
        talk.call("host-training", host_data("new"))
    # What a killed grid leaves beside its database.
    raw = sqlite3.connect(path)
    raw.execute("UPDATE process SET name = 'newer' WHERE name = 'new'")
    raw.commit()
    leftover = path.with_name("grid.sqlite-wal").read_bytes()
    raw.close()
    path.with_name("grid.sqlite-wal").write_bytes(leftover)
    assert command("restore", copy, "--database", url) == 1
    assert command("restore", copy, "--database", url, "--replace") == 0
    with Server(database=url) as grid:
        assert retrieve(grid.url, "old").status_code == 200
        assert retrieve(grid.url, "new").status_code == 500
        assert retrieve(grid.url, "newer").status_code == 500


def test_what_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    url = f"sqlite:///{tmp_path / 'grid.sqlite'}"
    junk = tmp_path / "junk"
    junk.write_bytes(b"no database at all" * 100)
    empty = tmp_path / "empty"
    sqlite3.connect(empty).close()
    for words, text in (
        (("backup", tmp_path / "copy", "--database", url), "no database"),
        (("backup", junk, "--database", url), "exists already"),
        (("backup", tmp_path / "copy", "--database", f"sqlite:///{junk}"), "cannot be read"),
        (("backup", tmp_path / "copy", "--database", "postgresql:///x"), "pg_dump"),
        (("restore", junk, "--database", url), "cannot be read"),
        (("restore", empty, "--database", url), "not the database of a grid"),
        (("restore", tmp_path / "missing", "--database", url), "no file"),
        (("restore", junk, "--database", "postgresql:///x"), "pg_restore"),
        (("backup", tmp_path / "copy", "--database", "nonsense"), "could not be found"),
    ):
        assert command(*words) == 1
        assert text in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["empty", "junk"]
