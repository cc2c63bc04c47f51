"""Elementwise commands that PyTorch has gained since 1.4, and its newer names for older ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from syft_web.ops.dtypes import (
    FLOAT64,
    Array,
    Value,
    cast,
    float_type,
    is_integral,
    result_type,
)
from syft_web.ops.elementwise import array, binary, lshift, rshift
from syft_web.ops.row import RowCollector
from syft_web.ops.unary import float_unary

__all__ = ["ALIASES", "MORE", "row"]

row = RowCollector()


def _aliases() -> dict[str, str]:
    found: dict[str, str] = {}
    for new, old in (
        ("absolute", "abs"), ("arccos", "acos"), ("arccosh", "acosh"), ("arcsin", "asin"),
        ("arcsinh", "asinh"), ("arctan", "atan"), ("arctanh", "atanh"), ("fix", "trunc"),
        ("negative", "neg"), ("sgn", "sign"),
    ):  # fmt: skip
        for prefix, tail in ((".", ""), (".", "_"), ("torch.", ""), ("torch.", "_")):
            found[f"{prefix}{new}{tail}"] = f"{prefix}{old}{tail}"
    for new, old in (
        ("arctan2", "atan2"), ("divide", "div"), ("true_divide", "div"), ("multiply", "mul"),
        ("subtract", "sub"), ("greater", "gt"), ("greater_equal", "ge"), ("less", "lt"),
        ("less_equal", "le"), ("not_equal", "ne"), ("swapaxes", "transpose"),
        ("swapdims", "transpose"),
    ):  # fmt: skip
        found[f".{new}_"] = f".{old}_"
    for name in ("cumsum", "cumprod"):
        found[f".{name}_"] = f".{name}"
    found["torch.clip_"] = "torch.clamp_"
    found["torch.trapezoid"] = "torch.trapz"
    for operator in _OPERATORS.split():
        name, _, overload = operator.partition(".")
        found[f"torch.ops.aten.{name}.{overload or 'default'}"] = f"torch.{name}"
    return found


# PyTorch's own operators, with their overload, that take what the function of that name takes.
_OPERATORS = """
aminmax angle argwhere bitwise_left_shift.Tensor bitwise_left_shift.Tensor_Scalar
bitwise_right_shift.Tensor bitwise_right_shift.Tensor_Scalar block_diag bucketize.Tensor
bucketize.Scalar cholesky cholesky_inverse cholesky_solve copysign.Tensor copysign.Scalar
count_nonzero count_nonzero.dim_IntList det diag_embed diagflat digamma erfinv
fake_quantize_per_channel_affine fake_quantize_per_tensor_affine fmax fmin frobenius_norm.dim gcd
geqrf hypot i0 inverse isin.Tensor_Tensor isneginf isposinf kron kthvalue lcm logaddexp logaddexp2
logdet logit logspace lu_unpack matrix_power mode msort multinomial mvlgamma nan_to_num nanmean
narrow_copy nextafter norm_except_dim normal.Tensor_Tensor normal.Tensor_float normal.float_Tensor
normal.float_float nuclear_norm nuclear_norm.dim orgqr ormqr pinverse poisson polygamma put qr
randint_like randint_like.low_dtype renorm roll rot90 signbit sinc slogdet svd take_along_dim
triangular_solve tril_indices triu_indices unique_dim vander xlogy.Tensor xlogy.Scalar_Other
xlogy.Scalar_Self
"""


ALIASES: dict[str, str] = _aliases()
"""Names in the table's form, and the older names that mean the same."""

MORE: dict[str, str] = {
    f"{prefix}{name}": f"torch.ops.aten.{aten}"
    for name, aten in (
        ("argsort", "argsort.stable"),
        ("sort", "sort.stable"),
        ("std", "std.correction"),
        ("std_mean", "std_mean.correction"),
        ("var", "var.correction"),
        ("var_mean", "var_mean.correction"),
    )
    for prefix in ("torch.", ".")
    if prefix == "torch." or not name.endswith("_mean")
}
"""Names that have gained a signature, and the operator that has it."""


def _floats(ufunc: Callable[..., Any], a: Value, b: Value) -> Array:
    dtype = float_type(result_type(a, b))
    return array(ufunc(cast(a, dtype), cast(b, dtype)))


def _xlogy(x: Any, y: Any) -> Any:
    return np.where((x == 0) & ~np.isnan(y), x.dtype.type(0), x * np.log(y))


def _declare_pairs() -> None:
    table: dict[str, tuple[Callable[..., Any], bool]] = {  # the flag: an in-place twin exists
        "copysign": (np.copysign, True),
        "hypot": (np.hypot, True),
        "ldexp": (lambda x, n: x * np.exp2(n), True),
        "logaddexp": (np.logaddexp, False),
        "logaddexp2": (np.logaddexp2, False),
        "nextafter": (np.nextafter, True),
        "xlogy": (_xlogy, True),
    }
    for name, (function, in_place) in table.items():

        def rule(self: Value, other: Value, _f: Callable[..., Any] = function) -> Array:
            return _floats(_f, self, other)

        twin = f" .{name}_" if in_place else ""
        row(f"{name}(Tensor self, Value other)", f"torch.{name} .{name}{twin}")(rule)
    same_type: dict[str, np.ufunc] = {"fmax": np.fmax, "fmin": np.fmin}
    for name, ufunc in same_type.items():

        def same(self: Array, other: Array, _f: np.ufunc = ufunc) -> Array:
            return binary(_f, self, other)

        row(f"{name}(Tensor self, Tensor other)", f"torch.{name} .{name}")(same)
    whole_numbers: dict[str, np.ufunc] = {"gcd": np.gcd, "lcm": np.lcm}
    for name, ufunc in whole_numbers.items():

        def whole(self: Array, other: Array, _f: np.ufunc = ufunc) -> Array:
            dtype = result_type(self, other)
            if dtype.kind not in "iu":
                raise TypeError(f"{_f.__name__} needs ints, not {dtype}")
            return binary(_f, self, other, dtype)

        row(f"{name}(Tensor self, Tensor other)", f"torch.{name} .{name} torch.{name}_ .{name}_")(
            whole
        )


_declare_pairs()


@row("xlogy(Scalar self, Tensor other)", "torch.xlogy")
def xlogy_of_number(self: Value, other: Array) -> Array:
    return _floats(_xlogy, self, other)


@row("float_power(Tensor self, Value exponent)", "torch.float_power .float_power .float_power_")
@row("float_power(Scalar self, Tensor exponent)", "torch.float_power")
def float_power(self: Value, exponent: Value) -> Array:
    """A power that is always computed, and given, in float64."""
    return array(np.power(cast(self, FLOAT64), cast(exponent, FLOAT64)))


@row(
    "bitwise_left_shift(Tensor self, Value other)",
    "torch.bitwise_left_shift .bitwise_left_shift .bitwise_left_shift_",
)
def bitwise_left_shift(self: Array, other: Value) -> Array:
    return _shifted(lshift, self, other)


@row(
    "bitwise_right_shift(Tensor self, Value other)",
    "torch.bitwise_right_shift .bitwise_right_shift .bitwise_right_shift_",
)
def bitwise_right_shift(self: Array, other: Value) -> Array:
    return _shifted(rshift, self, other)


def _shifted(shift: Callable[[Array, Value], Array], self: Array, other: Value) -> Array:
    dtype = result_type(self, other)
    if not is_integral(dtype) or dtype.kind == "b":
        raise TypeError(f"a shift of bits needs ints, not {dtype}")
    return shift(self, other)


def _declare_tests() -> None:
    table: dict[str, Callable[[Any], Any]] = {
        "isneginf": lambda x: x == -np.inf,
        "isposinf": lambda x: x == np.inf,
        "isreal": lambda x: np.ones(x.shape, np.bool_),
        "signbit": lambda x: np.signbit(x) if x.dtype.kind == "f" else x < 0,
    }
    for name, function in table.items():

        def rule(self: Array, _f: Callable[[Any], Any] = function) -> Array:
            return array(_f(self))

        row(f"{name}(Tensor self)", f"torch.{name} .{name}")(rule)


_declare_tests()


@row("sinc(Tensor self)", "torch.sinc .sinc torch.sinc_ .sinc_")
def sinc(self: Array) -> Array:
    """``sin(pi * x) / (pi * x)``, 1 at 0."""
    return float_unary(np.sinc, self)


@row("i0(Tensor self)", "torch.i0 .i0 torch.i0_ .i0_")
def i0(self: Array) -> Array:
    """The modified Bessel function of the first kind of order 0."""
    dtype = float_type(self.dtype)
    return np.asarray(np.i0(self.astype(np.float64)), dtype).reshape(self.shape)


@row("logit(Tensor self, float? eps=None)", "torch.logit .logit torch.logit_ .logit_")
def logit(self: Array, eps: float | None = None) -> Array:
    """``log(x / (1 - x))``, of elements moved into ``eps .. 1 - eps``."""
    x = cast(self, float_type(self.dtype))
    if eps is not None:
        x = np.clip(x, x.dtype.type(eps), x.dtype.type(1 - eps))
    return array(np.log(x / (1 - x)))


@row(
    "nan_to_num(Tensor self, float? nan=None, float? posinf=None, float? neginf=None)",
    "torch.nan_to_num .nan_to_num torch.nan_to_num_ .nan_to_num_",
)
def nan_to_num(
    self: Array, nan: float | None = None, posinf: float | None = None, neginf: float | None = None
) -> Array:
    """Numbers in place of nan and the infinities; by default 0 and the largest there are."""
    if self.dtype.kind != "f":
        return self.copy()
    return array(np.nan_to_num(self, nan=nan or 0.0, posinf=posinf, neginf=neginf))
