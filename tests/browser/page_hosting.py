"""A model for the page to train, hosted on a real grid."""

from __future__ import annotations

from examples.mnist.config import client_config, server_config
from examples.mnist.plan import initial_model, training_plan
from syft_web.author.hosting import host_training

__all__ = ["host_mnist"]


async def host_mnist(
    grid: str, *, updates: int, cycles: int = 1, lr: float | None = 0.1, workers: int = 1
) -> None:
    """Host the MNIST example as model ``mnist`` 1.0.

    Args:
        grid: Address of the grid.
        updates: Batches in a cycle.
        cycles: Cycles until the training is over.
        lr: Learning rate; None leaves it out of the client config, which the plan needs.
        workers: Reports in a cycle.
    """
    config = client_config() | {"max_updates": updates, "lr": lr}
    await host_training(
        grid,
        "mnist",
        "1.0",
        model=initial_model(0),
        plans={"training_plan": training_plan()},
        client_config={key: value for key, value in config.items() if value is not None},
        server_config=server_config(workers=workers, cycles=cycles),
    )
