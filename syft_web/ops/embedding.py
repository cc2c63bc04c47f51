"""Embeddings with gradients, and bags of embeddings.

A bag is a stretch of the list of indices; its rows of the weight are summed, averaged, or
their maximum is taken.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from syft_web.ops.dtypes import INT64, Array
from syft_web.ops.elementwise import array
from syft_web.ops.row import RowCollector

__all__ = ["add_rows", "row"]

row = RowCollector()

_SUM, _MEAN, _MAX = range(3)
_MODES = {"sum": _SUM, "mean": _MEAN, "max": _MAX}
_FOUR = "-> Tensor, Tensor, Tensor, Tensor"


def add_rows(values: Array, places: Array, count: int) -> Array:
    """Sum the rows of `values` that go to the same place.

    Sorting and one `np.add.reduceat` is faster than adding row by row.

    Args:
        values: ``(K, D)``.
        places: ``(K,)`` ints within 0..count-1.
        count: Rows of the result.

    Returns:
        ``(count, D)``.
    """
    out = np.zeros((count, values.shape[1]), values.dtype)
    if places.size == 0:
        return out
    order = np.argsort(places, kind="stable")
    ordered = places[order]
    starts = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
    out[ordered[starts]] = np.add.reduceat(values[order], starts, axis=0)
    return out


def _inside(indices: Array, count: int) -> Array:
    """Indices of rows as numpy wants them; negatives are no rows."""
    if indices.dtype.kind not in "iu":
        raise TypeError(f"an embedding wants indices of ints, not {indices.dtype}")
    found = indices.reshape(-1).astype(np.intp)
    if found.size and (found.min() < 0 or found.max() >= count):
        raise IndexError(f"an index is out of range for an embedding of {count} rows")
    return found


@row(
    "embedding_dense_backward(Tensor grad_output, Tensor indices, int num_weights, "
    "int padding_idx, bool scale_grad_by_freq)",
    "A.embedding_dense_backward.default",
)
def embedding_dense_backward(
    grad_output: Array,
    indices: Array,
    num_weights: int,
    padding_idx: int,
    scale_grad_by_freq: bool,
) -> Array:
    """The gradient of the embedding's weight, ``(num_weights, D)``."""
    places = _inside(indices, num_weights)
    values = grad_output.reshape(places.size, grad_output.shape[-1])
    if 0 <= padding_idx < num_weights:
        kept = places != padding_idx
        places, values = places[kept], values[kept]
    out = add_rows(values, places, num_weights)
    if scale_grad_by_freq:
        counts = np.maximum(np.bincount(places, minlength=num_weights), 1)
        out /= counts.astype(out.dtype)[:, None]
    return out


# -- bags ------------------------------------------------------------------------------------


def _bags(offsets: Array, total: int, include_last_offset: bool) -> tuple[Array, Array]:
    """Where each bag begins, and which bag each index belongs to."""
    starts = offsets.reshape(-1).astype(np.intp)
    if include_last_offset:
        starts = starts[:-1]
    if starts.size and (starts[0] != 0 or (np.diff(starts) < 0).any() or starts[-1] > total):
        raise ValueError("offsets must begin with 0 and grow up to the number of indices")
    ends = np.append(starts[1:], total)[: starts.size]
    return starts, np.repeat(np.arange(starts.size, dtype=np.intp), ends - starts)


def embedding_bag(
    weight: Array,
    indices: Array,
    offsets: Array,
    scale_grad_by_freq: bool = False,
    mode: int = _SUM,
    sparse: bool = False,
    per_sample_weights: Array | None = None,
    include_last_offset: bool = False,
    padding_idx: int | None = None,
) -> tuple[Array, Array, Array, Array]:
    """Sum (0), mean (1) or maximum (2) of the rows of each bag.

    Returns:
        The bags, ``(B, D)``; the bag of each index; how many indices each bag counts; and for
        the maximum where each came from, ``(B, D)``.
    """
    places = _inside(indices, weight.shape[0])
    starts, owner = _bags(offsets, places.size, include_last_offset)
    bags = starts.size
    skipped = -1 if padding_idx is None else padding_idx % max(weight.shape[0], 1)
    counted = places != skipped if padding_idx is not None and padding_idx >= 0 else None
    used, its_bag, factors = places, owner, per_sample_weights
    if counted is not None:
        used, its_bag = places[counted], owner[counted]
        factors = None if factors is None else factors.reshape(-1)[counted]
    sizes = np.bincount(its_bag, minlength=bags).astype(INT64)
    rows = weight[used]
    if factors is not None:
        rows = rows * factors.reshape(-1, 1)
    if mode == _MAX:
        values, came_from = _maximum(rows, used, its_bag, bags)
        return values, owner.astype(INT64), sizes, came_from
    out = add_rows(rows, its_bag, bags)
    if mode == _MEAN:
        out /= np.maximum(sizes, 1).astype(out.dtype)[:, None]
    return out, owner.astype(INT64), sizes, sizes.copy()


def _maximum(rows: Array, used: Array, its_bag: Array, bags: int) -> tuple[Array, Array]:
    """The largest of each bag's rows, column by column, and the embedding it came from."""
    values = np.zeros((bags, rows.shape[1]), rows.dtype)
    came_from = np.full(values.shape, -1, INT64)
    for bag in np.unique(its_bag):
        inside = np.flatnonzero(its_bag == bag)
        best = np.argmax(rows[inside], axis=0)
        values[bag] = np.take_along_axis(rows[inside], best[None], 0)[0]
        came_from[bag] = used[inside[best]]
    return values, came_from


_BAG_ARGS = (
    "Tensor weight, Tensor indices, Tensor offsets, bool scale_grad_by_freq=False, int mode=0, "
    "bool sparse=False, Tensor? per_sample_weights=None, bool include_last_offset=False, "
)
row(
    f"embedding_bag({_BAG_ARGS}int? padding_idx=None) {_FOUR}",
    "torch.embedding_bag A.embedding_bag.padding_idx",
)(embedding_bag)
row(
    f"_embedding_bag({_BAG_ARGS}int padding_idx=-1) {_FOUR}",
    "A._embedding_bag.default A._embedding_bag_forward_only.default A.embedding_bag.default",
)(embedding_bag)


@row(
    "embedding_bag(Tensor self, Tensor weight, Tensor? offsets=None, float? max_norm=None, "
    "float norm_type=2, bool scale_grad_by_freq=False, str mode='mean', bool sparse=False, "
    "Tensor? per_sample_weights=None, bool include_last_offset=False, int? padding_idx=None)",
    "F.embedding_bag",
)
def embedding_bag_named(
    self: Array,
    weight: Array,
    offsets: Array | None,
    max_norm: float | None,
    norm_type: float,
    scale_grad_by_freq: bool,
    mode: str,
    sparse: bool,
    per_sample_weights: Array | None,
    include_last_offset: bool,
    padding_idx: int | None,
) -> Array:
    """Bags given by offsets, or one per row of two-dimensional indices."""
    if max_norm is not None:
        raise ValueError("embedding_bag with max_norm changes its weights and is not supported")
    if mode not in _MODES:
        raise ValueError(f"mode must be sum, mean or max, not {mode!r}")
    if self.ndim == 2:
        if offsets is not None:
            raise ValueError("two-dimensional indices need no offsets")
        offsets = np.arange(0, self.size, max(self.shape[1], 1), dtype=INT64)[: self.shape[0]]
    elif offsets is None:
        raise ValueError("one-dimensional indices need offsets")
    return embedding_bag(
        weight,
        self.reshape(-1),
        offsets,
        scale_grad_by_freq,
        _MODES[mode],
        sparse,
        per_sample_weights,
        include_last_offset,
        padding_idx,
    )[0]


@row(
    "_embedding_bag_dense_backward(Tensor grad, Tensor indices, Tensor offset2bag, "
    "Tensor bag_size, Tensor maximum_indices, int num_weights, bool scale_grad_by_freq, int mode, "
    "Tensor? per_sample_weights, int padding_idx=-1)",
    "A._embedding_bag_dense_backward.default",
)
def embedding_bag_dense_backward(
    grad: Array,
    indices: Array,
    offset2bag: Array,
    bag_size: Array,
    maximum_indices: Array,
    num_weights: int,
    scale_grad_by_freq: bool,
    mode: int,
    per_sample_weights: Array | None,
    padding_idx: int = -1,
) -> Array:
    """The gradient of the bags' weight, ``(num_weights, D)``."""
    if mode == _MAX:
        out = np.zeros((num_weights, grad.shape[1]), grad.dtype)
        came_from = maximum_indices.astype(np.intp)
        bag, column = np.nonzero((came_from >= 0) & (bag_size > 0)[:, None])
        np.add.at(out, (came_from[bag, column], column), grad[bag, column])
        return out
    places, owner = _inside(indices, num_weights), offset2bag.astype(np.intp)
    values = grad[owner]
    if mode == _MEAN:
        values = values / np.maximum(bag_size, 1).astype(grad.dtype)[owner, None]
    if per_sample_weights is not None:
        values = values * per_sample_weights.reshape(-1, 1)
    if scale_grad_by_freq:
        counts = np.bincount(places, minlength=num_weights)
        values = values / counts.astype(grad.dtype)[places, None]
    if padding_idx >= 0:
        kept = places != padding_idx
        places, values = places[kept], values[kept]
    return add_rows(array(values), places, num_weights)


@row(
    "_embedding_bag_backward(Tensor grad, Tensor indices, Tensor offsets, Tensor offset2bag, "
    "Tensor bag_size, Tensor maximum_indices, int num_weights, bool scale_grad_by_freq, int mode, "
    "bool sparse, Tensor? per_sample_weights, int padding_idx=-1)",
    "A._embedding_bag_backward.default",
)
def embedding_bag_backward(
    grad: Array,
    indices: Array,
    offsets: Array,
    offset2bag: Array,
    bag_size: Array,
    maximum_indices: Array,
    num_weights: int,
    scale_grad_by_freq: bool,
    mode: int,
    sparse: bool,
    per_sample_weights: Array | None,
    padding_idx: int = -1,
) -> Array:
    """As `embedding_bag_dense_backward`; the bag of each index may be missing."""
    if offset2bag.size == 0 and indices.size:
        offset2bag = _bags(offsets, indices.size, offsets.size > bag_size.size)[1]
    return embedding_bag_dense_backward(
        grad,
        indices,
        offset2bag,
        bag_size,
        maximum_indices,
        num_weights,
        scale_grad_by_freq,
        mode,
        per_sample_weights,
        padding_idx,
    )


@row(
    "_embedding_bag_per_sample_weights_backward(Tensor grad, Tensor weight, Tensor indices, "
    "Tensor offsets, Tensor offset2bag, int mode, int padding_idx=-1)",
    "A._embedding_bag_per_sample_weights_backward.default",
)
def embedding_bag_weights_backward(
    grad: Array,
    weight: Array,
    indices: Array,
    offsets: Array,
    offset2bag: Array,
    mode: int,
    padding_idx: int = -1,
) -> Array:
    """The gradient of the weight of each index, of its shape ``(K,)``."""
    places = _inside(indices, weight.shape[0])
    owner: Any = offset2bag.astype(np.intp)
    if owner.size == 0 and places.size:
        owner = _bags(offsets, places.size, False)[1]
    products = np.sum(grad[owner] * weight[places], axis=1)
    return array(np.where(places == padding_idx, grad.dtype.type(0), products))
