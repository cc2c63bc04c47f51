"""Ops that reduce dimensions, running sums, sorting and choosing along a dimension."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from syft_web.ops.infer.base import Inferred, ShapeRules, typed
from syft_web.ops.infer.common import Shape, broadcast, flat_axes, need, reduced_shape
from syft_web.ops.reduce import normal_axis
from syft_web.ops.row import Row
from syft_web.ops.spec import Spec

__all__ = ["named", "reducing", "rules"]

rules = ShapeRules()

_EXTREMES = {"max", "min", "amax", "amin", "argmax", "argmin", "argMax", "argMin"}


def named(row: Row, values: Sequence[Any], *names: str, default: Any = None) -> Any:
    """The value of the first of these parameters that the row has."""
    by_name = {p.name: v for p, v in zip(row.params, values, strict=True)}
    return next((by_name[name] for name in names if name in by_name), default)


@rules.by_row(
    "sum mean nansum prod all any max min amax amin argmax argmin var std var_mean std_mean "
    "logsumexp norm tf.sum tf.prod tf.mean tf.max tf.min tf.all tf.any tf.logSumExp tf.argMax "
    "tf.argMin tf.norm"
)
def reducing(row: Row, values: Sequence[Any]) -> Inferred:
    """Drop the dimensions named by ``dim`` or ``axis``, or make them 1."""
    self: Spec = values[0]
    dim = named(row, values, "dim", "axis")
    keepdim = bool(named(row, values, "keepdim", "keepDims", default=False))
    if dim == [] and row.name in ("all", "any"):
        return typed(row, values, self.shape)
    gone = flat_axes(self.ndim, dim)
    if row.name in _EXTREMES and any(self.shape[a] == 0 for a in gone):
        raise ValueError(f"the largest or smallest of no elements is not defined ({self.shape})")
    if row.name in ("all", "any") and dim == [] and not row.names[0].startswith("tf."):
        return typed(row, values, self.shape)  # these reduce nothing over an empty list
    if row.name == "mean" and self.ndim == 0:
        return typed(row, values, ())
    shape = reduced_shape(self.shape, dim, keepdim)
    return typed(row, values, [shape] * (row.n_outputs or 1))


@rules.shapes("kthvalue", k=1)
def _kthvalue(self: Spec, k: int, dim: int, keepdim: bool) -> list[Shape]:
    size = self.shape[normal_axis(dim, self.ndim)] if self.ndim else 1
    need(1 <= k <= size, f"k={k} is out of range for a dimension of size {size}")
    return [reduced_shape(self.shape, dim, keepdim)] * 2


@rules.by_row("median")
def _median(row: Row, values: Sequence[Any]) -> Inferred:
    if row.n_outputs == 1:
        return Spec((), values[0].dtype)
    self, dim, keepdim = values
    return typed(row, values, [reduced_shape(self.shape, dim, keepdim)] * 2)


@rules.shapes("dist")
def _dist(self: Spec, other: Spec, *_: Any) -> Shape:
    broadcast(self.shape, other.shape)
    return ()


@rules.shapes("tf.cumsum")
def _tfjs_running(x: Spec, axis: int, *_: Any) -> Shape:
    normal_axis(axis, x.ndim)
    return x.shape or (1,)


@rules.shapes("cumsum cumprod logcumsumexp")
def _running(self: Spec, dim: int, *_: Any) -> Shape:
    normal_axis(dim, self.ndim)
    return self.shape


@rules.shapes("cummax cummin")
def _running_with_index(self: Spec, dim: int, *_: Any) -> list[Shape]:
    normal_axis(dim, self.ndim)
    return [self.shape, self.shape]


@rules.by_row("sort argsort")
def _sorted(row: Row, values: Sequence[Any]) -> Inferred:
    self = values[0]
    normal_axis(named(row, values, "dim", default=-1), self.ndim)
    return typed(row, values, [self.shape] * (row.n_outputs or 1))


@rules.shapes("topk", k=1)
def _topk(self: Spec, k: int, dim: int = -1, *_: Any) -> list[Shape]:
    return _top(self, k, dim)


@rules.shapes("tf.topk", k=1)
def _tfjs_topk(self: Spec, k: int, *_: Any) -> list[Shape]:
    return _top(self, k, -1)


def _top(self: Spec, k: int, dim: int) -> list[Shape]:
    if self.ndim == 0:
        return [(), ()]
    axis = normal_axis(dim, self.ndim)
    need(
        0 <= k <= self.shape[axis],
        f"selected index k={k} out of range for dimension {self.shape[axis]}",
    )
    return [(*self.shape[:axis], k, *self.shape[axis + 1 :])] * 2


@rules.shapes("softmax log_softmax softmin tf.softmax tf.logSoftmax")
def _softmax(self: Spec, dim: int | None = None, *_: Any) -> Shape:
    if dim is not None:
        normal_axis(dim, self.ndim)
    return self.shape


@rules.shapes("normalize")
def _normalize(self: Spec, p: float, dim: Sequence[int], eps: float) -> Shape:
    flat_axes(self.ndim, dim)
    return self.shape


@rules.shapes("cosine_similarity")
def _cosine(x1: Spec, x2: Spec, dim: int, eps: float) -> Shape:
    shape = broadcast(x1.shape, x2.shape)
    return reduced_shape(shape, normal_axis(dim, len(shape)), False)


@rules.shapes("pairwise_distance")
def _pairwise(x1: Spec, x2: Spec, p: float, eps: float, keepdim: bool) -> Shape:
    return reduced_shape(broadcast(x1.shape, x2.shape), -1, keepdim)


@rules.shapes("equal allclose is_nonzero", numbers=True)
def _one_number(*_: Any) -> Shape:
    return ()
