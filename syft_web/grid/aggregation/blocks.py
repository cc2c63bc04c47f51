"""Looking at all diffs of a cycle at once, a block of coordinates at a time.

A median needs every worker's value of a coordinate. All diffs together would fill the memory,
so as many coordinates as fit are taken, the stored diffs read once for them, and so on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from syft_web.grid.aggregation.reports import Reports, sum_dtype

__all__ = ["MEMORY", "by_coordinate"]

MEMORY = 128 * 1024 * 1024
"""Bytes of diffs that are in memory at a time."""


@dataclass(frozen=True, slots=True)
class _Piece:
    """Coordinates ``start`` to ``stop`` of the flattened tensor ``index``."""

    index: int
    start: int
    stop: int


def by_coordinate(
    reports: Reports, reduce: Callable[[np.ndarray], np.ndarray], memory: int = MEMORY
) -> list[np.ndarray]:
    """One value for each coordinate, from every worker's value of it.

    Args:
        reports: Read once to learn the shapes and once for each block.
        reduce: From an array of shape (coordinates, workers), which it may change, to one of
            shape (coordinates,).
        memory: Bytes that a block may have.

    Returns:
        One array per parameter, of `sum_dtype`.
    """
    first = next(iter(reports))
    dtypes = [sum_dtype(tensor.dtype) for tensor in first]
    results = [np.zeros(t.shape, dtype) for t, dtype in zip(first, dtypes, strict=True)]
    row_bytes = [len(reports) * dtype.itemsize for dtype in dtypes]
    sizes = [tensor.size for tensor in first]
    del first
    for pieces in _blocks(sizes, row_bytes, memory):
        columns = [
            np.empty((piece.stop - piece.start, len(reports)), dtypes[piece.index])
            for piece in pieces
        ]
        for worker, diff in zip(range(len(reports)), reports, strict=True):
            for piece, column in zip(pieces, columns, strict=True):
                column[:, worker] = diff[piece.index].reshape(-1)[piece.start : piece.stop]
        for piece, column in zip(pieces, columns, strict=True):
            results[piece.index].reshape(-1)[piece.start : piece.stop] = reduce(column)
    return results


def _blocks(sizes: list[int], row_bytes: list[int], memory: int) -> Iterator[list[_Piece]]:
    """Cut tensors into blocks of at most ``memory`` bytes, but at least one coordinate."""
    block: list[_Piece] = []
    free = memory
    for index, (size, row) in enumerate(zip(sizes, row_bytes, strict=True)):
        start = 0
        while start < size:
            if free < row and block:
                yield block
                block, free = [], memory
            stop = min(size, start + max(1, free // row))
            block.append(_Piece(index, start, stop))
            free -= (stop - start) * row
            start = stop
    if block:
        yield block
