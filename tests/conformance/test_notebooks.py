"""The numbers of PySyft's MNIST notebooks of 2020, over real MNIST.

Everything of ours that takes part in a training is in the loop: idx files, dataset,
loader, Plan, trainer, diff, and averaging as the grid does it
(``new = old - mean(diffs)``). Source: the outputs stored in the notebooks "Part 01"
and "Part 02" of PySyft's model-centric examples (fixtures/INDEX.md).
"""

import os
from pathlib import Path

import numpy as np
import pytest

from examples.mnist import config, data, plan
from syft_web.client.model import Model
from syft_web.client.trainer import PlanTrainer
from syft_web.client.training_events import EpochEnd
from syft_web.data import DataLoader
from syft_web.plan.plan import Plan, State
from tests.paths import NO_SHARED, ROOT, SHARED

MNIST = Path(os.environ.get("SYFT_WEB_MNIST") or ROOT / "build" / "site" / "data" / "mnist")
CYCLE_LOSSES = (2.244, 2.132, 2.002, 1.846, 1.683)
WORKERS = 3


@pytest.fixture(scope="module")
def train():
    return mnist("train")


def mnist(split):
    if not MNIST.is_dir() and not os.environ.get("CI"):
        pytest.skip(f"MNIST is not in {MNIST}; ./build.sh site puts it there")
    return data.load(MNIST, split)


@pytest.fixture(scope="module")
def original():
    if SHARED is None:
        pytest.skip(NO_SHARED)
    bin = SHARED / "bin"
    return (
        Plan.loads((bin / "js2007b_mnist_plan.pb").read_bytes()),
        Model.loads((bin / "js2007b_mnist_model_params.pb").read_bytes()),
    )


def accuracy(model, dataset, count):
    """How many of the first ``count`` images the model gets right, as a part of them."""
    inference, right = plan.inference_plan(), 0
    for start in range(0, count, 4096):
        rows = np.arange(start, min(start + 4096, count))
        images, labels = dataset.take(rows)
        right += int((inference.execute(images, *model.params)[1] == labels.argmax(axis=1)).sum())
    return right / count


async def cycle(training, model, workers, client_config, **options):
    """One federated cycle: every worker trains, their mean difference is taken off.

    Args:
        workers: A loader for each.

    Returns:
        Mean loss of each worker's updates, and the new model.
    """
    losses, diffs = [], []
    for loader in workers:
        trainer = PlanTrainer(
            plan=training,
            model=model,
            inputs=config.INPUTS,
            outputs=config.OUTPUTS,
            data=loader,
            client_config=client_config,
            **options,
        )
        losses += [event.loss async for event in trainer if isinstance(event, EpochEnd)]
        diffs.append(
            State.loads(model.create_serialized_diff(trainer.current_model.params)).tensors
        )
    means = [sum(parts) / np.float32(len(parts)) for parts in zip(*diffs, strict=True)]
    new = [param - mean for param, mean in zip(model.params, means, strict=True)]
    return losses, Model(new)


def test_accuracy_of_the_initial_model(original, train):
    assert accuracy(original[1], train, 59_968) == 0.10757403948772679
    assert accuracy(original[1], mnist("t10k"), 10_000) == 0.1068


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_cycle_losses_of_the_notebook(original, train):
    training, model = original
    settings = {"batch_size": 64, "lr": 0.005, "max_updates": 100}
    for number, expected in enumerate(CYCLE_LOSSES):
        loaders = [
            DataLoader(train, batch_size=64, drop_last=True, seed=10 * number + worker)
            for worker in range(WORKERS)
        ]
        # The notebook did 101 updates, as syft.js does.
        losses, model = await cycle(training, model, loaders, settings, compat_extra_update=True)
        assert losses == pytest.approx([expected] * WORKERS, abs=0.03), f"cycle {number + 1}"
    assert accuracy(model, train, 59_968) == pytest.approx(0.7341, abs=0.03)


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_the_demo_learns_well_enough(train):
    """examples/mnist with its own plan, model and numbers: over 92 % after five cycles."""
    training, model = plan.training_plan(), Model(plan.initial_model().tensors)
    for number in range(5):
        loaders = [
            DataLoader(train.shard(worker, WORKERS), batch_size=64, seed=10 * number + worker)
            for worker in range(WORKERS)
        ]
        _, model = await cycle(training, model, loaders, config.client_config())
    assert accuracy(model, mnist("t10k"), 10_000) > 0.92
