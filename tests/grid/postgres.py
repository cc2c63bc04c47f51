"""A PostgreSQL of our own for tests, in a temporary folder, reached by a Unix socket."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.grid.debian import find, install

FOLDER = "/usr/lib/postgresql/*/bin"
USERS = ("postgres", "nobody")
START_SECONDS = 60


@contextmanager
def postgres() -> Iterator[str]:
    """A running server; gives the start of a URL, to which the name of a database is added.

    Skips the test where there is no PostgreSQL.
    """
    psycopg = pytest.importorskip("psycopg", reason="psycopg is not installed")
    initdb = _program("initdb")
    # Short: the path of a Unix socket has 107 characters at most.
    folder = Path(tempfile.mkdtemp(prefix="syft-pg-"))
    # PostgreSQL refuses to run as root.
    who: dict[str, Any] = {}
    if os.geteuid() == 0:
        who = {"user": _user(folder)}
    try:
        options = ["--auth=trust", "--no-sync", "--username=grid", "--encoding=UTF8"]
        made = subprocess.run(
            [initdb, "-D", folder / "data", *options, "--locale=C"],
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
            **who,
        )
        if made.returncode != 0:
            pytest.skip(f"initdb failed: {made.stderr.strip().splitlines()[-1:]}")
        with _running(folder, who) as server:
            limit = time.monotonic() + START_SECONDS
            while True:
                try:
                    psycopg.connect(f"postgresql://grid@/postgres?host={folder}").close()
                    break
                except psycopg.OperationalError:
                    if server.poll() is not None or time.monotonic() > limit:
                        pytest.skip(f"PostgreSQL did not start: {_log(folder)}")
                    time.sleep(0.05)
            yield f"postgresql://grid@/{{}}?host={folder}"
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _running(folder: Path, who: dict[str, Any]) -> Iterator[subprocess.Popen[bytes]]:
    settings = {
        "listen_addresses": "",
        "unix_socket_directories": str(folder),
        # The tests kill grids, not the database: nothing is lost if it writes late.
        "fsync": "off",
    }
    options = [word for key, value in settings.items() for word in ("-c", f"{key}={value}")]
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(
            [_program("postgres"), "-D", folder / "data", *options],
            cwd=folder,
            stdout=log,
            stderr=log,
            **who,
        )
        try:
            yield server
        finally:
            # "Fast": connections that are still open are ended.
            server.send_signal(signal.SIGINT)
            try:
                server.wait(timeout=20)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()


def _program(name: str) -> str:
    path = find(name, FOLDER)
    if path is None:
        install("postgresql")
        path = find(name, FOLDER)
    if path is None:
        pytest.skip(f"PostgreSQL ({name}) is not installed")
    return path


def _user(folder: Path) -> str:
    """One that is not root, and now owns the folder."""
    for name in USERS:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        os.chown(folder, entry.pw_uid, entry.pw_gid)
        return name
    pytest.skip("PostgreSQL does not run as root, and there is nobody else")


def _log(folder: Path) -> str:
    return (folder / "log").read_text(errors="replace")[-500:]
