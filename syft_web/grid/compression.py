"""Compressed forms of downloads, made once each and kept in memory within a bound.

Plans shrink to a third. Trained float32 weights hardly shrink at all (to about 91 percent), which
is not worth anybody's time: such assets are recognised by a sample and sent as they are.
"""

from __future__ import annotations

import asyncio
import gzip
import importlib
import zlib
from collections import OrderedDict
from collections.abc import Callable
from functools import cache
from typing import Any

from starlette.concurrency import run_in_threadpool

__all__ = ["CompressedBlobs", "codings_for"]

Compress = Callable[[bytes], bytes]

_KEPT_BYTES = 64 * 2**20
_LEAST = 1024
"""Smaller assets travel in one packet anyway."""
_WORTH_IT = 0.85
"""Compressed forms larger than this share of the asset are not used."""
_SAMPLE = 32 * 1024
_SAMPLES = 3
_ENTRY = 256
"""What an entry costs besides its bytes, roughly."""


def codings_for(accept_encoding: str | None) -> list[str]:
    """The content codings that a client takes and this server can make, best first.

    Args:
        accept_encoding: The header, None when it is absent.
    """
    weights: dict[str, float] = {}
    for item in (accept_encoding or "").lower().split(","):
        name, _, parameter = item.partition(";")
        weights[name.strip()] = _weight(parameter)
    usable = [name for name in _compressors() if weights.get(name, 0.0) > 0]
    return sorted(usable, key=lambda name: -weights[name])


class CompressedBlobs:
    """Makes and keeps compressed forms. To be used from one event loop.

    Args:
        kept_bytes: How much is kept; what was not used for the longest time goes first.
    """

    def __init__(self, kept_bytes: int = _KEPT_BYTES) -> None:
        self._limit = kept_bytes
        self._size = 0
        self._kept: OrderedDict[tuple[str, str], bytes | None] = OrderedDict()
        self._making: dict[tuple[str, str], asyncio.Task[bytes | None]] = {}

    @property
    def kept_bytes(self) -> int:
        """How much memory the kept forms take, roughly."""
        return self._size

    async def get(self, tag: str, coding: str, data: bytes) -> bytes | None:
        """A compressed form; None where it does not pay.

        Args:
            tag: Says which asset it is: the same only for the same bytes.
            coding: One of `codings_for`.
            data: The asset.
        """
        if not _LEAST <= len(data) <= self._limit:
            return None
        key = (tag, coding)
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        task = self._making.get(key)
        if task is None:
            task = self._making[key] = asyncio.create_task(self._make(key, data))
        # Others may wait for the same form: it is finished even if this client has left.
        return await asyncio.shield(task)

    async def _make(self, key: tuple[str, str], data: bytes) -> bytes | None:
        try:
            blob = await run_in_threadpool(_compressed, data, key[1])
        finally:
            del self._making[key]
        self._kept[key] = blob
        self._size += _cost(blob)
        while self._size > self._limit:
            _, oldest = self._kept.popitem(last=False)
            self._size -= _cost(oldest)
        return blob


def _cost(blob: bytes | None) -> int:
    return len(blob or b"") + _ENTRY


def _compressed(data: bytes, coding: str) -> bytes | None:
    if len(data) > 2 * _SAMPLE * _SAMPLES:
        step = len(data) // _SAMPLES
        sample = b"".join(data[i * step : i * step + _SAMPLE] for i in range(_SAMPLES))
        if len(zlib.compress(sample, 1)) > _WORTH_IT * len(sample):
            return None
    blob = _compressors()[coding](data)
    return blob if len(blob) <= _WORTH_IT * len(data) else None


def _weight(parameter: str) -> float:
    name, _, value = parameter.partition("=")
    if name.strip() != "q":
        return 1.0
    try:
        weight = float(value)
    except ValueError:
        return 0.0
    return weight if 0.0 <= weight <= 1.0 else 0.0


@cache
def _compressors() -> dict[str, Compress]:
    """Coding -> what compresses, best first."""
    found: dict[str, Compress] = {}
    zstd = _zstd()
    if zstd is not None:
        found["zstd"] = zstd
    found["gzip"] = _gzip
    return found


def _gzip(data: bytes) -> bytes:
    return gzip.compress(data, 6, mtime=0)


def _zstd() -> Compress | None:
    """Python's own zstd (since 3.14), or the library's; None without either."""
    try:
        own: Any = importlib.import_module("compression.zstd")
    except ImportError:
        pass
    else:
        return lambda data: bytes(own.compress(data, 9))
    try:
        library: Any = importlib.import_module("zstandard")
    except ImportError:
        return None
    # A compressor is not to be shared by threads.
    return lambda data: bytes(library.ZstdCompressor(level=9).compress(data))
