"""Commands that PyTorch has gained since 1.4."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from syft_web.ops.dtypes import BOOL, INT32, INT64
from syft_web.ops.infer.base import Inferred, ShapeRules, typed
from syft_web.ops.infer.common import Shape, broadcast, need, reduced_shape
from syft_web.ops.infer.elementwise import broadcasting
from syft_web.ops.infer.reduce import named
from syft_web.ops.later_shapes import even_sizes, split_points
from syft_web.ops.reduce import normal_axis
from syft_web.ops.row import Row
from syft_web.ops.spec import UNKNOWN, Spec

__all__ = ["rules"]

rules = ShapeRules()

rules.by_row(
    "copysign hypot ldexp logaddexp logaddexp2 nextafter xlogy fmax fmin gcd lcm float_power "
    "bitwise_left_shift bitwise_right_shift isneginf isposinf isreal signbit sinc i0 logit "
    "nan_to_num",
    numbers=True,
)(broadcasting)

rules.views("ravel adjoint atleast_1d atleast_2d atleast_3d")


# -- joining and splitting -------------------------------------------------------------------------


def _joined(shapes: Sequence[Shape], axis: int) -> Shape:
    # torch lets empty one-dimensional arrays pass whatever the others' shape is.
    shapes = [s for s in shapes if s != (0,)] or list(shapes)
    first = shapes[0]
    axis = min(axis, len(first) - 1)
    for shape in shapes:
        need(
            len(shape) == len(first)
            and all(a == b for i, (a, b) in enumerate(zip(first, shape, strict=True)) if i != axis),
            f"shapes {first} and {shape} cannot be joined along dimension {axis}",
        )
    return tuple(sum(s[axis] for s in shapes) if i == axis else n for i, n in enumerate(first))


def _widened(shape: Shape, name: str) -> Shape:
    """What each kind of stack first makes of an operand."""
    if name == "column_stack":
        return (*shape, *(1,) * (2 - len(shape))) if len(shape) == 1 else shape or (1, 1)
    if name == "hstack":
        return shape or (1,)
    if name == "vstack" or len(shape) < 2:
        shape = shape if len(shape) > 1 else (1, *(shape or (1,)))
    return (*shape, 1) if name == "dstack" and len(shape) == 2 else shape


_AXES = {"hstack": 1, "vstack": 0, "dstack": 2, "column_stack": 1}


@rules.by_row("hstack vstack dstack column_stack")
def _stacked(row: Row, values: Sequence[Any]) -> Inferred:
    need(bool(values[0]), f"{row.name} needs at least one tensor")
    shapes = [_widened(x.shape, row.name) for x in values[0]]
    axis = min(_AXES[row.name], len(shapes[0]) - 1)
    return typed(row, values, _joined(shapes, axis))


def _parts(self: Spec, sizes: Sequence[int], axis: int) -> list[Spec]:
    shape = self.shape
    return [Spec((*shape[:axis], n, *shape[axis + 1 :]), self.dtype) for n in sizes]


def _split(self: Spec, places: int | Sequence[int], axis: int) -> list[Spec]:
    size = self.shape[axis]
    sizes = even_sizes(size, places) if isinstance(places, int) else split_points(size, places)
    return _parts(self, sizes, axis)


@rules("tensor_split")
def _tensor_split(self: Spec, places: int | Sequence[int], dim: int) -> list[Spec]:
    need(self.ndim > 0, "a number cannot be split")
    return _split(self, places, normal_axis(dim, self.ndim))


@rules.by_row("hsplit vsplit dsplit")
def _side_split(row: Row, values: Sequence[Any]) -> Inferred:
    self, places = values
    need(self.ndim > 0, "a number cannot be split")
    axis = min({"hsplit": 1, "vsplit": 0, "dsplit": 2}[row.name], self.ndim - 1)
    need(
        not isinstance(places, int) or (places > 0 and self.shape[axis] % places == 0),
        f"shape {self.shape} does not split into {places} equal parts",
    )
    return _split(self, places, axis)


@rules.by_row("block_diag")
def _block_diag(row: Row, values: Sequence[Any]) -> Inferred:
    shapes = [(1,) * (2 - x.ndim) + x.shape for x in values[0]]
    need(all(len(s) == 2 for s in shapes), "block_diag takes matrices, rows and numbers")
    return typed(row, values, (sum(s[0] for s in shapes), sum(s[1] for s in shapes)))


@rules.shapes("kron")
def _kron(self: Spec, other: Spec) -> Shape:
    ndim = max(self.ndim, other.ndim)
    pairs = zip(
        (1,) * (ndim - self.ndim) + self.shape,
        (1,) * (ndim - other.ndim) + other.shape,
        strict=True,
    )
    return tuple(a * b for a, b in pairs)


# -- along dimensions ----------------------------------------------------------------------------


@rules("msort fliplr flipud")
def _same(self: Spec) -> Spec:
    return Spec(self.shape, self.dtype)


@rules("put")
def _put(self: Spec, *_: Any) -> Spec:
    return Spec(self.shape, self.dtype)


@rules("argwhere")
def _argwhere(self: Spec) -> Inferred:
    return UNKNOWN


@rules("count_nonzero")
def _count_nonzero(self: Spec, dim: Sequence[int] | None) -> Spec:
    return Spec(reduced_shape(self.shape, dim, False), INT64)


@rules("aminmax")
def _aminmax(self: Spec, dim: int | None, keepdim: bool) -> list[Spec]:
    return [Spec(reduced_shape(self.shape, dim, keepdim), self.dtype)] * 2


@rules.shapes("nanmean")
def _nanmean(self: Spec, dim: Sequence[int] | None, keepdim: bool, dtype: Any) -> Shape:
    return reduced_shape(self.shape, dim, keepdim)


@rules.by_row("quantile nanquantile", numbers=True)
def _quantile(row: Row, values: Sequence[Any]) -> Inferred:
    self, q, dim, keepdim = values[:4]
    need(self.dtype.kind == "f", f"quantiles need floats, not {self.dtype}")
    lead = q.shape if isinstance(q, Spec) else ()
    return Spec((*lead, *reduced_shape(self.shape, dim, keepdim)), self.dtype)


@rules.shapes("diff", n=0)
def _diff(self: Spec, n: int, dim: int, prepend: Spec | None, append: Spec | None) -> Shape:
    need(self.ndim > 0, "diff needs at least 1 dimension")
    axis = normal_axis(dim, self.ndim)
    shape = list(self.shape)
    shape[axis] += sum(x.shape[axis] for x in (prepend, append) if x is not None)
    shape[axis] = max(shape[axis] - n, 0)
    return tuple(shape)


@rules("take_along_dim")
def _take_along_dim(self: Spec, indices: Spec, dim: int | None) -> Spec:
    if dim is None:
        return Spec((indices.size,), self.dtype)
    axis = normal_axis(dim, self.ndim)
    need(indices.ndim == self.ndim, f"indices {indices.shape} need as many dims as {self.shape}")
    others = broadcast(*((*s.shape[:axis], 1, *s.shape[axis + 1 :]) for s in (self, indices)))
    return Spec((*others[:axis], indices.shape[axis], *others[axis + 1 :]), self.dtype)


@rules.by_row("isin", numbers=True)
def _isin(row: Row, values: Sequence[Any]) -> Inferred:
    elements = values[0]
    return Spec(elements.shape if isinstance(elements, Spec) else (), BOOL)


@rules.by_row("bucketize searchsorted", numbers=True)
def _place(row: Row, values: Sequence[Any]) -> Inferred:
    looked_for = named(row, values, "self")
    shape = looked_for.shape if isinstance(looked_for, Spec) else ()
    return Spec(shape, INT32 if named(row, values, "out_int32") else INT64)


@rules("cov corrcoef")
def _cov(self: Spec, *_: Any) -> Spec:
    need(self.dtype.kind == "f" and self.ndim <= 2, f"rows of floats are needed, not {self}")
    several = self.ndim == 2 and self.shape[0] != 1
    return Spec((self.shape[0],) * 2 if several else (), self.dtype)


@rules.shapes("vander")
def _vander(x: Spec, N: int | None, increasing: bool) -> Shape:  # noqa: N803  # torch's own name
    need(x.ndim == 1, f"vander needs 1 dimension, got {x.shape}")
    return (x.size, x.size if N is None else N)
