"""What the MNIST examples in PyTorch share: the shape of a batch, training without a page."""

from __future__ import annotations

import argparse

import numpy as np
import torch

from examples.local_training import train_here
from examples.mnist.data import load
from syft_web.author import Bundle
from syft_web.data import ArrayDataset, DataLoader
from syft_web.plan.plan import Plan, State
from syft_web.plan.signature import Signature

__all__ = ["BATCH", "CLASSES", "PIXELS", "accuracy", "example_batch", "train_mnist"]

BATCH, PIXELS, CLASSES = 64, 784, 10


def example_batch() -> tuple[torch.Tensor, torch.Tensor]:
    """Images (8, 784) and one-hot labels (8, 10), as the page makes them."""
    return torch.zeros(8, PIXELS), torch.zeros(8, CLASSES)


def accuracy(inference: Plan, model: State, test: ArrayDataset) -> float:
    """Share of the test images that a checkpoint gets right.

    Args:
        inference: Takes images, and gives scores (B, 10).
        model: The checkpoint.
        test: Images (B, 784) float32 and one-hot labels (B, 10).
    """
    signature = Signature.of(inference)
    right = 0
    for images, labels in DataLoader(test, batch_size=500, shuffle=False):
        if signature is None:
            args = [images, *model.tensors]
        else:
            args = signature.arguments(data=[images], model=model.tensors)
        scores = inference.execute(*args)[0]
        right += int(np.sum(scores.argmax(axis=1) == labels.argmax(axis=1)))
    return right / len(test)


def train_mnist(bundle: Bundle, *, cycles: int = 5, workers: int = 3) -> list[float]:
    """Train with workers in this process, and print loss and accuracy of each cycle."""
    parser = argparse.ArgumentParser(description="Train MNIST here, without a browser.")
    parser.add_argument("--data", default="build/site/data/mnist", help="folder of the IDX files")
    folder = parser.parse_args().data
    images, test = load(folder), load(folder, "t10k")
    shards = [images.shard(i, workers) for i in range(workers)]

    def score(checkpoint: State) -> str:
        return f"test accuracy {accuracy(bundle.plans['inference_plan'], checkpoint, test):.3f}"

    return train_here(bundle, shards, cycles=cycles, score=score)
