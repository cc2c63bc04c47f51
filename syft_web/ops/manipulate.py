"""Less common ways to lay out, resize, fill and sum up arrays."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from syft_web.ops.bounds import allocation
from syft_web.ops.dtypes import Array, Scalar, Value, cast, float_type, result_type
from syft_web.ops.elementwise import array
from syft_web.ops.index import embedding_weight_first
from syft_web.ops.reduce import norm_dims, normal_axis
from syft_web.ops.row import RowCollector
from syft_web.ops.shape import diag, flip, narrow

__all__ = ["row"]

row = RowCollector()


@row(
    "as_strided(Tensor self, int[] size, int[] stride, int? storage_offset=None)",
    "torch.as_strided .as_strided torch.as_strided_ .as_strided_",
    view=True,
    rebinds=True,
)
def as_strided(
    self: Array, size: Sequence[int], stride: Sequence[int], storage_offset: int | None = None
) -> Array:
    """Another layout of the same elements.

    How arrays lie in memory is not a plan's business, so places are counted in `self` as it
    reads, row by row. torch counts in the memory behind it, which differs for transposed
    and sliced arrays; on those use contiguous() first.

    Args:
        self: Any array; only its own elements can be reached.
        size: Shape of the result.
        stride: Steps in elements, not negative.
        storage_offset: Where the result begins, counted from the first element of `self`.
    """
    memory, offset = self.reshape(-1), storage_offset or 0
    check_strides(size, stride, offset, memory.size)
    steps = tuple(s * self.itemsize for s in stride)
    return np.lib.stride_tricks.as_strided(memory[offset:], tuple(size), steps)


def check_strides(size: Sequence[int], stride: Sequence[int], offset: int, available: int) -> None:
    """Refuse a layout that leaves the memory there is.

    Raises:
        ValueError: Why.
    """
    if len(size) != len(stride) or any(n < 0 for n in [*size, *stride, offset]):
        raise ValueError(f"sizes {list(size)} and strides {list(stride)} do not go together")
    last = offset + sum((n - 1) * s for n, s in zip(size, stride, strict=True))
    if 0 not in size and last >= available:
        raise ValueError(
            f"sizes {list(size)} with strides {list(stride)} from {offset} reach beyond the "
            f"{available} elements there are"
        )


@row("resize_(Tensor self, int[] ...size)", ".resize_", view=True, rebinds=True)
def resize_(self: Array, size: Sequence[int]) -> Array:
    """The first elements in another shape; zeros where there are not enough."""
    if any(n < 0 for n in size):
        raise ValueError(f"resize_ needs sizes of at least 0, got {list(size)}")
    wanted = math.prod(size)
    memory = self.reshape(-1)
    if wanted > memory.size:
        memory = np.concatenate([memory, np.zeros(wanted - memory.size, self.dtype)])
    return memory[:wanted].reshape(tuple(size))


@row(
    "resize_as_(Tensor self, Tensor the_template)",
    ".resize_as_ torch.resize_as_",
    view=True,
    rebinds=True,
)
def resize_as_(self: Array, the_template: Array) -> Array:
    return resize_(self, the_template.shape)


@row("resize(Tensor self, int[] ...sizes)", ".resize", view=True)
def resize(self: Array, sizes: Sequence[int]) -> Array:
    """Like view, under an older name: the number of elements must stay."""
    if math.prod(sizes) != self.size:
        raise ValueError(f"resize cannot change {self.size} elements into sizes {list(sizes)}")
    return self.reshape(tuple(sizes))


@row("resize_as(Tensor self, Tensor tensor)", ".resize_as", view=True)
def resize_as(self: Array, tensor: Array) -> Array:
    return resize(self, tensor.shape)


@row("narrow_copy(Tensor self, int dim, int start, int length)", ".narrow_copy torch.narrow_copy")
def narrow_copy(self: Array, dim: int, start: int, length: int) -> Array:
    return narrow(self, dim, start, length).copy()


@row("reversed(Tensor self)", ".__reversed__")
def reversed_(self: Array) -> Array:
    return flip(self, [0])


@row("diagflat(Tensor self, int offset=0)", "torch.diagflat .diagflat")
def diagflat(self: Array, offset: int = 0) -> Array:
    """A matrix with all elements on one diagonal."""
    allocation((self.size + abs(offset),) * 2, self.dtype)
    return diag(self.reshape(-1), offset)


@row(
    "put_(Tensor self, Tensor index, Tensor source, bool accumulate=False)",
    ".put_",
    rebinds=True,
)
def put_(self: Array, index: Array, source: Array, accumulate: bool = False) -> Array:
    """Write elements at places of the flattened array; repeated places add up or the last wins."""
    if index.dtype.kind not in "iu":
        raise IndexError(f"indices must be ints, not {index.dtype}")
    if index.size != source.size or source.dtype != self.dtype:
        raise ValueError(
            f"put_ needs as many values as indices, of the target's dtype; got {source.dtype} "
            f"{source.shape} for {index.shape} in {self.dtype}"
        )
    flat = index.reshape(-1).astype(np.intp)
    if flat.size and (flat.min() < -self.size or flat.max() >= self.size):
        raise IndexError(f"an index is out of range for {self.size} elements")
    places = np.unravel_index(flat % max(self.size, 1), self.shape)
    values = source.reshape(-1)
    if accumulate:
        np.add.at(self, places, values)
    else:
        self[places] = values
    return self


@row("sum_to_size(Tensor self, int[] ...size)", ".sum_to_size")
def sum_to_size(self: Array, size: Sequence[int]) -> Array:
    """Sum over the dimensions that broadcasting from `size` would have made."""
    lead = self.ndim - len(size)
    if lead < 0 or any(n not in (1, m) for n, m in zip(size, self.shape[lead:], strict=True)):
        raise ValueError(f"size {list(size)} does not broadcast to shape {self.shape}")
    if tuple(size) == self.shape:
        return self.copy()
    total = np.sum(self, tuple(range(lead)), dtype=self.dtype)
    ones = tuple(a for a, n in enumerate(size) if n == 1 and total.shape[a] != 1)
    return array(np.sum(total, ones, keepdims=True, dtype=self.dtype) if ones else total)


@row(
    "renorm(Tensor self, Scalar p, int dim, Scalar maxnorm)",
    "torch.renorm .renorm .renorm_",
)
def renorm(self: Array, p: Scalar, dim: int, maxnorm: Scalar) -> Array:
    """Scale each slice along `dim` whose p-norm is above `maxnorm` down to it."""
    if self.ndim < 2 or not p > 0 or maxnorm < 0:
        raise ValueError(
            f"renorm needs 2 or more dimensions, p above 0 and maxnorm of at least 0; "
            f"got shape {self.shape}, {p} and {maxnorm}"
        )
    kept = normal_axis(dim, self.ndim)
    size = norm_dims(self, p, [a for a in range(self.ndim) if a != kept], True)
    # torch's own small number against division by zero
    factor = np.where(size > maxnorm, maxnorm / (size + 1e-7), 1)
    return np.asarray(self * factor.astype(self.dtype), self.dtype)


@row(
    "embedding_renorm_(Tensor self, Tensor indices, float max_norm, float norm_type)",
    "torch.embedding_renorm_",
    rebinds=True,
)
def embedding_renorm_(self: Array, indices: Array, max_norm: float, norm_type: float) -> Array:
    """Scale those rows that are looked up and too long down to `max_norm`, in place."""
    rows = np.unique(indices).astype(np.intp)
    if rows.size:
        self[rows] = renorm(self[rows], norm_type, 0, max_norm)
    return self


@row("embedding(Tensor x, Tensor weight, any ...rest=[])", "tf.embedding")
def tf_embedding(x: Array, weight: Array, rest: Sequence[object]) -> Array:
    """Rows of a table, with torch's arguments, which translated plans keep."""
    return embedding_weight_first(weight, x)


def _trapezoids(y: Array, width: Value, dim: int) -> Array:
    axis = normal_axis(dim, y.ndim)
    before = (slice(None),) * axis
    dtype = float_type(result_type(y, width) if isinstance(width, np.ndarray) else y.dtype)
    heights = (y[(*before, slice(1, None))] + y[(*before, slice(None, -1))]).astype(dtype)
    return array(np.sum(heights * cast(width, dtype), axis) / dtype.type(2))


@row("trapz(Tensor y, *, float dx=1.0, int dim=-1)", "torch.trapz")
def trapz_even(y: Array, dx: float = 1.0, dim: int = -1) -> Array:
    """The integral over points `dx` apart, by trapezoids."""
    return _trapezoids(y, dx, dim)


@row("trapz(Tensor y, Tensor x, *, int dim=-1)", "torch.trapz")
def trapz(y: Array, x: Array, dim: int = -1) -> Array:
    """The integral over the points `x`, which broadcast against `y`."""
    points = x
    if x.ndim == 1 and y.ndim:  # along dim, whichever that is
        shape = [1] * y.ndim
        shape[normal_axis(dim, y.ndim)] = x.shape[0]
        points = x.reshape(shape)
    return _trapezoids(y, np.diff(points, axis=normal_axis(dim, points.ndim)), dim)
