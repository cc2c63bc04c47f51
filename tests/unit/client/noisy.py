"""A plan with everything that a resumed training must not lose: dropout, momentum, order.

It says itself what its inputs and outputs are, so it is trained without specs.
"""

from __future__ import annotations

import numpy as np

from syft_web.author.tracing import Slot, plan, torch
from syft_web.client import Model
from syft_web.data import ArrayDataset, DataLoader

ROWS, WIDTH, OUT = 26, 12, 3
RNG = np.random.default_rng(5)
X = RNG.normal(size=(ROWS, WIDTH)).astype(np.float32)
Y = RNG.normal(size=(ROWS, OUT)).astype(np.float32)
W = RNG.normal(size=(WIDTH, OUT)).astype(np.float32)


@plan(
    Slot("data", "x", shape=(None, WIDTH), dtype="float32"),
    Slot("target", "y", shape=(None, OUT), dtype="float32"),
    Slot("client_config", "lr", dtype="float32"),
    Slot("model_param", "weight", model_index=0, shape=(WIDTH, OUT), dtype="float32"),
    Slot("optimizer_state", "momentum", shape=(WIDTH, OUT), dtype="float32"),
    outputs=[
        Slot("loss"),
        Slot("model_param", "weight", model_index=0),
        Slot("optimizer_state", "momentum"),
    ],
)
def NOISY(x, y, lr, w, v):
    kept = torch.nn.functional.dropout(x, 0.5, True)
    error = kept @ w - y
    v = v * 0.9 + kept.t() @ error
    return (error * error).sum(), w - lr * v, v


CONFIG = {"lr": 0.001, "batch_size": 4, "max_epochs": 3}


def noisy_model() -> Model:
    return Model([W])


def noisy_loader() -> DataLoader:
    """Seven batches an epoch, the last one short."""
    return DataLoader(ArrayDataset(X, Y), batch_size=4, shuffle=True, seed=11)
