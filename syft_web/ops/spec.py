"""What is known of an array before it exists: its shape and dtype, sometimes its value."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

__all__ = ["UNKNOWN", "Spec", "Unknown", "spec_of"]


class Unknown:
    """The type of `UNKNOWN`."""

    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN: Final = Unknown()
"""Stands for a value of which nothing is known before the plan runs (``nonzero``, ``unique``)."""


@dataclass(frozen=True, slots=True)
class Spec:
    """Shape and dtype of an array.

    Attributes:
        shape: One int per dimension.
        dtype: The numpy dtype.
        value: The number a 0-d array is certain to hold (the size of a dimension), or None.
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    value: bool | int | float | None = None

    @property
    def size(self) -> int:
        """Number of elements."""
        return math.prod(self.shape)

    @property
    def nbytes(self) -> int:
        """Bytes of the elements."""
        return self.size * self.dtype.itemsize

    @property
    def ndim(self) -> int:
        """Number of dimensions."""
        return len(self.shape)

    def __str__(self) -> str:
        return f"{self.dtype}[{','.join(map(str, self.shape))}]"


def spec_of(array: np.ndarray) -> Spec:
    """The spec of an array that exists."""
    return Spec(array.shape, array.dtype)
