"""A model for the page to train, hosted on a real grid."""

from __future__ import annotations

from examples.mnist.config import client_config, server_config
from examples.mnist.plan import inference_plan, initial_model, training_plan
from syft_web.author.hosting import host_training

__all__ = ["host_mnist"]


async def host_mnist(
    grid: str,
    *,
    updates: int,
    cycles: int = 1,
    lr: float | None = 0.1,
    workers: int = 1,
    batch_size: object = 64,
    minimum_speed: float = 0.0,
) -> None:
    """Host the MNIST example as model ``mnist`` 1.0.

    Args:
        grid: Address of the grid.
        updates: Batches in a cycle.
        cycles: Cycles until the training is over.
        lr: Learning rate; None leaves it out of the client config, which the plan needs.
        workers: Reports in a cycle.
        batch_size: Images in a batch, or something else by mistake.
        minimum_speed: Mbit/s that a worker's connection needs in both directions; 0 asks for
            no measurement.
    """
    config = client_config() | {"max_updates": updates, "lr": lr, "batch_size": batch_size}
    speeds = {"minimum_download_speed": minimum_speed, "minimum_upload_speed": minimum_speed}
    await host_training(
        grid,
        "mnist",
        "1.0",
        model=initial_model(0),
        plans={"training_plan": training_plan(), "inference_plan": inference_plan()},
        client_config={key: value for key, value in config.items() if value is not None},
        server_config=server_config(workers=workers, cycles=cycles) | speeds,
    )
