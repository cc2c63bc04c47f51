"""A whole federated training in one process: a grid, and workers that each have their own data.

The other examples make a `Bundle` and call `train_here`. In earnest the parts are apart: the
grid on a server (``syft-web grid``), the bundle hosted with ``syft-web host``, and each worker a
page, or a process like that of `examples.mnist.train_native`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace

from syft_web.author import Bundle, host_training, retrieve_model
from syft_web.client.steps import Rejected
from syft_web.client.syft import Syft
from syft_web.client.training_events import EpochEnd
from syft_web.data import ArrayDataset, DataLoader
from syft_web.errors import JobStateError
from syft_web.grid import Server
from syft_web.plan.plan import State

__all__ = ["train_here"]


def train_here(
    bundle: Bundle,
    shards: Sequence[ArrayDataset],
    *,
    cycles: int,
    score: Callable[[State], str] | None = None,
    seed: int = 0,
    tell: Callable[[str], object] = print,
) -> list[float]:
    """Train a bundle's model with one worker for each part of the data.

    Args:
        bundle: What to host; how many reports a cycle has is filled in.
        shards: The data of each worker.
        cycles: Cycles to run.
        score: Says how good a checkpoint is.
        seed: For the order of the samples.
        tell: Gets a line for each cycle.

    Returns:
        The mean loss of each cycle, over all workers and updates.
    """
    rules = {"num_cycles": cycles, "min_diffs": len(shards), "max_diffs": len(shards)}
    hosted = replace(bundle, server_config={"cycle_length": 3600, **bundle.server_config, **rules})
    with Server() as grid:
        return asyncio.run(_cycles(grid, hosted, shards, cycles, score, seed, tell))


async def _cycles(
    grid: Server,
    bundle: Bundle,
    shards: Sequence[ArrayDataset],
    cycles: int,
    score: Callable[[State], str] | None,
    seed: int,
    tell: Callable[[str], object],
) -> list[float]:
    await host_training(
        grid.ws_url,
        bundle.name,
        bundle.version,
        bundle.model,
        bundle.plans,
        bundle.client_config,
        bundle.server_config,
        bundle.averaging_plan,
    )
    losses: list[float] = []
    for cycle in range(1, cycles + 1):
        reports = [
            _take_part(grid.ws_url, bundle, shard, seed + cycle * len(shards) + i)
            for i, shard in enumerate(shards)
        ]
        losses.append(sum(await asyncio.gather(*reports)) / len(shards))
        await asyncio.to_thread(grid.settle)
        line = f"cycle {cycle}: loss {losses[-1]:.4f}"
        if score is not None:
            line += f", {score(await retrieve_model(grid.url, bundle.name, bundle.version))}"
        tell(line)
    return losses


async def _take_part(url: str, bundle: Bundle, shard: ArrayDataset, seed: int) -> float:
    """One worker's cycle: join, train, report; gives its mean loss."""
    async with Syft(url) as syft:
        job = syft.new_job(bundle.name, bundle.version)
        answer = await job.request()
        if isinstance(answer, Rejected):
            raise JobStateError(f"The grid did not let this worker in: {answer}")
        loader = DataLoader(shard, batch_size=job.client_config["batch_size"], seed=seed)
        trainer = job.train("training_plan", data=loader)
        losses: list[float] = []
        async for event in trainer:
            if isinstance(event, EpochEnd) and isinstance(event.loss, float):
                losses.append(event.loss)
        await job.report(job.model.create_serialized_diff_from_model(trainer.current_model))
        return losses[-1]
