"""Ops that change shape, order or number of dimensions, and dtype changes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from syft_web.ops.bounds import TooLargeError
from syft_web.ops.convert import dtype_among
from syft_web.ops.dtypes import INT64, as_dtype, common_type
from syft_web.ops.infer.base import Inferred, ShapeRules, typed, viewed
from syft_web.ops.infer.common import Shape, broadcast, need
from syft_web.ops.infer.reduce import named
from syft_web.ops.reduce import normal_axis
from syft_web.ops.row import Row
from syft_web.ops.spec import UNKNOWN, Spec, Unknown

__all__ = ["joined", "rules"]

rules = ShapeRules()

# The rules of these rows make views and nothing else.
rules.views(
    "view reshape view_as flatten unflatten t transpose permute movedim unsqueeze squeeze expand "
    "expand_as broadcast_to broadcast_tensors narrow diagonal unfold select split_with_sizes "
    "tf.transpose tf.reshape tf.squeeze tf.expandDims tf.flatten"
)

_MOST_PARTS = 100_000  # views that one action may make


@rules.by_row("split chunk unbind tf.split")
def _parts(row: Row, values: Sequence[Any]) -> Inferred:
    """The rule makes views, but it may make millions of them."""
    self, *rest = values
    dim = named(row, values, "dim", "axis", default=0)
    size = self.shape[normal_axis(dim, self.ndim)] if self.ndim else 1
    count = size
    if isinstance(rest[0], list):
        count = len(rest[0])
    elif row.names[0].startswith("tf."):
        count = rest[0]
    elif row.name == "split":
        count = size // max(rest[0], 1)
    elif row.name == "chunk":
        count = min(size, rest[0]) if self.ndim and size else rest[0]
    if count > _MOST_PARTS:
        raise TooLargeError(f"it would give {count} results, {_MOST_PARTS} are allowed")
    return viewed(row, values)


# -- the same array, or another dtype ----------------------------------------------------------


@rules("alias requires_grad_ clone contiguous")
def _same(self: Spec, *_: Any) -> Spec:
    return self


@rules("item")
def _item(self: Spec) -> Spec:
    need(self.size == 1, f"only a tensor with one element has an item, not shape {self.shape}")
    return Spec((), self.dtype, self.value)


@rules("to to_copy")
def _to(self: Spec, *rest: str | bool) -> Spec:
    wanted = dtype_among(rest)
    return self if wanted is None else _cast(self, wanted)


def _cast(self: Spec, dtype: np.dtype[Any]) -> Spec:
    value = self.value
    if value is not None:
        with np.errstate(all="ignore"):
            value = np.asarray(value, self.dtype).astype(dtype).item()
    return Spec(self.shape, dtype, value)


@rules("type_as")
def _type_as(self: Spec, other: Spec) -> Spec:
    return _cast(self, other.dtype)


@rules.by_row("bool byte char short int long half float double")
def _named_cast(row: Row, values: Sequence[Any]) -> Inferred:
    return _cast(values[0], as_dtype(row.name))


@rules.shapes("tf.cast")
def _tfjs_cast(x: Spec | float, dtype: str) -> Shape:
    return x.shape if isinstance(x, Spec) else ()


# -- questions ---------------------------------------------------------------------------------


@rules("dim")
def _dim(self: Spec) -> Spec:
    return Spec((), INT64, self.ndim)


@rules("numel")
def _numel(self: Spec) -> Spec:
    return Spec((), INT64, self.size)


@rules("size")
def _size(self: Spec, dim: int | None = None) -> Spec:
    if dim is None:
        return Spec((self.ndim,), INT64)
    return Spec((), INT64, self.shape[normal_axis(dim, self.ndim)])


# -- repeating, joining ------------------------------------------------------------------------


@rules("repeat tile")
def _repeat(self: Spec, repeats: Sequence[int]) -> Spec:
    need(all(r >= 0 for r in repeats), f"repeats must not be negative: {list(repeats)}")
    width = max(self.ndim, len(repeats))
    sizes = (1,) * (width - self.ndim) + self.shape
    times = (1,) * (width - len(repeats)) + tuple(repeats)
    return Spec(tuple(n * r for n, r in zip(sizes, times, strict=True)), self.dtype)


@rules("repeat_interleave")
def _repeat_interleave(
    self: Spec, repeats: int | Spec | None = None, dim: int | None = None
) -> Spec | Unknown:
    if repeats is None or isinstance(repeats, Spec):
        return UNKNOWN  # its values are the counts
    need(repeats >= 0, f"repeats must not be negative: {repeats}")
    if dim is None:
        return Spec((self.size * repeats,), self.dtype)
    axis = normal_axis(dim, self.ndim)
    shape = (*self.shape[:axis], self.shape[axis] * repeats, *self.shape[axis + 1 :])
    return Spec(shape, self.dtype)


def joined(shapes: Sequence[Shape], dim: int) -> Shape:
    """The shape of arrays put one after another along a dimension.

    Raises:
        ValueError: There are none, or they differ elsewhere.
    """
    need(bool(shapes), "at least one tensor is needed")
    axis = normal_axis(dim, len(shapes[0]))
    rest = [s[:axis] + s[axis + 1 :] for s in shapes]
    if any(r != rest[0] or len(s) != len(shapes[0]) for r, s in zip(rest, shapes, strict=True)):
        shown = ", ".join(map(str, shapes[:8]))
        raise ValueError(f"all sizes but that of dimension {dim} must be equal, got shapes {shown}")
    return (*shapes[0][:axis], sum(s[axis] for s in shapes), *shapes[0][axis + 1 :])


@rules("cat")
def _cat(tensors: Sequence[Spec], dim: int = 0) -> Spec:
    parts = [x for x in tensors if x.shape != (0,)] or list(tensors)
    need(bool(parts), "at least one tensor is needed")
    need(all(x.ndim for x in parts), "zero-dimensional tensors cannot be concatenated; use stack")
    return Spec(joined([x.shape for x in parts], dim), _common(tensors))


def _common(tensors: Sequence[Spec]) -> np.dtype[Any]:
    return common_type(*(np.empty((1,) * x.ndim, x.dtype) for x in tensors))


def _stacked(tensors: Sequence[Spec], dim: int) -> Shape:
    need(bool(tensors), "at least one tensor is needed")
    shape = tensors[0].shape
    need(
        all(x.shape == shape for x in tensors),
        f"stack needs equal shapes, got {', '.join(str(x.shape) for x in tensors[:8])}",
    )
    axis = normal_axis(dim, len(shape) + 1)
    return (*shape[:axis], len(tensors), *shape[axis:])


@rules("stack")
def _stack(tensors: Sequence[Spec], dim: int = 0) -> Spec:
    return Spec(_stacked(tensors, dim), _common(tensors))


@rules("tf.stack")
def _tfjs_stack(tensors: Sequence[Spec], axis: int = 0) -> Spec:
    return Spec(_stacked(tensors, axis), np.result_type(*(x.dtype for x in tensors)))


@rules("tf.concat")
def _tfjs_concat(tensors: Sequence[Spec], axis: int = 0) -> Spec:
    shape = joined([x.shape for x in tensors], axis)
    return Spec(shape, np.result_type(*(x.dtype for x in tensors)))


@rules("meshgrid")
def _meshgrid(tensors: Sequence[Spec], indexing: str = "ij") -> list[Spec]:
    sizes = [x.size for x in tensors]
    if indexing == "xy":
        sizes[:2] = sizes[1::-1]
    return [Spec(tuple(sizes), x.dtype) for x in tensors]


# -- reordering and cutting --------------------------------------------------------------------


@rules("flip roll tril triu fill_diagonal_")
def _kept(self: Spec, *_: Any) -> Spec:
    return replace(self, value=None)


@rules("rot90")
def _rot90(self: Spec, k: int, dims: Sequence[int]) -> Spec:
    need(len(dims) == 2, f"rot90 needs two dimensions, got {list(dims)}")
    a, b = (normal_axis(d, self.ndim) for d in dims)
    shape = list(self.shape)
    if k % 2:
        shape[a], shape[b] = shape[b], shape[a]
    return Spec(tuple(shape), self.dtype)


@rules("diag")
def _diag(self: Spec, diagonal: int = 0) -> Spec:
    if self.ndim == 1:
        return Spec((self.size + abs(diagonal),) * 2, self.dtype)
    need(self.ndim == 2, f"diag needs 1 or 2 dimensions, got shape {self.shape}")
    rows, columns = self.shape
    length = min(rows, columns - diagonal) if diagonal >= 0 else min(rows + diagonal, columns)
    return Spec((max(length, 0),), self.dtype)


@rules("diag_embed")
def _diag_embed(self: Spec, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Spec:
    need(self.ndim > 0, "diag_embed needs at least one dimension")
    first, second = normal_axis(dim1, self.ndim + 1), normal_axis(dim2, self.ndim + 1)
    need(first != second, "diagonal dimensions cannot be identical")
    size = self.shape[-1] + abs(offset)
    shape = list(self.shape[:-1])
    for axis in sorted((first, second)):
        shape.insert(axis, size)
    return Spec(tuple(shape), self.dtype)


@rules("pad")
def _pad(self: Spec, pad: list[int], mode: str = "constant", value: Any = 0) -> Spec:
    need(
        len(pad) % 2 == 0 and len(pad) <= 2 * self.ndim,
        f"pad {pad} must hold two numbers per dimension, of {self.ndim} at most",
    )
    shape = list(self.shape)
    for i in range(len(pad) // 2):
        before, after = pad[2 * i : 2 * i + 2]
        shape[-1 - i] = max(shape[-1 - i] + min(before, 0) + min(after, 0), 0)
        shape[-1 - i] += max(before, 0) + max(after, 0)
    return Spec(tuple(shape), self.dtype)


@rules("tf.pad")
def _tfjs_pad(x: Spec, paddings: Any, constant: float = 0.0) -> Spec:
    widths = [(int(a), int(b)) for a, b in paddings]
    need(len(widths) in (1, x.ndim), f"pad needs two numbers per dimension, of {x.ndim}")
    need(all(a >= 0 and b >= 0 for a, b in widths), "pad widths must not be negative")
    widths = widths * x.ndim if len(widths) == 1 else widths
    shape = tuple(n + a + b for n, (a, b) in zip(x.shape, widths, strict=True))
    return Spec(shape, x.dtype)


@rules("glu")
def _glu(self: Spec, dim: int = -1) -> Spec:
    axis = normal_axis(dim, self.ndim)
    size = self.shape[axis]
    need(size % 2 == 0, f"glu halves dimension {dim}, whose size {size} is odd")
    return Spec((*self.shape[:axis], size // 2, *self.shape[axis + 1 :]), self.dtype)


@rules.by_row("dropout dropout2d tf.dropout")
def _dropout(row: Row, values: Sequence[Any]) -> Inferred:
    self, p, training = values[:3]
    need(0 <= p <= 1, f"dropout probability has to be between 0 and 1, but got {p}")
    return self if not training or p == 0 else typed(row, values, self.shape)


@rules("prelu")
def _prelu(self: Spec, weight: Spec) -> Spec:
    if weight.size > 1 and self.ndim > 1:
        channels = self.shape[1]
        need(
            weight.size == channels or channels == 1,
            f"prelu has {weight.size} slopes for {channels} channels",
        )
        shape = (weight.size, *(1,) * (self.ndim - 2))
        return Spec(broadcast(self.shape, shape), self.dtype)
    extra = weight.shape if weight.size > 1 else ()
    return Spec(broadcast(self.shape, extra), self.dtype)
