"""Commands on whole arrays that PyTorch has gained since 1.4: joining, splitting, statistics."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from syft_web.ops.bounds import TooLargeError, allocation
from syft_web.ops.dtypes import BOOL, INT32, INT64, Array, Value, common_type, result_type
from syft_web.ops.elementwise import array
from syft_web.ops.index import nonzero, sort
from syft_web.ops.manipulate import put_
from syft_web.ops.reduce import axes, normal_axis, sum_
from syft_web.ops.row import RowCollector
from syft_web.ops.shape import cat, split_sizes

__all__ = ["row", "split_points"]

row = RowCollector()


def _declare_joins() -> None:
    """The stacks differ in how many dimensions they first make, and where."""
    table: dict[str, tuple[Callable[[Array], Array], int, str]] = {
        "hstack": (np.atleast_1d, 1, ""),
        "vstack": (np.atleast_2d, 0, "torch.row_stack"),
        "dstack": (np.atleast_3d, 2, ""),
        "column_stack": (lambda x: x.reshape(-1, 1) if x.ndim < 2 else x, 1, ""),
    }
    for name, (widen, axis, more) in table.items():

        def rule(
            tensors: Sequence[Array], _widen: Callable[[Array], Array] = widen, _axis: int = axis
        ) -> Array:
            parts = [_widen(x) for x in tensors]
            return cat(parts, min(_axis, parts[0].ndim - 1))

        row(f"{name}(Tensor[] tensors)", f"torch.{name} {more}")(rule)
    for ndim, widen in ((1, np.atleast_1d), (2, np.atleast_2d), (3, np.atleast_3d)):

        def wide(self: Array, _widen: Any = widen) -> Array:
            return array(_widen(self))

        row(f"atleast_{ndim}d(Tensor self)", f"torch.atleast_{ndim}d", view=True)(wide)


_declare_joins()


def split_points(size: int, points: Sequence[int]) -> list[int]:
    """Sizes of the parts of a dimension that is cut before these places, as slices cut it."""
    ends = [slice(None, p).indices(size)[1] for p in points]
    starts = [0, *ends]
    return [max(b - a, 0) for a, b in zip(starts, [*ends, size], strict=True)]


_MOST_SECTIONS = 100_000


def even_sizes(size: int, sections: int) -> list[int]:
    """Sizes of that many parts, the first ones longer by one where it does not divide."""
    if sections < 1:
        raise ValueError(f"a split needs at least 1 section, not {sections}")
    if sections > _MOST_SECTIONS:
        raise TooLargeError(f"it would give {sections} parts, {_MOST_SECTIONS} are allowed")
    whole, rest = divmod(size, sections)
    return [whole + (i < rest) for i in range(sections)]


_SPLIT = "torch.tensor_split .tensor_split"


@row("tensor_split(Tensor self, int sections, int dim=0) -> Tensor[]", _SPLIT, view=True)
def tensor_split(self: Array, sections: int, dim: int = 0) -> tuple[Array, ...]:
    size = self.shape[normal_axis(dim, self.ndim)] if self.ndim else 0
    return split_sizes(self, even_sizes(size, sections), dim)


@row("tensor_split(Tensor self, int[] indices, int dim=0) -> Tensor[]", _SPLIT, view=True)
def tensor_split_at(self: Array, indices: Sequence[int], dim: int = 0) -> tuple[Array, ...]:
    """Views of the parts between places of a dimension."""
    axis = normal_axis(dim, self.ndim)
    before = (slice(None),) * axis
    starts, ends = [0, *indices], [*indices, self.shape[axis]]
    return tuple(self[(*before, slice(a, b))] for a, b in zip(starts, ends, strict=True))


def _split_axis(self: Array, dim: int) -> int:
    """Hsplit takes the only dimension of a vector; vsplit needs two, dsplit three."""
    if self.ndim < (2, 1, 3)[dim]:
        raise ValueError(f"an array of shape {self.shape} has no dimension {dim} to split")
    return min(dim, self.ndim - 1)


def _declare_splits() -> None:
    for name, dim in (("hsplit", 1), ("vsplit", 0), ("dsplit", 2)):

        def at(self: Array, indices: Sequence[int], _d: int = dim) -> tuple[Array, ...]:
            return tensor_split_at(self, indices, _split_axis(self, _d))

        def even(self: Array, sections: int, _d: int = dim) -> tuple[Array, ...]:
            axis = _split_axis(self, _d)
            if sections < 1 or self.shape[axis] % sections:
                raise ValueError(f"shape {self.shape} does not split into {sections} equal parts")
            return tensor_split(self, sections, axis)

        names = f"torch.{name} .{name}"
        row(f"{name}(Tensor self, int sections) -> Tensor[]", names, view=True)(even)
        row(f"{name}(Tensor self, int[] indices) -> Tensor[]", names, view=True)(at)


_declare_splits()


@row("adjoint(Tensor self)", "torch.adjoint .adjoint", view=True)
def adjoint(self: Array) -> Array:
    """The last two dimensions exchanged."""
    if self.ndim < 2:
        raise ValueError(f"adjoint needs at least 2 dimensions, got shape {self.shape}")
    return self.swapaxes(-1, -2)


@row("ravel(Tensor self)", "torch.ravel .ravel", view=True)
def ravel(self: Array) -> Array:
    return self.reshape(-1)


@row("fliplr(Tensor self)", "torch.fliplr .fliplr")
def fliplr(self: Array) -> Array:
    return np.fliplr(self).copy()


@row("flipud(Tensor self)", "torch.flipud .flipud")
def flipud(self: Array) -> Array:
    return np.flipud(self).copy()


@row("block_diag(Tensor[] ...tensors)", "torch.block_diag")
def block_diag(tensors: Sequence[Array]) -> Array:
    """Matrices one after another along the diagonal."""
    if any(x.ndim > 2 for x in tensors):
        raise ValueError("block_diag takes matrices, rows and numbers")
    parts = [np.atleast_2d(x) for x in tensors]
    shape = (sum(p.shape[0] for p in parts), sum(p.shape[1] for p in parts))
    dtype = common_type(*tensors)
    allocation(shape, dtype)
    out = np.zeros(shape, dtype)
    down = across = 0
    for p in parts:
        out[down : down + p.shape[0], across : across + p.shape[1]] = p
        down, across = down + p.shape[0], across + p.shape[1]
    return out


@row("kron(Tensor self, Tensor other)", "torch.kron .kron")
def kron(self: Array, other: Array) -> Array:
    """Every element of one array times the whole other array."""
    dtype = result_type(self, other)
    allocation((self.size, other.size), dtype)
    return array(np.kron(self, other)).astype(dtype)


@row(
    "diff(Tensor self, int n=1, int dim=-1, Tensor? prepend=None, Tensor? append=None)",
    "torch.diff .diff",
)
def diff(
    self: Array, n: int, dim: int, prepend: Array | None = None, append: Array | None = None
) -> Array:
    """Differences of neighbours, `n` times over."""
    if self.ndim == 0:
        raise ValueError("diff needs at least 1 dimension")
    axis = normal_axis(dim, self.ndim)
    whole = cat([x for x in (prepend, self, append) if x is not None], dim)
    # As often as there are elements leaves none: no need to go on after that.
    return array(np.diff(whole, min(n, whole.shape[axis]), axis))


@row("msort(Tensor self)", "torch.msort .msort")
def msort(self: Array) -> Array:
    return sort(self, 0)[0]


@row("argwhere(Tensor self)", "torch.argwhere .argwhere")
def argwhere(self: Array) -> Array:
    return nonzero(self)


@row("count_nonzero(Tensor self, int[1]? dim=None)", "torch.count_nonzero .count_nonzero")
def count_nonzero(self: Array, dim: Sequence[int] | None = None) -> Array:
    return sum_(array(self != 0), dim)


@row(
    "aminmax(Tensor self, *, int? dim=None, bool keepdim=False) -> Tensor, Tensor",
    "torch.aminmax .aminmax",
)
def aminmax(self: Array, dim: int | None = None, keepdim: bool = False) -> tuple[Array, Array]:
    """Smallest and largest element."""
    axis = axes(self, None if dim is None else [dim])
    return (
        array(np.min(self, axis, keepdims=keepdim)),
        array(np.max(self, axis, keepdims=keepdim)),
    )


def _declare_quantiles() -> None:
    for name, function in (("quantile", np.quantile), ("nanquantile", np.nanquantile)):

        def rule(
            self: Array,
            q: Value,
            dim: int | None,
            keepdim: bool,
            interpolation: str,
            _f: Any = function,
        ) -> Array:
            if self.dtype.kind != "f":
                raise TypeError(f"quantiles need floats, not {self.dtype}")
            axis = None if dim is None else normal_axis(dim, self.ndim)
            wanted = np.asarray(q, np.float64)
            found = _f(
                self.astype(np.float64), wanted, axis, method=interpolation, keepdims=keepdim
            )
            return np.asarray(found, self.dtype)

        tail = "int? dim=None, bool keepdim=False, *, str interpolation='linear'"
        row(f"{name}(Tensor self, Value q, {tail})", f"torch.{name} .{name}")(rule)


_declare_quantiles()


@row(
    "nanmean(Tensor self, int[1]? dim=None, bool keepdim=False, *, dtype? dtype=None)",
    "torch.nanmean .nanmean",
)
def nanmean(
    self: Array, dim: Sequence[int] | None = None, keepdim: bool = False, dtype: Any = None
) -> Array:
    """The mean of those elements that are numbers."""
    if self.dtype.kind != "f":
        raise TypeError(f"nanmean needs floats, not {self.dtype}")
    known = ~np.isnan(self)
    total = sum_(np.where(known, self, self.dtype.type(0)), dim, keepdim, dtype)
    return array(total / sum_(known, dim, keepdim).astype(total.dtype))


@row(
    "take_along_dim(Tensor self, Tensor indices, int? dim=None)",
    "torch.take_along_dim .take_along_dim",
)
def take_along_dim(self: Array, indices: Array, dim: int | None = None) -> Array:
    """The elements at these places along a dimension; the other dimensions broadcast."""
    places = indices.astype(np.intp, copy=False)
    if dim is None:
        return np.take_along_axis(self.reshape(-1), places.reshape(-1), 0)
    return np.take_along_axis(self, places, normal_axis(dim, self.ndim))


@row("put(Tensor self, Tensor index, Tensor source, bool accumulate=False)", "torch.put .put")
def put(self: Array, index: Array, source: Array, accumulate: bool = False) -> Array:
    return put_(self.copy(), index, source, accumulate)


@row(
    "isin(Value elements, Value test_elements, *, bool assume_unique=False, bool invert=False)",
    "torch.isin .isin",
)
def isin(elements: Value, test_elements: Value, assume_unique: bool, invert: bool) -> Array:
    return np.asarray(np.isin(elements, test_elements, invert=invert), BOOL)


def _place(sorted_: Array, values: Array, right: bool, out_int32: bool) -> Array:
    found = np.searchsorted(sorted_, values, "right" if right else "left")
    return np.asarray(found, INT32 if out_int32 else INT64)


@row(
    "bucketize(Value self, Tensor boundaries, *, bool out_int32=False, bool right=False)",
    "torch.bucketize",
)
def bucketize(self: Value, boundaries: Array, out_int32: bool, right: bool) -> Array:
    """Between which boundaries each element lies."""
    if boundaries.ndim != 1:
        raise ValueError(f"bucketize needs boundaries in one dimension, got {boundaries.shape}")
    return _place(boundaries, np.asarray(self), right, out_int32)


@row(
    "searchsorted(Tensor sorted_sequence, Value self, *, bool out_int32=False, bool right=False)",
    "torch.searchsorted",
)
def searchsorted(sorted_sequence: Array, self: Value, out_int32: bool, right: bool) -> Array:
    """Where elements would go into a sorted array, or into each of its rows."""
    values = np.asarray(self)
    if sorted_sequence.ndim == 1:
        return _place(sorted_sequence, values, right, out_int32)
    if values.shape[:-1] != sorted_sequence.shape[:-1]:
        raise ValueError(
            f"searchsorted needs the same rows in {sorted_sequence.shape} and {values.shape}"
        )
    rows = sorted_sequence.reshape(-1, sorted_sequence.shape[-1])
    lines = values.reshape(len(rows), values.shape[-1])
    found = [_place(r, v, right, out_int32) for r, v in zip(rows, lines, strict=True)]
    return np.array(found, INT32 if out_int32 else INT64).reshape(values.shape)


@row("cov(Tensor self, *, int correction=1)", "torch.cov .cov")
def cov(self: Array, correction: int = 1) -> Array:
    """How the rows vary together."""
    dtype = _float_of(self)
    return np.asarray(np.cov(self, ddof=correction, dtype=dtype), dtype)


@row("corrcoef(Tensor self)", "torch.corrcoef .corrcoef")
def corrcoef(self: Array) -> Array:
    dtype = _float_of(self)
    return np.asarray(np.corrcoef(self, dtype=dtype), dtype)


def _float_of(self: Array) -> Any:
    if self.dtype.kind != "f" or self.ndim > 2:
        raise TypeError(f"rows of floats are needed, not {self.dtype} {self.shape}")
    return self.dtype


@row("vander(Tensor x, int? N=None, bool increasing=False)", "torch.vander")
def vander(x: Array, N: int | None = None, increasing: bool = False) -> Array:  # noqa: N803
    """Powers of each element, one a row."""
    allocation((x.size, x.size if N is None else N), x.dtype)
    return np.vander(x, N, increasing).astype(x.dtype)
