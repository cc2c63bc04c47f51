"""A perceptron in jax that tells three spirals apart, trained by workers that each saw one part.

    python -m examples.jax_mlp

Nothing of jax is needed where a plan runs, only where it is made: the extra ``jax``.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from examples.local_training import train_here
from syft_web.author import Bundle
from syft_web.author.jax import inference_plan, model_state, sgd, training_plan
from syft_web.data import ArrayDataset
from syft_web.plan.plan import Plan, State

ARMS, HIDDEN = 3, 32


def apply(params: Any, x: Any) -> Any:
    """Logits (rows, ARMS) for points (rows, 2)."""
    hidden = jnp.tanh(x @ params["hidden"]["kernel"] + params["hidden"]["bias"])
    return hidden @ params["out"]["kernel"] + params["out"]["bias"]


def loss(logits: Any, arms: Any) -> Any:
    """Mean cross entropy."""
    rows = jnp.arange(arms.shape[0])
    return -jnp.mean(jax.nn.log_softmax(logits)[rows, arms])


def start(seed: int = 0) -> Any:
    """Parameters before training."""
    rng = np.random.default_rng(seed)

    def layer(inputs: int, outputs: int) -> dict[str, np.ndarray]:
        kernel = rng.normal(scale=inputs**-0.5, size=(inputs, outputs))
        return {"kernel": kernel.astype(np.float32), "bias": np.zeros(outputs, np.float32)}

    return {"hidden": layer(2, HIDDEN), "out": layer(HIDDEN, ARMS)}


def bundle() -> Bundle:
    """The model, its plans and its settings."""
    params = start()
    x, y = np.zeros((8, 2), np.float32), np.zeros(8, np.int64)
    plan = training_plan(apply, params, loss, sgd(lr=0.3, momentum=0.9), x, y)
    return Bundle(
        "jax_mlp",
        "1.0",
        model_state(params),
        {"training_plan": plan, "inference_plan": inference_plan(apply, params, x)},
        {"batch_size": 32, "lr": 0.3},
    )


def spirals(seed: int, count: int = 480) -> ArrayDataset:
    """Points (count, 2) of three spiral arms, and the number of the arm of each."""
    rng = np.random.default_rng(seed)
    arm = rng.integers(0, ARMS, count)
    far = rng.uniform(0.1, 1, count)
    angle = 2 * np.pi * arm / ARMS + 3 * far + rng.normal(scale=0.1, size=count)
    points = 2 * far[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return ArrayDataset(points.astype(np.float32), arm.astype(np.int64))


def main() -> None:
    """Train and print how many points of a new part are told apart."""
    hosted = bundle()
    infer: Plan = hosted.plans["inference_plan"]
    points, arms = spirals(99).arrays

    def score(checkpoint: State) -> str:
        (logits,) = infer.execute(points, *checkpoint.tensors)
        return f"accuracy {np.mean(logits.argmax(1) == arms):.3f}"

    train_here(hosted, [spirals(seed) for seed in range(3)], cycles=10, score=score)


if __name__ == "__main__":
    main()
