"""Functions of one array, element by element."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from syft_web import kernels
from syft_web.ops.dtypes import BOOL, DEFAULT_FLOAT, INT64, Array, recast
from syft_web.ops.elementwise import array
from syft_web.ops.row import RowCollector

__all__ = ["erf", "exp", "float_unary", "from_math", "lgamma", "row", "sigmoid", "tanh"]

row = RowCollector()


def float_unary(function: Callable[[Any], Any], x: Array) -> Array:
    """Apply a function with float results: bool and ints are made float32 first."""
    return array(function(x if x.dtype.kind == "f" else recast(x, DEFAULT_FLOAT)))


def from_math(function: Callable[[float], float]) -> Callable[[Array], Array]:
    """A function of `math` over arrays, computed in float64 and returned in the array's dtype."""
    vectorised = np.frompyfunc(function, 1, 1)

    def apply(x: Array) -> Array:
        return np.asarray(vectorised(x.astype(np.float64)), dtype=x.dtype)

    return apply


def _lgamma_of(x: float) -> float:
    try:
        return math.lgamma(x)
    except (OverflowError, ValueError):  # beyond the range; a whole number up to 0
        return math.inf


def _with_kernel(
    kernel: Callable[[Array], Array | None], rule: Callable[[Array], Any]
) -> Callable[[Array], Any]:
    """The kernel where it applies, else the rule."""

    def apply(x: Array) -> Any:
        found = kernel(x)
        return rule(x) if found is None else found

    return apply


# -log(erfc(x)) / x on [0, 4] as a polynomial in x, by Chebyshev interpolation: this function is
# smooth, and with expm1 the result keeps its digits near 0 and near 1 (error below 2e-7).
_ERF = (
    -9.946281e-08, 2.5187376e-06, -2.8390299e-05, 1.8635797e-04, -7.6670694e-04, 1.8134171e-03,
    -2.4718294e-04, -1.9128649e-02, 1.0277583e-01, 6.3661921e-01, 1.1283792e00,
)  # fmt: skip
_precise_erf = from_math(math.erf)


def _erf(x: Array) -> Array:
    """The error function; float64 by `math.erf`, which is 50 times slower."""
    if x.dtype == np.float64:
        return _precise_erf(x)
    size = np.array(np.abs(x), np.float32)
    np.minimum(size, np.float32(4), out=size)
    power = np.zeros(size.shape, np.float32)
    for coefficient in _ERF:
        power *= size
        power -= np.float32(coefficient)
    power *= size
    return np.asarray(np.copysign(np.expm1(power), x), x.dtype)


exp = _with_kernel(kernels.exp, np.exp)
tanh = _with_kernel(kernels.tanh, np.tanh)
sigmoid = _with_kernel(kernels.sigmoid, lambda x: np.reciprocal(1 + np.exp(-x)))
erf = _with_kernel(kernels.erf, _erf)
lgamma = from_math(_lgamma_of)

_WITH_KERNEL = ("erf", "exp", "sigmoid", "tanh")

_FLOAT_UNARY: dict[str, tuple[Callable[[Any], Any], str]] = {
    "acos": (np.arccos, "torch.arccos .arccos"),
    "asin": (np.arcsin, "torch.arcsin .arcsin"),
    "atan": (np.arctan, "torch.arctan .arctan"),
    "acosh": (np.arccosh, ""),
    "asinh": (np.arcsinh, ""),
    "atanh": (np.arctanh, ""),
    "cos": (np.cos, ""),
    "cosh": (np.cosh, ""),
    "sin": (np.sin, ""),
    "sinh": (np.sinh, ""),
    "tan": (np.tan, ""),
    "tanh": (tanh, "F.tanh"),
    "exp": (exp, ""),
    "exp2": (np.exp2, ""),
    "expm1": (np.expm1, ""),
    "log": (np.log, ""),
    "log10": (np.log10, ""),
    "log1p": (np.log1p, ""),
    "log2": (np.log2, ""),
    "sqrt": (np.sqrt, ""),
    "rsqrt": (lambda x: np.reciprocal(np.sqrt(x)), ""),
    "reciprocal": (np.reciprocal, ""),
    "sigmoid": (sigmoid, "F.sigmoid"),
    "erf": (erf, ""),
    "erfc": (from_math(math.erfc), ""),
    "lgamma": (lgamma, ""),
    "deg2rad": (np.deg2rad, ""),
    "rad2deg": (np.rad2deg, ""),
}


def _keeps_int(function: Callable[[Any], Any]) -> Callable[[Array], Any]:
    """A rounding function: ints stay what they are, as a new array."""
    return lambda x: function(x) if x.dtype.kind == "f" else x.copy()


def _sign(x: Array) -> Any:
    if x.dtype.kind == "f":  # torch: the sign of nan is 0
        return np.where(np.isnan(x), x.dtype.type(0), np.sign(x))
    return x.copy() if x.dtype == BOOL else np.sign(x)


def _square(x: Array) -> Any:
    return np.square(x.astype(INT64) if x.dtype == BOOL else x)


def _frac(x: Array) -> Any:
    return x - np.trunc(x)


_SAME_UNARY: dict[str, tuple[Callable[[Any], Any], str]] = {
    "abs": (np.abs, "torch.absolute .absolute .__abs__"),
    "neg": (np.negative, "torch.negative .negative .__neg__"),
    "sign": (_sign, "torch.sgn .sgn"),
    "ceil": (_keeps_int(np.ceil), ""),
    "floor": (_keeps_int(np.floor), ""),
    "trunc": (_keeps_int(np.trunc), "torch.fix .fix"),
    "frac": (_frac, ""),
    "square": (_square, ""),
}

_ASKING = {"isnan": np.isnan, "isinf": np.isinf, "isfinite": np.isfinite}


def _declare_unary() -> None:
    for name, (function, more) in _FLOAT_UNARY.items():

        def to_float(self: Array, _f: Callable[[Any], Any] = function) -> Array:
            return float_unary(_f, self)

        names = f"torch.{name} .{name} torch.{name}_ .{name}_ {more}"
        kernel = f"map_{name}" if name in _WITH_KERNEL else None
        row(f"{name}(Tensor self)", names, kernel=kernel)(to_float)
    for name, (function, more) in _SAME_UNARY.items():

        def same(self: Array, _f: Callable[[Any], Any] = function) -> Array:
            return array(_f(self))

        row(f"{name}(Tensor self)", f"torch.{name} .{name} torch.{name}_ .{name}_ {more}")(same)
    for name, asks in _ASKING.items():

        def asked(self: Array, _f: Callable[[Any], Any] = asks) -> Array:
            return array(_f(self))

        row(f"{name}(Tensor self)", f"torch.{name} .{name}")(asked)


_declare_unary()


@row("round(Tensor self, *, int decimals=0)", "torch.round .round torch.round_ .round_")
def round_(self: Array, decimals: int = 0) -> Array:
    return array(np.round(self, decimals)) if self.dtype.kind == "f" else self.copy()


@row("positive(Tensor self)", "torch.positive .positive .__pos__", view=True)
def positive(self: Array) -> Array:
    if self.dtype == BOOL:
        raise TypeError("the + operator is not for bools")
    return self
