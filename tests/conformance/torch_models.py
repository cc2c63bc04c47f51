"""Eleven small models of common kinds, each with its loss, optimizers and data."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

__all__ = ["MODELS", "Case"]

F = nn.functional

Optimizer = Callable[[nn.Module], torch.optim.Optimizer]
SIDE, CLASSES, WORDS, STEPS, WIDTH = 12, 10, 30, 6, 16


@dataclass(frozen=True)
class Case:
    """One model and how it is trained.

    Attributes:
        model: Makes the module, from the global seed.
        loss: The loss.
        data: Makes inputs and targets of so many rows.
        optimizers: By name; ``sgd`` is always there.
    """

    model: Callable[[], nn.Module]
    loss: Callable[..., Tensor]
    data: Callable[[int], tuple[Tensor, Tensor]]
    optimizers: dict[str, Optimizer]

    def build(self, optimizer: str) -> tuple[nn.Module, torch.optim.Optimizer]:
        """Model and optimizer, always with the same start values."""
        torch.manual_seed(7)
        model = self.model()
        return model, self.optimizers[optimizer](model)

    def batches(self, rows: int, count: int) -> Iterator[tuple[Tensor, Tensor]]:
        """Batches of so many rows, always the same."""
        torch.manual_seed(1000 + rows)
        for _ in range(count):
            yield self.data(rows)


def _sgd(lr: float = 0.1, **rest: Any) -> Optimizer:
    return lambda m: torch.optim.SGD(m.parameters(), lr=lr, **rest)


def _adam(lr: float = 1e-3, **rest: Any) -> Optimizer:
    return lambda m: torch.optim.Adam(m.parameters(), lr=lr, **rest)


def _adamw(lr: float = 1e-3, **rest: Any) -> Optimizer:
    return lambda m: torch.optim.AdamW(m.parameters(), lr=lr, **rest)


def _images(rows: int) -> tuple[Tensor, Tensor]:
    return torch.randn(rows, 1, SIDE, SIDE), torch.randint(0, CLASSES, (rows,))


def _flat(rows: int) -> tuple[Tensor, Tensor]:
    return torch.randn(rows, 20), torch.randint(0, CLASSES, (rows,))


def _words(rows: int) -> tuple[Tensor, Tensor]:
    return torch.randint(0, WORDS, (rows, STEPS)), torch.randint(0, CLASSES, (rows,))


def _mlp() -> nn.Module:
    return nn.Sequential(nn.Linear(20, 16), nn.ReLU(), nn.Linear(16, CLASSES))


class LeNet(nn.Module):
    """Two convolutions, pooling, three dense layers, dropout."""

    def __init__(self, dropout: float) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 4, 5, padding=2)
        self.conv2 = nn.Conv2d(4, 6, 3)
        self.fc1 = nn.Linear(6 * 2 * 2, 20)
        self.fc2 = nn.Linear(20, 16)
        self.fc3 = nn.Linear(16, CLASSES)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        x = x.view(x.size(0), -1)
        x = self.dropout(F.relu(self.fc1(x)))
        return self.fc3(F.relu(self.fc2(x)))


class Block(nn.Module):
    """A residual block with batch normalisation."""

    def __init__(self, before: int, after: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(before, after, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(after)
        self.conv2 = nn.Conv2d(after, after, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(after)
        self.short = (
            nn.Identity()
            if before == after and stride == 1
            else nn.Sequential(
                nn.Conv2d(before, after, 1, stride, bias=False), nn.BatchNorm2d(after)
            )
        )

    def forward(self, x: Tensor) -> Tensor:
        out = F.relu(self.bn1(self.conv1(x)), inplace=True)
        out = self.bn2(self.conv2(out))
        out += self.short(x)
        return F.relu(out)


def _resnet() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, 1, 1, bias=False),
        nn.BatchNorm2d(4),
        nn.ReLU(inplace=True),
        Block(4, 4, 1),
        Block(4, 8, 2),
        nn.AvgPool2d(2),
        nn.Flatten(),
        nn.Linear(8 * 3 * 3, CLASSES),
    )


class Recurrent(nn.Module):
    """Embedding, LSTM or GRU, and a dense layer on the last step."""

    def __init__(self, kind: type[nn.RNNBase]) -> None:
        super().__init__()
        self.embedding = nn.Embedding(WORDS, 8)
        self.rnn = kind(8, 12, batch_first=True)
        self.out = nn.Linear(12, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        steps, _ = self.rnn(self.embedding(x))
        return self.out(steps[:, -1])


class Encoder(nn.Module):
    """A transformer block written by hand: attention, two norms, a dense part."""

    def __init__(self, fused: bool) -> None:
        super().__init__()
        self.fused = fused
        self.embedding = nn.Embedding(WORDS, WIDTH)
        self.place = nn.Parameter(torch.zeros(STEPS, WIDTH))
        self.qkv = nn.Linear(WIDTH, 3 * WIDTH)
        self.mix = nn.Linear(WIDTH, WIDTH)
        self.norm1, self.norm2 = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.up, self.down = nn.Linear(WIDTH, 32), nn.Linear(32, WIDTH)
        self.dropout = nn.Dropout(0.0)
        self.out = nn.Linear(WIDTH, CLASSES)

    def attention(self, x: Tensor) -> Tensor:
        rows, steps, _ = x.shape
        q, k, v = self.qkv(x).view(rows, steps, 3, 4, WIDTH // 4).permute(2, 0, 3, 1, 4).unbind(0)
        if self.fused:
            heads = F.scaled_dot_product_attention(q, k, v)
        else:
            weights = torch.softmax(q @ k.transpose(-2, -1) / math.sqrt(WIDTH // 4), dim=-1)
            heads = self.dropout(weights) @ v
        return self.mix(heads.transpose(1, 2).reshape(rows, steps, WIDTH))

    def forward(self, x: Tensor) -> Tensor:
        h = self.embedding(x) + self.place
        h = self.norm1(h + self.dropout(self.attention(h)))
        h = self.norm2(h + self.dropout(self.down(F.gelu(self.up(h)))))
        return self.out(h.mean(dim=1))


class TorchEncoder(nn.Module):
    """``nn.TransformerEncoderLayer`` as it is."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(WORDS, WIDTH)
        self.layer = nn.TransformerEncoderLayer(
            WIDTH, 4, 32, dropout=0.0, activation="gelu", batch_first=True
        )
        self.out = nn.Linear(WIDTH, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        return self.out(self.layer(self.embedding(x)).mean(dim=1))


class Answer(nn.Module):
    """One number for each row."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.line = nn.Linear(features, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.line(x)[:, 0]


def _autoencoder() -> nn.Module:
    return nn.Sequential(
        nn.Linear(20, 12),
        nn.ReLU(),
        nn.Linear(12, 4),
        nn.LeakyReLU(0.1),
        nn.Linear(4, 12),
        nn.Tanh(),
        nn.Linear(12, 20),
        nn.Sigmoid(),
    )


def _self(rows: int) -> tuple[Tensor, Tensor]:
    x = torch.rand(rows, 20)
    return x, x


MODELS: dict[str, Case] = {
    "mlp": Case(
        _mlp,
        F.cross_entropy,
        _flat,
        {"sgd": _sgd(), "momentum": _sgd(momentum=0.9), "adam": _adam()},
    ),
    "lenet": Case(
        lambda: LeNet(0.0),
        nn.CrossEntropyLoss(),
        _images,
        {"sgd": _sgd(0.05), "momentum": _sgd(0.05, momentum=0.9, nesterov=True)},
    ),
    "resnet": Case(_resnet, nn.CrossEntropyLoss(), _images, {"sgd": _sgd(0.05), "adam": _adam()}),
    "lstm": Case(lambda: Recurrent(nn.LSTM), nn.CrossEntropyLoss(), _words, {"sgd": _sgd()}),
    "gru": Case(lambda: Recurrent(nn.GRU), nn.CrossEntropyLoss(), _words, {"sgd": _sgd()}),
    "encoder": Case(
        lambda: Encoder(True), nn.CrossEntropyLoss(), _words, {"sgd": _sgd(0.05), "adamw": _adamw()}
    ),
    "encoder_softmax": Case(
        lambda: Encoder(False),
        nn.CrossEntropyLoss(),
        _words,
        {"sgd": _sgd(0.05), "adamw": _adamw()},
    ),
    "encoder_torch": Case(
        TorchEncoder, nn.CrossEntropyLoss(), _words, {"sgd": _sgd(0.05), "adam": _adam()}
    ),
    "logreg": Case(
        lambda: Answer(20),
        nn.BCEWithLogitsLoss(),
        lambda rows: (torch.randn(rows, 20), torch.randint(0, 2, (rows,)).float()),
        {"sgd": _sgd(weight_decay=0.01)},
    ),
    "linreg": Case(
        lambda: Answer(20),
        nn.MSELoss(),
        lambda rows: (torch.randn(rows, 20), torch.randn(rows)),
        {"sgd": _sgd(0.02)},
    ),
    "autoencoder": Case(_autoencoder, nn.MSELoss(), _self, {"sgd": _sgd(), "adam": _adam()}),
}
"""By name. Dropout is 0, so that the results can be compared."""
