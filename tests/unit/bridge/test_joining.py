"""syft_web.bridge.joining: what a page sees of kept cycles, turns, waits and pauses."""

from __future__ import annotations

import json

import numpy as np
import pytest
from starlette.responses import Response

from syft_web.bridge import Bridge
from syft_web.host import open_storage
from tests.unit.client.local_grid import ACCEPTED, SUCCESS, HangUp, local_grid
from tests.unit.client.noisy import CONFIG, NOISY, X, Y, noisy_model
from tests.unit.test_bridge import Worker, bytes_of


@pytest.fixture
async def grid():
    async with local_grid() as grid:
        grid.replies |= {
            "cycle-request": {**ACCEPTED, "client_config": CONFIG, "plans": {"p": 2}},
            "get-plan": Response(NOISY.dumps(), media_type="application/octet-stream"),
            "get-model": Response(noisy_model().dumps(), media_type="application/octet-stream"),
        }
        yield grid


@pytest.fixture
async def tab(tmp_path, grid):
    """Opens pages of one browser: workers with a storage object each over one folder."""
    opened = []

    async def tab():
        worker = Worker()
        storage = open_storage(tmp_path / "kept")
        worker.bridge = Bridge(worker._emit, storage=storage)
        opened.append(worker)
        syft = (await worker.call("open", url=grid.ws))["syft"]
        return worker, syft, await new_job(worker, syft)

    yield tab
    for worker in opened:
        await worker.bridge.aclose()


async def new_job(worker, syft):
    return (await worker.call("job", syft=syft, modelName="m", modelVersion="1.0"))["job"]


async def new_trainer(worker, job):
    columns = [bytes_of(X), bytes_of(Y)]
    dataset = (await worker.call("data", columns=columns))["dataset"]
    loader = {"dataset": dataset, "batchSize": 4, "seed": 11}
    return (await worker.call("trainer", job=job, plan="p", data=loader, noiseSeed=123))["trainer"]


async def weight(worker, model):
    tensor = await worker.call("tensor-data", tensor=model["params"][0]["id"])
    return np.array(tensor["data"])


async def test_a_training_that_was_left_is_offered_and_goes_on(tab, grid):
    first, syft, job = await tab()
    await first.call("request", job=job)
    trainer = await new_trainer(first, job)
    await first.call("pause", trainer=trainer, why="The battery is low.")
    training = first.send("train", trainer=trainer)
    assert (await first.event(training, "pause"))["why"] == "The battery is low."
    await first.call("unpause", trainer=trainer)
    await first.event(training, "continue")
    whole = await weight(first, (await first.last(training))["value"]["model"])
    # The page is closed without a report.
    await first.call("release", handles=[job])

    second, syft, job = await tab()
    saved: dict[str, object] = {}
    while saved.get("epoch") != 2:  # It is saved beside the training.
        [saved] = (await second.call("resumable", syft=syft))["cycles"]
    assert (saved["model_name"], saved["model_version"]) == ("m", "1.0")
    assert ACCEPTED["request_key"] not in json.dumps(saved)
    reply = await second.call("resume", job=job, saved=saved["id"])
    assert reply["outcome"] == "accepted"
    trainer = await new_trainer(second, job)
    done = await second.call("train", trainer=trainer, resume=False)
    assert done["status"] == "end"
    np.testing.assert_array_equal(await weight(second, done["model"]), whole)

    await second.call("leave", job=job)
    [saved] = (await second.call("resumable", syft=syft))["cycles"]
    await second.call("forget", syft=syft, saved=saved["id"])
    assert (await second.call("resumable", syft=syft))["cycles"] == []


async def test_a_tab_waits_for_another_until_that_one_is_released(tab):
    first, _, job = await tab()
    await first.call("request", job=job)
    second, _, other = await tab()
    asking = second.send("request", job=other)
    progress = await second.event(asking, "progress")
    assert (progress["stage"], progress["text"]) == (
        "turn",
        "Waiting: another tab trains this model",
    )
    await second.call("cancel", target=asking)
    assert (await second.last(asking))["code"] == "cancelled"
    asking = second.send("request", job=other)
    await second.event(asking, "progress")
    await first.call("release", handles=[job])
    assert (await second.last(asking))["value"]["outcome"] == "accepted"


async def test_join_tells_rejections_and_counts_down(tab, grid):
    grid.replies["cycle-request"] = [
        {"status": "rejected", "timeout": 1, "reason": "cycle_full"},
        {"status": "rejected"},
    ]
    worker, _, job = await tab()
    joining = worker.send("join", job=job)
    reply = (await worker.last(joining))["value"]
    assert (reply["outcome"], reply["finished"]) == ("rejected", True)
    told = [(event["timeout"], event["reason"]) for event in worker.of(joining, "rejected")]
    assert told == [(1, "cycle_full")]
    countdown = worker.of(joining, "countdown")[0]
    assert countdown["text"].startswith(countdown["why"])


async def reporting(worker, job):
    """A report that the grid does not answer for now."""
    await worker.call("request", job=job)
    key = worker.send("report", job=job, diff=b"diff")
    await worker.event(key, "progress")
    return key


async def test_kept_work_is_delivered(tab, grid):
    grid.replies["report"] = HangUp
    worker, _, job = await tab()
    await reporting(worker, job)
    await worker.bridge.aclose()  # The page is closed.
    grid.replies["report"] = SUCCESS
    worker, syft, _ = await tab()
    [delivery] = (await worker.call("deliver", syft=syft))["deliveries"]
    assert (delivery["model_name"], delivery["outcome"]) == ("m", "reported")


async def test_a_report_that_the_page_stops_is_not_sent_later(tab, grid):
    grid.replies["report"] = HangUp
    worker, syft, job = await tab()
    await worker.call("cancel", target=await reporting(worker, job))
    grid.replies["report"] = SUCCESS
    assert (await worker.call("deliver", syft=syft))["deliveries"] == []
    assert (await worker.call("resumable", syft=syft))["cycles"] == []


async def test_a_connection_that_is_closed_gives_the_turn_up(tab):
    first, syft, job = await tab()
    await first.call("request", job=job)
    await first.call("close", syft=syft, keep=True)
    second, _, other = await tab()
    assert (await second.call("request", job=other))["outcome"] == "accepted"


async def test_a_page_may_ask_that_nothing_is_kept(tab, grid):
    worker, syft, _ = await tab()
    plain = (await worker.call("open", url=grid.ws, keep=False))["syft"]
    job = await new_job(worker, plain)
    await worker.call("request", job=job)
    await worker.call("release", handles=[job])
    assert (await worker.call("resumable", syft=syft))["cycles"] == []
    assert (await worker.call("deliver", syft=plain))["deliveries"] == []
