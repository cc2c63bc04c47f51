"""DataLoader: batches of a dataset, epoch after epoch."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from syft_web.data.dataset import ArrayDataset, Batch, Dataset, collate
from syft_web.data.sampler import BatchSampler, RandomSampler, Sampler, SequentialSampler
from syft_web.errors import DataError

__all__ = ["DataLoader"]


class DataLoader:
    """Iterates over a dataset in batches.

    Every ``iter(loader)`` is a new epoch: with ``shuffle`` it has an order of its
    own, which depends on nothing but the seed and the number of the epoch.
    `batches` gives any epoch from any position, so training can go on where it
    was stopped.

    Args:
        dataset: A `Dataset`, an array, or any sequence of samples.
        batch_size: Samples in a batch.
        shuffle: A fresh order every epoch; otherwise first to last.
        drop_last: Leave out a last batch that would be short.
        seed: For the shuffle. Without one, a random one is drawn; `seed` tells it.

    Attributes:
        seed: What the order depends on.
        epoch: Number of the epoch that the next ``iter(loader)`` gives.

    Raises:
        DataError: The batch size or the seed is out of range, or ``dataset`` has no
            length or no items.
    """

    def __init__(
        self,
        dataset: Dataset | np.ndarray | Sequence[Any],
        batch_size: int = 1,
        shuffle: bool = True,
        drop_last: bool = False,
        seed: int | None = None,
    ) -> None:
        if isinstance(dataset, np.ndarray):
            dataset = ArrayDataset(dataset)
        if not (hasattr(dataset, "__len__") and hasattr(dataset, "__getitem__")):
            raise DataError(
                f"DataLoader: {type(dataset).__name__} has no length or no items; give a "
                "Dataset, an array or a sequence of samples."
            )
        if seed is not None and (isinstance(seed, bool) or seed < 0):
            raise DataError(f"DataLoader: seed must be an integer of at least 0, got {seed!r}.")
        self.dataset = dataset
        self.shuffle = shuffle
        # 32 bits pass through JSON and JavaScript unharmed.
        self.seed = secrets.randbits(32) if seed is None else int(seed)
        self.epoch = 0
        self._batches = BatchSampler(self._sampler(self.seed), batch_size, drop_last)

    @property
    def batch_size(self) -> int:
        """Samples in a batch (the last may be shorter)."""
        return self._batches.batch_size

    @property
    def drop_last(self) -> bool:
        """Whether a short last batch is left out."""
        return self._batches.drop_last

    def __len__(self) -> int:
        return len(self._batches)

    def __iter__(self) -> Iterator[Batch]:
        epoch, self.epoch = self.epoch, self.epoch + 1
        return self.batches(epoch)

    def batches(self, epoch: int, start: int = 0, *, seed: int | None = None) -> Iterator[Batch]:
        """Batches of one epoch.

        Args:
            epoch: Its number, from 0. Same number, same order.
            start: First batch to give; those before it are not even read.
            seed: In place of the loader's own, e.g. the one of a checkpoint.
        """
        batches = self._batches
        if seed is not None and seed != self.seed:
            batches = BatchSampler(self._sampler(seed), self.batch_size, self.drop_last)
        return map(self._take, batches.batches(epoch, start))

    def _sampler(self, seed: int) -> Sampler:
        length = len(self.dataset)
        return RandomSampler(length, seed) if self.shuffle else SequentialSampler(length)

    def _take(self, indices: np.ndarray) -> Batch:
        if isinstance(self.dataset, Dataset):
            return self.dataset.take(indices)
        return collate([self.dataset[int(index)] for index in indices])
