"""A dataset whose samples are made in the page."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import numpy as np

from syft_web.data import Batch, Dataset
from syft_web.errors import DataError

__all__ = ["PageDataset"]


class PageDataset(Dataset):
    """Samples that the page has: a batch of them is asked for, and comes later.

    The order is chosen here, so that a training can go on where it stopped.

    Args:
        length: Number of samples.

    Attributes:
        ask: Called with the numbers of a batch's samples; gives the batch when it is there.
    """

    def __init__(self, length: int) -> None:
        self._length = length
        self.ask: Callable[[list[int]], Awaitable[Batch]] | None = None

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, index: int) -> Any:
        raise DataError(f"Sample {index} is in the page, which gives whole batches only.")

    def take(self, indices: np.ndarray) -> Awaitable[Batch]:
        """Ask the page for a batch."""
        if self.ask is None:
            raise DataError("No training is under way for which the page could make a batch.")
        return self.ask(indices.tolist())
