"""The assembled site: complete, checked, and only what changed is written."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from web import fetch, site


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return site.build(tmp_path_factory.mktemp("built") / "site")


def _files(folder: Path) -> dict[str, tuple[int, str]]:
    return {
        path.relative_to(folder).as_posix(): (path.stat().st_mtime_ns, fetch.sha256_of(path))
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_lock_file_lists_exactly_what_is_there(built: Path) -> None:
    lock = json.loads((built / "pyodide" / "pyodide-lock.json").read_text())
    packages = lock["packages"]
    assert set(packages) == {"numpy", "micropip", "packaging", "msgpack", "syft-web"}
    for package in packages.values():
        data = (built / "pyodide" / package["file_name"]).read_bytes()
        assert hashlib.sha256(data).hexdigest() == package["sha256"]
    assert sorted(packages["syft-web"]["depends"]) == ["msgpack", "numpy"]
    wheels = {path.name for path in (built / "pyodide").glob("*.whl")}
    assert wheels == {package["file_name"] for package in packages.values()}


def test_the_pages_are_there(built: Path) -> None:
    for path in ("index.html", "syft-web.js", "syft-worker.js", "mnist/index.html"):
        assert (built / path).is_file(), path
    assert not list(built.rglob("*.py"))
    assert not list(built.rglob("tsconfig.json"))


def test_mnist_is_complete(built: Path) -> None:
    sizes = {path.name: path.stat().st_size for path in (built / "data" / "mnist").iterdir()}
    assert sizes["train-images-idx3-ubyte"] == 16 + 60_000 * 784
    assert sizes["t10k-labels-idx1-ubyte"] == 8 + 10_000
    assert set(sizes) == set(site.MNIST_FILES)


def test_a_second_build_writes_nothing(built: Path) -> None:
    before = _files(built)
    site.build(built)
    assert _files(built) == before


def test_what_somebody_changed_is_mended(built: Path) -> None:
    before = {path: digest for path, (_, digest) in _files(built).items()}
    (built / "syft-web.js").write_text("broken")
    (built / "pyodide" / "pyodide.mjs").unlink()
    (built / "stranger.txt").write_text("not part of the site")
    site.build(built)
    assert {path: digest for path, (_, digest) in _files(built).items()} == before


def test_a_wheel_that_differs_from_the_lock_is_refused(tmp_path: Path) -> None:
    lock = site._official_lock()
    lock.packages = {"numpy": lock.packages["numpy"]}
    wheel = tmp_path / lock.packages["numpy"].file_name
    wheel.write_bytes(b"not numpy")
    with pytest.raises(fetch.FetchError, match="differs from the hash"):
        site._check_lock(lock, {wheel.name: wheel})
    with pytest.raises(fetch.FetchError, match="nobody fetched"):
        site._check_lock(lock, {})
