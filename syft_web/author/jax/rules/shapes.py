"""Primitives that move elements and change shapes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from syft_web.author.jax import dtypes
from syft_web.author.jax.faults import unsupported_form
from syft_web.author.jax.rules.base import Rules, permuted, reshaped
from syft_web.author.jax.values import Shape, Value, is_static, known, same
from syft_web.plan.plan import Ref

if TYPE_CHECKING:
    from syft_web.author.jax.translate import Translator

__all__ = ["RULES", "pad_edges", "spread"]

RULES = Rules()


@RULES("broadcast_in_dim")
def _broadcast_in_dim(t: Translator, equation: Any, args: list[Value]) -> Sequence[Any]:
    x = args[0]
    shape = tuple(equation.outvars[0].aval.shape)
    places = [int(d) for d in equation.params["broadcast_dimensions"]]
    padded = (1,) * (len(x.shape) - len(x.held)) + tuple(x.held)
    held: list[Any] = [1] * len(shape)
    for place, size in zip(places, padded, strict=True):
        held[place] = size
    while held and is_static(held[0]) and held[0] == 1:  # what is in front is repeated anyway
        held.pop(0)
    dtype = x.dtype
    if x.known is not None:
        return [Value(shape, dtype, tuple(held), known=x.known.reshape(held))]
    if not held and x.held:
        held = [1]
    ref = reshaped(t, t.held(x), x.held, tuple(held))
    return [Value(shape, dtype, tuple(held), ref)]


@RULES("iota")
def _iota(t: Translator, equation: Any, args: list[Value]) -> Sequence[Any]:
    aval = equation.outvars[0].aval
    shape, along = tuple(aval.shape), int(equation.params["dimension"])
    dtype, length = dtypes.of(aval.dtype), shape[along]
    held = (length, *(1,) * (len(shape) - along - 1))
    if is_static(length):
        return [Value(shape, dtype, held, known=np.arange(length, dtype=dtype).reshape(held))]
    numbers = t.emit("torch.arange", t.writer.size(length))
    numbers = t.emit(dtypes.method(dtype), numbers)
    return [Value(shape, dtype, held, reshaped(t, numbers, (length,), held))]


@RULES("dim_as_value")
def _dim_as_value(t: Translator, equation: Any, args: list[Value]) -> Sequence[Any]:
    dtype = dtypes.of(equation.outvars[0].aval.dtype)
    ref = t.emit("torch.scalar_tensor", t.writer.size(equation.params["dim"]), dtype=str(dtype))
    return t.result(equation, ref)


@RULES("reshape", "squeeze", "expand_dims")
def _reshape(t: Translator, equation: Any, args: list[Value]) -> Sequence[Any]:
    x, shape = args[0], tuple(equation.outvars[0].aval.shape)
    if x.number is not None:
        return [known(np.asarray(x.known), shape)]
    return t.result(equation, reshaped(t, t.ref(x), x.shape, shape))


@RULES("transpose")
def _transpose(t: Translator, equation: Any, args: list[Value]) -> Sequence[Any]:
    return t.result(equation, permuted(t, t.ref(args[0]), equation.params["permutation"]))


@RULES("rev")
def _rev(t: Translator, equation: Any, args: list[Value]) -> Sequence[Any]:
    dims = [int(d) for d in equation.params["dimensions"]]
    return t.result(equation, t.emit("torch.flip", t.ref(args[0]), dims))


@RULES("concatenate")
def _concatenate(t: Translator, equation: Any, args: list[Value]) -> Sequence[Any]:
    parts = [t.ref(x) for x in args]
    return t.result(equation, t.emit("torch.cat", parts, int(equation.params["dimension"])))


@RULES("split")
def _split(t: Translator, equation: Any, args: list[Value]) -> Sequence[Any]:
    axis, start, x = int(equation.params["axis"]), 0, t.ref(args[0])
    parts = []
    for variable in equation.outvars:
        shape = tuple(variable.aval.shape)
        size = shape[axis]
        if not is_static(size):
            raise unsupported_form(equation, "the batch cannot be split; split other dimensions.")
        parts.append(
            Value(shape, args[0].dtype, shape, t.emit("torch.narrow", x, axis, start, size))
        )
        start += size
    return parts


@RULES("stack")
def _stack(t: Translator, equation: Any, args: list[Value]) -> Sequence[Any]:
    parts = [t.ref(x) for x in args]
    return t.result(equation, t.emit("torch.stack", parts, int(equation.params["axis"])))


@RULES("unstack")
def _unstack(t: Translator, equation: Any, args: list[Value]) -> Sequence[Any]:
    axis, x = int(equation.params["axis"]), t.ref(args[0])
    shape = tuple(equation.outvars[0].aval.shape)
    return [
        Value(shape, args[0].dtype, shape, t.emit("torch.select", x, axis, i))
        for i in range(len(equation.outvars))
    ]


@RULES("tile")
def _tile(t: Translator, equation: Any, args: list[Value]) -> Sequence[Any]:
    times = [t.writer.size(n) for n in equation.params["reps"]]
    return t.result(equation, t.emit("torch.tile", t.ref(args[0]), times))


@RULES("slice")
def _slice(t: Translator, equation: Any, args: list[Value]) -> Sequence[Any]:
    x = args[0]
    if x.number is not None:
        return [known(np.asarray(x.known), tuple(equation.outvars[0].aval.shape))]
    starts, limits = equation.params["start_indices"], equation.params["limit_indices"]
    strides = equation.params["strides"] or (1,) * len(starts)
    ref = t.ref(x)
    for axis, (start, limit, step) in enumerate(zip(starts, limits, strides, strict=True)):
        ref = _cut(t, ref, axis, (start, limit, step), x.shape[axis])
    return t.result(equation, ref)


def _cut(t: Translator, ref: Ref, axis: int, cut: tuple[Any, Any, Any], size: Any) -> Ref:
    start, limit, step = cut
    whole = is_static(limit) == is_static(size) and bool(limit == size)
    if is_static(start) and start == 0 and whole and step == 1:
        return ref
    end = None if whole else t.writer.size(limit)
    return t.emit(
        "torch.ops.aten.slice.Tensor", ref, axis, t.writer.size(start), end, t.writer.size(step)
    )


@RULES("dynamic_slice")
def _dynamic_slice(t: Translator, equation: Any, args: list[Value]) -> Sequence[Any]:
    x, *starts = args
    sizes, ref = equation.params["slice_sizes"], t.ref(x)
    for axis, (start, size) in enumerate(zip(starts, sizes, strict=True)):
        if is_static(size) == is_static(x.shape[axis]) and bool(size == x.shape[axis]):
            continue
        if start.number is None:
            ref = _moving(t, equation, ref, axis, start, (size, x.shape[axis]))
            continue
        first = int(start.number)
        if not is_static(size) or (first < 0 and not is_static(x.shape[axis])):
            raise unsupported_form(equation, "this part of the batch cannot be taken.")
        if is_static(x.shape[axis]):
            first = min(max(first, 0), x.shape[axis] - size)
        ref = t.emit("torch.narrow", ref, axis, first, int(size))
    return t.result(equation, ref)


def _moving(
    t: Translator, equation: Any, ref: Ref, axis: int, start: Value, sizes: tuple[Any, Any]
) -> Ref:
    """A part whose place is a value of the plan: a selection of rows."""
    size, whole = sizes
    if not is_static(size) or not is_static(whole):
        raise unsupported_form(equation, "a part of the batch cannot be taken at a moving place.")
    first = t.emit("torch.clamp", t.emit("long", t.held(start)), 0, int(whole - size))
    numbers = t.writer.constant(np.arange(size, dtype=np.int64))
    index = t.emit("torch.add", numbers, first)
    return t.emit("torch.index_select", ref, axis, index)


@RULES("dynamic_update_slice")
def _dynamic_update_slice(t: Translator, equation: Any, args: list[Value]) -> Sequence[Any]:
    x, update, *starts = args
    open_ones = [
        not same([size], [whole]) and not (is_static(size) and is_static(whole))
        for size, whole in zip(update.shape, x.shape, strict=True)
    ]
    if any(s.number is None for s in starts) or any(open_ones):
        raise unsupported_form(equation, "a part can be replaced at a fixed place only.")
    ref, inner = t.ref(x), t.ref(update)
    places = [
        0 if same([whole], [size]) else min(max(int(s.number or 0), 0), whole - size)
        for s, whole, size in zip(starts, x.shape, update.shape, strict=True)
    ]
    # From the innermost cut outwards: what surrounds the update is cut from the tensor.
    edges = [_edge_cuts(t, ref, places, x.shape, update.shape, axis) for axis in range(len(places))]
    for axis in range(len(places) - 1, -1, -1):
        before, after = edges[axis]
        parts = [part for part in (before, inner, after) if part is not None]
        inner = t.emit("torch.cat", parts, axis) if len(parts) > 1 else inner
    return t.result(equation, inner)


def _edge_cuts(
    t: Translator, ref: Ref, places: Sequence[int], whole: Shape, size: Shape, axis: int
) -> tuple[Ref | None, Ref | None]:
    """What lies before and behind along one dimension, within the update's earlier ones."""
    for d in range(axis):
        if not same([size[d]], [whole[d]]):
            ref = t.emit("torch.narrow", ref, d, places[d], int(size[d]))
    if same([size[axis]], [whole[axis]]):
        return None, None
    end = places[axis] + size[axis]
    before = t.emit("torch.narrow", ref, axis, 0, places[axis]) if places[axis] else None
    rest = int(whole[axis] - end)
    return before, t.emit("torch.narrow", ref, axis, int(end), rest) if rest else None


@RULES("pad")
def _pad(t: Translator, equation: Any, args: list[Value]) -> Sequence[Any]:
    x, filler = args
    config = [tuple(map(int, c)) for c in equation.params["padding_config"]]
    if filler.number is None:
        raise unsupported_form(equation, "padding needs a constant number to fill with.")
    ref, shape = t.ref(x), list(x.shape)
    for axis, (_, _, inner) in enumerate(config):
        ref = spread(t, ref, shape, axis, inner, filler.number)
    ref = pad_edges(t, ref, [(low, high) for low, high, _ in config], filler.number)
    return t.result(equation, ref)


def spread(t: Translator, ref: Ref, shape: list[Any], axis: int, gap: int, filler: float) -> Ref:
    """Put `gap` elements between any two along a dimension; `shape` is brought up to date."""
    size = shape[axis]
    if not gap or (is_static(size) and size <= 1):
        return ref
    ref = t.emit("torch.unsqueeze", ref, axis + 1)
    behind = len(shape) - axis - 1
    ref = t.emit("torch.constant_pad_nd", ref, [0, 0] * behind + [0, gap], filler)
    shape[axis] = size * (gap + 1)
    ref = t.emit("torch.reshape", ref, t.writer.sizes(tuple(shape)))
    shape[axis] = shape[axis] - gap
    return t.emit("torch.narrow", ref, axis, 0, t.writer.size(shape[axis]))


def pad_edges(t: Translator, ref: Ref, edges: Sequence[tuple[int, int]], filler: float) -> Ref:
    """Add elements at both ends of each dimension; negative numbers take away."""
    if not any(low or high for low, high in edges):
        return ref
    flat = [n for low, high in reversed(list(edges)) for n in (low, high)]
    while flat[-2:] == [0, 0]:
        flat = flat[:-2]
    return t.emit("torch.constant_pad_nd", ref, flat, filler)
