"""Bytecode in a copy of a wheel: complete, reproducible, used, and no more than that."""

from __future__ import annotations

import csv
import hashlib
import importlib.util
import io
import subprocess
import sys
from base64 import urlsafe_b64encode
from pathlib import Path
from zipfile import ZipFile

import pytest

from web.bytecode import add_bytecode

FILES = {
    "thing/__init__.py": "WHERE = 'source'\n\ndef fail():\n    raise ValueError('here')\n",
    "thing/grid.py": "NAMES = {'a', 'b', 'c'}\n",
    "thing/tests/test_it.py": "pass\n",
    "thing/data.txt": "not Python\n",
    "thing-1.dist-info/METADATA": "Name: thing\n",
    "thing-1.dist-info/RECORD": "thing/__init__.py,,\nthing-1.dist-info/RECORD,,\n",
}


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    path = tmp_path / "thing-1-py3-none-any.whl"
    with ZipFile(path, "w") as archive:
        for name, text in FILES.items():
            archive.writestr(name, text)
    return path


def cached(name: str) -> str:
    return importlib.util.cache_from_source(name)


def test_everything_stays_and_bytecode_comes_to_it(wheel: Path, tmp_path: Path) -> None:
    add_bytecode(wheel, tmp_path / "made.whl")
    with ZipFile(tmp_path / "made.whl") as made:
        names = made.namelist()
        added = {cached("thing/__init__.py"), cached("thing/grid.py")}
        assert set(names) == set(FILES) | added
        assert names[-1] == "thing-1.dist-info/RECORD"
        for name in set(FILES) - {names[-1]}:
            assert made.read(name).decode() == FILES[name]
        rows = {row[0]: row for row in csv.reader(io.StringIO(made.read(names[-1]).decode()))}
        assert "thing/__init__.py" in rows
        for name in added:
            data = made.read(name)
            digest = urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
            assert rows[name][1:] == [f"sha256={digest}", str(len(data))]


def test_the_page_of_the_grid_is_left_out(tmp_path: Path) -> None:
    page, record = "syft_web/grid/dashboard/index.html", "syft_web-1.dist-info/RECORD"
    with ZipFile(tmp_path / "wheel.whl", "w") as wheel:
        wheel.writestr(page, "<html>")
        wheel.writestr("syft_web/grid/__init__.py", "")
        wheel.writestr(record, f"{page},,\nsyft_web/grid/__init__.py,,\n{record},,\n")
    add_bytecode(tmp_path / "wheel.whl", tmp_path / "made.whl")
    with ZipFile(tmp_path / "made.whl") as made:
        assert made.namelist() == ["syft_web/grid/__init__.py", record]
        assert made.read(record).decode() == f"syft_web/grid/__init__.py,,\n{record},,\n"


def test_the_same_wheel_gives_the_same_bytes(wheel: Path, tmp_path: Path) -> None:
    made = [tmp_path / "one.whl", tmp_path / "two.whl"]
    for path in made:
        add_bytecode(wheel, path)
    assert made[0].read_bytes() == made[1].read_bytes()


def test_python_takes_the_bytecode_and_names_the_sources(wheel: Path, tmp_path: Path) -> None:
    add_bytecode(wheel, tmp_path / "made.whl")
    folder = tmp_path / "installed"
    with ZipFile(tmp_path / "made.whl") as made:
        made.extractall(folder)
    source = folder / "thing" / "__init__.py"
    source.write_text(source.read_text().replace("'source'", "'changed'"))
    code = "import thing; print(thing.WHERE); thing.fail()"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.stdout.strip() == "source"  # the changed text was not even looked at
    assert f'"{source}", line 4, in fail' in done.stderr
