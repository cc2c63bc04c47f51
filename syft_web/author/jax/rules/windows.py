"""Pooling, and its way back."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from syft_web.author.jax.faults import unsupported_form
from syft_web.author.jax.rules.base import Rules, permuted, reshaped
from syft_web.author.jax.rules.shapes import pad_edges, spread
from syft_web.author.jax.values import Shape, Value, count, is_static
from syft_web.plan.plan import Ref

if TYPE_CHECKING:
    from syft_web.author.jax.translate import Translator

__all__ = ["RULES"]

RULES = Rules()

_POOL = "torch.nn.functional.max_pool2d_with_indices"
_POOL_BACK = "torch.ops.aten.max_pool2d_with_indices_backward.default"


@dataclass(frozen=True, slots=True)
class _Window:
    """A window over the last two of four dimensions, after the others were put first.

    Attributes:
        order: The original dimensions in their new order.
        size: Height and width.
        step: Stride of each.
        gap: Dilation of each.
        edges: What is added at both ends of each original dimension.
    """

    order: list[int]
    size: list[int]
    step: list[int]
    gap: list[int]
    edges: list[tuple[int, int]]


def _window(equation: Any, rank: int) -> _Window:
    p = equation.params
    size, step = p["window_dimensions"], p["window_strides"]
    gap = p.get("window_dilation", (1,) * rank)
    edges = [(int(low), int(high)) for low, high in p["padding"]]
    moving = [d for d in range(rank) if size[d] != 1 or step[d] != 1 or edges[d] != (0, 0)]
    if len(moving) > 2:
        raise unsupported_form(
            equation, "windows reach over two dimensions at most; pool one dimension after another."
        )
    others = [d for d in range(rank) if d not in moving]
    # One that does not move fills up a window of one dimension.
    while len(moving) < 2 and others:
        moving.insert(0, others.pop())
    moving.sort()
    flat = [1] if len(moving) == 1 else []
    height_width = ([*flat, *(int(numbers[d]) for d in moving)] for numbers in (size, step, gap))
    sizes, steps, gaps = height_width
    return _Window([*others, *moving], sizes, steps, gaps, edges)


def _as_images(t: Translator, ref: Ref, shape: Shape, w: _Window) -> tuple[Ref, Shape]:
    """(rows, channels, height, width), and that shape."""
    sizes = tuple(shape[d] for d in w.order)
    images = (count(sizes[:-3]), *sizes[-3:]) if len(sizes) > 3 else (1,) * (4 - len(sizes)) + sizes
    return reshaped(t, permuted(t, ref, w.order), sizes, images), images


def _from_images(t: Translator, ref: Ref, images: Shape, shape: Shape, w: _Window) -> Ref:
    """Back to the shape that the original has after pooling."""
    ref = reshaped(t, ref, images, tuple(shape[d] for d in w.order))
    return permuted(t, ref, sorted(range(len(w.order)), key=lambda i: w.order[i]))


def _pooled(t: Translator, ref: Ref, shape: Shape, w: _Window, filler: float) -> tuple[Ref, Shape]:
    """The padded input as images, and its shape before that."""
    ref = pad_edges(t, ref, w.edges, filler)
    padded = tuple(n + sum(e) if any(e) else n for n, e in zip(shape, w.edges, strict=True))
    return ref, padded


def _out_images(images: Shape, out: Shape, w: _Window) -> Shape:
    return (*images[:2], *((1,) if len(w.order) == 1 else ()), *(out[d] for d in w.order[-2:]))


@RULES("reduce_window_max", "reduce_window_min")
def _max(t: Translator, equation: Any, args: list[Value]) -> Sequence[Any]:
    x, sign = args[0], equation.primitive.name.endswith("min")
    _no_base_dilation(equation)
    w = _window(equation, len(x.shape))
    ref = t.emit("torch.neg", t.ref(x)) if sign else t.ref(x)
    ref, shape = _pooled(t, ref, x.shape, w, -math.inf)
    ref, images = _as_images(t, ref, shape, w)
    best, _ = t.writer.emit_many(2, _POOL, ref, w.size, w.step, [0, 0], w.gap)
    out = tuple(equation.outvars[0].aval.shape)
    best = _from_images(t, best, _out_images(images, out, w), out, w)
    return t.result(equation, t.emit("torch.neg", best) if sign else best)


@RULES("select_and_scatter_add")
def _max_back(t: Translator, equation: Any, args: list[Value]) -> Sequence[Any]:
    """Each window's value goes to where the window's largest element is."""
    source, x = args
    least = str(equation.params["select_prim"]) == "le"
    w = _window(equation, len(x.shape))
    ref = t.emit("torch.neg", t.ref(x)) if least else t.ref(x)
    ref, shape = _pooled(t, ref, x.shape, w, -math.inf)
    ref, images = _as_images(t, ref, shape, w)
    _, places = t.writer.emit_many(2, _POOL, ref, w.size, w.step, [0, 0], w.gap)
    given = permuted(t, t.ref(source), w.order)
    out = _out_images(images, source.shape, w)
    given = reshaped(t, given, tuple(source.shape[d] for d in w.order), out)
    back = t.emit(_POOL_BACK, given, ref, w.size, w.step, [0, 0], w.gap, False, places)
    back = _from_images(t, back, images, shape, w)
    return t.result(equation, pad_edges(t, back, [(-low, -high) for low, high in w.edges], 0))


@RULES("reduce_window_sum")
def _sum(t: Translator, equation: Any, args: list[Value]) -> Sequence[Any]:
    x = args[0]
    w = _window(equation, len(x.shape))
    if set(w.gap) != {1}:
        raise unsupported_form(equation, "a sum over windows with gaps cannot be done.")
    ref, shape = t.ref(x), list(x.shape)
    for axis, step in enumerate(equation.params["base_dilation"]):
        ref = spread(t, ref, shape, axis, int(step) - 1, 0)
    ref, padded = _pooled(t, ref, tuple(shape), w, 0)
    ref, images = _as_images(t, ref, padded, w)
    total = t.emit("torch.nn.functional.avg_pool2d", ref, w.size, w.step, [0, 0], False, True, 1)
    out = tuple(equation.outvars[0].aval.shape)
    return t.result(equation, _from_images(t, total, _out_images(images, out, w), out, w))


def _no_base_dilation(equation: Any) -> None:
    steps = equation.params["base_dilation"]
    if any(not is_static(s) or s != 1 for s in steps):
        raise unsupported_form(equation, "a maximum over spread elements cannot be done.")
