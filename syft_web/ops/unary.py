"""Functions of one array, element by element."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from syft_web.ops.dtypes import BOOL, DEFAULT_FLOAT, Array
from syft_web.ops.elementwise import array
from syft_web.ops.row import RowCollector

__all__ = ["erf", "float_unary", "row"]

row = RowCollector()


def float_unary(function: Callable[[Any], Any], x: Array) -> Array:
    """Apply a function with float results: bool and ints are made float32 first."""
    return array(function(x if x.dtype.kind == "f" else x.astype(DEFAULT_FLOAT)))


def _frompyfunc(function: Callable[[float], float]) -> Callable[[Array], Array]:
    """A function of `math` over arrays, computed in float64 and returned in the array's dtype."""
    vectorised = np.frompyfunc(function, 1, 1)

    def apply(x: Array) -> Array:
        return np.asarray(vectorised(x.astype(np.float64)), dtype=x.dtype)

    return apply


def _lgamma(x: float) -> float:
    if math.isfinite(x) and not (x <= 0 and x == int(x)):
        return math.lgamma(x)
    return x if math.isnan(x) else math.inf


def _sigmoid(x: Array) -> Any:
    return np.reciprocal(1 + np.exp(-x))


erf = _frompyfunc(math.erf)

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
    "tanh": (np.tanh, "F.tanh"),
    "exp": (np.exp, ""),
    "exp2": (np.exp2, ""),
    "expm1": (np.expm1, ""),
    "log": (np.log, ""),
    "log10": (np.log10, ""),
    "log1p": (np.log1p, ""),
    "log2": (np.log2, ""),
    "sqrt": (np.sqrt, ""),
    "rsqrt": (lambda x: np.reciprocal(np.sqrt(x)), ""),
    "reciprocal": (np.reciprocal, ""),
    "sigmoid": (_sigmoid, "F.sigmoid"),
    "erf": (erf, ""),
    "erfc": (_frompyfunc(math.erfc), ""),
    "lgamma": (_frompyfunc(_lgamma), ""),
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


def _frac(x: Array) -> Any:
    return x - np.trunc(x)


_SAME_UNARY: dict[str, tuple[Callable[[Any], Any], str]] = {
    "abs": (np.abs, "torch.absolute .absolute .__abs__"),
    "neg": (np.negative, "torch.negative .negative .__neg__"),
    "positive": (np.positive, ".__pos__"),
    "sign": (_sign, "torch.sgn .sgn"),
    "ceil": (_keeps_int(np.ceil), ""),
    "floor": (_keeps_int(np.floor), ""),
    "trunc": (_keeps_int(np.trunc), "torch.fix .fix"),
    "frac": (_frac, ""),
    "square": (np.square, ""),
    "conj": (np.positive, ""),
    "isnan": (np.isnan, ""),
    "isinf": (np.isinf, ""),
    "isfinite": (np.isfinite, ""),
}


def _declare_unary() -> None:
    for name, (function, more) in _FLOAT_UNARY.items():

        def to_float(self: Array, _f: Callable[[Any], Any] = function) -> Array:
            return float_unary(_f, self)

        row(f"{name}(Tensor self)", f"torch.{name} .{name} torch.{name}_ .{name}_ {more}")(to_float)
    for name, (function, more) in _SAME_UNARY.items():

        def same(self: Array, _f: Callable[[Any], Any] = function) -> Array:
            return array(_f(self))

        row(f"{name}(Tensor self)", f"torch.{name} .{name} torch.{name}_ .{name}_ {more}")(same)


_declare_unary()


@row("round(Tensor self, *, int decimals=0)", "torch.round .round torch.round_ .round_")
def round_(self: Array, decimals: int = 0) -> Array:
    return array(np.round(self, decimals)) if self.dtype.kind == "f" else self.copy()
