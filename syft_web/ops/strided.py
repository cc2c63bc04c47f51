"""Slices, strides and indices as captured training steps write them, and their gradients."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from syft_web.ops.dtypes import Array, cast
from syft_web.ops.elementwise import array
from syft_web.ops.reduce import normal_axis
from syft_web.ops.row import RowCollector
from syft_web.ops.shape import diagonal, unfold

__all__ = ["row"]

row = RowCollector()


def _at(ndim: int, dim: int, index: Any) -> tuple[Any, ...]:
    """Index one dimension and keep the ones before and after."""
    return (*(slice(None),) * normal_axis(dim, ndim), index, ...)


@row(
    "slice(Tensor self, int dim=0, int? start=None, int? end=None, int step=1)",
    "A.slice.Tensor",
    view=True,
)
def slice_(self: Array, dim: int, start: int | None, end: int | None, step: int) -> Array:
    """Every `step`-th part from `start` to before `end`; a view."""
    if step < 1:
        raise ValueError(f"slice step must be positive, not {step}")
    return array(self[_at(self.ndim, dim, slice(start, end, step))])


@row(
    "slice_backward(Tensor grad_output, int[] input_sizes, int dim, int start, int end, int step)",
    "A.slice_backward.default",
)
def slice_backward(
    grad_output: Array, input_sizes: Sequence[int], dim: int, start: int, end: int, step: int
) -> Array:
    out = np.zeros(tuple(input_sizes), grad_output.dtype)
    out[_at(out.ndim, dim, slice(start, end, step))] = grad_output
    return out


@row(
    "slice_scatter(Tensor self, Tensor src, int dim=0, int? start=None, int? end=None, int step=1)",
    "torch.slice_scatter .slice_scatter A.slice_scatter.default",
)
def slice_scatter(
    self: Array, src: Array, dim: int, start: int | None, end: int | None, step: int
) -> Array:
    out = self.copy()
    part = out[_at(out.ndim, dim, slice(start, end, step))]
    if part.shape != src.shape:
        raise ValueError(f"the source {src.shape} does not have the slice's shape {part.shape}")
    part[...] = src
    return out


@row(
    "select_backward(Tensor grad_output, int[] input_sizes, int dim, int index)",
    "A.select_backward.default",
)
def select_backward(grad_output: Array, input_sizes: Sequence[int], dim: int, index: int) -> Array:
    out = np.zeros(tuple(input_sizes), grad_output.dtype)
    out[_at(out.ndim, dim, index)] = grad_output
    return out


@row(
    "select_scatter(Tensor self, Tensor src, int dim, int index)",
    "torch.select_scatter .select_scatter A.select_scatter.default",
)
def select_scatter(self: Array, src: Array, dim: int, index: int) -> Array:
    out = self.copy()
    out[_at(out.ndim, dim, index)] = src
    return out


@row(
    "diagonal_backward(Tensor grad_output, int[] input_sizes, int offset, int dim1, int dim2)",
    "A.diagonal_backward.default",
)
def diagonal_backward(
    grad_output: Array, input_sizes: Sequence[int], offset: int, dim1: int, dim2: int
) -> Array:
    out = np.zeros(tuple(input_sizes), grad_output.dtype)
    diagonal(out, offset, dim1, dim2)[...] = grad_output
    return out


@row(
    "diagonal_scatter(Tensor self, Tensor src, int offset=0, int dim1=0, int dim2=1)",
    "torch.diagonal_scatter .diagonal_scatter A.diagonal_scatter.default",
)
def diagonal_scatter(self: Array, src: Array, offset: int, dim1: int, dim2: int) -> Array:
    out = self.copy()
    diagonal(out, offset, dim1, dim2)[...] = src
    return out


@row(
    "unfold_backward(Tensor grad_in, int[] input_sizes, int dim, int size, int step)",
    "A.unfold_backward.default",
)
def unfold_backward(
    grad_in: Array, input_sizes: Sequence[int], dim: int, size: int, step: int
) -> Array:
    """Add up windows along a dimension where they stood; the last dimension holds a window."""
    out = np.zeros(tuple(input_sizes), grad_in.dtype)
    if out.ndim == 0:
        return np.asarray(grad_in.sum(), out.dtype)
    axis = normal_axis(dim, out.ndim)
    count = grad_in.shape[axis]
    for k in range(size):
        out[_at(out.ndim, axis, slice(k, k + step * (count - 1) + 1, step))] += grad_in[..., k]
    return out


@row(
    "as_strided(Tensor self, int[] size, int[] stride, int? storage_offset=None)",
    "A.as_strided.default",
)
def as_strided(
    self: Array, size: Sequence[int], stride: Sequence[int], storage_offset: int | None = None
) -> Array:
    """Elements at any distances from each other in the array's own, contiguous order.

    Raises:
        ValueError: A place is outside of the array.
    """
    if len(size) != len(stride):
        raise ValueError(f"size {list(size)} and stride {list(stride)} must be as long")
    if any(s < 0 for s in size) or any(s < 0 for s in stride):
        raise ValueError("as_strided takes no negative sizes and strides")
    offset = storage_offset or 0
    last = offset + sum((n - 1) * s for n, s in zip(size, stride, strict=True))
    if 0 in size:
        return np.zeros(tuple(size), self.dtype)
    if offset < 0 or last >= self.size:
        raise ValueError(f"as_strided reaches element {last} of {self.size}")
    flat = np.ascontiguousarray(self).reshape(-1)[offset:]
    step = flat.itemsize
    view = np.lib.stride_tricks.as_strided(flat, tuple(size), tuple(s * step for s in stride))
    return view.copy()


@row(
    "as_strided_scatter(Tensor self, Tensor src, int[] size, int[] stride, "
    "int? storage_offset=None)",
    "torch.as_strided_scatter A.as_strided_scatter.default",
)
def as_strided_scatter(
    self: Array,
    src: Array,
    size: Sequence[int],
    stride: Sequence[int],
    storage_offset: int | None = None,
) -> Array:
    out = np.array(self, order="C")
    places = as_strided(
        np.arange(out.size, dtype=np.int64), list(size), list(stride), storage_offset
    )
    out.reshape(-1)[places] = src
    return out


# -- index arrays, some of them None -------------------------------------------------------------


def _places(self: Array, indices: Sequence[Array | None]) -> tuple[Any, ...]:
    """The indices as numpy takes them: None leaves a dimension whole."""
    if len(indices) > self.ndim:
        raise IndexError(f"too many indices for shape {self.shape}: {len(indices)}")
    places: list[Any] = []
    for index in indices:
        if index is None:
            places.append(slice(None))
        elif index.dtype.kind == "b" or index.dtype == np.uint8:
            places.append(index.astype(np.bool_))
        else:
            places.append(index.astype(np.intp))
    return tuple(places)


@row(
    "index(Tensor self, Tensor?[] indices)",
    "A.index.Tensor A._unsafe_index.Tensor",
)
def index(self: Array, indices: Sequence[Array | None]) -> Array:
    """``self[i, :, j]``: the elements at index arrays, which broadcast against each other."""
    return np.array(self[_places(self, indices)])


@row(
    "index_put_new(Tensor self, Tensor?[] indices, Tensor values, bool accumulate=False)",
    "A.index_put.default A._unsafe_index_put.default",
)
def index_put(
    self: Array, indices: Sequence[Array | None], values: Array, accumulate: bool = False
) -> Array:
    """A copy in which the elements at index arrays are set, or added to."""
    out, places = self.copy(), _places(self, indices)
    given = cast(values, out.dtype)
    if accumulate:
        np.add.at(out, places, given)
    else:
        out[places] = given
    return out


@row(
    "index_select_backward(Tensor grad, int[] self_sizes, int dim, Tensor index)",
    "A.index_select_backward.default",
)
def index_select_backward(grad: Array, self_sizes: Sequence[int], dim: int, index: Array) -> Array:
    out = np.zeros(tuple(self_sizes), grad.dtype)
    if out.ndim == 0:
        return array(grad.reshape(-1).sum(dtype=grad.dtype))
    np.add.at(out, _at(out.ndim, dim, index.reshape(-1).astype(np.intp)), grad)
    return out


@row(
    "unfold_copy(Tensor self, int dimension, int size, int step)",
    "A.unfold_copy.default",
)
def unfold_copy(self: Array, dimension: int, size: int, step: int) -> Array:
    return unfold(self, dimension, size, step).copy()


@row(
    "trace_backward(Tensor grad, int[] sizes)",
    "A.trace_backward.default",
)
def trace_backward(grad: Array, sizes: Sequence[int]) -> Array:
    out = np.zeros(tuple(sizes), grad.dtype)
    np.fill_diagonal(out, grad)
    return out


@row(
    "value_selecting_reduction_backward(Tensor grad, int dim, Tensor indices, int[] sizes, "
    "bool keepdim)",
    "A.value_selecting_reduction_backward.default",
)
def value_selecting_reduction_backward(
    grad: Array, dim: int, indices: Array, sizes: Sequence[int], keepdim: bool
) -> Array:
    """The gradient of ``max`` and ``min`` along a dimension: it goes where they were found."""
    out = np.zeros(tuple(sizes), grad.dtype)
    if out.ndim == 0:
        return grad.copy()
    axis = normal_axis(dim, out.ndim)
    if not keepdim:
        grad, indices = np.expand_dims(grad, axis), np.expand_dims(indices, axis)
    np.put_along_axis(out, indices.astype(np.intp), grad, axis)
    return out
