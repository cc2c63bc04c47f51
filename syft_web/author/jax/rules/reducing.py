"""Primitives that make one element of many, or run along a dimension."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from syft_web.author.jax import dtypes
from syft_web.author.jax.faults import unsupported_form
from syft_web.author.jax.rules.base import Rules
from syft_web.author.jax.values import Value, known
from syft_web.plan.plan import Ref

if TYPE_CHECKING:
    from syft_web.author.jax.translate import Translator

__all__ = ["RULES"]

RULES = Rules()

_EXTREMES = {"reduce_max": "torch.amax", "reduce_min": "torch.amin"}


def _axes(equation: Any) -> list[int]:
    return sorted(int(a) for a in equation.params["axes"])


def _as_said(t: Translator, equation: Any, ref: Ref, widened: bool) -> Sequence[Any]:
    """The result; cast back where the command gives int64 and jax does not."""
    dtype = equation.outvars[0].aval.dtype
    if widened and str(dtype) != "int64":
        ref = t.emit(dtypes.method(dtype), ref)
    return t.result(equation, ref)


@RULES("reduce_sum")
def _sum(t: Translator, equation: Any, args: list[Value]) -> Sequence[Any]:
    x, axes = args[0], _axes(equation)
    if not axes:
        return [x]
    ref = t.emit("torch.sum", t.ref(x), axes)
    return _as_said(t, equation, ref, x.dtype.kind in "iub")


@RULES(*_EXTREMES)
def _extreme(t: Translator, equation: Any, args: list[Value]) -> Sequence[Any]:
    x, axes = args[0], _axes(equation)
    if not axes:
        return [x]
    if x.number is not None:
        return [known(np.asarray(x.known), tuple(equation.outvars[0].aval.shape))]
    return t.result(equation, t.emit(_EXTREMES[equation.primitive.name], t.ref(x), axes))


@RULES("reduce_prod", "reduce_and", "reduce_or")
def _one_by_one(t: Translator, equation: Any, args: list[Value]) -> Sequence[Any]:
    name, x = equation.primitive.name, args[0]
    if name != "reduce_prod" and x.dtype != np.bool_:
        raise unsupported_form(equation, "of integers, bit by bit, it cannot be done.")
    command = {"reduce_prod": "torch.prod", "reduce_and": "torch.all", "reduce_or": "torch.any"}
    ref = t.ref(x)
    for axis in reversed(_axes(equation)):
        ref = t.emit(command[name], ref, axis)
    return _as_said(t, equation, ref, name == "reduce_prod" and x.dtype.kind in "iu")


@RULES("argmax", "argmin")
def _place(t: Translator, equation: Any, args: list[Value]) -> Sequence[Any]:
    ref = t.emit(f"torch.{equation.primitive.name}", t.ref(args[0]), _axes(equation)[0])
    return _as_said(t, equation, ref, widened=True)


@RULES("cumsum", "cumprod", "cummax", "cummin", "cumlogsumexp")
def _running(t: Translator, equation: Any, args: list[Value]) -> Sequence[Any]:
    name, axis, x = equation.primitive.name, int(equation.params["axis"]), args[0]
    command = "torch.logcumsumexp" if name == "cumlogsumexp" else f"torch.{name}"
    ref = t.ref(x)
    if equation.params["reverse"]:
        ref = t.emit("torch.flip", ref, [axis])
    # cummax and cummin also tell where; that has no name here.
    ref = t.emit(command, ref, axis)
    if equation.params["reverse"]:
        ref = t.emit("torch.flip", ref, [axis])
    return _as_said(t, equation, ref, name in ("cumsum", "cumprod") and x.dtype.kind in "iub")


@RULES("sort")
def _sort(t: Translator, equation: Any, args: list[Value]) -> Sequence[Any]:
    axis = int(equation.params["dimension"])
    if int(equation.params["num_keys"]) != 1:
        raise unsupported_form(equation, "only one array can be sorted by.")
    values, order = t.writer.emit_many(2, "torch.sort", t.ref(args[0]), axis)
    rest = [t.emit("torch.gather", t.ref(x), axis, order) for x in args[1:]]
    return [
        Value(x.shape, x.dtype, x.shape, ref) for x, ref in zip(args, [values, *rest], strict=True)
    ]


@RULES("top_k")
def _top_k(t: Translator, equation: Any, args: list[Value]) -> Sequence[Any]:
    axis = int(equation.params.get("axis", -1))
    values, order = t.writer.emit_many(
        2, "torch.topk", t.ref(args[0]), int(equation.params["k"]), axis
    )
    shape = tuple(equation.outvars[0].aval.shape)
    dtype = equation.outvars[1].aval.dtype
    places = t.emit(dtypes.method(dtype), order)
    return [
        Value(shape, args[0].dtype, shape, values),
        Value(shape, dtypes.of(dtype), shape, places),
    ]
