"""Host the MNIST model and its plans on a running grid.

    python -m examples.mnist.host --grid ws://localhost:5000 --workers 3 --cycles 5

Run it from the project's folder, once for each model version: a grid keeps a
version as it was hosted.
"""

from __future__ import annotations

import argparse
import asyncio

from examples.mnist import config, plan
from syft_web.author.hosting import host_training


async def host(
    grid: str, *, version: str = config.VERSION, workers: int = 3, cycles: int = 5, seed: int = 0
) -> None:
    """Host it.

    Args:
        grid: Address of the grid, e.g. ``ws://localhost:5000``.
        version: Version of the model.
        workers: Reports in each cycle.
        cycles: Cycles in all.
        seed: For the parameters to begin with.
    """
    await host_training(
        grid,
        config.NAME,
        version,
        plan.initial_model(seed),
        {"training_plan": plan.training_plan(), "inference_plan": plan.inference_plan()},
        config.client_config(),
        config.server_config(workers, cycles),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description="Host the MNIST model on a grid.")
    parser.add_argument("--grid", default="ws://localhost:5000", help="address of the grid")
    parser.add_argument("--version", default=config.VERSION, help="version of the model")
    parser.add_argument("--workers", type=int, default=3, help="reports in each cycle")
    parser.add_argument("--cycles", type=int, default=5, help="cycles in all")
    parser.add_argument("--seed", type=int, default=0, help="for the initial parameters")
    args = parser.parse_args()
    asyncio.run(
        host(
            args.grid,
            version=args.version,
            workers=args.workers,
            cycles=args.cycles,
            seed=args.seed,
        )
    )
    print(f"{config.NAME} {args.version} is hosted on {args.grid}.")


if __name__ == "__main__":
    main()
