"""Primitives that work on each element alone."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from syft_web.author.jax import dtypes
from syft_web.author.jax.faults import unsupported_form
from syft_web.author.jax.rules.base import Rules
from syft_web.author.jax.values import Shape, Value, broadcast, same
from syft_web.plan.plan import Arg, Ref

if TYPE_CHECKING:
    from syft_web.author.jax.translate import Translator

__all__ = ["NAMES", "RULES"]

RULES = Rules()

_UNARY = {
    "abs": "torch.abs",
    "acos": "torch.acos",
    "acosh": "torch.acosh",
    "asin": "torch.asin",
    "asinh": "torch.asinh",
    "atan": "torch.atan",
    "atanh": "torch.atanh",
    "ceil": "torch.ceil",
    "cos": "torch.cos",
    "cosh": "torch.cosh",
    "digamma": "torch.digamma",
    "erf": "torch.erf",
    "erf_inv": "torch.erfinv",
    "erfc": "torch.erfc",
    "exp": "torch.exp",
    "exp2": "torch.exp2",
    "expm1": "torch.expm1",
    "floor": "torch.floor",
    "is_finite": "torch.isfinite",
    "lgamma": "torch.lgamma",
    "log": "torch.log",
    "log1p": "torch.log1p",
    "logistic": "torch.sigmoid",
    "neg": "torch.neg",
    "rsqrt": "torch.rsqrt",
    "sign": "torch.sign",
    "sin": "torch.sin",
    "sinh": "torch.sinh",
    "sqrt": "torch.sqrt",
    "square": "torch.square",
    "tan": "torch.tan",
    "tanh": "torch.tanh",
}

_BINARY = {
    "add": "torch.add",
    "add_any": "torch.add",
    "atan2": "torch.atan2",
    "div": "torch.div",
    "eq": "torch.eq",
    "ge": "torch.ge",
    "gt": "torch.gt",
    "le": "torch.le",
    "lt": "torch.lt",
    "max": "torch.maximum",
    "min": "torch.minimum",
    "mul": "torch.mul",
    "ne": "torch.ne",
    "pow": "torch.pow",
    "rem": "torch.fmod",
    "sub": "torch.sub",
}

_SWAPPED = {
    "add": "torch.add",
    "add_any": "torch.add",
    "eq": "torch.eq",
    "ge": "torch.le",
    "gt": "torch.lt",
    "le": "torch.ge",
    "lt": "torch.gt",
    "mul": "torch.mul",
    "ne": "torch.ne",
    "sub": "torch.rsub",
}
"""The same with its arguments the other way round, where a number comes first."""

_NUMBERS = {*_SWAPPED, "div", "pow", "rem"}
"""Those that take a number as their second argument."""

_BITS = {"and": "torch.bitwise_and", "or": "torch.bitwise_or", "xor": "torch.bitwise_xor"}
_LOGIC = {"and": "torch.logical_and", "or": "torch.logical_or", "xor": "torch.logical_xor"}
_SAME = {
    "copy", "copy_p", "name", "optimization_barrier", "pvary", "reduce_precision",
    "sharding_constraint", "stop_gradient",
}  # fmt: skip

NAMES = {
    *_UNARY, *_BINARY, *_BITS, *(_SAME - {"optimization_barrier"}), "cbrt", "clamp",
    "convert_element_type", "integer_pow", "not", "round", "select_n",
    "shift_left", "shift_right_arithmetic", "shift_right_logical",
}  # fmt: skip
"""All primitives here that have one result."""


@RULES(*_UNARY)
def _unary(t: Translator, equation: Any, args: list[Value]) -> Sequence[Any]:
    x = args[0]
    return t.result(equation, t.emit(_UNARY[equation.primitive.name], t.held(x)), x.held)


@RULES(*_BINARY)
def _binary(t: Translator, equation: Any, args: list[Value]) -> Sequence[Any]:
    name, (a, b) = equation.primitive.name, args
    shape = tuple(equation.outvars[0].aval.shape)
    for one, other, first in ((a, b, False), (b, a, True)):
        if _changes_nothing(name, other.number, first) and same(one.shape, shape):
            return [one]
    held = broadcast(a.held, b.held)
    rest = {"rounding_mode": "trunc"} if name == "div" and a.dtype.kind in "iu" else {}
    if a.number is not None and b.number is None and name in _SWAPPED:
        return t.result(equation, t.emit(_SWAPPED[name], t.held(b), t.operand(a)), held)
    if name in ("max", "min"):
        return t.result(equation, _extreme(t, name, a, b), held)
    second: Arg = t.operand(b) if name in _NUMBERS else t.held(b)
    if name == "pow" and b.dtype.kind in "iu" and b.number is None:
        second = t.emit(dtypes.method(a.dtype), t.held(b))
    return t.result(equation, t.emit(_BINARY[name], t.held(a), second, **rest), held)


def _changes_nothing(name: str, number: Any, first: bool) -> bool:
    """Whether it gives its other argument when this is one of them."""
    if number is None:
        return False
    neutral: dict[str, float] = {
        "add": 0,
        "add_any": 0,
        "mul": 1,
        "max": -math.inf,
        "min": math.inf,
    }
    if not first:
        neutral |= {"sub": 0, "div": 1}
    return name in neutral and number == neutral[name] and not isinstance(number, bool)


def _extreme(t: Translator, name: str, a: Value, b: Value) -> Ref:
    if a.number is not None and b.number is None:
        a, b = b, a
    number = t.operand(b)
    if isinstance(number, Ref):
        return t.emit(_BINARY[name], t.held(a), number)
    return t.emit("torch.clamp_min" if name == "max" else "torch.clamp_max", t.held(a), number)


@RULES(*_BITS)
def _bits(t: Translator, equation: Any, args: list[Value]) -> Sequence[Any]:
    a, b = args
    command = (_LOGIC if a.dtype == np.bool_ else _BITS)[equation.primitive.name]
    return t.result(equation, t.emit(command, t.held(a), t.held(b)), broadcast(a.held, b.held))


@RULES("not")
def _not(t: Translator, equation: Any, args: list[Value]) -> Sequence[Any]:
    command = "torch.logical_not" if args[0].dtype == np.bool_ else "torch.bitwise_not"
    return t.result(equation, t.emit(command, t.held(args[0])), args[0].held)


@RULES("shift_left", "shift_right_arithmetic")
def _shift(t: Translator, equation: Any, args: list[Value]) -> Sequence[Any]:
    side = "left" if equation.primitive.name == "shift_left" else "right"
    ref = t.emit(f"torch.bitwise_{side}_shift", t.held(args[0]), t.held(args[1]))
    return t.result(equation, ref, broadcast(args[0].held, args[1].held))


@RULES(*_SAME)
def _same(t: Translator, equation: Any, args: list[Value]) -> Sequence[Any]:
    return args


@RULES("integer_pow")
def _integer_pow(t: Translator, equation: Any, args: list[Value]) -> Sequence[Any]:
    x, power = args[0], int(equation.params["y"])
    if power == 1:
        return [x]
    ref = t.held(x)
    if power == 2:
        return t.result(equation, t.emit("torch.mul", ref, ref), x.held)
    if power == -1:
        return t.result(equation, t.emit("torch.reciprocal", ref), x.held)
    return t.result(equation, t.emit("torch.pow", ref, power), x.held)


@RULES("cbrt")
def _cbrt(t: Translator, equation: Any, args: list[Value]) -> Sequence[Any]:
    x = t.held(args[0])
    size = t.emit("torch.pow", t.emit("torch.abs", x), t.operand(_third(args[0].dtype)))
    return t.result(equation, t.emit("torch.mul", t.emit("torch.sign", x), size), args[0].held)


def _third(dtype: np.dtype) -> Value:
    return Value((), dtype, (), known=np.asarray(1 / 3, dtype))


@RULES("round")
def _round(t: Translator, equation: Any, args: list[Value]) -> Sequence[Any]:
    x = t.held(args[0])
    if int(equation.params["rounding_method"]) == 1:  # to the even number, as torch does
        return t.result(equation, t.emit("torch.round", x), args[0].held)
    away = t.emit("torch.floor", t.emit("torch.add", t.emit("torch.abs", x), 0.5))
    return t.result(equation, t.emit("torch.mul", t.emit("torch.sign", x), away), args[0].held)


@RULES("clamp")
def _clamp(t: Translator, equation: Any, args: list[Value]) -> Sequence[Any]:
    low, x, high = args
    if low.number is not None and high.number is not None:
        ref = t.emit("torch.clamp", t.held(x), t.operand(low), t.operand(high))
        return t.result(equation, ref, x.held)
    ref = t.emit("torch.maximum", t.held(x), t.held(low))
    ref = t.emit("torch.minimum", ref, t.held(high))
    return t.result(equation, ref, broadcast(low.held, x.held, high.held))


@RULES("convert_element_type")
def _convert(t: Translator, equation: Any, args: list[Value]) -> Sequence[Any]:
    x, dtype = args[0], equation.outvars[0].aval.dtype
    if x.dtype == dtypes.of(dtype):
        return [x]
    return t.result(equation, t.emit(dtypes.method(dtype), t.held(x)), x.held)


@RULES("select_n")
def _select_n(t: Translator, equation: Any, args: list[Value]) -> Sequence[Any]:
    which, *cases = args
    if which.number is not None:
        return [cases[int(which.number)]]
    if len(cases) > 2:
        raise unsupported_form(equation, "only two cases can be chosen from; use jnp.where.")
    condition = t.held(which)
    if which.dtype != np.bool_:
        condition = t.emit("bool", condition)
    no, yes = cases
    chosen: list[Arg] = [t.operand(yes), t.operand(no)]
    if all(not isinstance(c, Ref) for c in chosen) or yes.dtype.kind != "f":
        chosen = [t.held(yes), t.held(no)]
    held: Shape = broadcast(which.held, yes.held, no.held)
    return t.result(equation, t.emit("torch.where", condition, *chosen), held)
