"""Linear regression: the smallest training there is, from an ordinary torch module.

    python -m examples.linear_regression

Three workers have noisy points of the same plane. None sees the others' points; together they
find the plane. Needs the extra ``torch``.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from examples.local_training import train_here
from syft_web.author import Bundle
from syft_web.author.torch import inference_plan, model_state, training_plan
from syft_web.data import ArrayDataset
from syft_web.plan.plan import State

WEIGHTS, BIAS = np.array([2.0, -3.0, 0.5], np.float32), 1.0


def bundle() -> Bundle:
    """The model, its plans and its settings."""
    torch.manual_seed(0)
    model = nn.Linear(3, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    x, y = torch.zeros(8, 3), torch.zeros(8, 1)
    plan = training_plan(model, nn.MSELoss(), optimizer, x, y, metrics=())
    return Bundle(
        "linear_regression",
        "1.0",
        model_state(model),
        {"training_plan": plan, "inference_plan": inference_plan(model, x)},
        {"batch_size": 16, "lr": 0.05},
    )


def points(seed: int, count: int = 256) -> ArrayDataset:
    """Points (count, 3) of the plane, and their noisy heights (count, 1)."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(count, 3)).astype(np.float32)
    y = x @ WEIGHTS + np.float32(BIAS) + rng.normal(scale=0.1, size=count).astype(np.float32)
    return ArrayDataset(x, y[:, None].astype(np.float32))


def main() -> None:
    """Train and print what was found."""

    def score(checkpoint: State) -> str:
        weight, bias = checkpoint.tensors
        return f"weights {np.round(weight[0], 3)}, bias {bias[0]:.3f}"

    train_here(bundle(), [points(seed) for seed in range(3)], cycles=4, score=score)
    print(f"true:    weights {WEIGHTS}, bias {BIAS}")


if __name__ == "__main__":
    main()
