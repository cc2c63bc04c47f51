"""Operations that work element by element, with broadcasting."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from syft_web.ops.dtypes import (
    BOOL,
    DEFAULT_FLOAT,
    Array,
    DType,
    Scalar,
    Value,
    cast,
    common_type,
    float_type,
    is_integral,
    recast,
    result_type,
)
from syft_web.ops.row import RowCollector

__all__ = ["array", "binary", "compare", "divide", "row", "where"]

row = RowCollector()


def array(value: Any) -> Array:
    """Numpy returns scalars for 0-d results; the engine keeps arrays."""
    return value if type(value) is np.ndarray else np.asarray(value)


def binary(ufunc: np.ufunc, a: Value, b: Value, dtype: DType | None = None) -> Array:
    """Apply a two-operand ufunc in torch's result dtype (or the one given).

    Args:
        ufunc: An arithmetic ufunc whose result has its operands' dtype.
        a: Array or Python number.
        b: Array or Python number; one of the two is an array.
        dtype: Compute in this dtype instead.
    """
    if dtype is None:
        if type(a) is np.ndarray and type(b) is np.ndarray and a.dtype is b.dtype:
            return array(ufunc(a, b))
        dtype = result_type(a, b)
    if not isinstance(a, np.ndarray):
        a = cast(a, dtype)
    if not isinstance(b, np.ndarray):
        b = cast(b, dtype)
    return array(ufunc(a, b, dtype=dtype, casting="unsafe"))


def compare(ufunc: np.ufunc, a: Value, b: Value) -> Array:
    """Apply a comparing or logical ufunc; the result is bool."""
    dtype = result_type(a, b)
    return array(ufunc(cast(a, dtype), cast(b, dtype)))


def _scaled(self: Value, other: Value, alpha: Scalar) -> Value:
    """``alpha * other`` in the dtype that the two operands have together."""
    if alpha == 1 and alpha is not True:
        return other
    dtype = result_type(self, other)
    if isinstance(alpha, bool) and dtype != BOOL:
        raise TypeError(f"alpha may only be a bool for bool results, not for {dtype}")
    if isinstance(alpha, float) and dtype.kind != "f":
        raise TypeError(f"alpha must be an int for a result of {dtype}, not {alpha}")
    return binary(np.multiply, other, alpha, dtype)


@row(
    "add(Tensor self, Value other, *, Scalar alpha=1)",
    "torch.add .add .add_ .__add__ .__iadd__ .__radd__",
    ufunc=np.add,
)
def add(self: Value, other: Value, alpha: Scalar = 1) -> Array:
    return binary(np.add, self, _scaled(self, other, alpha))


@row(
    "sub(Tensor self, Value other, *, Scalar alpha=1)",
    "torch.sub torch.subtract .sub .sub_ .subtract .__sub__ .__isub__",
    ufunc=np.subtract,
)
def sub(self: Value, other: Value, alpha: Scalar = 1) -> Array:
    _no_bool(self, other)
    return binary(np.subtract, self, _scaled(self, other, alpha))


def _no_bool(*operands: Value) -> None:
    for value in operands:
        if value is True or value is False or getattr(value, "dtype", None) is BOOL:
            raise TypeError("bools cannot be subtracted; use logical_xor, or convert to ints first")


@row("rsub(Tensor self, Value other, *, Scalar alpha=1)", "torch.rsub .rsub .__rsub__")
def rsub(self: Array, other: Value, alpha: Scalar = 1) -> Array:
    _no_bool(self, other)
    return binary(np.subtract, other, _scaled(other, self, alpha))


@row(
    "mul(Tensor self, Value other)",
    "torch.mul torch.multiply .mul .mul_ .multiply .__mul__ .__imul__ .__rmul__",
    ufunc=np.multiply,
)
def mul(self: Value, other: Value) -> Array:
    return binary(np.multiply, self, other)


def divide(a: Value, b: Value, rounding_mode: str | None = None) -> Array:
    """True division; ints give float32. With a rounding mode, ints stay ints."""
    if rounding_mode is None:
        return binary(np.true_divide, a, b, float_type(result_type(a, b)))
    if rounding_mode == "floor":
        return floor_divide(a, b)
    if rounding_mode != "trunc":
        raise ValueError(f"rounding_mode must be 'floor' or 'trunc', not {rounding_mode!r}")
    dtype = result_type(a, b)
    if not is_integral(dtype):
        return array(np.trunc(binary(np.true_divide, a, b, dtype)))
    floored, rest = floor_divide(a, b), remainder(a, b)
    opposite = (rest != 0) & (
        np.signbit(cast(a, DEFAULT_FLOAT)) != np.signbit(cast(b, DEFAULT_FLOAT))
    )
    return array(floored + opposite.astype(dtype))


@row(
    "div(Tensor self, Value other, *, str? rounding_mode=None)",
    "torch.div torch.divide torch.true_divide .div .div_ .divide .true_divide "
    ".__div__ .__idiv__ .__truediv__ .__itruediv__",
)
def div(self: Array, other: Value, rounding_mode: str | None = None) -> Array:
    return divide(self, other, rounding_mode)


@row("rtruediv(Tensor self, Value other)", ".__rtruediv__ .__rdiv__")
def rtruediv(self: Array, other: Value) -> Array:
    """``other / self``, as torch rounds it: the reciprocal times `other`."""
    floats = recast(self, float_type(self.dtype))
    return mul(array(np.reciprocal(floats)), other)


@row(
    "floor_divide(Tensor self, Value other)",
    "torch.floor_divide .floor_divide .floor_divide_ .__floordiv__ .__ifloordiv__",
)
def floor_divide(self: Value, other: Value) -> Array:
    dtype = result_type(self, other)
    _no_integer_zero(other, dtype)
    return binary(np.floor_divide, self, other, dtype)


@row("rfloordiv(Tensor self, Value other)", ".__rfloordiv__")
def rfloordiv(self: Array, other: Value) -> Array:
    return floor_divide(other, self)


@row(
    "remainder(Tensor self, Value other)",
    "torch.remainder .remainder .remainder_ .__mod__ .__imod__",
)
def remainder(self: Value, other: Value) -> Array:
    dtype = result_type(self, other)
    _no_integer_zero(other, dtype)
    return binary(np.remainder, self, other, dtype)


@row("rmod(Tensor self, Value other)", ".__rmod__")
def rmod(self: Array, other: Value) -> Array:
    return remainder(other, self)


@row("fmod(Tensor self, Value other)", "torch.fmod .fmod .fmod_")
def fmod(self: Array, other: Value) -> Array:
    dtype = result_type(self, other)
    _no_integer_zero(other, dtype)
    return binary(np.fmod, self, other, dtype)


def _no_integer_zero(divisor: Value, dtype: DType) -> None:
    if is_integral(dtype) and np.any(np.asarray(divisor) == 0):
        raise ZeroDivisionError("integer division or remainder by zero")


@row("pow(Tensor self, Value exponent)", "torch.pow .pow .pow_ .__pow__ .__ipow__")
@row("pow(Scalar self, Tensor exponent)", "torch.pow")
def power(self: Value, exponent: Value) -> Array:
    """``self ** exponent``; the frequent constant exponents without the slow pow()."""
    dtype = result_type(self, exponent)
    if dtype == BOOL:  # only False ** True is False
        return array(np.logical_or(self, np.logical_not(exponent)))
    if dtype.kind == "f" and isinstance(self, np.ndarray) and not isinstance(exponent, np.ndarray):
        quick = _QUICK_POWERS.get(float(exponent))
        # torch takes the root of halves by pow, where that of -inf is inf.
        if quick is not None and dtype != np.float16:
            return array(quick(cast(self, dtype)))
    if is_integral(dtype) and np.any(np.asarray(exponent) < 0):
        if not isinstance(exponent, np.ndarray):
            raise ValueError("integers to negative integer powers are not allowed")
        return _integer_power(*np.broadcast_arrays(cast(self, dtype), cast(exponent, dtype)))
    return binary(np.power, self, exponent, dtype)


def _integer_power(base: Array, exponent: Array) -> Array:
    """Integer powers; a negative exponent gives ``1 / base ** n`` cut to an integer."""
    usual = np.power(base, np.maximum(exponent, 0))
    sign = np.where(exponent % 2 == 0, np.abs(base), base)
    return array(np.where(exponent < 0, np.where(np.abs(base) == 1, sign, 0), usual))


_QUICK_POWERS: dict[float, Callable[[Array], Any]] = {
    0.5: np.sqrt,
    1.0: np.positive,
    2.0: lambda x: np.multiply(x, x),
    3.0: lambda x: np.multiply(np.multiply(x, x), x),
    -0.5: lambda x: np.reciprocal(np.sqrt(x)),
    -1.0: np.reciprocal,
    -2.0: lambda x: np.reciprocal(np.multiply(x, x)),
}


@row("rpow(Tensor self, Value other)", ".__rpow__")
def rpow(self: Array, other: Value) -> Array:
    return power(other, self)


@row("atan2(Tensor self, Tensor other)", "torch.atan2 torch.arctan2 .atan2 .arctan2 .atan2_")
def atan2(self: Array, other: Array) -> Array:
    return binary(np.arctan2, self, other, float_type(result_type(self, other)))


@row("maximum(Tensor self, Tensor other)", "torch.maximum torch.max .maximum .max")
def maximum(self: Array, other: Array) -> Array:
    return binary(np.maximum, self, other)


@row("minimum(Tensor self, Tensor other)", "torch.minimum torch.min .minimum .min")
def minimum(self: Array, other: Array) -> Array:
    return binary(np.minimum, self, other)


def _declare_comparisons() -> None:
    table: dict[str, tuple[np.ufunc, str]] = {
        "eq": (np.equal, ".__eq__"),
        "ne": (np.not_equal, "torch.not_equal .not_equal .__ne__"),
        "lt": (np.less, "torch.less .less .__lt__"),
        "le": (np.less_equal, "torch.less_equal .less_equal .__le__"),
        "gt": (np.greater, "torch.greater .greater .__gt__"),
        "ge": (np.greater_equal, "torch.greater_equal .greater_equal .__ge__"),
    }
    for name, (ufunc, more) in table.items():

        def rule(self: Array, other: Value, _ufunc: np.ufunc = ufunc) -> Array:
            return compare(_ufunc, self, other)

        row(f"{name}(Tensor self, Value other)", f"torch.{name} .{name} .{name}_ {more}")(rule)


_declare_comparisons()


def _declare_bitwise() -> None:
    table: dict[str, tuple[np.ufunc, str]] = {
        "and": (np.bitwise_and, "and"),
        "or": (np.bitwise_or, "or"),
        "xor": (np.bitwise_xor, "xor"),
    }
    for name, (ufunc, dunder) in table.items():

        def bitwise(self: Array, other: Value, _ufunc: np.ufunc = ufunc) -> Array:
            dtype = result_type(self, other)
            if not is_integral(dtype):
                raise TypeError(f"{_ufunc.__name__} needs ints or bools, not {dtype}")
            return binary(_ufunc, self, other, dtype)

        def logical(self: Array, other: Array, _ufunc: np.ufunc = ufunc) -> Array:
            return array(_ufunc(np.asarray(self) != 0, np.asarray(other) != 0))

        long = f"bitwise_{name}"
        row(
            f"{long}(Tensor self, Value other)",
            f"torch.{long} .{long} .{long}_ .__{dunder}__ .__i{dunder}__ .__r{dunder}__",
        )(bitwise)
        long = f"logical_{name}"
        row(f"{long}(Tensor self, Tensor other)", f"torch.{long} .{long} .{long}_")(logical)


_declare_bitwise()


@row("logical_not(Tensor self)", "torch.logical_not .logical_not .logical_not_")
def logical_not(self: Array) -> Array:
    return array(self == 0)


@row("bitwise_not(Tensor self)", "torch.bitwise_not .bitwise_not .bitwise_not_ .__invert__")
def bitwise_not(self: Array) -> Array:
    return array(np.invert(self))


@row("lshift(Tensor self, Value other)", ".__lshift__ .__ilshift__")
def lshift(self: Array, other: Value) -> Array:
    return _shift(np.left_shift, np.multiply, self, other)


@row("rshift(Tensor self, Value other)", ".__rshift__ .__irshift__")
def rshift(self: Array, other: Value) -> Array:
    return _shift(np.right_shift, np.true_divide, self, other)


def _shift(ints: np.ufunc, floats: np.ufunc, self: Array, other: Value) -> Array:
    dtype = result_type(self, other)
    if is_integral(dtype):
        return binary(ints, self, other, dtype)
    return binary(floats, self, np.asarray(np.exp2(np.asarray(other, dtype))), dtype)


@row(
    "clamp(Tensor self, Value? min=None, Value? max=None)",
    "torch.clamp torch.clip .clamp .clip torch.clamp_ .clamp_ .clip_",
)
def clamp(self: Array, min: Value | None = None, max: Value | None = None) -> Array:
    if min is None and max is None:
        raise ValueError("clamp needs min, max or both")
    result: Value = self
    if min is not None:
        result = binary(np.maximum, result, min)
    if max is not None:
        result = binary(np.minimum, result, max)
    return array(result)


@row("clamp_min(Tensor self, Value min)", "torch.clamp_min .clamp_min torch.clamp_min_ .clamp_min_")
def clamp_min(self: Array, min: Value) -> Array:
    return binary(np.maximum, self, min)


@row("clamp_max(Tensor self, Value max)", "torch.clamp_max .clamp_max torch.clamp_max_ .clamp_max_")
def clamp_max(self: Array, max: Value) -> Array:
    return binary(np.minimum, self, max)


@row("lerp(Tensor self, Tensor end, Value weight)", "torch.lerp .lerp .lerp_")
def lerp(self: Array, end: Array, weight: Value) -> Array:
    """Between two arrays; counted from the nearer end, so that weight 1 gives `end` exactly."""
    if end.dtype != self.dtype or (type(weight) is np.ndarray and weight.dtype != self.dtype):
        raise TypeError(f"lerp needs arrays of one dtype, got {self.dtype} and {end.dtype}")
    share = cast(weight, self.dtype)
    away = end - self
    return array(np.where(np.abs(share) < 0.5, self + share * away, end - away * (1 - share)))


@row(
    "addcmul(Tensor self, Tensor tensor1, Tensor tensor2, *, Scalar value=1)",
    "torch.addcmul .addcmul .addcmul_",
)
@row(
    "addcmul(Tensor self, Scalar value, Tensor tensor1, Tensor tensor2)",
    "torch.addcmul .addcmul .addcmul_",
)
def addcmul(self: Array, *rest: Any) -> Array:
    a, b, value = _value_last(self, rest)
    dtype = common_type(self, a, b)
    product = binary(np.multiply, a, b, dtype)
    return add(self, product if value == 1 else binary(np.multiply, product, value, dtype))


@row(
    "addcdiv(Tensor self, Tensor tensor1, Tensor tensor2, *, Scalar value=1)",
    "torch.addcdiv .addcdiv .addcdiv_",
)
@row(
    "addcdiv(Tensor self, Scalar value, Tensor tensor1, Tensor tensor2)",
    "torch.addcdiv .addcdiv .addcdiv_",
)
def addcdiv(self: Array, *rest: Any) -> Array:
    a, b, value = _value_last(self, rest)
    if is_integral(a.dtype) and is_integral(b.dtype):
        raise TypeError(f"addcdiv divides floats, not {a.dtype} by {b.dtype}; convert one first")
    return add(self, mul(divide(a, b), value))


def _value_last(self: Array, rest: tuple[Any, ...]) -> tuple[Array, Array, Scalar]:
    """Older torch wrote the factor first: ``addcmul(value, t1, t2)``."""
    a, b, value = rest if isinstance(rest[0], np.ndarray) else (rest[1], rest[2], rest[0])
    # Among ints the factor is cut to an int too.
    return a, b, int(value) if is_integral(common_type(self, a, b)) else value


@row("where(Tensor condition, Value self, Value other)", "torch.where")
def where(condition: Array, self: Value, other: Value) -> Array:
    """Elements of `self` where the condition holds, else of `other`."""
    if condition.dtype != BOOL and condition.dtype != np.uint8:
        raise TypeError(f"the condition of where must be bool, not {condition.dtype}")
    dtype = result_type(self, other)
    return array(np.where(condition != 0, cast(self, dtype), cast(other, dtype)))


@row("where(Tensor self, Tensor condition, Value other)", ".where")
def where_method(self: Array, condition: Array, other: Value) -> Array:
    return where(condition, self, other)
