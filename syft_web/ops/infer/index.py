"""Ops that pick elements, put elements in, or count them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from syft_web.ops.dtypes import INT64, is_integral
from syft_web.ops.infer.base import Inferred, ShapeRules, stand_in, typed
from syft_web.ops.infer.common import Shape, broadcast, fits, need
from syft_web.ops.reduce import normal_axis
from syft_web.ops.row import Row
from syft_web.ops.spec import UNKNOWN, Spec, Unknown, spec_of

__all__ = ["indexed", "rules"]

rules = ShapeRules()


@rules("index_select")
def _index_select(self: Spec, dim: int, index: Spec) -> Spec:
    need(index.ndim <= 1, f"index must have at most one dimension, not shape {index.shape}")
    if self.ndim == 0:
        return Spec((), self.dtype)
    axis = normal_axis(dim, self.ndim)
    return Spec((*self.shape[:axis], index.size, *self.shape[axis + 1 :]), self.dtype)


@rules("take")
def _take(self: Spec, index: Spec) -> Spec:
    return Spec(index.shape, self.dtype)


@rules("gather")
def _gather(self: Spec, dim: int, index: Spec, sparse_grad: bool) -> Spec:
    _check_along(self, dim, index)
    return Spec(index.shape, self.dtype)


def _check_along(self: Spec, dim: int, index: Spec) -> None:
    axis = normal_axis(dim, self.ndim)
    if self.ndim == 0 or (self.ndim == 1 and index.ndim == 0):
        return
    need(
        index.ndim == self.ndim,
        f"index of shape {index.shape} must have as many dims as {self.shape}",
    )
    for i, (wanted, there) in enumerate(zip(index.shape, self.shape, strict=True)):
        need(
            i == axis or wanted <= there or index.size == 0,
            f"index of shape {index.shape} is larger than {self.shape} apart from dimension {dim}",
        )


@rules("scatter scatter_add")
def _scatter(self: Spec, dim: int, index: Spec, src: Any) -> Spec:
    _check_along(self, dim, index)
    return Spec(self.shape, self.dtype)


@rules("index_add index_copy index_fill index_put scatter_reduce")
def _same(self: Spec, *_: Any) -> Spec:
    return Spec(self.shape, self.dtype)


@rules("masked_fill masked_scatter")
def _masked(self: Spec, mask: Spec, *_: Any) -> Spec:
    return Spec(broadcast(self.shape, mask.shape), self.dtype)


@rules("fill zero normal_ uniform_ setitem")
def _written(self: Spec, *_: Any) -> Spec:
    return Spec(self.shape, self.dtype)


@rules("copy_")
def _copied(self: Spec, src: Spec | float) -> Spec:
    need(
        not isinstance(src, Spec) or fits(src.shape, self.shape),
        f"the source {src} does not fit into the target of shape {self.shape}",
    )
    return Spec(self.shape, self.dtype)


# -- x[...] ------------------------------------------------------------------------------------


@rules("getitem")
def indexed(self: Spec, index: Any) -> Spec | Unknown:
    """The result of ``self[index]``; unknown when a mask chooses."""
    if isinstance(index, Spec):
        return _indexed_by(self, index)
    if isinstance(index, bool):
        return Spec((int(index), *self.shape), self.dtype)
    if isinstance(index, list):
        return _indexed_by_list(self, index)
    picked = stand_in(self)[index, ...]
    return spec_of(picked)


def _indexed_by(self: Spec, index: Spec) -> Spec | Unknown:
    if index.dtype.kind == "b":
        return UNKNOWN
    need(is_integral(index.dtype), f"indices must be ints, not {index.dtype}")
    need(self.ndim > 0, "a tensor without dimensions cannot be indexed")
    return Spec((*index.shape, *self.shape[1:]), self.dtype)


def _indexed_by_list(self: Spec, index: list[Any]) -> Spec | Unknown:
    """A list is an array of indices, as numpy takes it."""
    leaves = _leaves(index)
    if any(isinstance(v, Spec | np.ndarray) for v in leaves):
        return UNKNOWN
    where = np.asarray(index)
    if where.dtype.kind == "b":
        if where.size != self.size and self.shape[: where.ndim] != where.shape:
            raise ValueError(f"a mask of shape {where.shape} does not fit {self.shape}")
        return Spec((int(np.count_nonzero(where)), *self.shape[where.ndim :]), self.dtype)
    if where.size == 0:
        where = where.astype(np.int64)
    need(where.dtype.kind in "iu", "a list of indices must hold ints or bools")
    return _indexed_by(self, spec_of(where))


def _leaves(value: Any) -> list[Any]:
    if isinstance(value, list):
        return [leaf for item in value for leaf in _leaves(item)]
    return [value]


# -- by class number ---------------------------------------------------------------------------


@rules("one_hot")
def _one_hot(self: Spec, num_classes: int = -1) -> Spec | Unknown:
    if num_classes < 0:
        return UNKNOWN  # the largest class number decides
    return Spec((*self.shape, num_classes), INT64)


@rules.by_row("embedding")
def _embedding(row: Row, values: Sequence[Any]) -> Inferred:
    first, second = values[:2]
    indices, weight = (second, first) if row.params[0].name == "weight" else (first, second)
    need(weight.ndim >= 1, f"the weights of an embedding need 2 dimensions, got {weight.shape}")
    need(indices.dtype.kind in "iu", f"indices must be ints, not {indices.dtype}")
    return Spec((*indices.shape, *weight.shape[1:]), weight.dtype)


@rules("histc")
def _histc(self: Spec, bins: int = 100, *_: Any) -> Spec:
    need(bins > 0, f"bins must be positive, not {bins}")
    return Spec((bins,), self.dtype)


@rules("masked_select nonzero unique")
def _by_data(*_: Any) -> Unknown:
    return UNKNOWN


@rules("where(condition)")
def _where_indices(condition: Spec) -> Unknown:
    return UNKNOWN


@rules("bincount")
def _bincount(self: Spec, weights: Spec | None = None, minlength: int = 0) -> Unknown:
    need(self.ndim == 1, f"bincount needs one dimension, got shape {self.shape}")
    return UNKNOWN


# -- tfjs --------------------------------------------------------------------------------------


@rules.by_row("tf.gather tf.take")
def _tfjs_gather(row: Row, values: Sequence[Any]) -> Inferred:
    x, indices, axis = values
    place = normal_axis(axis, x.ndim)
    if isinstance(indices, Spec):
        picked: Shape = indices.shape
    else:
        picked = () if len(indices) == 1 else (len(indices),)
        indices = [0] * len(indices)
    shape = (*x.shape[:place], *picked, *x.shape[place + 1 :])
    return typed(row, [x, indices, axis], shape)
