"""Gathers and scatters in the forms that indexing, labels and embeddings take.

In each, some dimensions of the operand are indexed one element at a time, some go along with the
indices, and the others are taken whole. Those that are indexed are put first; then it is what
``x[i, j]`` is in numpy.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from syft_web.author.jax.faults import unsupported_form
from syft_web.author.jax.rules.base import Rules, permuted, reshaped
from syft_web.author.jax.values import Shape, Value, is_static, same
from syft_web.plan.plan import Arg, Ref

if TYPE_CHECKING:
    from syft_web.author.jax.translate import Translator

__all__ = ["RULES"]

RULES = Rules()

_FORMS = (
    "only whole rows and single elements can be picked by arrays of indices (x[i], x[:, i], "
    "jnp.take, jnp.take_along_axis), or parts at fixed places."
)


@dataclass(frozen=True, slots=True)
class _Pick:
    """What is indexed, and by what.

    Attributes:
        picked: Dimensions of the operand that are indexed, in the order of `indices`.
        indices: One array of int64 for each; they broadcast to `shape`.
        shape: The shape of the indices.
        places: Where the dimensions of `shape` are in the result.
    """

    picked: list[int]
    indices: list[Ref]
    shape: Shape
    places: list[int]

    def order(self, rank: int) -> list[int]:
        """The operand's dimensions with the picked ones first."""
        return [*self.picked, *(d for d in range(rank) if d not in self.picked)]

    def back(self, rank: int) -> list[int]:
        """From (picked, whole) to the result: where each of its dimensions comes from."""
        whole = [d for d in range(rank) if d not in self.places]
        source = {d: i for i, d in enumerate([*self.places, *whole])}
        return [source[d] for d in range(rank)]


def _columns(t: Translator, indices: Value, mapped: Sequence[int]) -> list[Ref]:
    """The indices for each of several dimensions, which come side by side."""
    shape = indices.shape
    if len(mapped) == 1:
        return [t.emit("long", reshaped(t, t.ref(indices), shape, shape[:-1]))]
    ref = t.emit("long", t.ref(indices))
    return [t.emit("torch.select", ref, len(shape) - 1, i) for i in range(len(mapped))]


def _along(t: Translator, size: Any, place: int, rank: int) -> Ref:
    """The numbers 0, 1, ... along one dimension of the indices."""
    shape = tuple(size if i == place else 1 for i in range(rank))
    if is_static(size):
        return t.writer.constant(np.arange(size, dtype=np.int64).reshape(shape))
    return reshaped(t, t.emit("torch.arange", t.writer.size(size)), (size,), shape)


def _pick(
    t: Translator,
    indices: Value,
    mapped: Sequence[int],
    together: tuple[Sequence[int], Sequence[int]],
    whole_places: Sequence[int],
    rank: int,
) -> _Pick:
    shape = indices.shape[:-1]
    own = [_along(t, shape[place], place, len(shape)) for place in together[1]]
    places = [d for d in range(rank) if d not in whole_places]
    picked = [*together[0], *mapped]
    return _Pick(picked, [*own, *_columns(t, indices, mapped)], shape, places)


@RULES("gather")
def _gather(t: Translator, equation: Any, args: list[Value]) -> Sequence[Any]:
    x, indices = args
    numbers, sizes = equation.params["dimension_numbers"], equation.params["slice_sizes"]
    mapped = [int(d) for d in numbers.start_index_map]
    if indices.known is not None and not numbers.operand_batching_dims and len(indices.shape) == 1:
        return _fixed(t, equation, x, np.broadcast_to(indices.known, indices.shape), sizes)
    together = (numbers.operand_batching_dims, numbers.start_indices_batching_dims)
    single = {*numbers.collapsed_slice_dims, *together[0]}
    whole = [d for d in range(len(x.shape)) if d not in single]
    if single != {*mapped, *together[0]} or not same(
        [sizes[d] for d in whole], [x.shape[d] for d in whole]
    ):
        raise unsupported_form(equation, _FORMS)
    out = tuple(equation.outvars[0].aval.shape)
    pick = _pick(t, indices, mapped, together, numbers.offset_dims, len(out))
    pick = _clipped(t, equation, pick, x.shape)
    ref = permuted(t, t.ref(x), pick.order(len(x.shape)))
    if len(pick.indices) == 1 and len(x.shape) == 2:
        found = t.emit("torch.embedding", ref, pick.indices[0])
    else:
        found = t.emit("torch.ops.aten.index.Tensor", ref, list(pick.indices))
    return t.result(equation, permuted(t, found, pick.back(len(out))))


def _clipped(t: Translator, equation: Any, pick: _Pick, shape: Shape) -> _Pick:
    """With mode="clip" an index beyond the end means the last."""
    if "CLIP" not in str(equation.params["mode"]).upper():
        return pick
    inside: list[Ref] = []
    for d, index in zip(pick.picked, pick.indices, strict=True):
        last = shape[d] - 1
        known = is_static(last)
        inside.append(t.emit("torch.clamp", index, 0, int(last)) if known else index)
    return _Pick(pick.picked, inside, pick.shape, pick.places)


def _fixed(
    t: Translator, equation: Any, x: Value, starts: np.ndarray, sizes: Sequence[Any]
) -> Sequence[Any]:
    """A part at a fixed place."""
    numbers, ref, shape = equation.params["dimension_numbers"], t.ref(x), list(x.shape)
    for d, start in zip(numbers.start_index_map, starts, strict=True):
        if same([sizes[d]], [shape[d]]):
            continue
        if not is_static(shape[d]):
            last = t.writer.size(sizes[d])
            ref = t.emit("torch.narrow", ref, int(d), int(start), last)
        else:
            first = min(max(int(start), 0), shape[d] - sizes[d])
            ref = t.emit("torch.narrow", ref, int(d), first, int(sizes[d]))
        shape[d] = sizes[d]
    if not same(sizes, shape):
        raise unsupported_form(equation, _FORMS)
    return t.result(equation, reshaped(t, ref, tuple(shape), equation.outvars[0].aval.shape))


@RULES("scatter", "scatter-add", "scatter_add")
def _scatter(t: Translator, equation: Any, args: list[Value]) -> Sequence[Any]:
    x, indices, updates = args
    numbers = equation.params["dimension_numbers"]
    mapped = [int(d) for d in numbers.scatter_dims_to_operand_dims]
    adds = equation.primitive.name != "scatter"
    together = (numbers.operand_batching_dims, numbers.scatter_indices_batching_dims)
    single = {*numbers.inserted_window_dims, *together[0]}
    whole = [d for d in range(len(x.shape)) if d not in single]
    windows = [updates.shape[d] for d in numbers.update_window_dims]
    if single != {*mapped, *together[0]}:
        return _fixed_place(t, equation, args, adds)
    if not same(windows, [x.shape[d] for d in whole]):
        raise unsupported_form(equation, _FORMS)
    rank = len(updates.shape)
    pick = _pick(t, indices, mapped, together, numbers.update_window_dims, rank)
    pick = _clipped(t, equation, pick, x.shape)
    # From the order of the updates to (picked, whole), as the indices pick from the operand.
    order = [*pick.places, *(int(d) for d in numbers.update_window_dims)]
    values = permuted(t, t.ref(updates), order)
    operand = pick.order(len(x.shape))
    if adds and x.number == 0 and len(mapped) == 1 and len(x.shape) == 2 and not together[0]:
        found = _embedding_back(t, values, pick, x.shape[mapped[0]])
    else:
        given: list[Arg] = list(pick.indices)
        base = permuted(t, t.ref(x), operand)
        found = t.emit("torch.index_put", base, given, values, adds)
    return t.result(equation, permuted(t, found, _inverse(operand)))


def _embedding_back(t: Translator, values: Ref, pick: _Pick, rows: Any) -> Ref:
    return t.emit(
        "torch.ops.aten.embedding_dense_backward.default",
        values,
        pick.indices[0],
        t.writer.size(rows),
        -1,
        False,
    )


def _inverse(order: Sequence[int]) -> list[int]:
    return sorted(range(len(order)), key=lambda i: order[i])


def _fixed_place(t: Translator, equation: Any, args: list[Value], adds: bool) -> Sequence[Any]:
    """Updates of a part at a fixed place: zeros around them, and a sum."""
    x, indices, updates = args
    numbers = equation.params["dimension_numbers"]
    if not adds or indices.known is None or len(indices.shape) != 1:
        raise unsupported_form(equation, _FORMS)
    starts = np.broadcast_to(indices.known, indices.shape)
    first = dict(zip(map(int, numbers.scatter_dims_to_operand_dims), starts, strict=True))
    windows = iter(numbers.update_window_dims)
    inserted = set(numbers.inserted_window_dims)
    sizes = [1 if d in inserted else updates.shape[next(windows)] for d in range(len(x.shape))]
    ref = reshaped(t, t.ref(updates), updates.shape, tuple(sizes))
    edges = []
    for d, (size, whole) in enumerate(zip(sizes, x.shape, strict=True)):
        low = int(first.get(d, 0))
        edges.append((low, t.writer.size(whole - size - low)))
    flat: list[Arg] = [n for low, high in reversed(edges) for n in (low, high)]
    if any(flat):
        ref = t.emit("torch.constant_pad_nd", ref, flat, 0)
    if x.number != 0:
        ref = t.emit("torch.add", t.ref(x), ref)
    return t.result(equation, ref)
