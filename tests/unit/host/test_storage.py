"""syft_web.host.storage and its kinds: what is kept is there as a whole, and one holds a name."""

import asyncio
import subprocess
import sys
import threading

import pytest

from syft_web.errors import HostError
from syft_web.host import MemoryStorage, open_storage


@pytest.fixture(params=["memory", "folder"])
def storage(request, tmp_path):
    return MemoryStorage() if request.param == "memory" else open_storage(tmp_path / "kept")


async def test_bytes_come_back_and_are_listed_by_prefix(storage):
    assert await storage.read("a/1") is None
    await storage.write({"a/1": b"one", "a/%": b"", "A/1": b"other", "b": bytes(range(256))})
    assert await storage.read("a/1") == b"one"
    assert await storage.read("b") == bytes(range(256))
    assert await storage.keys("a/") == ["a/%", "a/1"]
    await storage.write({"a/1": None, "never there": None, "a/2": b"two"})
    assert await storage.keys("") == ["A/1", "a/%", "a/2", "b"]


async def test_one_holds_a_name_at_a_time(storage):
    hold = await storage.hold("turn", wait=True)
    assert await storage.hold("turn", wait=False) is None
    assert await storage.is_held("turn")
    assert not await storage.is_held("another")
    other = await storage.hold("another", wait=False)
    waiting = asyncio.create_task(storage.hold("turn", wait=True))
    await asyncio.sleep(0)
    assert not waiting.done()
    hold.release()
    hold.release()
    assert await waiting is not None
    other.release()
    assert not await storage.is_held("another")


async def test_a_wait_that_is_cancelled_holds_nothing(storage):
    hold = await storage.hold("turn", wait=True)
    waiting = asyncio.create_task(storage.hold("turn", wait=True))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    hold.release()
    assert await storage.hold("turn", wait=False) is not None


async def test_a_change_that_fails_changes_nothing(tmp_path):
    storage = open_storage(tmp_path)
    await storage.write({"a": b"before"})
    with pytest.raises(HostError, match="Check that it can be written"):
        await storage.write({"a": b"after", "b": object()})
    assert await storage.read("a") == b"before"


async def test_a_folder_that_cannot_be_made_says_so(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    storage = open_storage(tmp_path / "file")
    for attempt in (storage.read("a"), storage.hold("a", wait=False)):
        with pytest.raises(HostError, match="'file'"):
            await attempt


HOLDER = """
import asyncio, sys
from syft_web.host import open_storage

async def main():
    hold = await open_storage(sys.argv[1]).hold("turn", wait=True)
    print("held", flush=True)
    await asyncio.sleep(600)

asyncio.run(main())
"""


async def test_a_process_that_is_killed_lets_go(tmp_path):
    command = [sys.executable, "-c", HOLDER, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as holder:  # noqa: ASYNC220
        assert holder.stdout.readline() == "held\n"
        storage = open_storage(tmp_path)
        assert await storage.hold("turn", wait=False) is None
        killer = threading.Timer(0.3, holder.kill)
        killer.start()
        assert await storage.hold("turn", wait=True) is not None
        killer.join()
