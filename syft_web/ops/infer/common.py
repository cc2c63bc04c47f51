"""Small calculations with shapes that several kinds of ops share."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np

from syft_web.ops.reduce import normal_axis
from syft_web.ops.spec import Spec

__all__ = ["Shape", "broadcast", "fits", "flat_axes", "need", "reduced_shape", "specs_in"]

Shape = tuple[int, ...]


def broadcast(*shapes: Sequence[int]) -> Shape:
    """The shape that all broadcast to.

    Raises:
        ValueError: They do not fit; in the words of the original client.
    """
    result: list[int] = []
    longest = max(map(len, shapes), default=0)
    for i in range(-longest, 0):
        size = 1
        for shape in shapes:
            n = shape[i] if -i <= len(shape) else 1
            if n != 1 and size not in (1, n):
                text = " and ".join(",".join(map(str, s)) for s in shapes)
                raise ValueError(f"operands could not be broadcast together with shapes {text}")
            if n != 1:
                size = n
        result.append(size)
    return tuple(result)


def fits(shape: Sequence[int], target: Sequence[int]) -> bool:
    """Whether `shape` broadcasts to exactly `target`."""
    if len(shape) > len(target):
        return False
    ends = zip(reversed(shape), reversed(target), strict=False)
    return all(n in (1, wanted) for n, wanted in ends)


def flat_axes(ndim: int, dim: int | Sequence[int] | None) -> tuple[int, ...]:
    """Dimensions counted from 0; None and an empty list mean all.

    Raises:
        IndexError: No such dimension.
        ValueError: One is named twice.
    """
    if dim is None or (isinstance(dim, list | tuple) and not dim):
        return tuple(range(ndim))
    listed = [dim] if isinstance(dim, int) else dim
    found = tuple(normal_axis(d, ndim) for d in listed)
    if len(set(found)) != len(found):
        raise ValueError(f"a dimension appears twice in {list(listed)}")
    return found if ndim else ()


def reduced_shape(shape: Shape, dim: int | Sequence[int] | None, keepdim: bool) -> Shape:
    """The shape after reducing these dimensions (all when None)."""
    gone = set(flat_axes(len(shape), dim))
    if keepdim:
        return tuple(1 if i in gone else n for i, n in enumerate(shape))
    return tuple(n for i, n in enumerate(shape) if i not in gone)


def need(condition: bool, text: str) -> None:
    """Raise ValueError with this text unless the condition holds."""
    if not condition:
        raise ValueError(text)


def specs_in(values: Iterable[object]) -> list[Spec]:
    """Every spec among the values, also inside lists."""
    found: list[Spec] = []
    for value in values:
        if isinstance(value, Spec):
            found.append(value)
        elif isinstance(value, list | tuple):
            found += specs_in(value)
    return found


def numpy_type(*specs: Spec | None) -> np.dtype:
    """Numpy's own common dtype, for rules that leave it to numpy."""
    return np.result_type(*(s.dtype for s in specs if s is not None))


def product(sizes: Iterable[int]) -> int:
    """Number of elements."""
    return math.prod(sizes)
