"""The bridge: commands in, events out, on CPython and against a real grid."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import numpy as np
import pytest

from examples.mnist.config import server_config
from examples.mnist.plan import initial_model, training_plan
from syft_web.author.hosting import host_training
from syft_web.bridge import Bridge


class Worker:
    """The page's side: sends commands, keeps events, waits for results."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self._changed = asyncio.Event()
        self._next = 0
        self.bridge = Bridge(self._emit)

    def _emit(self, event: dict[str, Any]) -> None:
        self.events.append(event)
        self._changed.set()

    def send(self, command: str, **values: Any) -> int:
        self._next += 1
        self.bridge.receive({"id": self._next, "command": command, **values})
        return self._next

    async def last(self, key: int) -> dict[str, Any]:
        """The event that ends a command."""
        while True:
            for event in self.events:
                if event["id"] == key and event["event"] in ("result", "failure"):
                    return event
            self._changed.clear()
            await self._changed.wait()

    async def event(self, key: int, name: str) -> dict[str, Any]:
        while True:
            for event in self.events:
                if event["id"] == key and event["event"] == name:
                    return event
            self._changed.clear()
            await self._changed.wait()

    async def call(self, command: str, **values: Any) -> dict[str, Any]:
        event = await self.last(self.send(command, **values))
        assert event["event"] == "result", event
        return event["value"]

    async def failure(self, command: str, **values: Any) -> dict[str, Any]:
        event = await self.last(self.send(command, **values))
        assert event["event"] == "failure", event
        return event

    def of(self, key: int, name: str) -> list[dict[str, Any]]:
        return [event for event in self.events if (event["id"], event["event"]) == (key, name)]


@pytest.fixture
async def worker():
    made = Worker()
    yield made
    await made.bridge.aclose()


@contextlib.asynccontextmanager
async def silent_server():
    """Accepts connections and never says a word."""
    connections: list[asyncio.StreamWriter] = []
    server = await asyncio.start_server(lambda _, writer: connections.append(writer), "127.0.0.1")
    try:
        yield f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        for writer in connections:
            writer.close()
        server.close()
        await server.wait_closed()


def bytes_of(array: np.ndarray) -> dict[str, Any]:
    return {"data": array.tobytes(), "dtype": array.dtype.name, "shape": list(array.shape)}


# What every command may meet


async def test_an_unknown_command_is_a_failure_that_names_it(worker):
    failure = await worker.failure("dance")
    assert failure["code"] == "bridge"
    assert "'dance'" in failure["message"]
    assert failure["where"] == "dance"


async def test_a_missing_argument_is_named(worker):
    failure = await worker.failure("open")
    assert failure["code"] == "bridge"
    assert "'url'" in failure["message"]


async def test_a_message_without_a_number_is_not_answered_but_logged(worker, caplog):
    worker.bridge.receive({"command": "open"})
    assert worker.events == []
    assert "taken or no number" in caplog.text


async def test_a_handle_that_means_something_else_is_refused(worker):
    tensor = await worker.call("tensor", **bytes_of(np.zeros(3, np.float32)))
    failure = await worker.failure("request", job=tensor["id"])
    assert failure["code"] == "bridge"
    assert "Job" in failure["message"]


async def test_an_address_that_is_none_fails_at_open(worker):
    assert (await worker.failure("open", url="over there"))["code"] == "grid.address"


# Tensors and data


@pytest.mark.parametrize("dtype", ["float32", "float64", "int64", "uint8", "bool", "float16"])
async def test_a_tensor_comes_back_as_it_went(worker, dtype):
    array = np.array([[0, 1, 1], [1, 0, 1]]).astype(dtype)
    made = await worker.call("tensor", **bytes_of(array))
    assert made["shape"] == [2, 3]
    assert made["dtype"] == dtype
    back = await worker.call("tensor-data", tensor=made["id"])
    np.testing.assert_array_equal(np.asarray(back["data"]).reshape(back["shape"]), array)
    # A typed array has no 16-bit floats and no booleans.
    assert back["data"].format in {"f", "d", "l", "q", "B"}


async def test_a_buffer_that_does_not_fit_its_shape_is_refused(worker):
    failure = await worker.failure("tensor", data=b"\0" * 7, dtype="float32", shape=[2])
    assert failure["code"] == "bridge"
    assert "float32" in failure["message"]


async def test_released_objects_are_gone_and_may_be_released_again(worker):
    made = await worker.call("tensor", **bytes_of(np.zeros(3, np.float32)))
    assert await worker.call("release", handles=[made["id"], made["id"], 99]) == {"released": 1}
    assert (await worker.failure("tensor-data", tensor=made["id"]))["code"] == "bridge"


async def test_columns_of_different_lengths_are_no_dataset(worker):
    columns = [bytes_of(np.zeros((4, 2), np.uint8)), bytes_of(np.zeros(3, np.uint8))]
    failure = await worker.failure("data", columns=columns)
    assert failure["code"] == "data"


# The grid


async def test_a_grid_that_is_not_there(worker, unused_tcp_port_of):
    syft = (await worker.call("open", url=f"ws://127.0.0.1:{unused_tcp_port_of()}"))["syft"]
    job = (await worker.call("job", syft=syft, modelName="mnist", modelVersion="1.0"))["job"]
    failure = await worker.failure("request", job=job)
    assert failure["code"] == "grid.unreachable"
    assert failure["where"] == "request / authenticate"


async def test_a_request_can_be_cancelled(worker):
    async with silent_server() as url:
        syft = (await worker.call("open", url=url))["syft"]
        job = (await worker.call("job", syft=syft, modelName="mnist"))["job"]
        request = worker.send("request", job=job)
        await worker.event(request, "progress")
        assert await worker.call("cancel", target=request) == {"cancelled": True}
        assert (await worker.last(request))["code"] == "cancelled"
        assert await worker.call("cancel", target=request) == {"cancelled": False}


async def test_a_command_cancelled_before_it_began_fails_as_well(worker):
    syft = worker.send("open", url="ws://127.0.0.1:9")
    worker.send("cancel", target=syft)
    worker.bridge._tasks[syft].cancel()
    assert (await worker.last(syft))["code"] == "cancelled"


async def test_closing_a_syft_releases_its_jobs(worker):
    syft = (await worker.call("open", url="ws://127.0.0.1:9"))["syft"]
    job = (await worker.call("job", syft=syft, modelName="mnist"))["job"]
    await worker.call("close", syft=syft)
    assert (await worker.failure("request", job=job))["code"] == "bridge"


@pytest.fixture
def unused_tcp_port_of():
    """A port that was free a moment ago."""
    import socket

    def find() -> int:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            return int(probe.getsockname()[1])

    return find


# Training, on a real grid


INPUTS = [
    {"type": "data", "index": 0},
    {"type": "data", "index": 1},
    {"type": "batchSize"},
    {"type": "clientConfigParam", "name": "lr"},
    *({"type": "modelParam", "index": index} for index in range(4)),
]
OUTPUTS = [
    {"type": "loss"},
    {"type": "metric", "name": "accuracy"},
    *({"type": "modelParam", "index": index} for index in range(4)),
]


async def host(grid, **config: Any) -> None:
    await host_training(
        grid.ws_url,
        "mnist",
        "1.0",
        model=initial_model(0),
        plans={"training_plan": training_plan()},
        client_config={"batch_size": 16, "lr": 0.1, "max_updates": 6, **config},
        server_config=server_config(workers=1, cycles=2),
    )


async def images(worker: Worker, rows: int = 100) -> int:
    rng = np.random.default_rng(1)
    columns = [
        {**bytes_of(rng.integers(0, 256, (rows, 784), np.uint8)), "divide": 255},
        {**bytes_of(rng.integers(0, 10, rows, np.uint8)), "oneHot": 10},
    ]
    made = await worker.call("data", columns=columns)
    assert made["length"] == rows
    return int(made["dataset"])


async def accepted(worker: Worker, grid) -> tuple[int, dict[str, Any]]:
    syft = (await worker.call("open", url=grid.ws_url))["syft"]
    job = (await worker.call("job", syft=syft, modelName="mnist", modelVersion="1.0"))["job"]
    reply = await worker.call("request", job=job)
    assert reply["outcome"] == "accepted", reply
    return job, reply


async def test_a_whole_cycle(worker, grid):
    await host(grid)
    dataset = await images(worker)
    syft = (await worker.call("open", url=grid.ws_url))["syft"]
    job = (await worker.call("job", syft=syft, modelName="mnist", modelVersion="1.0"))["job"]

    request = worker.send("request", job=job)
    reply = (await worker.last(request))["value"]
    assert reply["outcome"] == "accepted"
    (plan,) = reply["plans"]
    assert (plan["name"], plan["inputs"], plan["outputs"]) == ("training_plan", 8, 6)
    assert [slot["kind"] for slot in plan["signature"]["inputs"][:3]] == [
        "data",
        "target",
        "batch_size",
    ]
    assert reply["clientConfig"]["lr"] == 0.1
    assert [param["shape"] for param in reply["model"]["params"]] == [
        [392, 784],
        [392],
        [10, 392],
        [10],
    ]
    progress = worker.of(request, "progress")
    assert list(dict.fromkeys(event["stage"] for event in progress)) == [
        "authenticate",
        "cycle-request",
        "download",
    ]
    last = next(event for event in reversed(progress) if event["asset"] == "model")
    assert last["received"] == last["total"] > 311_650 * 4
    assert last["text"] == "Downloading the model"

    made = await worker.call(
        "trainer",
        job=job,
        plan="training_plan",
        inputs=INPUTS,
        outputs=OUTPUTS,
        data={"dataset": dataset, "shuffle": True, "seed": 7},
    )
    assert made["updates"] == 6
    train = worker.send("train", trainer=made["trainer"], resume=False)
    trained = (await worker.last(train))["value"]
    assert trained["status"] == "end"
    assert trained["updates"] == 6
    batches = worker.of(train, "batchEnd")
    assert [event["updates"] for event in batches] == [1, 2, 3, 4, 5, 6]
    assert all(event["total"] == 6 and event["msPerStep"] > 0 for event in batches)
    assert batches[0]["loss"] == pytest.approx(2.3, abs=0.3)
    assert 0 <= batches[0]["metrics"]["accuracy"] <= 1
    assert len(worker.of(train, "epochEnd")) == 1

    model, updated = reply["model"], trained["model"]
    diff = (await worker.call("diff", model=model["id"], updated=updated["id"]))["diff"]
    params = [param["id"] for param in updated["params"]]
    assert (await worker.call("diff", model=model["id"], params=params))["diff"] is not None
    sent = await worker.call("report", job=job, diff=memoryview(diff))
    assert sent["bytes"] == len(diff)

    # The grid has subtracted it: the next cycle begins with what was trained.
    again = await worker.call("request", job=job)
    for mine, theirs in zip(updated["params"], again["model"]["params"], strict=True):
        a = await worker.call("tensor-data", tensor=mine["id"])
        b = await worker.call("tensor-data", tensor=theirs["id"])
        np.testing.assert_allclose(np.asarray(a["data"]), np.asarray(b["data"]), atol=1e-6)


async def test_training_stops_and_resumes_where_it_was(worker, grid):
    await host(grid, max_updates=50)
    dataset = await images(worker, rows=1000)
    job, _ = await accepted(worker, grid)
    arguments = {
        "job": job,
        "plan": "training_plan",
        "inputs": INPUTS,
        "outputs": OUTPUTS,
        "data": {"dataset": dataset, "seed": 7},
    }
    whole = (await worker.call("trainer", **arguments))["trainer"]
    expected = (await worker.call("train", trainer=whole, resume=False))["model"]

    halved = (await worker.call("trainer", **arguments))["trainer"]
    first = worker.send("train", trainer=halved, resume=False)
    await worker.event(first, "batchEnd")
    where = await worker.call("stop", trainer=halved)
    stopped = (await worker.last(first))["value"]
    assert stopped["status"] == "stop"
    assert 0 < where["batch"] == stopped["updates"] < 50
    second = worker.send("train", trainer=halved, resume=True)
    resumed = (await worker.last(second))["value"]
    assert resumed["status"] == "end"
    assert resumed["updates"] == 50
    assert worker.of(second, "batchEnd")[0]["updates"] == stopped["updates"] + 1
    for one, other in zip(expected["params"], resumed["model"]["params"], strict=True):
        a = await worker.call("tensor-data", tensor=one["id"])
        b = await worker.call("tensor-data", tensor=other["id"])
        np.testing.assert_array_equal(np.asarray(a["data"]), np.asarray(b["data"]))


async def test_a_plan_runs_on_handles_and_numbers(worker, grid):
    await host(grid)
    job, reply = await accepted(worker, grid)
    x = await worker.call("tensor", **bytes_of(np.ones((2, 784), np.float32)))
    y = await worker.call("tensor", **bytes_of(np.eye(10, dtype=np.float32)[:2]))
    params = [{"tensor": param["id"]} for param in reply["model"]["params"]]
    args = [{"tensor": x["id"]}, {"tensor": y["id"]}, 2, 0.1, *params]
    outputs = (await worker.call("execute", job=job, plan="training_plan", args=args))["tensors"]
    assert [output["shape"] for output in outputs] == [[], [], [392, 784], [392], [10, 392], [10]]
    failure = await worker.failure("execute", job=job, plan="training_plan", args=args[:3])
    assert failure["code"] == "plan.arguments"
    unknown = await worker.failure("execute", job=job, plan="tea", args=[])
    assert "'tea'" in unknown["message"]
    assert "training_plan" in unknown["message"]


async def test_specs_that_do_not_fit_fail_before_training(worker, grid):
    await host(grid)
    dataset = await images(worker)
    job, _ = await accepted(worker, grid)
    failure = await worker.failure(
        "trainer",
        job=job,
        plan="training_plan",
        inputs=INPUTS[:-1],
        outputs=OUTPUTS,
        data={"dataset": dataset},
    )
    assert failure["code"] == "training"
    assert "8 inputs" in failure["message"]


async def test_an_unknown_model_is_refused_by_the_grid(worker, grid):
    syft = (await worker.call("open", url=grid.ws_url))["syft"]
    job = (await worker.call("job", syft=syft, modelName="tulips", modelVersion="1"))["job"]
    assert (await worker.failure("request", job=job))["code"] == "grid.refused"


async def test_disposing_a_job_frees_all_that_came_with_it(worker, grid):
    await host(grid)
    job, reply = await accepted(worker, grid)
    released = await worker.call("release", handles=[job])
    assert released["released"] == 1 + 1 + 4
    failure = await worker.failure("tensor-data", tensor=reply["model"]["params"][0]["id"])
    assert failure["code"] == "bridge"


async def test_the_engine_says_what_a_plan_costs(worker, grid):
    await host(grid)
    assert (await worker.call("engine"))["flops"] is None
    job, _ = await accepted(worker, grid)
    told = await worker.call("engine", job=job, plan="training_plan", batchSize=64)
    assert told["kernels"] == "numpy"
    assert told["reason"]
    # Two products forward and three backward, two operations for each of their elements.
    assert told["flops"] > 2 * 64 * (2 * 784 * 392 + 3 * 392 * 10)
    unknown = await worker.call("engine", job=job, plan="tea", batchSize=64)
    assert unknown["flops"] is None


async def test_a_checkpoint_becomes_tensors(worker):
    state = initial_model(0)
    made = await worker.call("state", data=state.dumps())
    assert [tensor["shape"] for tensor in made["tensors"]] == [[392, 784], [392], [10, 392], [10]]
    first = await worker.call("tensor-data", tensor=made["tensors"][1]["id"])
    np.testing.assert_array_equal(np.asarray(first["data"]), state.tensors[1])
    assert (await worker.failure("state", data=b"\xff"))["code"].startswith("wire")


async def test_a_closed_syft_may_keep_what_was_made_through_it(worker, grid):
    await host(grid)
    job, reply = await accepted(worker, grid)
    syft = job - 1
    await worker.call("close", syft=syft, keep=True)
    assert await worker.call("tensor-data", tensor=reply["model"]["params"][3]["id"])
    await worker.call("close", syft=syft)
    assert (await worker.failure("engine", job=job, plan="training_plan"))["code"] == "bridge"
