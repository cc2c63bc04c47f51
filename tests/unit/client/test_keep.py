"""syft_web.client.keep: records of cycles, whole or not there."""

import numpy as np
import pytest

from syft_web.client.checkpoint import PlanTrainerCheckpoint
from syft_web.client.keep import Keep, KeptDiff
from syft_web.client.model import Model
from syft_web.host import MemoryStorage, open_storage
from syft_web.wire.frames import pack_frame
from syft_web.wire.messages import CycleAccepted

GRANT = CycleAccepted("key", 1, {"training_plan": 2}, {}, {"lr": 0.5}, "m", "1.0")
GRID = "ws://grid.example"
MODEL = Model([np.arange(6, dtype=np.float32).reshape(2, 3)])
CHECKPOINT = PlanTrainerCheckpoint(
    epochs=3,
    batch_size=4,
    epoch=1,
    batch=2,
    current_model=MODEL,
    client_config={"lr": 0.5},
    seed=4_294_967_295,
    state=(np.ones(2, np.float32),),
    noise_seed=7,
    epoch_sums={"batches": 2, "weight": 8, "loss": 4.0, "metrics": {}},
)


@pytest.fixture
def storage():
    return MemoryStorage()


@pytest.fixture
def keep(storage):
    clock = iter(range(1, 100))
    return Keep(storage, GRID, lambda: float(next(clock)))


async def begin(keep, worker="w1", model="m"):
    return await keep.begin(model, "1.0", worker, GRANT, {"model": b"M", "plan p": b"P"})


async def test_a_cycle_comes_back_with_all_that_it_needs(keep):
    name = await begin(keep)
    [saved] = await keep.saved()
    assert (saved.model_name, saved.model_version, saved.worker_id) == ("m", "1.0", "w1")
    assert saved.grant == GRANT
    assert (saved.epoch, saved.batch, saved.finished) == (None, None, False)
    assert "key" not in repr(saved)
    assert await keep.assets(name) == {"model": b"M", "plan p": b"P"}
    assert await keep.checkpoint(name) is None

    await keep.progress(name, CHECKPOINT)
    [saved] = await keep.saved()
    assert (saved.epoch, saved.batch) == (1, 2)
    assert (await keep.checkpoint(name)).to_json() == CHECKPOINT.to_json()


async def test_a_finished_difference_takes_the_place_of_progress(keep, storage):
    name = await begin(keep)
    await keep.progress(name, CHECKPOINT)
    kept = KeptDiff(b"D" * 1000, 64, {"loss": 0.5})
    await keep.diff(name, kept)
    [saved] = await keep.saved()
    assert saved.finished
    assert await keep.unsent(name) == kept
    assert await keep.checkpoint(name) is None
    await keep.forget(name)
    assert await storage.keys("") == []


async def test_joining_anew_forgets_what_was_left_but_not_what_is_finished(keep):
    await begin(keep, "left")
    await begin(keep, "other", model="another model")
    finished = await begin(keep, "finished")
    await keep.diff(finished, KeptDiff(b"D"))
    await begin(keep, "new")
    assert [saved.worker_id for saved in await keep.saved()] == ["new", "finished", "other"]


async def test_other_grids_are_not_seen(keep, storage):
    await begin(keep)
    assert await Keep(storage, "ws://elsewhere", lambda: 0.0).saved() == []


@pytest.mark.parametrize(
    "record",
    [b"", b"\xff\xff", pack_frame({"version": 0}), pack_frame({"version": 1}), pack_frame({})],
)
async def test_records_that_cannot_be_read_are_removed(keep, storage, record):
    name = await begin(keep)
    await storage.write({f"cycle/{name}": record})
    assert await keep.saved() == []
    assert await storage.keys("") == []


async def test_jobs_of_one_page_share_a_turn_and_other_tabs_wait(tmp_path):
    here, there = (Keep(open_storage(tmp_path), GRID, lambda: 1.0) for _ in range(2))
    waits = []
    one = await here.take_turn("m", lambda: waits.append("here"))
    two = await here.take_turn("m", lambda: waits.append("here"))
    assert waits == []
    await begin(here)
    assert await there.unclaimed() == await here.unclaimed() == []
    one.end()
    assert await there.unclaimed() == []
    two.end()
    assert [saved.worker_id for saved in await there.unclaimed()] == ["w1"]
    again = await there.take_turn("m", lambda: waits.append("there"))
    assert waits == []
    again.end()
