"""Distinct elements, memory layouts, Python's conversions, and sizes made from numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from syft_web.ops.bounds import TooLargeError
from syft_web.ops.dtypes import (
    BOOL,
    DEFAULT_FLOAT,
    FLOAT64,
    INT64,
    as_dtype,
    common_type,
)
from syft_web.ops.infer.base import Inferred, ShapeRules
from syft_web.ops.infer.common import Shape, broadcast, need, reduced_shape
from syft_web.ops.infer.reduce import named
from syft_web.ops.manipulate import check_strides
from syft_web.ops.reduce import normal_axis
from syft_web.ops.row import Row
from syft_web.ops.spec import UNKNOWN, Spec

__all__ = ["rules"]

rules = ShapeRules()

_MOST_DIGITS = 100  # of a natural logarithm: more than any memory holds


# -- distinct elements: as many as the data has ------------------------------------------------

_UNIQUE = ("return_inverse, return_counts", "return_inverse, return_counts=False",
           "return_inverse=False, return_counts")  # fmt: skip


def _unknown(row: Row, values: Sequence[Any]) -> Inferred:
    return [UNKNOWN] * (row.n_outputs or 1)


for _flags in _UNIQUE:
    rules.by_row(f"unique(self, sorted=True, {_flags}, dim=None)")(_unknown)
rules.by_row("unique_dim unique_consecutive")(_unknown)


@rules("mode")
def _mode(self: Spec, dim: int, keepdim: bool) -> list[Spec]:
    axis = normal_axis(dim, self.ndim)
    need(self.ndim == 0 or self.shape[axis] > 0, f"mode needs elements in dimension {dim}")
    shape = reduced_shape(self.shape, axis, keepdim)
    return [Spec(shape, self.dtype), Spec(shape, INT64)]


@rules("cartesian_prod")
def _cartesian_prod(tensors: Sequence[Spec]) -> Spec:
    need(
        bool(tensors) and all(t.ndim == 1 for t in tensors),
        "cartesian_prod needs arrays of one dimension",
    )
    if len(tensors) == 1:
        return Spec(tensors[0].shape, tensors[0].dtype)
    dtype = common_type(*(np.zeros(1, t.dtype) for t in tensors))
    return Spec((math.prod(t.size for t in tensors), len(tensors)), dtype)


@rules("combinations")
def _combinations(self: Spec, r: int, with_replacement: bool) -> Spec:
    need(self.ndim == 1 and r >= 1, f"1 or more of one dimension are chosen, not {r} of {self}")
    size = self.size
    if with_replacement:
        size = max(size + r - 1, 0) if size else 0
    return Spec((_choices(size, r), r), self.dtype)


def _choices(size: int, r: int) -> int:
    """How many ways there are to choose; refused, not counted, where they are beyond all bounds."""
    few = min(r, size - r)
    if few > 0 and few * math.log(size / few) > _MOST_DIGITS:
        raise TooLargeError(f"there are far too many ways to choose {r} of {size}")
    return math.comb(size, r)


# -- memory ------------------------------------------------------------------------------------


@rules("as_strided")
def _as_strided(
    self: Spec, size: Sequence[int], stride: Sequence[int], storage_offset: int | None
) -> Spec:
    check_strides(size, stride, storage_offset or 0, self.size)
    return Spec(tuple(size), self.dtype)


@rules("resize_")
def _resize(self: Spec, size: Sequence[int]) -> Spec:
    need(all(n >= 0 for n in size), f"sizes must not be negative: {list(size)}")
    return Spec(tuple(size), self.dtype)


@rules("resize_as_")
def _resize_as(self: Spec, the_template: Spec) -> Spec:
    return Spec(the_template.shape, self.dtype)


@rules("resize")
def _as_before(self: Spec, sizes: Sequence[int]) -> Spec:
    need(
        math.prod(sizes) == self.size,
        f"resize cannot change {self.size} elements into sizes {list(sizes)}",
    )
    return Spec(tuple(sizes), self.dtype)


@rules("resize_as")
def _as_other(self: Spec, tensor: Spec) -> Spec:
    return _as_before(self, tensor.shape)


@rules("narrow_copy")
def _narrow_copy(self: Spec, dim: int, start: int, length: int) -> Spec:
    axis = normal_axis(dim, self.ndim)
    first = start + self.shape[axis] if start < 0 else start
    need(
        0 <= first <= first + length <= self.shape[axis],
        f"start {start} and length {length} exceed dimension size {self.shape[axis]}",
    )
    shape = list(self.shape)
    shape[axis] = length
    return Spec(tuple(shape), self.dtype)


@rules("reversed put_ renorm embedding_renorm_")
def _same(self: Spec, *_: Any) -> Spec:
    return Spec(self.shape, self.dtype)


@rules("diagflat")
def _diagflat(self: Spec, offset: int) -> Spec:
    side = self.size + abs(offset)
    return Spec((side, side), self.dtype)


@rules("sum_to_size")
def _sum_to_size(self: Spec, size: Sequence[int]) -> Spec:
    lead = self.ndim - len(size)
    need(
        lead >= 0 and all(n in (1, m) for n, m in zip(size, self.shape[lead:], strict=True)),
        f"size {list(size)} does not broadcast to shape {self.shape}",
    )
    return Spec(tuple(size), self.dtype)


@rules("tf.embedding")
def _embedding(x: Spec, weight: Spec, rest: Sequence[object]) -> Spec:
    return Spec((*x.shape, *weight.shape[1:]), weight.dtype)


@rules.shapes("trapz")
def _trapz(y: Spec, *rest: Any) -> Shape:
    axis = normal_axis(rest[-1], y.ndim)
    shape = list(y.shape)
    shape[axis] = max(shape[axis] - 1, 0)
    if isinstance(x := rest[0], Spec) and x.ndim != 1:
        widths = list(x.shape)
        along = normal_axis(rest[-1], x.ndim)
        widths[along] -= 1
        shape = list(broadcast(shape, widths))
    return tuple(n for a, n in enumerate(shape) if a != axis)


@rules.shapes("pdist")
def _pdist(self: Spec, p: float) -> Shape:
    need(self.ndim == 2, f"pdist needs 2 dimensions, got {self.shape}")
    return (math.comb(self.shape[0], 2),)


# -- Python's conversions ----------------------------------------------------------------------


@rules("cuda share_memory_ rename deepcopy")
def _stays(self: Spec, *_: Any) -> Spec:
    return self


def _converted(self: Spec, dtype: np.dtype[Any]) -> Spec:
    need(self.size == 1, f"only a tensor with one element is a number, not shape {self.shape}")
    return Spec((), dtype)


@rules("python_float")
def _python_float(self: Spec) -> Spec:
    return _converted(self, FLOAT64)


@rules("python_int")
def _python_int(self: Spec) -> Spec:
    return _converted(self, INT64)


@rules.by_row("contains", numbers=True)
def _contains(row: Row, values: Sequence[Any]) -> Inferred:
    return Spec((), BOOL)


@rules("element_size")
def _element_size(self: Spec) -> Spec:
    return Spec((), INT64, self.dtype.itemsize)


# -- sizes made from numbers -------------------------------------------------------------------


def _dtype(row: Row, values: Sequence[Any], default: np.dtype[Any]) -> np.dtype[Any]:
    wanted = named(row, values, "dtype")
    return default if wanted is None else as_dtype(wanted)


@rules.by_row("range")
def _range(row: Row, values: Sequence[Any]) -> Inferred:
    start, end, step = values[:3]
    need(
        step != 0 and (end - start) / step >= 0,
        f"range cannot go from {start} to {end} by steps of {step}",
    )
    return Spec((int((end - start) / step) + 1,), _dtype(row, values, DEFAULT_FLOAT))


@rules.by_row("logspace", numbers=True)
def _logspace(row: Row, values: Sequence[Any]) -> Inferred:
    steps = named(row, values, "steps")
    if isinstance(steps, Spec):
        return UNKNOWN
    need(steps >= 0, f"logspace cannot make {steps} numbers")
    return Spec((steps,), _dtype(row, values, DEFAULT_FLOAT))


@rules.by_row("tril_indices triu_indices")
def _triangle(row: Row, values: Sequence[Any]) -> Inferred:
    rows, columns, offset = values[:3]
    need(rows >= 0 and columns >= 0, f"sizes must not be negative: {rows}, {columns}")
    below = _lower_count(rows, columns, offset if row.name == "tril_indices" else offset - 1)
    count = below if row.name == "tril_indices" else rows * columns - below
    return Spec((2, count), _dtype(row, values, INT64))


def _lower_count(rows: int, columns: int, offset: int) -> int:
    """How many elements of a matrix lie on or below a diagonal; without a loop."""
    first = max(-offset, 0)  # the first row that has any
    full = min(max(columns - offset - 1, first), rows)  # the first row that has them all
    growing = max(full - first, 0)
    start = first + offset + 1
    return growing * start + growing * (growing - 1) // 2 + max(rows - full, 0) * columns


@rules.by_row("empty_strided")
def _empty_strided(row: Row, values: Sequence[Any]) -> Inferred:
    size, stride = values[:2]
    need(
        len(size) == len(stride) and all(n >= 0 for n in size),
        f"sizes {list(size)} and strides {list(stride)} do not go together",
    )
    return Spec(tuple(size), _dtype(row, values, DEFAULT_FLOAT))
