"""Samplers: in what order samples are taken.

An order depends on nothing but ``(seed, epoch)``, so that training can be
stopped, stored and resumed with the samples it would have seen.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

import numpy as np

from syft_web.errors import DataError

__all__ = ["BatchSampler", "RandomSampler", "Sampler", "SequentialSampler"]


class Sampler(Protocol):
    """Gives the order of the samples of an epoch."""

    def __len__(self) -> int:
        """Number of samples in an epoch."""

    def order(self, epoch: int) -> np.ndarray:
        """Sample numbers of an epoch, ``(len(self),)`` int64; same epoch, same answer."""


class SequentialSampler:
    """First to last, every epoch.

    Args:
        length: Number of samples.
    """

    def __init__(self, length: int) -> None:
        self.length = length

    def __len__(self) -> int:
        return self.length

    def order(self, epoch: int) -> np.ndarray:
        """0, 1, 2, ... as ``(length,)`` int64."""
        del epoch
        return np.arange(self.length, dtype=np.int64)


class RandomSampler:
    """A fresh shuffle every epoch, the same for the same seed.

    Args:
        length: Number of samples.
        seed: Any non-negative integer.
    """

    def __init__(self, length: int, seed: int) -> None:
        self.length = length
        self.seed = seed

    def __len__(self) -> int:
        return self.length

    def order(self, epoch: int) -> np.ndarray:
        """A permutation of 0 .. length - 1, ``(length,)`` int64.

        It sorts raw 64-bit words of PCG64: the raw stream is what NumPy promises to
        keep between versions and platforms, ``Generator.permutation`` is not.
        """
        words = np.random.PCG64([self.seed, epoch]).random_raw(self.length)
        return np.argsort(words, kind="stable").astype(np.int64, copy=False)


class BatchSampler:
    """Cuts a sampler's order into batches.

    Args:
        sampler: Where the order comes from.
        batch_size: Samples in a batch, at least 1.
        drop_last: Leave out a last batch that would be short.

    Raises:
        DataError: The batch size is no positive integer.
    """

    def __init__(self, sampler: Sampler, batch_size: int, drop_last: bool = False) -> None:
        if isinstance(batch_size, bool) or not isinstance(batch_size, int) or batch_size < 1:
            raise DataError(f"batch size: expected an integer of at least 1, got {batch_size!r}.")
        self.sampler = sampler
        self.batch_size = batch_size
        self.drop_last = drop_last

    def __len__(self) -> int:
        full, rest = divmod(len(self.sampler), self.batch_size)
        return full + (1 if rest and not self.drop_last else 0)

    def batches(self, epoch: int, start: int = 0) -> Iterator[np.ndarray]:
        """Sample numbers of each batch of an epoch, from batch ``start`` on."""
        order = self.sampler.order(epoch)
        for batch in range(start, len(self)):
            yield order[batch * self.batch_size : (batch + 1) * self.batch_size]
