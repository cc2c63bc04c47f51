"""What the translation of a jaxpr knows about each value."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from syft_web.plan.values import Ref

__all__ = [
    "Opaque",
    "Shape",
    "Size",
    "Value",
    "broadcast",
    "count",
    "is_static",
    "known",
    "same",
]

Size = Any
"""An int, or jax's expression of the size of the batch."""

Shape = tuple[Size, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Value:
    """A tensor of the plan, or a constant.

    Broadcasts cost nothing until something needs their elements: a value may hold fewer
    elements than it has, and is repeated to its shape by the rules of numpy.

    Attributes:
        shape: Its shape.
        dtype: Its dtype.
        held: The shape of what is held; broadcasts to `shape`.
        ref: Where the plan has it; None for a constant.
        known: The elements of a constant, of the shape `held`.
    """

    shape: Shape
    dtype: np.dtype
    held: Shape
    ref: Ref | None = None
    known: np.ndarray | None = None

    @property
    def number(self) -> bool | int | float | None:
        """The one number that all elements of a constant are; else None."""
        if self.known is None or self.known.size != 1:
            return None
        number: bool | int | float = self.known.reshape(()).item()
        return number

    @property
    def whole(self) -> bool:
        """Whether all its elements are held."""
        return same(self.held, self.shape)


@dataclass(frozen=True, slots=True, eq=False)
class Opaque:
    """A random key: it stands for the worker's own random numbers and has no elements.

    Attributes:
        shape: Its shape.
    """

    shape: Shape


def known(array: np.ndarray, shape: Shape | None = None) -> Value:
    """A constant; where all elements are equal, one of them is held.

    Args:
        array: The elements.
        shape: The shape that they broadcast to, by default their own.
    """
    array = np.asarray(array)
    shape = tuple(array.shape) if shape is None else shape
    if array.size and (
        array.size == 1 or array.tobytes() == array.reshape(-1)[:1].tobytes() * array.size
    ):
        array = array.reshape(-1)[:1].reshape(())
    return Value(shape, array.dtype, tuple(array.shape), known=array)


def is_static(size: Size) -> bool:
    """Whether a size is a number, whatever the batch."""
    return isinstance(size, int | np.integer)


def same(a: Sequence[Size], b: Sequence[Size]) -> bool:
    """Whether two shapes are equal for every batch."""
    return len(a) == len(b) and all(_equal(x, y) for x, y in zip(a, b, strict=True))


def broadcast(*shapes: Shape) -> Shape:
    """The shape that these broadcast to; sizes that are not 1 are equal."""
    rank = max(map(len, shapes))
    padded = [(1,) * (rank - len(s)) + tuple(s) for s in shapes]
    return tuple(
        next((n for n in sizes if not _equal(n, 1)), 1) for sizes in zip(*padded, strict=True)
    )


def count(shape: Sequence[Size]) -> Size:
    """The number of elements."""
    total: Size = 1
    for n in shape:
        total = total * n
    return total


def _equal(a: Size, b: Size) -> bool:
    if is_static(a) and is_static(b):
        return bool(a == b)
    # An expression of the batch is never a constant.
    return not is_static(a) and not is_static(b) and bool(a == b)
