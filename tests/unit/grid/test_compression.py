"""What is compressed, how often, and how much of it is kept."""

from __future__ import annotations

import asyncio
import gzip

import numpy as np
import pytest

from syft_web.grid import compression
from syft_web.grid.compression import CompressedBlobs, codings_for
from syft_web.plan import State
from tests.paths import DATA

PLAN = (DATA / "tr_mlp.pb").read_bytes()
WEIGHTS = State.of([np.random.default_rng(0).normal(size=(200, 500)).astype(np.float32)]).dumps()


@pytest.mark.parametrize(
    ("header", "codings"),
    [
        (None, []),
        ("", []),
        ("identity", []),
        ("*", []),
        ("br, deflate", []),
        ("gzip", ["gzip"]),
        ("gzip, deflate, br, zstd", ["zstd", "gzip"]),
        ("GZIP;q=1, Zstd ; q=0.5", ["gzip", "zstd"]),
        ("zstd;q=0, gzip;q=0.001", ["gzip"]),
        ("gzip;q=2, zstd;q=x", []),
        ("gzip;q=nan", []),
        ("gzip;level=3", ["gzip"]),
        (",;,=,q=1", []),
    ],
)
def test_codings(header, codings):
    assert codings_for(header) == codings


async def test_plans_shrink_and_weights_are_left_alone():
    blobs = CompressedBlobs()
    packed = await blobs.get("plan", "gzip", PLAN)
    assert gzip.decompress(packed) == PLAN
    assert len(packed) < 0.45 * len(PLAN)
    assert await blobs.get("weights", "gzip", WEIGHTS) is None
    assert await blobs.get("small", "gzip", b"a" * 500) is None


async def test_zstd():
    zstandard = pytest.importorskip("zstandard")
    packed = await CompressedBlobs().get("plan", "zstd", PLAN)
    assert zstandard.ZstdDecompressor().decompress(packed) == PLAN
    # Browsers take frames with windows of up to 8 MiB.
    large = await CompressedBlobs().get("large", "zstd", bytes(20 * 2**20))
    assert zstandard.get_frame_parameters(large).window_size <= 8 * 2**20


async def test_many_at_once_and_later_cost_one_compression(monkeypatch):
    made = []

    def count(data):
        made.append(len(data))
        return b"x"

    monkeypatch.setattr(compression, "_compressors", lambda: {"gzip": count})
    blobs = CompressedBlobs()
    first = [asyncio.create_task(blobs.get("t", "gzip", PLAN)) for _ in range(5)]
    await asyncio.sleep(0)
    first.pop().cancel()
    assert await asyncio.gather(*first) == [b"x"] * 4
    assert await blobs.get("t", "gzip", PLAN) == b"x"
    assert await blobs.get("w", "gzip", WEIGHTS) is None
    assert made == [len(PLAN)]


async def test_what_is_kept_is_bounded(monkeypatch):
    made = []

    def halve(data):
        made.append(data[:1])
        return data[: len(data) // 2]

    monkeypatch.setattr(compression, "_compressors", lambda: {"gzip": halve})
    blobs = CompressedBlobs(kept_bytes=10_000)
    for name in (b"a", b"b", b"a", b"c", b"a", b"b"):
        assert await blobs.get(name.decode(), "gzip", name * 8000) == name * 4000
        assert blobs.kept_bytes <= 10_000
    assert made == [b"a", b"b", b"c", b"b"]
    assert await blobs.get("large", "gzip", b"l" * 10_001) is None


async def test_a_failure_is_not_kept(monkeypatch):
    def fail(data):
        raise MemoryError

    monkeypatch.setattr(compression, "_compressors", lambda: {"gzip": fail})
    blobs = CompressedBlobs()
    for _ in range(2):
        with pytest.raises(MemoryError):
            await blobs.get("t", "gzip", PLAN)
