"""A text classifier: embedding, GRU, linear; which of three languages is a word of?

    python -m examples.text_classifier

Words are made up, letter by letter, from what is typical of each language, so nothing has to
be downloaded. A worker's words never leave it. Needs the extra ``torch``.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from examples.local_training import train_here
from syft_web.author import Bundle
from syft_web.author.torch import inference_plan, model_state, training_plan
from syft_web.data import ArrayDataset
from syft_web.plan.plan import State

LETTERS = "abcdefghijklmnopqrstuvwxyz"
LENGTH = 8
SYLLABLES = (
    ("ka", "ki", "to", "no", "ra", "mi", "sa", "yo", "ha", "shi"),
    ("sch", "ei", "ung", "ver", "ach", "ge", "ter", "ent", "kel", "pf"),
    ("ou", "eau", "que", "ais", "on", "le", "ette", "oi", "gne", "eur"),
)


class Classifier(nn.Module):
    """Letters (B, 8) int64 -> scores (B, 3)."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(len(LETTERS) + 1, 12, padding_idx=0)
        self.gru = nn.GRU(12, 24, batch_first=True)
        self.head = nn.Linear(24, len(SYLLABLES))

    def forward(self, letters: Tensor) -> Tensor:
        """Scores of the languages."""
        _, last = self.gru(self.embedding(letters))
        scores: Tensor = self.head(last[0])
        return scores


def words(seed: int, count: int = 600) -> ArrayDataset:
    """Words (count, 8) int64, 0 being no letter, and their languages (count,) int64."""
    rng = np.random.default_rng(seed)
    languages = rng.integers(0, len(SYLLABLES), count)
    rows = np.zeros((count, LENGTH), np.int64)
    for row, language in zip(rows, languages, strict=True):
        text = "".join(rng.choice(SYLLABLES[language], 4))[:LENGTH]
        row[: len(text)] = [LETTERS.index(letter) + 1 for letter in text]
    return ArrayDataset(rows, languages)


def bundle() -> Bundle:
    """The model, its plans and its settings."""
    torch.manual_seed(0)
    model = Classifier()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    x, y = torch.ones(8, LENGTH, dtype=torch.int64), torch.zeros(8, dtype=torch.int64)
    return Bundle(
        "text_classifier",
        "1.0",
        model_state(model),
        {
            "training_plan": training_plan(model, nn.CrossEntropyLoss(), optimizer, x, y),
            "inference_plan": inference_plan(model, x),
        },
        {"batch_size": 32, "lr": 0.01},
    )


def main() -> None:
    """Train and print how many unseen words are told apart."""
    hosted = bundle()
    unseen = words(99)
    x, y = unseen.take(np.arange(len(unseen)))

    def score(checkpoint: State) -> str:
        scores = hosted.plans["inference_plan"].execute(x, *checkpoint.tensors)[0]
        return f"{np.mean(scores.argmax(axis=1) == y):.1%} of unseen words right"

    train_here(hosted, [words(seed) for seed in range(3)], cycles=3, score=score)


if __name__ == "__main__":
    main()
