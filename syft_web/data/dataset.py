"""Datasets: something with a length, from which samples can be taken by number."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from syft_web.data.transform import Transform
from syft_web.errors import DataError

__all__ = ["ArrayDataset", "Batch", "Dataset", "collate", "samples_in"]

Batch = Any
"""An array, or a list, tuple or dict (nested if need be) of arrays, first axis samples."""


class Dataset(ABC):
    """Base of datasets of your own.

    Say how many samples there are (``__len__``) and give one (``__getitem__``): an
    array or number, or a list, tuple or dict of such. If whole batches can be
    had faster than one sample at a time, override `take`.
    """

    @abstractmethod
    def __len__(self) -> int:
        """Number of samples."""

    @abstractmethod
    def __getitem__(self, index: int) -> Any:
        """Sample ``index``, 0 to ``len(self) - 1``."""

    def take(self, indices: np.ndarray) -> Batch:
        """Collect samples into a batch.

        Args:
            indices: ``(N,)`` int64.

        Returns:
            The samples' structure, every leaf stacked along a new first axis.
        """
        return collate([self[int(index)] for index in indices])


class ArrayDataset(Dataset):
    """Samples that lie in arrays; batches are made by fancy indexing.

    Args:
        arrays: One or more, with the same number of samples along axis 0. They
            are neither copied nor changed.
        transform: For one array a callable; for several, one callable (or None)
            each. Applied to each batch, so that the arrays can stay small
            (``uint8`` pixels) and only what is used is converted.

    A batch is a tuple with one array for each array given; so is a sample.

    Raises:
        DataError: No arrays, no samples axis, different lengths, or not one
            transform for each array.
    """

    def __init__(
        self,
        *arrays: np.ndarray | Sequence[Any],
        transform: Transform | Sequence[Transform | None] | None = None,
    ) -> None:
        self.arrays = tuple(np.asarray(array) for array in arrays)
        if not self.arrays:
            raise DataError("ArrayDataset: give at least one array.")
        for position, array in enumerate(self.arrays):
            if array.ndim == 0:
                raise DataError(
                    f"ArrayDataset: array {position} is a scalar; samples need an axis."
                )
        lengths = [len(array) for array in self.arrays]
        if len(set(lengths)) > 1:
            raise DataError(f"ArrayDataset: the arrays have different lengths: {lengths}.")
        self.transforms = _one_each(transform, len(self.arrays))

    def __len__(self) -> int:
        return len(self.arrays[0])

    def __getitem__(self, index: int) -> tuple[np.ndarray, ...]:
        if not -len(self) <= index < len(self):
            raise IndexError(index)  # ends `for sample in dataset`
        position = index % len(self)
        return tuple(column[0] for column in self._columns(slice(position, position + 1)))

    def take(self, indices: np.ndarray) -> tuple[np.ndarray, ...]:
        """Collect samples into a batch, one fancy-indexing operation for each array."""
        return self._columns(indices)

    def shard(self, index: int, count: int) -> ArrayDataset:
        """One of ``count`` consecutive, nearly equal parts, without copying.

        Args:
            index: Which part, 0 to ``count - 1``.
            count: Number of parts; their lengths differ by at most one.

        Raises:
            DataError: There is no such part.
        """
        if not 0 <= index < count:
            raise DataError(f"shard: there is no part {index} of {count}; the first is 0.")
        start, stop = len(self) * index // count, len(self) * (index + 1) // count
        return ArrayDataset(
            *(array[start:stop] for array in self.arrays), transform=self.transforms
        )

    def _columns(self, where: np.ndarray | slice) -> tuple[np.ndarray, ...]:
        columns = (array[where] for array in self.arrays)
        return tuple(
            column if transform is None else transform(column)
            for column, transform in zip(columns, self.transforms, strict=True)
        )


def collate(samples: Sequence[Any]) -> Batch:
    """Stack samples into a batch, keeping their structure.

    Args:
        samples: At least one; each an array or number, or a list, tuple or dict
            of such.

    Raises:
        DataError: The samples differ in structure or shape, or are of a kind
            that cannot be stacked.
    """
    first = samples[0]
    if isinstance(first, Mapping):
        if any(not isinstance(s, Mapping) or s.keys() != first.keys() for s in samples):
            raise DataError("collate: the samples are dicts with different keys.")
        return {key: collate([sample[key] for sample in samples]) for key in first}
    if isinstance(first, list | tuple):
        if any(not isinstance(s, list | tuple) or len(s) != len(first) for s in samples):
            raise DataError("collate: the samples are lists of different lengths.")
        return type(first)(collate(list(column)) for column in zip(*samples, strict=True))
    if not isinstance(first, np.ndarray | np.generic | int | float):
        raise DataError(
            f"collate: a sample holds {type(first).__name__}; expected arrays, numbers, "
            "or lists, tuples and dicts of them."
        )
    try:
        return np.stack([np.asarray(sample) for sample in samples])
    except (ValueError, TypeError) as error:
        raise DataError(f"collate: the samples do not stack: {error}.") from error


def samples_in(batch: Batch) -> int:
    """Number of samples in a batch: the length of its first array's first axis.

    Raises:
        DataError: The batch holds no array with a first axis.
    """
    if isinstance(batch, Mapping):
        batch = list(batch.values())
    if isinstance(batch, list | tuple) and batch:
        return samples_in(batch[0])
    if isinstance(batch, np.ndarray) and batch.ndim:
        return len(batch)
    raise DataError(
        f"a batch begins with {type(batch).__name__}; expected an array whose first axis "
        "counts the samples (or a list, tuple or dict of such arrays)."
    )


def _one_each(
    transform: Transform | Sequence[Transform | None] | None, count: int
) -> tuple[Transform | None, ...]:
    if transform is None:
        return (None,) * count
    transforms = (transform,) if callable(transform) else tuple(transform)
    if len(transforms) != count:
        raise DataError(
            f"ArrayDataset: {len(transforms)} transforms for {count} arrays; "
            "give one for each, None where there is nothing to do."
        )
    return transforms
