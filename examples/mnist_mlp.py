"""MNIST with a perceptron, written in PyTorch.

    ./build.sh site                       # fetches the images, among other things
    python -m examples.mnist_mlp

Three workers, each with a third of the images. The same bundle trains in browsers with
``./build.sh demo --model mnist_mlp``. Needs the extra ``torch``.
"""

from __future__ import annotations

import torch
from torch import nn

from examples.mnist_training import BATCH, PIXELS, example_batch, train_mnist
from syft_web.author import Bundle
from syft_web.author.torch import inference_plan, model_state, training_plan


def bundle() -> Bundle:
    """The model, its plans and its settings."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(PIXELS, 392), nn.ReLU(), nn.Linear(392, 10))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
    x, y = example_batch()
    return Bundle(
        "mnist_mlp",
        "1.0",
        model_state(model),
        {
            "training_plan": training_plan(model, nn.CrossEntropyLoss(), optimizer, x, y),
            "inference_plan": inference_plan(model, x),
        },
        {"batch_size": BATCH, "lr": 0.5, "max_updates": 40},
    )


if __name__ == "__main__":
    train_mnist(bundle())
