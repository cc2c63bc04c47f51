"""syft_web.author.hosting and examples/mnist, against a running grid."""

import asyncio
import socket

import numpy as np
import pytest

from examples.mnist import config, host, plan, train_native
from syft_web.author.hosting import host_training
from syft_web.author.tracing import trace
from syft_web.client.steps import Accepted
from syft_web.client.syft import Syft
from syft_web.data import ArrayDataset
from syft_web.data.transform import OneHot, Scale
from syft_web.errors import (
    EncodeError,
    GridAddressError,
    GridRefusedError,
    GridUnreachableError,
)
from syft_web.plan.plan import State

W = np.arange(6, dtype=np.float32).reshape(2, 3)
PLAN = trace(lambda x, w: x @ w, np.ones((4, 2), np.float32), W, name="apply")
CONFIGS = ({"lr": 0.1}, {"cycle_length": 60, "max_diffs": 1, "num_cycles": 1})


async def join(grid):
    async with Syft(grid.ws_url) as syft:
        job = syft.new_job("small", "1.0")
        assert isinstance(await job.request(), Accepted)
        return job


@pytest.mark.parametrize("scheme", ["ws_url", "url"])
@pytest.mark.parametrize("form", ["values", "bytes"])
async def test_what_is_hosted_is_what_workers_get(grid, scheme, form):
    model, plans = ([W], PLAN) if form == "values" else (State.of([W]).dumps(), PLAN.dumps())
    await host_training(
        getattr(grid, scheme),
        "small",
        "1.0",
        model,
        {"apply": plans},
        *CONFIGS,
        protocols={"sums": b"opaque"},
    )
    job = await join(grid)
    np.testing.assert_array_equal(job.model.params[0], W)
    np.testing.assert_array_equal(job.plans["apply"].execute(np.eye(2, dtype="f4"), W)[0], W)
    assert job.client_config == {"lr": 0.1, "name": "small", "version": "1.0"}
    assert job.protocols == {"sums": b"opaque"}


async def test_averaging_plan_is_used(grid):
    def halve(averages, items, number):
        return [a / 2 + 0 * i * number for a, i in zip(averages, items, strict=True)]

    averaging = trace(halve, [W], [W], np.array([1]))
    server = {**CONFIGS[1], "max_diffs": 2, "min_diffs": 2, "iterative_plan": True}
    await host_training(
        grid.ws_url, "small", "1.0", State.of([W]), {"apply": PLAN}, CONFIGS[0], server, averaging
    )
    async with Syft(grid.ws_url) as syft:
        jobs = [syft.new_job("small", "1.0") for _ in range(2)]
        for job in jobs:
            await job.request()
        for job in jobs:
            await job.report(job.model.create_serialized_diff([W - 8]))
    # The first difference, 8, is halved by the plan (the second counts nothing), then taken off.
    np.testing.assert_array_equal((await latest(grid))[0], W - 4)


async def latest(grid, name="small", version="1.0"):
    """The newest checkpoint's parameters, once aggregation is over."""
    from syft_web.host import current
    from syft_web.wire.messages import RETRIEVE_MODEL

    query = f"{grid.url}{RETRIEVE_MODEL}?name={name}&version={version}&checkpoint="
    here = current()
    try:
        for _ in range(100):
            answer = await here.fetch("GET", f"{query}2")
            if answer.status == 200:
                break
            await asyncio.sleep(0.05)
        answer = await here.fetch("GET", f"{query}latest")
        return State.loads(answer.body).tensors
    finally:
        await here.close()


async def test_a_name_and_version_only_once(grid):
    async def once():
        await host_training(grid.ws_url, "small", "1.0", [W], {"apply": PLAN}, *CONFIGS)

    await once()
    with pytest.raises(GridRefusedError, match=r"hosting the model: .*already exists"):
        await once()


async def test_what_a_grid_does_not_take(grid):
    with pytest.raises(GridRefusedError, match="cycle_length"):
        await host_training(grid.ws_url, "small", "1.0", [W], {"apply": PLAN}, {}, {})
    with pytest.raises(GridRefusedError, match="Plan is not valid"):
        await host_training(grid.ws_url, "small", "2.0", [W], {"apply": b"AAAAA"}, *CONFIGS)


async def test_no_grid_there():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"ws://127.0.0.1:{free.getsockname()[1]}"
        with pytest.raises(GridUnreachableError):
            await host_training(url, "small", "1.0", [W], {"apply": PLAN}, *CONFIGS)
    with pytest.raises(GridAddressError):
        await host_training("grid.example", "small", "1.0", [W], {}, *CONFIGS)


async def test_a_model_that_does_not_fit_the_format():
    with pytest.raises(EncodeError):
        await host_training(
            "ws://localhost:1", "small", "1.0", [np.array(["text"])], {"apply": PLAN}, *CONFIGS
        )


async def test_native_workers_train_the_hosted_example(grid, capsys):
    """Two workers, two cycles; pictures whose class can be learnt: one bright row each."""
    labels = np.arange(3000) % 10
    images = np.zeros((3000, 28, 28), np.uint8)
    images[np.arange(3000), labels * 2] = 255
    dataset = ArrayDataset(
        images.reshape(3000, -1), labels, transform=(Scale(255, divide=True), OneHot(10))
    )
    await host.host(grid.ws_url, workers=2, cycles=2)
    cycles = await asyncio.gather(
        *(
            train_native.work(grid.ws_url, config.NAME, config.VERSION, dataset.shard(i, 2))
            for i in range(2)
        )
    )
    assert cycles == [2, 2]
    params = await latest(grid, config.NAME, config.VERSION)
    answers = plan.inference_plan().execute(dataset.take(np.arange(100))[0], *params)[1]
    assert np.mean(answers == labels[:100]) > 0.99
    assert "training is over; took part in 2 cycles" in capsys.readouterr().out
