"""Nothing is lost: trainings that go on after a crash, reports that wait for their grid.

A crash is a second client over the same folder, made when the first has let go of its turn
without having finished anything.
"""

import asyncio
import base64
import json
from contextlib import asynccontextmanager

import numpy as np
import pytest
from starlette.responses import JSONResponse, Response

from syft_web.client import Accepted, Options, Rejected, Retry, Syft
from syft_web.client.autosave import Autosave
from syft_web.client.checkpoint import PlanTrainerCheckpoint
from syft_web.client.keep import Keep
from syft_web.client.trainer import PlanTrainer
from syft_web.client.training_events import BatchEnd, Continued, EpochEnd, Paused
from syft_web.errors import (
    CycleEndedError,
    GridClosedError,
    GridRefusedError,
    JobStateError,
    MessageError,
)
from syft_web.host import MemoryStorage, open_storage
from syft_web.plan import Plan
from tests.unit.client.local_grid import ACCEPTED, AUTHENTICATED, SUCCESS, HangUp, local_grid
from tests.unit.client.noisy import CONFIG, NOISY, noisy_loader, noisy_model

QUICK = Retry(tries=2, first=0.01, max_seconds=5)
OPTIONS = Options(
    answer_seconds=30, report_retry=QUICK, download_retry=QUICK, join_retry=QUICK, keep_retry=QUICK
)
NOISE = 123
BATCHES = 7
LATE = {"error": "Cycle not found!"}


def make(**changes):
    options = {
        "plan": NOISY,
        "model": noisy_model(),
        "data": noisy_loader(),
        "client_config": CONFIG,
        "noise_seed": NOISE,
    }
    return PlanTrainer(**{**options, **changes})


async def straight():
    """Where an uninterrupted training ends, and its epochs' means."""
    trainer = make()
    means = [event async for event in trainer if isinstance(event, EpochEnd)]
    return trainer.checkpoint, means


def same(one, other):
    for a, b in zip(one.current_model.params, other.current_model.params, strict=True):
        np.testing.assert_array_equal(a, b, strict=True)
    for a, b in zip(one.state, other.state, strict=True):
        np.testing.assert_array_equal(a, b, strict=True)


# The trainer by itself


@pytest.mark.parametrize("stop_after", [1, 3, BATCHES, BATCHES + 1, 3 * BATCHES - 1])
async def test_a_checkpoint_of_any_batch_ends_bit_for_bit_as_without_it(stop_after):
    whole, means = await straight()
    # A plan that is compiled anew, as after a reload.
    first, done = make(plan=Plan.loads(NOISY.dumps())), 0
    async for event in first:
        done += isinstance(event, BatchEnd)
        if done == stop_after:
            break
    text = json.dumps(first.checkpoint.to_json())
    second = make(
        plan=Plan.loads(NOISY.dumps()),
        checkpoint=PlanTrainerCheckpoint.from_json(json.loads(text)),
        noise_seed=None,
    )
    rest = [event async for event in second if isinstance(event, EpochEnd)]
    same(second.checkpoint, whole)
    # Means are those of whole epochs, also of the one that was stopped in its middle.
    assert rest == means[len(means) - len(rest) :]
    assert rest[-1].batches == BATCHES


async def test_noise_depends_on_its_seed_and_position_alone():
    one, other, different = make(), make(), make(noise_seed=NOISE + 1)

    async def meddle():
        async for event in one:
            if isinstance(event, BatchEnd):
                await anext(different, None)

    await meddle()
    await other.start()
    same(one.checkpoint, other.checkpoint)
    await different.start()
    assert not np.array_equal(one.current_model.params[0], different.current_model.params[0])


async def test_a_pause_waits_before_the_next_batch_and_stop_ends_it():
    trainer, told = make(), []
    trainer.on("pause", told.append)
    trainer.on("continue", told.append)
    paused = asyncio.Event()
    trainer.on("pause", lambda event: paused.set())
    trainer.on(
        "batchEnd",
        lambda event: trainer.pause("low") if event.epoch < 2 and event.batch == 2 else None,
    )
    running = asyncio.create_task(trainer.start())
    await paused.wait()
    assert (trainer.batch, trainer.paused) == (3, "low")
    trainer.unpause()
    paused.clear()
    await paused.wait()  # The same batch of the next epoch.
    assert told == [Paused("low"), Continued(), Paused("low")]
    checkpoint = await trainer.stop()
    assert (checkpoint.epoch, checkpoint.batch) == (1, 3)
    await running
    trainer.unpause()
    await trainer.resume()
    assert trainer.epoch == 2


async def test_autosave_writes_when_due_and_when_training_stops():
    saved_at = []

    class Counting(Keep):
        async def progress(self, name, checkpoint):
            saved_at.append((checkpoint.epoch, checkpoint.batch))

    clock = iter(np.arange(0, 1000, 0.5))
    trainer = make()
    saver = Autosave(
        Counting(MemoryStorage(), "", lambda: 0.0), "", trainer, lambda: float(next(clock))
    )
    trainer.on("batchEnd", lambda event: trainer.stop() if event.epoch == 1 else None)
    await trainer.start()
    await saver.save()
    assert 2 <= len(saved_at) < BATCHES + 2
    assert saved_at[-1] == (1, 1)
    await saver.close()
    count = len(saved_at)
    await saver.save()
    assert len(saved_at) == count


# A job


@pytest.fixture
async def grid():
    async with local_grid() as grid:
        plan = Response(NOISY.dumps(), media_type="application/octet-stream")
        model = noisy_model().dumps()
        grid.replies |= {
            "cycle-request": {**ACCEPTED, "client_config": CONFIG, "plans": {"p": 2}},
            "get-plan": plan,
            "get-model": lambda _: Response(model, media_type="application/octet-stream"),
        }
        yield grid


@pytest.fixture
def client(grid, tmp_path):
    @asynccontextmanager
    async def client(address=None):
        """A tab: a client with a storage object of its own over the one folder."""
        keep = open_storage(tmp_path / "kept")
        async with Syft(address or grid.ws, options=OPTIONS, keep=keep) as syft:
            yield syft

    return client


async def interrupted(client, batches=9):
    """A tab that crashes in the middle of a training."""
    async with client() as syft:
        job = syft.new_job("m", "1.0.0")
        assert isinstance(await job.request(), Accepted)
        trainer = job.train("p", data=noisy_loader(), noise_seed=NOISE)
        done = 0
        async for event in trainer:
            done += isinstance(event, BatchEnd)
            if done == batches:
                break
        await job._keeping._autosave.save()
        job.leave()


async def test_a_crashed_training_goes_on_and_ends_bit_for_bit(client, grid):
    whole, _ = await straight()
    await interrupted(client)
    downloads = grid.steps().count("get-plan")
    async with client() as syft:
        [saved] = await syft.resumable()
        assert (saved.model_name, saved.epoch, saved.batch) == ("m", 1, 2)
        job = syft.new_job(saved.model_name, saved.model_version)
        accepted = await job.resume(saved)
        assert accepted.client_config == CONFIG
        trainer = job.train("p", data=noisy_loader())
        await trainer.start()
        same(trainer.checkpoint, whole)
        diff = job.model.create_serialized_diff_from_model(trainer.current_model)
        await job.report(diff)
        assert await syft.resumable() == []
    [report] = grid.sent("report")
    assert report["worker_id"] == AUTHENTICATED["worker_id"]
    assert report["request_key"] == ACCEPTED["request_key"]
    assert base64.b64decode(report["diff"]) == diff
    assert grid.steps().count("get-plan") == downloads  # From what was kept.
    assert grid.steps().count("authenticate") == 1


async def test_a_second_trainer_after_resuming_begins_anew(client):
    await interrupted(client)
    async with client() as syft:
        [saved] = await syft.resumable()
        job = syft.new_job("m")
        await job.resume(saved)
        assert job.train("p", data=noisy_loader()).epoch == 1
        assert job.train("p", data=noisy_loader()).epoch == 0


async def test_a_cycle_that_is_over_is_not_offered(client, grid):
    await interrupted(client)
    grid.replies["get-model"] = JSONResponse(LATE, 400)
    async with client() as syft:
        assert await syft.resumable() == []
    grid.replies["get-model"] = Response(b"", 200)
    async with client() as syft:
        assert await syft.resumable() == []  # It is forgotten.


async def test_a_cycle_that_ends_meanwhile_says_so_and_another_can_be_joined(client, grid):
    await interrupted(client)
    async with client() as syft:
        [saved] = await syft.resumable()
        open_still, grid.replies["get-model"] = grid.replies["get-model"], JSONResponse(LATE, 401)
        job = syft.new_job("m")
        with pytest.raises(CycleEndedError, match="start the job again"):
            await job.resume(saved)
        grid.replies["get-model"] = open_still
        assert isinstance(await job.request(), Accepted)


async def test_a_grid_out_of_reach_does_not_hinder_resuming(client, grid):
    await interrupted(client)
    grid.replies["get-model"] = Response(b"", 503)
    async with client() as syft:
        [saved] = await syft.resumable()
        job = syft.new_job("m")
        await job.resume(saved)
        assert job.train("p", data=noisy_loader()).epoch == 1


async def test_what_nobody_wants_is_forgotten(client):
    await interrupted(client)
    async with client() as syft:
        [saved] = await syft.resumable()
        await syft.forget(saved)
        assert await syft.resumable() == []


async def test_a_client_that_keeps_nothing(client, grid):
    await interrupted(client)
    async with client() as syft, Syft(grid.ws, options=OPTIONS) as plain:
        [saved] = await syft.resumable()
        assert await plain.resumable() == await plain.deliver() == []
        with pytest.raises(JobStateError, match="keep="):
            await plain.new_job("m").resume(saved)


async def test_two_tabs_one_trains(client):
    async with client() as here, client() as there:
        first, second = here.new_job("m"), there.new_job("m")
        await first.request()
        stages, waits = [], asyncio.Event()
        second.on("progress", lambda progress: (stages.append(progress.stage), waits.set()))
        asking = asyncio.create_task(second.request())
        await waits.wait()
        assert stages == ["turn"]
        assert await there.resumable() == []  # The other tab is at work on it.
        await first.report(b"diff")
        assert isinstance(await asking, Accepted)
        assert stages[1:3] == ["authenticate", "cycle-request"]


async def test_a_rejected_tab_lets_others_ask(client, grid):
    grid.replies["cycle-request"] = {"status": "rejected", "timeout": 600}
    async with client() as here, client() as there:
        assert isinstance(await here.new_job("m").request(), Rejected)
        assert isinstance(await there.new_job("m").request(), Rejected)


# Reports


async def test_a_report_that_cannot_be_sent_is_kept_and_delivered(client, grid):
    grid.replies["report"] = HangUp
    async with client() as syft:
        job = syft.new_job("m")
        await job.request()
        with pytest.raises(GridClosedError):
            await job.report(b"diff", 26, {"loss": 0.5})
        assert await syft.resumable() == []
        waits = []
        [delivery] = await syft.deliver(lambda saved, seconds: waits.append(seconds))
        assert (delivery.outcome, len(waits)) == ("waiting", 1)
    grid.replies["report"] = SUCCESS
    async with client() as syft:
        [delivery] = await syft.deliver()
        assert (delivery.outcome, delivery.saved.model_name) == ("reported", "m")
        assert await syft.deliver() == []
    reports = grid.sent("report")
    assert len({json.dumps(report, sort_keys=True) for report in reports}) == 1
    assert reports[-1]["num_samples"] == 26


@pytest.mark.parametrize("when", ["at once", "later"])
async def test_a_report_that_comes_too_late_is_forgotten(client, grid, when):
    async with client() as syft:
        job = syft.new_job("m")
        await job.request()
        if when == "later":
            grid.replies["report"] = HangUp
            with pytest.raises(GridClosedError):
                await job.report(b"diff")
            grid.replies["report"] = LATE
            [delivery] = await syft.deliver()
            assert delivery.outcome == "refused"
        else:
            grid.replies["report"] = LATE
            with pytest.raises(GridRefusedError):
                await job.report(b"diff")
        assert await syft.deliver() == []


async def test_a_grid_with_too_much_to_do_gets_the_report_later(client, grid):
    busy = {"error": "This grid has too much to do just now; come again in some seconds."}
    grid.replies["report"] = [busy, SUCCESS]
    async with client() as syft:
        job = syft.new_job("m")
        await job.request()
        await job.report(b"diff")
        assert await syft.deliver() == []


async def test_numbers_that_no_grid_takes_do_not_replace_progress(client):
    await interrupted(client)
    async with client() as syft:
        [saved] = await syft.resumable()
        job = syft.new_job("m")
        await job.resume(saved)
        with pytest.raises(MessageError):
            await job.report(b"diff", -1)
        job.leave()
        assert [each.batch for each in await syft.resumable()] == [2]


# Waiting


async def test_join_waits_the_told_time_with_a_countdown(client, grid):
    grid.replies["cycle-request"] = [
        {"status": "rejected", "timeout": 1.2},
        grid.replies["cycle-request"],
    ]
    async with client() as syft:
        job, told = syft.new_job("m"), []
        job.on("rejected", told.append)
        job.on("countdown", told.append)
        assert isinstance(await job.join(), Accepted)
    assert told[0] == Rejected(1.2)
    seconds = [each.seconds for each in told[1:]]
    assert seconds == sorted(seconds, reverse=True)
    assert seconds[0] > 1.1
    assert str(told[1]).startswith("The grid has no place for this worker yet. Asking again in ")


async def test_join_ends_when_training_has_finished_or_the_grid_stays_away(client, grid):
    grid.replies["cycle-request"] = {"status": "rejected"}
    async with client() as syft:
        assert (await syft.new_job("m").join()).finished
    grid.replies["authenticate"] = HangUp
    async with client() as syft:
        job, told = syft.new_job("m"), []
        job.on("countdown", told.append)
        with pytest.raises(GridClosedError):
            await job.join()
        assert {each.why for each in told} <= {"The grid cannot be reached."}
