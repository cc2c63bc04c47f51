"""The bridge's commands around a training whose data are the page's, and its checkpoints."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from syft_web.bridge.narrow import batch
from syft_web.bridge.objects import Objects
from syft_web.errors import BridgeError
from tests.browser.small_model import FEATURES, TARGETS, host_small
from tests.unit.test_bridge import Worker, bytes_of


@pytest.fixture
async def worker():
    made = Worker()
    yield made
    await made.bridge.aclose()


async def _accepted(worker: Worker, url: str) -> tuple[int, dict[str, Any]]:
    await host_small(url, max_epochs=2)
    syft = (await worker.call("open", url=url))["syft"]
    job = (await worker.call("job", syft=syft, modelName="small"))["job"]
    return job, await worker.call("request", job=job)


def _row(index: int) -> tuple[np.ndarray, np.ndarray]:
    x = np.sin(index + np.arange(FEATURES)).astype(np.float32)
    return x, np.full(TARGETS, index % 3, np.float32)


def _made(indices: list[int]) -> dict[str, Any]:
    """What the page sends for these samples."""
    rows = [_row(index) for index in indices]
    return {"list": [{"leaf": bytes_of(np.stack(column))} for column in zip(*rows, strict=True)]}


async def _train(worker: Worker, trainer: int, stop_at: int | None = None) -> dict[str, Any]:
    """Train with batches as they are asked for; with ``stop_at``, stop at that batch."""
    key = worker.send("train", trainer=trainer, resume=True)
    given = 0
    while True:
        event = await worker.after(key, given)
        if event["event"] in ("result", "failure"):
            return event
        given += 1
        if given == stop_at:
            worker.send("stop", trainer=trainer)
        await worker.call("give", take=event["take"], batch=_made(event["indices"]))


class _Page(Worker):
    async def after(self, key: int, takes: int) -> dict[str, Any]:
        """The next batch that is wanted after so many, or how the command ended."""
        while True:
            wanted = self.of(key, "take")
            ended = [*self.of(key, "result"), *self.of(key, "failure")]
            if len(wanted) > takes:
                return wanted[takes]
            if ended:
                return ended[0]
            self._changed.clear()
            await self._changed.wait()


@pytest.fixture
async def page():
    made = _Page()
    yield made
    await made.bridge.aclose()


async def _trainer(page: _Page, job: int, **more: Any) -> int:
    data = {"page": 10, "batchSize": 4, "seed": 5}
    return (await page.call("trainer", job=job, plan="training_plan", data=data, **more))["trainer"]


async def _params(page: _Page, model: dict[str, Any]) -> np.ndarray:
    return np.asarray((await page.call("tensor-data", tensor=model["params"][0]["id"]))["data"])


async def test_batches_of_the_page_and_going_on_from_a_checkpoint(page, grid):
    job, _ = await _accepted(page, grid.ws_url)
    whole = await _train(page, await _trainer(page, job))
    wanted = await _params(page, whole["value"]["model"])

    stopped = await _trainer(page, job)
    assert (await _train(page, stopped, stop_at=4))["value"]["status"] == "stop"
    kept = await page.call("checkpoint", trainer=stopped)
    assert kept["position"]["epoch"] == 1
    json = (await page.call("checkpoint-json", checkpoint=kept["checkpoint"]))["json"]
    assert {"epochs", "stepsPerEpoch", "batchSize", "clientConfig", "epoch", "batch"} <= json.keys()

    loaded = await page.call("checkpoint-load", json=json)
    assert loaded["position"] == kept["position"]
    other = await _trainer(page, job, checkpoint=loaded["checkpoint"])
    done = await _train(page, other)
    np.testing.assert_array_equal(await _params(page, done["value"]["model"]), wanted)

    # Applied to a trainer, and with a model of the page's in place of the JSON's own.
    json |= {"currentModelBase64": ""}
    again = await page.call("checkpoint-load", json=json, model=kept["model"]["id"])
    third = await _trainer(page, job)
    at = await page.call("checkpoint-apply", trainer=third, checkpoint=again["checkpoint"])
    assert at == {"epoch": json["epoch"], "batch": json["batch"]}
    done = await _train(page, third)
    np.testing.assert_array_equal(await _params(page, done["value"]["model"]), wanted)


@pytest.mark.parametrize(
    ("answer", "code", "words"),
    [
        ({"error": "no such drawer"}, "data", "no such drawer"),
        ({"batch": {"leaf": {"data": b"", "dtype": "float32", "shape": [3]}}}, "bridge", "float32"),
        ({}, "bridge", "'batch'"),
    ],
)
async def test_a_batch_that_the_page_cannot_make_ends_the_training(page, grid, answer, code, words):
    job, _ = await _accepted(page, grid.ws_url)
    trainer = await _trainer(page, job)
    key = page.send("train", trainer=trainer, resume=False)
    take = (await page.after(key, 0))["take"]
    assert await page.call("give", take=take, **answer) == {"taken": True}
    failure = await page.last(key)
    assert (failure["event"], failure["code"]) == ("failure", code)
    assert words in failure["message"]
    assert await page.call("give", take=take, error="late") == {"taken": False}


async def test_a_handle_of_the_page_can_be_used_at_once(worker):
    array = np.arange(3, dtype=np.float32)
    made = worker.send("tensor", **bytes_of(array), handle=-1)
    read = worker.send("tensor-data", tensor=-1)
    assert (await worker.last(made))["value"]["id"] == -1
    assert list((await worker.last(read))["value"]["data"]) == [0, 1, 2]
    assert (await worker.failure("tensor", **bytes_of(array), handle=-1))["code"] == "bridge"
    assert (await worker.call("stats"))["kinds"] == {"ndarray": 1}
    await worker.call("release", handles=[-1])
    assert await worker.call("stats") == {"objects": 0, "kinds": {}, "heapBytes": None}


def test_batches_keep_their_structure() -> None:
    leaf = bytes_of(np.ones(2, np.int32))
    made = batch({"dict": {"x": {"list": [{"leaf": leaf}]}, "y": {"leaf": leaf}}})
    assert made.keys() == {"x", "y"}
    assert isinstance(made["x"], tuple)
    np.testing.assert_array_equal(made["y"], [1, 1])


def test_handles_of_the_page_are_below_0() -> None:
    objects = Objects()
    assert objects.add("a", handle=-3) == -3
    for handle in (-3, 0, 5):
        with pytest.raises(BridgeError):
            objects.add("b", handle=handle)
    assert objects.kinds() == {"str": 1}
