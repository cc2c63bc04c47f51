"""One way to read batches, whatever the trainer was given as data."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Protocol

import numpy as np

from syft_web.data.dataset import Batch
from syft_web.data.loader import DataLoader
from syft_web.errors import DataError

__all__ = ["BatchSource", "open_source"]


class BatchSource(Protocol):
    """Batches of any epoch, from any position.

    Attributes:
        batch_size: Samples in a full batch; None when the source does not know.
        seed: What the order of the samples depends on; None when on nothing.
    """

    batch_size: int | None
    seed: int | None

    def batches(self, epoch: int, start: int) -> Iterator[tuple[Batch, Batch | None]]:
        """Pairs of data batch and target batch (None without targets)."""


def open_source(
    data: DataLoader | np.ndarray | Iterable[Batch],
    target: np.ndarray | None,
    batch_size: int | None,
    seed: int | None = None,
) -> BatchSource:
    """Choose how to read what the trainer was given.

    Args:
        data: A `DataLoader`; an array, cut into consecutive batches; or any
            iterable of batches that can be iterated again and again.
        target: An array with as many samples as ``data``; only beside an array.
        batch_size: For arrays. A loader has its own.
        seed: In place of a loader's own seed.

    Raises:
        DataError: The combination makes no sense; the message says why.
    """
    if isinstance(data, np.ndarray):
        return _ArraySource(data, target, batch_size)
    if target is not None:
        raise DataError(
            f"target goes with an array as data, not with {type(data).__name__}; "
            "let the batches hold both, e.g. DataLoader(ArrayDataset(x, y))."
        )
    if isinstance(data, DataLoader):
        return _LoaderSource(data, seed)
    if isinstance(data, Iterator) or not isinstance(data, Iterable):
        raise DataError(
            f"data is {type(data).__name__}, which cannot be read once per epoch; "
            "give a DataLoader, an array or a list of batches."
        )
    return _IterableSource(data)


class _LoaderSource:
    """Batches of a `DataLoader`; they hold data and target together."""

    def __init__(self, loader: DataLoader, seed: int | None) -> None:
        self._loader = loader
        self.batch_size: int | None = loader.batch_size
        self.seed: int | None = None
        if loader.shuffle:
            self.seed = loader.seed if seed is None else seed

    def batches(self, epoch: int, start: int) -> Iterator[tuple[Batch, None]]:
        for batch in self._loader.batches(epoch, start, seed=self.seed):
            yield batch, None


class _ArraySource:
    """Consecutive slices of arrays; a rest shorter than a batch is left out."""

    seed: int | None = None

    def __init__(self, data: np.ndarray, target: np.ndarray | None, batch_size: int | None) -> None:
        if batch_size is None:
            raise DataError(
                "data is an array, so a batch size is needed: pass batch_size, or host "
                "the model with batch_size in its client_config."
            )
        if data.ndim == 0:
            raise DataError("data is a scalar; its first axis should count the samples.")
        if target is not None and (target.ndim == 0 or len(target) != len(data)):
            raise DataError(
                f"data has {len(data)} samples, target has shape {target.shape}; "
                "both need the same first axis."
            )
        self._data, self._target = data, target
        self._size = batch_size
        self.batch_size: int | None = batch_size

    def batches(self, epoch: int, start: int) -> Iterator[tuple[np.ndarray, np.ndarray | None]]:
        del epoch
        for batch in range(start, len(self._data) // self._size):
            rows = slice(batch * self._size, (batch + 1) * self._size)
            yield self._data[rows], None if self._target is None else self._target[rows]


class _IterableSource:
    """Batches of a list or the like, the same every epoch."""

    batch_size: int | None = None
    seed: int | None = None

    def __init__(self, batches: Iterable[Batch]) -> None:
        self._batches = batches

    def batches(self, epoch: int, start: int) -> Iterator[tuple[Batch, None]]:
        del epoch
        for batch in islice(self._batches, start, None):
            yield batch, None
