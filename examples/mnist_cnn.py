"""MNIST with a convolutional network: convolution, pooling, dropout, batch norm and Adam.

    ./build.sh site                       # fetches the images, among other things
    python -m examples.mnist_cnn

The running statistics of the batch norm are part of the model and are averaged like its
parameters; Adam's own state stays with each worker. The same bundle trains in browsers with
``./build.sh demo --model mnist_cnn``. Needs the extra ``torch``.
"""

from __future__ import annotations

import torch
from torch import nn

from examples.mnist_training import BATCH, example_batch, train_mnist
from syft_web.author import Bundle
from syft_web.author.torch import inference_plan, model_state, training_plan


def bundle() -> Bundle:
    """The model, its plans and its settings."""
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Unflatten(1, (1, 28, 28)),
        nn.Conv2d(1, 8, 5, padding=2),
        nn.BatchNorm2d(8),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(8, 16, 5),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Dropout(0.25),
        nn.Linear(16 * 5 * 5, 10),
    )
    optimizer = torch.optim.Adam(model.parameters(), lr=0.003)
    x, y = example_batch()
    return Bundle(
        "mnist_cnn",
        "1.0",
        model_state(model),
        {
            "training_plan": training_plan(model, nn.CrossEntropyLoss(), optimizer, x, y),
            "inference_plan": inference_plan(model, x),
        },
        {"batch_size": BATCH, "lr": 0.003, "max_updates": 40},
    )


if __name__ == "__main__":
    train_mnist(bundle(), cycles=3)
