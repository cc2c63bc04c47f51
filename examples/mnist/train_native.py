"""A worker on ordinary Python: joins cycles of a grid and trains on its own part of MNIST.

    python -m examples.mnist.train_native --data build/site/data/mnist --shard 0 --shards 3

It does what the page does in a browser: ask to join a cycle, download model and
plan, train on data that never leave this process, report the difference. Run
several, each with its own shard; on one machine set ``OPENBLAS_NUM_THREADS=1``
then, so that they do not fight for the processor's cores.
"""

from __future__ import annotations

import argparse
import asyncio

import numpy as np

from examples.mnist import config, data
from syft_web.client.job import Job
from syft_web.client.model import Model
from syft_web.client.steps import Accepted, Rejected
from syft_web.client.syft import Syft
from syft_web.client.training_events import BatchEnd, EpochEnd
from syft_web.data import ArrayDataset, DataLoader
from syft_web.errors import DownloadError


async def work(grid: str, name: str, version: str, images: ArrayDataset) -> int:
    """Take part in cycles until the grid says that training is over.

    Returns:
        In how many cycles it took part.
    """
    cycles, failures, trained = 0, 0, None
    async with Syft(grid) as syft:
        job = syft.new_job(name, version)
        while True:
            try:
                answer = await job.request()
                failures = 0
            except DownloadError:
                # Most likely the others finished the cycle while we were downloading.
                failures += 1
                if failures == 3:
                    raise
                continue
            if isinstance(answer, Rejected) and answer.finished:
                print(f"training is over; took part in {cycles} cycles")
                return cycles
            if isinstance(answer, Accepted) and not _same(answer.model, trained):
                cycles, trained = cycles + 1, answer.model
                print(f"cycle {cycles}: accepted")
                await train(job, images)
            else:
                # Not yet our turn, or still the model that we have just trained: a grid may
                # accept a worker twice, but our images shall count once in each cycle.
                await asyncio.sleep(0.5)


def _same(model: Model, other: Model | None) -> bool:
    """Whether two models have equal parameters."""
    return other is not None and all(map(np.array_equal, model.params, other.params))


async def train(job: Job, images: ArrayDataset) -> None:
    """Train the job's model on our images and report the difference."""
    batch_size = job.client_config["batch_size"]
    trainer = job.train(
        "training_plan",
        inputs=config.INPUTS,
        outputs=config.OUTPUTS,
        data=DataLoader(images, batch_size=batch_size),
    )
    async for event in trainer:
        if isinstance(event, BatchEnd) and event.batch % 10 == 0:
            print(f"  batch {event.batch:3}  loss {event.loss:.3f}  {event.metrics}")
        elif isinstance(event, EpochEnd):
            print(f"  mean loss {event.loss:.3f}, accuracy {event.metrics['accuracy']:.3f}")
    await job.report(job.model.create_serialized_diff_from_model(trainer.current_model))
    print("  reported")


def main() -> None:
    parser = argparse.ArgumentParser(description="Train MNIST for a grid.")
    parser.add_argument("--grid", default="ws://localhost:5000", help="address of the grid")
    parser.add_argument("--model", default=config.NAME, help="name of the hosted model")
    parser.add_argument("--version", default=config.VERSION, help="its version")
    parser.add_argument("--data", default="build/site/data/mnist", help="folder of the IDX files")
    parser.add_argument("--shard", type=int, default=0, help="which part of the images is ours")
    parser.add_argument("--shards", type=int, default=1, help="in how many parts they are cut")
    args = parser.parse_args()
    images = data.load(args.data).shard(args.shard, args.shards)
    asyncio.run(work(args.grid, args.model, args.version, images))


if __name__ == "__main__":
    main()
