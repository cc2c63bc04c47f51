"""Aggregation end to end: our client's extras over the wire, and an optimizer that survives."""

from __future__ import annotations

import asyncio
from pathlib import Path

import numpy as np
import pytest

from syft_web import Syft
from syft_web.client.steps import Accepted
from syft_web.grid import Server
from syft_web.grid.aggregation import new_parameters, optimized
from syft_web.grid.aggregation.fedavgm import FedAvgM
from syft_web.grid.records import CycleSummary
from syft_web.grid.store import Store
from syft_web.plan import State
from tests.grid.processes import grid_process, kill
from tests.grid.talk import Talk, host_data, retrieve, small_diff, small_model
from tests.grid.waiting import checkpoint


@pytest.mark.parametrize("scheme", ["ws", "http"])
def test_a_weighted_cycle_of_our_client(tmp_path: Path, scheme: str) -> None:
    database = f"sqlite:///{tmp_path / 'grid.sqlite'}"
    diffs = [small_diff(i) for i in range(2)]

    async def take_part(url: str, number: int) -> None:
        async with Syft(url) as syft:
            job = syft.new_job("m")
            assert isinstance(await job.request(), Accepted)
            diff = State.of(diffs[number]).dumps()
            await job.report(diff, 10 * (number + 1), {"loss": float(number)})

    with Server(database=database) as grid:
        with Talk(grid) as talk:
            talk.call("host-training", host_data(max_diffs=2, aggregation={"weighted": True}))
        url = grid.ws_url if scheme == "ws" else grid.url
        for number in range(2):
            asyncio.run(take_part(url, number))
        assert grid.settle()
        new = State.loads(retrieve(grid.url).content).tensors
    for ours, old, a, b in zip(new, State.loads(small_model()).tensors, *diffs, strict=True):
        np.testing.assert_allclose(ours, old - (a + 2 * b) / 3, rtol=1e-6, atol=1e-6)
    store = Store(database)
    with store.read() as tx:
        summary = tx.checkpoint_infos(1)[1].summary
    store.close()
    assert summary == CycleSummary(2, 30, {"loss": 2 / 3})


def test_momentum_survives_kills(tmp_path: Path) -> None:
    database = f"sqlite:///{tmp_path / 'grid.sqlite'}"
    parameters = State.loads(small_model()).tensors
    memory: list[np.ndarray] = []
    for seed in range(3):
        with grid_process(database) as (url, process), Talk(url) as talk:
            if seed == 0:
                aggregation = {"optimizer": "fedavgm"}
                talk.call("host-training", host_data(max_diffs=1, aggregation=aggregation))
            diff = small_diff(seed)
            assert talk.report(talk.join(), State.of(diff).dumps()) == {"status": "success"}
            kill(process)
        step, memory = optimized(FedAvgM(), parameters, diff, memory)
        parameters = new_parameters(parameters, step)
        with grid_process(database) as (url, _):
            ours = checkpoint(url, seed + 2)
            assert [t.tobytes() for t in ours] == [t.tobytes() for t in parameters]
            assert retrieve(url, checkpoint=seed + 3).status_code == 404
