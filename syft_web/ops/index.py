"""Picking elements out of arrays, and putting them in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from syft_web.ops.bounds import allocation
from syft_web.ops.dtypes import INT64, Array, Scalar, Value, cast
from syft_web.ops.elementwise import binary
from syft_web.ops.inplace import write_into
from syft_web.ops.reduce import normal_axis
from syft_web.ops.row import RowCollector

__all__ = ["gather", "index_select", "one_hot", "row", "select", "take", "topk"]

row = RowCollector()


def _before(self: Array, dim: int) -> tuple[Any, ...]:
    """Index of everything in the dimensions before `dim`."""
    return (slice(None),) * normal_axis(dim, self.ndim)


def _checked(index: Array, size: int, *, negative: bool = False) -> Array:
    """Indices as numpy wants them, all within 0..size-1, or also counted from the end."""
    if index.dtype.kind not in "iu":
        raise IndexError(f"indices must be ints, not {index.dtype}")
    found = index.astype(np.intp, copy=False)
    if found.size and (found.min() < (-size if negative else 0) or found.max() >= size):
        raise IndexError(f"an index is out of range for a dimension of size {size}")
    return found


@row("select(Tensor self, int dim, int index)", "torch.select .select", view=True)
def select(self: Array, dim: int, index: int) -> Array:
    """The slice at one index of a dimension, which is dropped; a view."""
    if self.ndim == 0:
        raise IndexError("select() cannot be applied to a 0-dim tensor.")
    # The Ellipsis makes a 0-d result a view instead of a scalar.
    return self[(*_before(self, dim), index, ...)]


@row("index_select(Tensor self, int dim, Tensor index)", "torch.index_select .index_select")
def index_select(self: Array, dim: int, index: Array) -> Array:
    """The slices at several indices of a dimension."""
    if index.ndim > 1:
        raise IndexError(f"index must have at most one dimension, not shape {index.shape}")
    axis = normal_axis(dim, self.ndim)
    if self.ndim == 0:
        if index.size != 1:
            raise IndexError(f"a number has one element, {index.size} are asked for")
        return self.reshape(1)[_checked(index.reshape(-1), 1)].reshape(())
    return np.take(self, _checked(index.reshape(-1), self.shape[axis]), axis=axis)


@row("take(Tensor self, Tensor index)", "torch.take .take")
def take(self: Array, index: Array) -> Array:
    """Elements by their index in the flattened array."""
    return np.asarray(self.reshape(-1)[_checked(index, self.size, negative=True)])


@row(
    "gather(Tensor self, int dim, Tensor index, *, bool sparse_grad=False)",
    "torch.gather .gather",
)
def gather(self: Array, dim: int, index: Array, sparse_grad: bool = False) -> Array:
    """For each element of `index`, the element at that place along `dim`."""
    axis = normal_axis(dim, self.ndim)
    if index.size == 0:
        return np.empty(index.shape, self.dtype)
    if self.ndim == 0:
        return self.reshape(1)[_checked(index.reshape(-1), 1)].reshape(index.shape)
    return np.asarray(self[_along(self, axis, index)])


def _along(self: Array, axis: int, index: Array) -> tuple[Array, ...]:
    """Index arrays that address, for each element of `index`, its place along `axis`."""
    if index.ndim != self.ndim:
        raise IndexError(f"index of shape {index.shape} must have as many dims as {self.shape}")
    places: list[Array] = list(np.ogrid[tuple(slice(n) for n in index.shape)])
    places[axis] = _checked(index, self.shape[axis])
    return tuple(places)


def _getitem_key(index: Any) -> Any:
    if isinstance(index, np.ndarray):
        if index.dtype == np.uint8:  # a mask, as before there were bools
            return index != 0
        if index.dtype.kind not in "iub":
            raise IndexError(f"indices must be ints or bools, not {index.dtype}")
        if index.ndim == 0 and index.dtype.kind in "iu":
            return int(index)
        return index if index.dtype.kind == "b" else index.astype(np.intp)
    if isinstance(index, list):
        keys = [_getitem_key(i) for i in index]
        # Arrays and lists in a list each index one dimension; numbers in a list are one array.
        return tuple(keys) if any(isinstance(i, np.ndarray | list) for i in index) else keys
    return index


@row("getitem(Tensor self, any index)", ".__getitem__", view=True)
def getitem(self: Array, index: Any) -> Array:
    key = _getitem_key(index)
    if isinstance(key, bool):
        return self[None].copy() if key else self[None][:0].copy()
    if key is None or isinstance(key, int):
        return self[key, ...]
    return np.asarray(self[key])


@row("setitem(Tensor self, any index, Value value)", ".__setitem__", rebinds=True)
def setitem(self: Array, index: Any, value: Value) -> Array:
    key = _getitem_key(index)
    source = np.asarray(value).astype(self.dtype, copy=False)
    if type(key) is int or key is None:
        self[key, ...] = source  # the slot is an array then, also without dimensions
    else:
        self[key] = source
    return self


def _same_dtype(self: Array, other: Value) -> None:
    if isinstance(other, np.ndarray) and other.dtype != self.dtype:
        raise TypeError(f"values of {other.dtype} cannot go into an array of {self.dtype}")


def _one_number(value: Value) -> None:
    if isinstance(value, np.ndarray) and value.ndim:
        raise ValueError(f"the value must have no dimensions, not shape {value.shape}")


@row(
    "masked_fill(Tensor self, Tensor mask, Value value)",
    "torch.masked_fill .masked_fill .masked_fill_",
)
def masked_fill(self: Array, mask: Array, value: Value) -> Array:
    _needs_bool(mask)
    _one_number(value)
    return np.asarray(np.where(mask, cast(value, self.dtype), self), self.dtype)


@row("masked_select(Tensor self, Tensor mask)", "torch.masked_select .masked_select")
def masked_select(self: Array, mask: Array) -> Array:
    _needs_bool(mask)
    values, where = np.broadcast_arrays(self, mask)
    return np.asarray(values[where.astype(np.bool_)])


@row(
    "masked_scatter(Tensor self, Tensor mask, Tensor source)",
    "torch.masked_scatter .masked_scatter .masked_scatter_",
)
def masked_scatter(self: Array, mask: Array, source: Array) -> Array:
    _needs_bool(mask)
    values, where = (np.array(a, order="C") for a in np.broadcast_arrays(self, mask))
    count = int(np.count_nonzero(where))
    _same_dtype(self, source)
    if source.size < count:
        raise ValueError(f"the mask has {count} places, the source {source.size} elements")
    values[where.astype(np.bool_)] = source.reshape(-1)[:count]
    return values


def _needs_bool(mask: Array) -> None:
    if mask.dtype.kind != "b" and mask.dtype != np.uint8:
        raise TypeError(f"a mask must be bool, not {mask.dtype}")


@row("scatter(Tensor self, int dim, Tensor index, Value src)", "torch.scatter .scatter .scatter_")
@row(
    "scatter(Tensor self, int dim, Tensor index, Scalar value)", "torch.scatter .scatter .scatter_"
)
def scatter(self: Array, dim: int, index: Array, src: Value) -> Array:
    out = self.copy()
    places, values = _scatter_parts(out, dim, index, src)
    out.reshape(out.shape or 1)[places] = values
    return out


@row(
    "scatter_add(Tensor self, int dim, Tensor index, Tensor src)",
    "torch.scatter_add .scatter_add .scatter_add_",
)
def scatter_add(self: Array, dim: int, index: Array, src: Array) -> Array:
    out = self.copy()
    places, values = _scatter_parts(out, dim, index, src)
    np.add.at(out.reshape(out.shape or 1), places, values)
    return out


def _scatter_parts(
    out: Array, dim: int, index: Array, src: Value
) -> tuple[tuple[Array, ...], Value]:
    axis = normal_axis(dim, out.ndim)
    _same_dtype(out, src)
    index = np.ascontiguousarray(index)  # so that numpy writes in order: the last one counts
    whole = out.reshape(out.shape or 1)
    if index.size == 0:
        return (np.zeros(0, np.intp),), np.zeros((0, *whole.shape[1:]), out.dtype)
    places = _along(whole, axis, index)
    pairs = enumerate(zip(index.shape, whole.shape, strict=True))
    if any(n > m for a, (n, m) in pairs if a != axis):
        raise IndexError(f"index {index.shape} is larger than the array {out.shape}")
    if not isinstance(src, np.ndarray):
        return places, cast(src, out.dtype)
    src = src.reshape(src.shape or 1)
    if src.ndim != index.ndim:
        raise ValueError(f"index {index.shape} and src {src.shape} differ in dimensions")
    if any(n > m for n, m in zip(index.shape, src.shape, strict=True)):
        raise IndexError(f"index {index.shape} is larger than the source {src.shape}")
    return places, src[tuple(slice(n) for n in index.shape)]


@row(
    "index_add(Tensor self, int dim, Tensor index, Tensor source, *, Scalar alpha=1)",
    "torch.index_add .index_add .index_add_",
)
def index_add(self: Array, dim: int, index: Array, source: Array, alpha: Scalar = 1) -> Array:
    out = self.copy()
    if alpha != 1:
        source = binary(np.multiply, source, alpha, source.dtype)
    if self.ndim != source.ndim:
        raise ValueError(f"the source must have the dimensions of {self.shape}")
    where, source = _slices(out, dim, index, source)
    np.add.at(out.reshape(out.shape or 1), where, source)
    return out


def _slices(out: Array, dim: int, index: Array, source: Array) -> tuple[tuple[Any, ...], Array]:
    """Where the slices of `source` go; each stands for one along `dim` of the array."""
    whole = out.reshape(out.shape or 1)
    axis = normal_axis(dim, out.ndim)
    if index.ndim > 1:
        raise IndexError(f"index must have at most one dimension, not shape {index.shape}")
    _same_dtype(out, source)
    index = np.ascontiguousarray(index)  # so that numpy writes in order: the last one counts
    where = _checked(index.reshape(-1), whole.shape[axis])
    wanted = (*whole.shape[:axis], where.size, *whole.shape[axis + 1 :])
    if whole.ndim == 1 and source.ndim == 0 and where.size == 1:
        source = source.reshape(1)
    if source.shape != wanted:
        raise ValueError(f"the source must have shape {wanted}, not {source.shape}")
    return (*_before(whole, axis), where), source


@row(
    "index_copy(Tensor self, int dim, Tensor index, Tensor source)",
    "torch.index_copy .index_copy .index_copy_",
)
def index_copy(self: Array, dim: int, index: Array, source: Array) -> Array:
    out = self.copy()
    where, source = _slices(out, dim, index, source)
    out.reshape(out.shape or 1)[where] = source
    return out


@row(
    "index_fill(Tensor self, int dim, Tensor index, Value value)",
    "torch.index_fill .index_fill .index_fill_",
)
def index_fill(self: Array, dim: int, index: Array, value: Value) -> Array:
    out = self.copy()
    _one_number(value)
    whole = out.reshape(out.shape or 1)
    places = _checked(index, whole.shape[normal_axis(dim, out.ndim)], negative=True)
    whole[(*_before(whole, dim), places)] = cast(value, out.dtype)
    return out


@row(
    "index_put(Tensor self, Tensor[] indices, Tensor values, bool accumulate=False)",
    "torch.index_put .index_put .index_put_ torch.index_put_",
)
def index_put(
    self: Array, indices: Sequence[Array], values: Array, accumulate: bool = False
) -> Array:
    out = self.copy()
    if values.size != 1 or accumulate or not any(i.dtype.kind == "b" for i in indices):
        _same_dtype(self, values)  # one number under a mask is converted
    places = tuple(np.asarray(_getitem_key(i), order="C") for i in indices)  # writes in order
    if accumulate:
        np.add.at(out, places, values)
    else:
        out[places] = values
    return out


@row("nonzero(Tensor self)", "torch.nonzero .nonzero")
def nonzero(self: Array) -> Array:
    return np.stack(np.nonzero(np.atleast_1d(self)), axis=1).astype(INT64)[:, : self.ndim]


@row("where(Tensor condition) -> Tensor[]", "torch.where")
def where_indices(condition: Array) -> tuple[Array, ...]:
    return tuple(i.astype(INT64) for i in np.nonzero(np.atleast_1d(condition)))


def _order(self: Array, axis: int, descending: bool) -> Array:
    """Indices that sort along an axis; equal elements keep their order, nan counts as largest."""
    if not descending:
        return np.argsort(self, axis=axis, kind="stable")
    back = np.flip(np.argsort(np.flip(self, axis), axis=axis, kind="stable"), axis)
    return np.asarray(self.shape[axis] - 1 - back)


@row("sort(Tensor self, int dim=-1, bool descending=False) -> Tensor, Tensor", "torch.sort .sort")
def sort(self: Array, dim: int = -1, descending: bool = False) -> tuple[Array, Array]:
    axis = normal_axis(dim, self.ndim)
    if self.ndim == 0:
        return self.copy(), np.zeros((), INT64)
    order = _order(self, axis, descending)
    return np.take_along_axis(self, order, axis), order.astype(INT64)


@row("argsort(Tensor self, int dim=-1, bool descending=False)", "torch.argsort .argsort")
def argsort(self: Array, dim: int = -1, descending: bool = False) -> Array:
    return sort(self, dim, descending)[1]


@row(
    "topk(Tensor self, int k, int dim=-1, bool largest=True, bool sorted=True) -> Tensor, Tensor",
    "torch.topk .topk",
)
def topk(
    self: Array, k: int, dim: int = -1, largest: bool = True, sorted: bool = True
) -> tuple[Array, Array]:
    """The k largest (or smallest) elements along a dimension, sorted, and their indices."""
    axis = normal_axis(dim, self.ndim)
    size = self.shape[axis] if self.ndim else 1
    if not 0 <= k <= size:
        raise IndexError(f"selected index k={k} out of range for dimension {size}")
    if self.ndim == 0:
        return self.copy(), np.zeros((), INT64)
    order = np.take(_order(self, axis, largest), np.arange(k), axis=axis)
    return np.take_along_axis(self, order, axis), order.astype(INT64)


@row("one_hot(Tensor self, int num_classes=-1)", "F.one_hot")
def one_hot(self: Array, num_classes: int = -1) -> Array:
    """int64 zeros with a one at each class number, in a new last dimension."""
    if self.dtype != INT64:
        raise TypeError(f"one_hot wants class numbers (int64), not {self.dtype}")
    if self.size == 0 and num_classes < 1:
        raise ValueError("the number of classes cannot be seen from an empty array; give it")
    count = int(self.max()) + 1 if num_classes < 0 else num_classes
    _checked(self, count)
    allocation((*self.shape, count), INT64)
    return np.asarray(self[..., None] == np.arange(count), INT64)


@row(
    "embedding(Tensor self, Tensor weight, int? padding_idx=None, float? max_norm=None, "
    "float norm_type=2.0, bool scale_grad_by_freq=False, bool sparse=False)",
    "F.embedding",
)
def embedding(
    self: Array, weight: Array, padding_idx: int | None, max_norm: float | None, *_rest: Any
) -> Array:
    if max_norm is not None:
        raise ValueError("embedding with max_norm changes its weights and is not supported")
    if weight.ndim != 2:
        raise ValueError(f"the weight must have 2 dimensions, not shape {weight.shape}")
    if padding_idx is not None and not -len(weight) <= padding_idx < len(weight):
        raise ValueError(f"padding_idx {padding_idx} is not among {len(weight)} embeddings")
    return np.take(weight, _checked(self, weight.shape[0]), axis=0)


@row(
    "embedding(Tensor weight, Tensor indices, int padding_idx=-1, "
    "bool scale_grad_by_freq=False, bool sparse=False)",
    "torch.embedding",
)
def embedding_weight_first(weight: Array, indices: Array, *_rest: Any) -> Array:
    return np.take(weight, _checked(indices, weight.shape[0]), axis=0)


@row("fill(Tensor self, Value value)", ".fill_ torch.fill_", rebinds=True)
def fill_(self: Array, value: Value) -> Array:
    _one_number(value)
    self[...] = cast(value, self.dtype)
    return self


@row("zero(Tensor self)", ".zero_ torch.zero_", rebinds=True)
def zero_(self: Array) -> Array:
    self[...] = 0
    return self


@row("copy_(Tensor self, Value src)", ".copy_", rebinds=True)
def copy_(self: Array, src: Value) -> Array:
    return write_into(self, cast(src, self.dtype))


@row(
    "fill_diagonal_(Tensor self, Scalar fill_value, bool wrap=False)",
    ".fill_diagonal_",
    rebinds=True,
)
def fill_diagonal_(self: Array, fill_value: Scalar, wrap: bool = False) -> Array:
    np.fill_diagonal(self, fill_value, wrap)
    return self


@row("bincount(Tensor self, Tensor? weights=None, int minlength=0)", "torch.bincount .bincount")
def bincount(self: Array, weights: Array | None = None, minlength: int = 0) -> Array:
    """How often each number occurs, or the sum of its weights (float64, as in torch)."""
    if self.dtype.kind not in "iu" or self.ndim != 1:
        raise TypeError(f"bincount needs ints in one dimension, not {self.dtype} {self.shape}")
    allocation((max(int(self.max(initial=0)) + 1, minlength),), INT64)
    counts = np.bincount(self.astype(np.intp), weights, minlength)
    if weights is None:
        return counts.astype(INT64)
    return counts.astype(weights.dtype if weights.dtype.kind == "f" else np.float64)


@row("histc(Tensor self, int bins=100, Scalar min=0, Scalar max=0)", "torch.histc .histc")
def histc(self: Array, bins: int = 100, min: Scalar = 0, max: Scalar = 0) -> Array:
    """Counts in equal bins; min = max = 0 means the range of the data."""
    if min or max or self.size == 0:
        low, high = min, max
    else:
        low, high = self.min(), self.max()
    return np.histogram(self, bins, (low, high))[0].astype(self.dtype)
