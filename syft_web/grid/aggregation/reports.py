"""What is averaged: the reports of a cycle, read one after the other as often as needed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from syft_web.errors import AggregationError

__all__ = ["Aggregator", "Reports", "Tensors", "sum_dtype"]

Tensors = Sequence[np.ndarray]
"""The arrays of one diff or model, one per parameter; perhaps read-only."""


@dataclass(frozen=True, slots=True)
class Reports:
    """The reports of one cycle, in order of assignment. There is at least one.

    Iterating reads the diffs, each time anew from where they are kept, so that only one of
    them is in memory at a time.

    Attributes:
        read: Begins to read the diffs.
        samples: How many samples each worker says it has trained on, None where it says nothing.

    Raises:
        AggregationError: There are none.
    """

    read: Callable[[], Iterable[Tensors]]
    samples: tuple[int | None, ...]

    def __post_init__(self) -> None:
        if not self.samples:
            raise AggregationError("There are no reports to average.")

    @classmethod
    def of(cls, diffs: Sequence[Tensors], samples: Sequence[int | None] | None = None) -> Reports:
        """Reports that are in memory already."""
        return cls(lambda: diffs, tuple(samples or [None] * len(diffs)))

    def __len__(self) -> int:
        return len(self.samples)

    def __iter__(self) -> Iterator[Tensors]:
        return iter(self.read())


class Aggregator(Protocol):
    """A way to make one diff of many. Every module of this package but a few is one."""

    def average(self, reports: Reports) -> list[np.ndarray]:
        """The averaged diff, one array per parameter.

        Its dtypes are those of the sums (`sum_dtype`) or wider. Nothing read is changed.

        Raises:
            AggregationError: The reports cannot be averaged.
        """


def sum_dtype(dtype: np.dtype[np.generic]) -> np.dtype[np.generic]:
    """The dtype in which parameters of ``dtype`` are summed: their own, or a wider one."""
    # Short floats would lose most of a long sum, and integers are divided in the end.
    if dtype.kind != "f":
        return np.dtype(np.float64)
    return np.dtype(np.float32) if dtype.itemsize < 4 else dtype
