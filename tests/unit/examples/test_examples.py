"""The examples that need torch or jax: each hosts a model and trains it with its own workers."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from examples.local_training import train_here
from syft_web.author import Bundle
from syft_web.data import ArrayDataset
from tests.paths import ROOT

pytest.importorskip("torch")
pytest.importorskip("jax")


def test_jax():
    from examples import jax_mlp as example

    shards = [example.spirals(seed, 160) for seed in range(2)]
    losses = train_here(example.bundle(), shards, cycles=3, tell=lambda line: None)
    assert losses[-1] < losses[0] * 0.8


def test_linear_regression_as_the_readme_starts_it():
    done = subprocess.run(
        [sys.executable, "-m", "examples.linear_regression"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert [line.split(":")[0] for line in lines] == [f"cycle {i}" for i in range(1, 5)] + ["true"]
    losses = [float(line.split("loss ")[1].split(",")[0]) for line in lines[:4]]
    assert losses[-1] < 0.02 < losses[0]
    assert "[ 2." in lines[3] or "[ 1.99" in lines[3]


def test_text_classifier():
    from examples import text_classifier as example

    shards = [example.words(seed, 320) for seed in range(2)]
    first, second = train_here(example.bundle(), shards, cycles=2, tell=lambda line: None)
    assert second < first / 2


def test_tiny_transformer():
    from examples import tiny_transformer as example

    data, alphabet = example.windows()
    bundle = short(example.bundle(len(alphabet)), 15)
    first, second = train_here(bundle, [data.shard(0, 2)], cycles=2, tell=lambda line: None)
    assert first < np.log(len(alphabet)) + 0.2
    assert second < first - 0.3


@pytest.mark.parametrize("name", ["mnist_mlp", "mnist_cnn"])
def test_mnist(name):
    """With pictures that are easily told apart: a bright row at a place of its own each."""
    from examples import mnist_cnn, mnist_mlp, mnist_training

    bundle = short({"mnist_mlp": mnist_mlp, "mnist_cnn": mnist_cnn}[name].bundle(), 12)
    rng = np.random.default_rng(0)
    labels = np.arange(768) % 10
    images = rng.random((768, 28, 28), np.float32) * np.float32(0.2)
    images[np.arange(768), 2 + labels * 2] = 1
    data = ArrayDataset(images.reshape(768, 784), np.eye(10, dtype=np.float32)[labels])
    scores = []

    def score(checkpoint):
        scores.append(
            mnist_training.accuracy(bundle.plans["inference_plan"], checkpoint, data.shard(2, 3))
        )
        return ""

    shards = [data, data]
    train_here(bundle, shards, cycles=2, score=score, tell=lambda line: None)
    assert scores[-1] > 0.8


def short(bundle: Bundle, updates: int) -> Bundle:
    return replace(bundle, client_config={**bundle.client_config, "max_updates": updates})
