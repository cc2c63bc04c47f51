"""Distinct elements, frequent elements, and combinations of elements."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import combinations, combinations_with_replacement

import numpy as np

from syft_web.ops.bounds import allocation
from syft_web.ops.dtypes import INT64, Array, common_type
from syft_web.ops.elementwise import array
from syft_web.ops.reduce import normal_axis
from syft_web.ops.row import RowCollector

__all__ = ["row"]

row = RowCollector()

_UNIQUE = "Tensor self, bool sorted=True"
_NAMES = "torch.unique .unique"


def _unique(self: Array, dim: int | None) -> tuple[Array, Array, Array]:
    """Distinct elements (or slices along `dim`), where each went, and how often each occurs."""
    if dim is None:
        axis, shape = None, self.shape
    else:
        axis = normal_axis(dim, self.ndim)
        shape = self.shape[axis : axis + 1]
    values, inverse, counts = np.unique(
        self, return_inverse=True, return_counts=True, axis=axis, equal_nan=False
    )
    return values, inverse.reshape(shape).astype(INT64), counts.astype(INT64)


@row(
    f"unique({_UNIQUE}, true return_inverse, true return_counts, int? dim=None)"
    " -> Tensor, Tensor, Tensor",
    _NAMES,
)
def unique_all(self: Array, sorted: bool, inverse: bool, counts: bool, dim: int | None) -> object:
    return _unique(self, dim)


@row(
    f"unique({_UNIQUE}, true return_inverse, bool return_counts=False, int? dim=None)"
    " -> Tensor, Tensor",
    _NAMES,
)
def unique_inverse(
    self: Array, sorted: bool, inverse: bool, counts: bool, dim: int | None
) -> object:
    return _unique(self, dim)[:2]


@row(
    f"unique({_UNIQUE}, bool return_inverse=False, true return_counts, int? dim=None)"
    " -> Tensor, Tensor",
    _NAMES,
)
def unique_counts(
    self: Array, sorted: bool, inverse: bool, counts: bool, dim: int | None
) -> object:
    return _unique(self, dim)[::2]


@row(
    f"unique({_UNIQUE}, bool return_inverse=False, bool return_counts=False, int? dim=None)",
    _NAMES,
)
def unique(self: Array, sorted: bool, inverse: bool, counts: bool, dim: int | None) -> Array:
    """Distinct elements in ascending order (also when not `sorted`), or slices along `dim`."""
    return _unique(self, dim)[0]


@row(
    "unique_dim(Tensor self, int dim, bool sorted=True, bool return_inverse=False, "
    "bool return_counts=False) -> Tensor, Tensor, Tensor",
    "torch.unique_dim",
)
def unique_dim(self: Array, dim: int, *_asked: bool) -> tuple[Array, Array, Array]:
    return _unique(self, dim)


def _consecutive(self: Array, dim: int | None) -> tuple[Array, Array, Array]:
    """The same, where only equal neighbours count as one."""
    if dim is None:
        flat, axis = self.reshape(-1), 0
        shape: tuple[int, ...] = self.shape
    else:
        flat, axis = np.atleast_1d(self), normal_axis(dim, self.ndim)
        shape = (flat.shape[axis],)
    rows = np.moveaxis(flat, axis, 0)
    first = np.ones(len(rows), np.bool_)
    first[1:] = np.any(rows[1:] != rows[:-1], tuple(range(1, rows.ndim)))
    starts = np.flatnonzero(first)
    counts = np.diff(np.append(starts, len(rows)))
    inverse = (np.cumsum(first) - 1).reshape(shape)
    values = np.take(flat, starts, axis)
    return values, inverse.astype(INT64), counts.astype(INT64)


def _declare_consecutive() -> None:
    tail = "int? dim=None"
    names = "torch.unique_consecutive .unique_consecutive"

    @row(
        f"unique_consecutive(Tensor self, true return_inverse, true return_counts, {tail})"
        " -> Tensor, Tensor, Tensor",
        names,
    )
    def every(self: Array, inverse: bool, counts: bool, dim: int | None) -> object:
        return _consecutive(self, dim)

    @row(
        "unique_consecutive(Tensor self, true return_inverse, bool return_counts=False, "
        f"{tail}) -> Tensor, Tensor",
        names,
    )
    def with_inverse(self: Array, inverse: bool, counts: bool, dim: int | None) -> object:
        return _consecutive(self, dim)[:2]

    @row(
        "unique_consecutive(Tensor self, bool return_inverse=False, true return_counts, "
        f"{tail}) -> Tensor, Tensor",
        names,
    )
    def with_counts(self: Array, inverse: bool, counts: bool, dim: int | None) -> object:
        return _consecutive(self, dim)[::2]

    @row(
        "unique_consecutive(Tensor self, bool return_inverse=False, bool return_counts=False, "
        f"{tail})",
        names,
    )
    def alone(self: Array, inverse: bool, counts: bool, dim: int | None) -> Array:
        return _consecutive(self, dim)[0]


_declare_consecutive()


@row(
    "mode(Tensor self, int dim=-1, bool keepdim=False) -> Tensor, Tensor",
    "torch.mode .mode",
)
def mode(self: Array, dim: int = -1, keepdim: bool = False) -> tuple[Array, Array]:
    """The most frequent element along a dimension, the smallest of several, and its last place."""
    if self.ndim == 0:
        normal_axis(dim, 0)
        return self.copy(), np.zeros((), INT64)
    axis = normal_axis(dim, self.ndim)
    if self.shape[axis] == 0:
        raise ValueError(f"mode needs elements in dimension {dim} of {self.shape}")
    order = np.argsort(self, axis=axis, kind="stable")
    lines = np.moveaxis(np.take_along_axis(self, order, axis), axis, -1)
    # Length of the run of equal elements that ends at each place of the sorted lines.
    places = np.arange(lines.shape[-1])
    starts = np.ones(lines.shape, np.bool_)
    starts[..., 1:] = lines[..., 1:] != lines[..., :-1]
    begun = np.maximum.accumulate(np.where(starts, places, 0), -1)
    # The first longest run is the smallest element; its end is its last place (stable order).
    end = np.expand_dims(np.argmax(places - begun, -1), axis)
    where = np.take_along_axis(order, end, axis)
    values = np.take_along_axis(self, where, axis)
    if not keepdim:
        values, where = values.squeeze(axis), where.squeeze(axis)
    return values, where.astype(INT64)


@row("cartesian_prod(Tensor[] ...tensors)", "torch.cartesian_prod")
def cartesian_prod(tensors: Sequence[Array]) -> Array:
    """Every choice of one element from each array, one a row; of a single array, a copy."""
    if any(t.ndim != 1 for t in tensors) or not tensors:
        raise ValueError("cartesian_prod needs arrays of one dimension")
    if len(tensors) == 1:
        return tensors[0].copy()
    dtype = common_type(*tensors)
    allocation([*(t.size for t in tensors), len(tensors)], dtype)
    grids = np.meshgrid(*tensors, indexing="ij")
    return np.stack([g.reshape(-1) for g in grids], 1).astype(dtype)


@row("combinations(Tensor self, int r=2, bool with_replacement=False)", "torch.combinations")
def combinations_(self: Array, r: int = 2, with_replacement: bool = False) -> Array:
    """Every choice of `r` elements, in their order, one a row."""
    if self.ndim != 1 or r < 1:
        raise ValueError(f"combinations takes 1 or more of one dimension, got {r}, {self.shape}")
    places_left = len(self) + (r - 1 if with_replacement and len(self) else 0)
    allocation((math.comb(places_left, r), r), self.dtype)
    choose = combinations_with_replacement if with_replacement else combinations
    places = np.array(list(choose(range(len(self)), r)), np.intp).reshape(-1, r)
    return array(self[places])
