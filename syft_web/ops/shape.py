"""Operations that change shape, order or number of dimensions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import accumulate
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from syft_web.ops.bounds import allocation
from syft_web.ops.dtypes import INT64, Array, DType, common_type
from syft_web.ops.reduce import normal_axis
from syft_web.ops.row import RowCollector

__all__ = ["expand", "flatten", "permute", "reshape", "row", "split_sizes", "squeeze"]

row = RowCollector()


def _full_shape(self: Array, shape: Sequence[int]) -> tuple[int, ...]:
    """Replace one -1 by what is left.

    Raises:
        ValueError: The numbers of elements do not agree.
    """
    known = math.prod(s for s in shape if s != -1)
    unknown = sum(s == -1 for s in shape)
    if unknown > 1 or any(s < -1 for s in shape):
        raise ValueError(f"the shape {list(shape)} must have at most one -1 and no other negatives")
    if unknown:
        if known == 0 or self.size % known:
            raise ValueError(f"shape {list(shape)} is invalid for input of size {self.size}")
        return tuple(self.size // known if s == -1 else s for s in shape)
    if known != self.size:
        raise ValueError(f"shape {list(shape)} is invalid for input of size {self.size}")
    return tuple(shape)


@row("reshape(Tensor self, int[] ...shape)", "torch.reshape .reshape", view=True)
@row("view(Tensor self, int[] ...size)", ".view", view=True)
def reshape(self: Array, shape: Sequence[int]) -> Array:
    """Another shape for the same elements; a view where the layout allows."""
    return self.reshape(_full_shape(self, shape))


@row("view_as(Tensor self, Tensor other)", ".view_as .reshape_as", view=True)
def view_as(self: Array, other: Array) -> Array:
    return self.reshape(other.shape)


@row("flatten(Tensor self, int start_dim=0, int end_dim=-1)", "torch.flatten .flatten", view=True)
def flatten(self: Array, start_dim: int = 0, end_dim: int = -1) -> Array:
    """Merge a range of dimensions into one."""
    first, last = normal_axis(start_dim, self.ndim), normal_axis(end_dim, self.ndim)
    if self.ndim == 0:
        return self.reshape(1)
    if first > last:
        raise ValueError("start_dim cannot come after end_dim")
    merged = math.prod(self.shape[first : last + 1])
    return self.reshape((*self.shape[:first], merged, *self.shape[last + 1 :]))


@row("unflatten(Tensor self, int dim, int[] sizes)", "torch.unflatten .unflatten", view=True)
def unflatten(self: Array, dim: int, sizes: Sequence[int]) -> Array:
    axis = normal_axis(dim, self.ndim)
    part = np.empty(self.shape[axis], np.bool_)
    return self.reshape((*self.shape[:axis], *_full_shape(part, sizes), *self.shape[axis + 1 :]))


@row("t(Tensor self)", "torch.t .t .t_", view=True, rebinds=True)
def t(self: Array) -> Array:
    if self.ndim > 2:
        raise ValueError(f"t() expects at most 2 dimensions, but self has {self.ndim}")
    return self.T


@row(
    "transpose(Tensor self, int dim0, int dim1)",
    "torch.transpose .transpose .transpose_ torch.swapaxes .swapaxes torch.swapdims .swapdims",
    view=True,
    rebinds=True,
)
def transpose(self: Array, dim0: int, dim1: int) -> Array:
    a, b = normal_axis(dim0, self.ndim), normal_axis(dim1, self.ndim)
    return self.swapaxes(a, b) if self.ndim else self[...]


@row("permute(Tensor self, int[] ...dims)", "torch.permute .permute", view=True)
def permute(self: Array, dims: Sequence[int]) -> Array:
    """Reorder the dimensions; a view."""
    order = [normal_axis(d, self.ndim) for d in dims]
    if sorted(order) != list(range(self.ndim)):
        raise ValueError(f"permute needs each of {self.ndim} dimensions once, got {list(dims)}")
    return self.transpose(order)


@row(
    "movedim(Tensor self, int[1] source, int[1] destination)",
    "torch.movedim .movedim torch.moveaxis .moveaxis",
    view=True,
)
def movedim(self: Array, source: Sequence[int], destination: Sequence[int]) -> Array:
    before, after = ([normal_axis(d, self.ndim) for d in dims] for dims in (source, destination))
    return np.moveaxis(self, before, after) if self.ndim else self[...]


@row(
    "unsqueeze(Tensor self, int dim)",
    "torch.unsqueeze .unsqueeze .unsqueeze_",
    view=True,
    rebinds=True,
)
def unsqueeze(self: Array, dim: int) -> Array:
    return np.expand_dims(self, normal_axis(dim, self.ndim + 1))


@row("squeeze(Tensor self)", "torch.squeeze .squeeze .squeeze_", view=True, rebinds=True)
def squeeze(self: Array) -> Array:
    """Drop all dimensions of size 1."""
    return self.squeeze()


@row(
    "squeeze(Tensor self, int[1] dim)", "torch.squeeze .squeeze .squeeze_", view=True, rebinds=True
)
def squeeze_dims(self: Array, dim: Sequence[int]) -> Array:
    wanted = {normal_axis(d, self.ndim) for d in dim}
    if len(wanted) < len(dim):
        raise ValueError(f"a dimension appears twice in {list(dim)}")
    ones = tuple(a for a in wanted if self.ndim and self.shape[a] == 1)
    return self.squeeze(ones) if ones else self[...]


@row("expand(Tensor self, int[] ...size)", ".expand", view=True)
def expand(self: Array, size: Sequence[int]) -> Array:
    """Repeat dimensions of size 1 without copying; -1 keeps a size."""
    lead = len(size) - self.ndim
    if lead < 0 or any(s == -1 for s in size[:lead]):
        raise ValueError(f"shape {self.shape} cannot be expanded to {list(size)}")
    shape = [self.shape[i - lead] if s == -1 and i >= lead else s for i, s in enumerate(size)]
    return np.broadcast_to(self, shape)


@row("expand_as(Tensor self, Tensor other)", ".expand_as", view=True)
def expand_as(self: Array, other: Array) -> Array:
    return np.broadcast_to(self, other.shape)


@row("broadcast_to(Tensor self, int[] size)", "torch.broadcast_to .broadcast_to", view=True)
def broadcast_to(self: Array, size: Sequence[int]) -> Array:
    return expand(self, size)


@row("broadcast_tensors(Tensor[] ...tensors) -> Tensor[]", "torch.broadcast_tensors", view=True)
def broadcast_tensors(tensors: Sequence[Array]) -> tuple[Array, ...]:
    return tuple(np.broadcast_arrays(*tensors))


@row("repeat(Tensor self, int[] ...repeats)", ".repeat")
def repeat(self: Array, repeats: Sequence[int]) -> Array:
    if len(repeats) < self.ndim:
        raise ValueError(f"repeat needs a number for each of {self.ndim} dimensions")
    return np.tile(self, tuple(repeats))


@row("tile(Tensor self, int[] ...dims)", "torch.tile .tile")
def tile(self: Array, dims: Sequence[int]) -> Array:
    return np.tile(self, tuple(dims))


@row("repeat_interleave(Tensor repeats)", "torch.repeat_interleave")
def repeated_indices(repeats: Array) -> Array:
    """Each index as often as its element says."""
    return repeat_interleave(np.arange(repeats.size, dtype=INT64), repeats)


@row(
    "repeat_interleave(Tensor self, int repeats, int? dim=None)",
    "torch.repeat_interleave .repeat_interleave",
)
@row(
    "repeat_interleave(Tensor self, Tensor repeats, int? dim=None)",
    "torch.repeat_interleave .repeat_interleave",
)
def repeat_interleave(self: Array, repeats: int | Array, dim: int | None = None) -> Array:
    axis = None if dim is None else normal_axis(dim, self.ndim)
    if isinstance(repeats, np.ndarray) and repeats.dtype.kind not in "iu":
        raise TypeError(f"repeats must be ints, not {repeats.dtype}")
    counts = np.asarray(repeats, np.intp)
    if np.any(counts < 0):
        raise ValueError("repeats must not be negative")
    length = self.size if axis is None else self.shape[axis] if self.ndim else 1
    total = np.sum(counts, dtype=np.float64) * (length if counts.size == 1 else 1)
    allocation((int(total), self.size // max(length, 1)), self.dtype)
    return np.repeat(self, counts, axis=axis)


def _joined(tensors: Sequence[Array], dtype: DType) -> list[Array]:
    return [x.astype(dtype, copy=False) for x in tensors]


@row("cat(Tensor[] tensors, int dim=0)", "torch.cat torch.concat torch.concatenate")
def cat(tensors: Sequence[Array], dim: int = 0) -> Array:
    # torch lets empty one-dimensional arrays pass whatever the others' shape is.
    parts = [x for x in tensors if x.shape != (0,)] or list(tensors)
    if any(x.ndim == 0 for x in parts):
        raise ValueError("zero-dimensional tensors cannot be concatenated; use stack")
    axis = normal_axis(dim, parts[0].ndim)
    return np.concatenate(_joined(parts, common_type(*tensors)), axis=axis)


@row("stack(Tensor[] tensors, int dim=0)", "torch.stack")
def stack(tensors: Sequence[Array], dim: int = 0) -> Array:
    parts = _joined(tensors, common_type(*tensors))
    return np.stack(parts, axis=normal_axis(dim, tensors[0].ndim + 1))


def split_sizes(self: Array, sizes: Sequence[int], dim: int = 0) -> tuple[Array, ...]:
    """Views of consecutive parts of the given sizes along a dimension."""
    axis = normal_axis(dim, self.ndim)
    if self.ndim == 0 or sum(sizes) != self.shape[axis] or any(s < 0 for s in sizes):
        raise ValueError(f"sizes {list(sizes)} do not add up to dimension {dim} of {self.shape}")
    before = (slice(None),) * axis
    return tuple(
        self[(*before, slice(end - size, end))]
        for size, end in zip(sizes, accumulate(sizes), strict=True)
    )


row("split(Tensor self, int[] split_size, int dim=0) -> Tensor[]", "torch.split .split", view=True)(
    split_sizes
)
row(
    "split(Tensor self, int[] split_size_or_sections, int dim=0) -> Tensor[]",
    "torch.split",
    view=True,
)(split_sizes)
row(
    "split_with_sizes(Tensor self, int[] split_sizes, int dim=0) -> Tensor[]",
    "torch.split_with_sizes .split_with_sizes",
    view=True,
)(split_sizes)


@row("split(Tensor self, int split_size, int dim=0) -> Tensor[]", "torch.split .split", view=True)
@row(
    "split(Tensor self, int split_size_or_sections, int dim=0) -> Tensor[]",
    "torch.split",
    view=True,
)
def split(self: Array, split_size: int, dim: int = 0) -> tuple[Array, ...]:
    length = self.shape[normal_axis(dim, self.ndim)] if self.ndim else 0
    if split_size < 1:
        raise ValueError(f"split_size must be positive, not {split_size}")
    whole, rest = divmod(length, split_size)
    sizes = [split_size] * whole + ([rest] if rest or not whole else [])
    return split_sizes(self, sizes, dim)


@row("chunk(Tensor self, int chunks, int dim=0) -> Tensor[]", "torch.chunk .chunk", view=True)
def chunk(self: Array, chunks: int, dim: int = 0) -> tuple[Array, ...]:
    if chunks < 1:
        raise ValueError(f"chunks must be positive, not {chunks}")
    length = self.shape[normal_axis(dim, self.ndim)] if self.ndim else 0
    if length == 0:
        return split_sizes(self, [0] * chunks, dim)
    return split(self, -(-length // chunks), dim)


@row("unbind(Tensor self, int dim=0) -> Tensor[]", "torch.unbind .unbind .__iter__", view=True)
def unbind(self: Array, dim: int = 0) -> tuple[Array, ...]:
    axis = normal_axis(dim, self.ndim)
    before: tuple[Any, ...] = (slice(None),) * axis
    # The Ellipsis keeps a 0-d part a view.
    return tuple(self[(*before, i, ...)] for i in range(self.shape[axis]))


@row("flip(Tensor self, int[] ...dims)", "torch.flip .flip")
def flip(self: Array, dims: Sequence[int]) -> Array:
    over = [normal_axis(d, self.ndim) for d in dims]
    if len(set(over)) < len(over):
        raise ValueError(f"a dimension appears twice in {list(dims)}")
    return np.flip(self, tuple(over)).copy() if self.ndim else self.copy()


@row("roll(Tensor self, int[1] shifts, int[1]? dims=None)", "torch.roll .roll")
def roll(self: Array, shifts: Sequence[int], dims: Sequence[int] | None = None) -> Array:
    if len(shifts) != (len(dims) if dims else 1):
        raise ValueError(f"roll needs one shift per dimension, got {list(shifts)}")
    if not dims:
        return np.roll(self, shifts[0])
    return np.roll(self, tuple(shifts), tuple(dims))


@row("rot90(Tensor self, int k=1, int[] dims=[0;1])", "torch.rot90 .rot90")
def rot90(self: Array, k: int, dims: Sequence[int]) -> Array:
    return np.rot90(self, k, (dims[0], dims[1])).copy()


@row("narrow(Tensor self, int dim, int start, int length)", "torch.narrow .narrow", view=True)
def narrow(self: Array, dim: int, start: int, length: int) -> Array:
    axis = normal_axis(dim, self.ndim)
    size = self.shape[axis]
    start = start + size if start < 0 else start
    if not 0 <= start <= start + length <= size:
        raise IndexError(f"start {start} and length {length} exceed dimension size {size}")
    return self[(slice(None),) * axis + (slice(start, start + length),)]


@row(
    "diagonal(Tensor self, int offset=0, int dim1=0, int dim2=1)",
    "torch.diagonal .diagonal",
    view=True,
)
def diagonal(self: Array, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Array:
    a, b = normal_axis(dim1, self.ndim), normal_axis(dim2, self.ndim)
    moved = np.moveaxis(self, (a, b), (-2, -1))
    rows, columns = moved.shape[-2:]
    length = max(min(rows, columns - offset) if offset >= 0 else min(rows + offset, columns), 0)
    start = moved[..., max(-offset, 0) :, max(offset, 0) :]
    return np.lib.stride_tricks.as_strided(
        start,
        (*moved.shape[:-2], length),
        (*moved.strides[:-2], moved.strides[-2] + moved.strides[-1]),
    )


@row("diag(Tensor self, int diagonal=0)", "torch.diag .diag")
def diag(self: Array, diagonal: int = 0) -> Array:
    return np.diag(self, diagonal).copy()


@row(
    "diag_embed(Tensor self, int offset=0, int dim1=-2, int dim2=-1)",
    "torch.diag_embed .diag_embed",
)
def diag_embed(self: Array, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Array:
    first, second = normal_axis(dim1, self.ndim + 1), normal_axis(dim2, self.ndim + 1)
    if first == second:
        raise ValueError("diagonal dimensions cannot be identical")
    size = self.shape[-1] + abs(offset)
    out = np.zeros((*self.shape[:-1], size, size), self.dtype)
    diagonal(out, offset, -2, -1)[...] = self
    return np.ascontiguousarray(np.moveaxis(out, (-2, -1), (first, second)))


def _matrices(self: Array) -> None:
    if self.ndim < 2:
        raise ValueError(f"at least 2 dimensions are needed, got shape {self.shape}")


@row("tril(Tensor self, int diagonal=0)", "torch.tril .tril .tril_")
def tril(self: Array, diagonal: int = 0) -> Array:
    _matrices(self)
    return np.tril(self, diagonal)


@row("triu(Tensor self, int diagonal=0)", "torch.triu .triu .triu_")
def triu(self: Array, diagonal: int = 0) -> Array:
    _matrices(self)
    return np.triu(self, diagonal)


@row("unfold(Tensor self, int dimension, int size, int step)", ".unfold", view=True)
def unfold(self: Array, dimension: int, size: int, step: int) -> Array:
    axis = normal_axis(dimension, self.ndim)
    if step < 1:
        raise ValueError(f"step must be positive, not {step}")
    if self.ndim == 0:
        return narrow(self.reshape(1), 0, 0, size)
    windows = sliding_window_view(self, size, axis=axis, writeable=self.flags.writeable)
    return windows[(slice(None),) * axis + (slice(None, None, step),)]


@row("meshgrid(Tensor[] ...tensors, str indexing='ij') -> Tensor[]", "torch.meshgrid", view=True)
def meshgrid(tensors: Sequence[Array], indexing: str = "ij") -> tuple[Array, ...]:
    """Views of the arrays, each along its own dimension; ``xy`` swaps the first two."""
    if any(x.ndim > 1 for x in tensors) or len({x.dtype for x in tensors}) > 1:
        raise ValueError("meshgrid needs arrays of one dtype with at most one dimension")
    if indexing not in ("ij", "xy"):
        raise ValueError(f"indexing must be 'ij' or 'xy', not {indexing!r}")
    order = list(range(len(tensors)))
    if indexing == "xy" and len(order) > 1:
        order[:2] = [1, 0]
    shape = [tensors[k].size for k in order]
    places = [order.index(k) for k in range(len(tensors))]
    return tuple(
        np.broadcast_to(x.reshape([-1 if a == place else 1 for a in range(len(order))]), shape)
        for x, place in zip(tensors, places, strict=True)
    )
