"""A bound on arrays whose size only the data decides.

Most sizes are known before a plan runs, and are checked then. Where a size is a value in a
tensor (the largest class number, the counts of ``repeat_interleave``), the rule asks here
before it allocates.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar

from syft_web.ops.dtypes import DType

__all__ = ["DEFAULT_LARGEST", "TooLargeError", "allocation", "at_most"]

DEFAULT_LARGEST = 1 << 30
"""Bytes that one array may have where nothing else is said: a quarter of wasm's memory."""

_largest: ContextVar[int] = ContextVar("largest", default=DEFAULT_LARGEST)


class TooLargeError(ValueError):
    """An array would be larger than allowed."""


def allocation(shape: Sequence[int], dtype: DType) -> None:
    """Refuse an array of this shape if it is too large.

    Raises:
        TooLargeError: It is; empty dimensions count as one.
    """
    size = math.prod(max(int(n), 1) for n in shape) * dtype.itemsize
    if size > _largest.get():
        shown = ",".join(map(str, shape))
        raise TooLargeError(
            f"an array {dtype}[{shown}] would have {size} bytes, {_largest.get()} are allowed"
        )


@contextmanager
def at_most(size: int) -> Iterator[None]:
    """Allow arrays of up to `size` bytes within the block."""
    token = _largest.set(size)
    try:
        yield
    finally:
        _largest.reset(token)
