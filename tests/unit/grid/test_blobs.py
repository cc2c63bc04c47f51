from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from syft_web.grid.blobs import Blobs
from syft_web.grid.completion import Completion
from syft_web.grid.store import Store
from tests.grid.talk import host_data, small_diff
from tests.unit.grid.workers import Workers


def fail() -> bytes:
    raise RuntimeError("read again")


def test_many_share_one_copy() -> None:
    blobs, reads = Blobs(), []
    barrier = threading.Barrier(6)

    def read() -> bytes:
        reads.append(1)
        return b"model" * 10

    def ask(_: int) -> bytes:
        barrier.wait()
        return blobs.get(1, read)

    with ThreadPoolExecutor(6) as pool:
        copies = list(pool.map(ask, range(6)))
    assert len(reads) == 1
    assert all(copy is copies[0] for copy in copies)


@pytest.mark.parametrize("limits", [{"most": 2}, {"most_bytes": 20}])
def test_those_used_last_are_kept(limits: dict[str, int]) -> None:
    blobs = Blobs(**limits)
    for key in (1, 2, 1, 3):
        blobs.get(key, lambda: b"0123456789")
    for key in (1, 3):
        assert blobs.get(key, fail) == b"0123456789"
    with pytest.raises(RuntimeError, match="read again"):
        blobs.get(2, fail)


def test_one_that_is_too_large_is_kept_alone() -> None:
    blobs = Blobs(most_bytes=5)
    blobs.get(1, lambda: b"1")
    assert blobs.get(2, lambda: b"0123456789") is blobs.get(2, fail)
    with pytest.raises(RuntimeError, match="read again"):
        blobs.get(1, fail)


def test_readers_of_a_store_share_checkpoints(store: Store, workers: Workers) -> None:
    workers.service.host(host_data(max_diffs=1))
    with store.read() as tx, store.read() as other:
        first, second = tx.get_checkpoint(1), other.get_checkpoint(1)
    assert first is not None
    assert second is not None
    assert first[1] is second[1]
    workers.report(workers.join(), small_diff(0))
    Completion(store).run()
    with store.read() as tx:
        assert tx.get_checkpoint(1, number=1) == first
        newest = tx.get_checkpoint(1)
    assert newest is not None
    assert newest[0] == 2
    assert newest[1] != first[1]


def test_what_may_be_undone_is_not_kept(store: Store, workers: Workers) -> None:
    workers.service.host(host_data())
    for value in (b"undone", b"stored"):
        try:
            with store.write() as tx:
                tx.add_checkpoint(1, 2, value, 0.0)
                found = tx.get_checkpoint(1)
                if value == b"undone":
                    raise RuntimeError
        except RuntimeError:
            continue
    assert found == (2, b"stored")
    with store.read() as tx:
        assert tx.get_checkpoint(1) == (2, b"stored")
