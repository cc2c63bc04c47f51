"""A tiny transformer that learns to write the next character.

    python -m examples.tiny_transformer

Each worker has a part of a text; the model sees 24 characters and guesses the 25th. Attention,
layer norm and GELU run in the browser just so. Needs the extra ``torch``.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from examples.local_training import train_here
from syft_web.author import Bundle
from syft_web.author.torch import inference_plan, model_state, training_plan
from syft_web.data import ArrayDataset
from syft_web.plan.plan import State

TEXT = Path(__file__).resolve().parent.parent / "LICENSE"
WINDOW, WIDTH = 24, 32


class Writer(nn.Module):
    """Characters (B, 24) int64 -> scores of the next (B, characters)."""

    def __init__(self, characters: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(characters, WIDTH)
        self.places = nn.Parameter(torch.randn(WINDOW, WIDTH) * 0.02)
        self.block = nn.TransformerEncoderLayer(
            WIDTH, 4, 64, dropout=0.0, activation="gelu", batch_first=True, norm_first=True
        )
        self.head = nn.Linear(WIDTH, characters)

    def forward(self, text: Tensor) -> Tensor:
        """Scores of the next character."""
        scores: Tensor = self.head(self.block(self.embedding(text) + self.places)[:, -1])
        return scores


def windows() -> tuple[ArrayDataset, str]:
    """Every window of the text, with the character after it; and the alphabet."""
    text = " ".join(TEXT.read_text(encoding="utf-8").lower().split())
    alphabet = "".join(sorted(set(text)))
    codes = np.array([alphabet.index(character) for character in text])
    rows = np.lib.stride_tricks.sliding_window_view(codes, WINDOW + 1)
    return ArrayDataset(rows[:, :-1].astype(np.int64), rows[:, -1].astype(np.int64)), alphabet


def bundle(characters: int) -> Bundle:
    """The model, its plans and its settings."""
    torch.manual_seed(0)
    model = Writer(characters)
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.005, weight_decay=0.01)
    x, y = torch.zeros(8, WINDOW, dtype=torch.int64), torch.zeros(8, dtype=torch.int64)
    return Bundle(
        "tiny_transformer",
        "1.0",
        model_state(model),
        {
            "training_plan": training_plan(model, nn.CrossEntropyLoss(), optimizer, x, y),
            "inference_plan": inference_plan(model, x),
        },
        {"batch_size": 64, "lr": 0.005, "max_updates": 60},
    )


def main() -> None:
    """Train, and let each checkpoint write a line."""
    data, alphabet = windows()
    hosted = bundle(len(alphabet))
    start, _ = data[0]

    def score(checkpoint: State) -> str:
        text = list(start)
        for _ in range(40):
            line = np.array([text[-WINDOW:]])
            scores = hosted.plans["inference_plan"].execute(line, *checkpoint.tensors)[0]
            text.append(int(scores[0].argmax()))
        return repr("".join(alphabet[code] for code in text[WINDOW:]))

    train_here(hosted, [data.shard(i, 2) for i in range(2)], cycles=4, score=score)


if __name__ == "__main__":
    main()
