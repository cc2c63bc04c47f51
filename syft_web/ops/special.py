"""Special functions that numpy lacks, accurate to float32 rounding (most to float64's).

Each is computed in float64 from a published series, cited where it is used, and rounded
to the array's dtype at the end.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction

import numpy as np

from syft_web.ops.dtypes import Array, Scalar, float_type
from syft_web.ops.reduce import normal_axis
from syft_web.ops.row import RowCollector
from syft_web.ops.unary import from_math, lgamma

__all__ = ["digamma", "erfinv", "polygamma", "row"]

row = RowCollector()

_FAR = 10.0
"""From here on the series below are exact to float64 rounding."""


def _bernoulli_numbers(count: int) -> list[float]:
    """B2, B4, ... from the recurrence of Abramowitz and Stegun 23.1."""
    numbers = [Fraction(1)]
    for n in range(1, 2 * count + 1):
        total = sum((math.comb(n + 1, k) * numbers[k] for k in range(n)), Fraction(0))
        numbers.append(-total / (n + 1))
    return [float(b) for b in numbers[2::2]]


_MOST_DERIVATIVES = 100
_BERNOULLI = _bernoulli_numbers(10)


def _digamma(x: Array) -> Array:
    """Abramowitz and Stegun 6.3.5 (recurrence), 6.3.7 (reflection), 6.3.18 (series)."""
    left = x < 0
    at = np.where(left, 1 - x, x)
    total = np.zeros_like(at)
    while np.any(near := at < _FAR):
        total -= np.where(near, 1 / np.where(near, at, 1), 0)
        at = np.where(near, at + 1, at)
    square = 1 / (at * at)
    series = np.zeros_like(at)
    for n in range(len(_BERNOULLI), 0, -1):
        series = (series + _BERNOULLI[n - 1] / (2 * n)) * square
    total += np.log(at) - 0.5 / at - series
    # The angle's whole turns are dropped first: tan loses its digits far from zero.
    turn = np.pi * (x - np.round(x))
    found = np.where(left, total - np.pi / np.tan(np.where(left, turn, 1)), total)
    found = np.where(left & (x == np.floor(x)), np.nan, found)
    return np.where(x == 0, -np.copysign(np.inf, x), found)


@row("digamma(Tensor self)", "torch.digamma .digamma .digamma_")
def digamma(self: Array) -> Array:
    """The derivative of the logarithm of the gamma function."""
    return _in_float64(_digamma, self)


def _in_float64(function: Callable[[Array], Array], x: Array) -> Array:
    dtype = float_type(x.dtype)
    with np.errstate(all="ignore"):
        return np.asarray(function(x.astype(np.float64)), dtype)


def _zeta(s: int, x: Array) -> Array:
    """The Hurwitz zeta function for whole s > 1: the sum of ``(x + k) ** -s`` over k >= 0.

    On the left of zero the terms are gathered into three such sums on the right of it.
    """
    left = x < 0
    if not np.any(left):
        return _zeta_right(s, x)
    part = x - np.floor(x)
    sign = 1 if s % 2 == 0 else -1
    mirrored = _zeta_right(s, np.where(left, 1 - part, 1)) - _zeta_right(
        s, np.where(left, 1 - x, 1)
    )
    return _zeta_right(s, np.where(left, part, x)) + np.where(left, sign * mirrored, 0)


def _zeta_right(s: int, x: Array) -> Array:
    """`_zeta` for x >= 0 by the formula of Euler and Maclaurin (A. and S. 23.1.30).

    Terms up to where its series converges quickly are added one by one.
    """
    far = max(_FAR, (s + 20) / 2)
    total = np.zeros_like(x)
    at = x.copy()
    while np.any(near := at < far):
        total += np.where(near, np.where(near, at, 1.0) ** -s, 0)
        at = np.where(near, at + 1, at)
    total += at ** (1 - s) / (s - 1) + 0.5 * at**-s
    factor = float(s)
    power = at ** (-s - 1)
    for n, b in enumerate(_BERNOULLI, 1):
        total += b / math.factorial(2 * n) * factor * power
        factor *= (s + 2 * n - 1) * (s + 2 * n)
        power = power / (at * at)
    return total


@row("polygamma(int n, Tensor self)", "torch.polygamma")
def polygamma(n: int, self: Array) -> Array:
    """The n-th derivative of `digamma`: ``(-1)**(n+1) * n! * zeta(n + 1, x)``."""
    if n < 0:
        raise ValueError(f"polygamma needs n of at least 0, not {n}")
    if n == 0:
        return digamma(self)
    if n > _MOST_DERIVATIVES:
        raise ValueError(f"polygamma is computed for n up to {_MOST_DERIVATIVES}, not {n}")
    factor = (-1) ** (n + 1) * float(math.factorial(n))
    return _in_float64(lambda x: factor * _zeta(n + 1, x), self)


@row("polygamma(Tensor self, int n)", ".polygamma .polygamma_")
def polygamma_method(self: Array, n: int) -> Array:
    return polygamma(n, self)


@row("mvlgamma(Tensor self, int p)", "torch.mvlgamma .mvlgamma .mvlgamma_")
def mvlgamma(self: Array, p: int) -> Array:
    """The logarithm of the gamma function of p dimensions, for elements above (p - 1) / 2."""
    if p < 1:
        raise ValueError(f"mvlgamma needs p of at least 1, not {p}")
    if np.any(self <= (p - 1) / 2):
        raise ValueError(f"mvlgamma needs elements above {(p - 1) / 2}")
    start = p * (p - 1) / 4 * math.log(math.pi)
    wide = self.astype(np.float64)
    total = sum((lgamma(wide - k / 2) for k in range(p)), np.full(self.shape, start))
    return np.asarray(total, float_type(self.dtype))


_erfc = from_math(math.erfc)


def _erfinv(x: Array) -> Array:
    """A first guess (S. Winitzki, 2008) made exact by Halley's method on erfc."""
    # 1 - |x| is exact in float64, so nothing is lost near the ends.
    rest = 1 - np.abs(x)
    inside = (rest > 0) & (rest < 1)
    safe = np.where(inside, rest, 0.5)
    a = 0.147
    height = np.log(safe * (2 - safe))
    half = 2 / (np.pi * a) + height / 2
    guess = np.sqrt(np.sqrt(half * half - height / a) - half)
    for _ in range(3):
        miss = (_erfc(guess) - safe) / (-2 / math.sqrt(math.pi) * np.exp(-guess * guess))
        guess = guess - miss / (1 + guess * miss)
    found = np.where(inside, np.copysign(guess, x), x)
    found = np.where(rest == 0, np.copysign(np.inf, x), found)
    return np.where(rest < 0, np.nan, found)


@row("erfinv(Tensor self)", "torch.erfinv .erfinv .erfinv_")
def erfinv(self: Array) -> Array:
    """The inverse of erf: infinite at -1 and 1, nan beyond."""
    return _in_float64(_erfinv, self)


@row("angle(Tensor self)", "torch.angle .angle")
def angle(self: Array) -> Array:
    """The angle of real numbers: 0, or pi for negative ones."""
    dtype = float_type(self.dtype)
    turned = np.where(self < 0, dtype.type(np.pi), dtype.type(0))
    return np.asarray(np.where(self != self, self, turned), dtype)  # nan stays


@row("imag(Tensor self)", "torch.imag .imag tf.imag")
def imag(self: Array) -> Array:
    """The imaginary part of real numbers: zeros, as torch 1.4 gives."""
    return np.zeros_like(self)


def _fake_quantize(self: Array, scale: Array, zero: Array, low: int, high: int) -> Array:
    if self.dtype.kind != "f":
        raise TypeError(f"fake quantization needs floats, not {self.dtype}")
    if low > high:
        raise ValueError(f"quant_min {low} must not be above quant_max {high}")
    level = np.rint(self * (1 / scale)) + zero
    return np.asarray((np.clip(level, low, high) - zero) * scale, self.dtype)


@row(
    "fake_quantize_per_tensor_affine(Tensor self, Scalar scale, int zero_point, int quant_min, "
    "int quant_max)",
    "torch.fake_quantize_per_tensor_affine",
)
def fake_quantize_per_tensor(
    self: Array, scale: Scalar, zero_point: int, quant_min: int, quant_max: int
) -> Array:
    """What a quantized network would see: rounded to steps of `scale`, still as floats."""
    step, zero = np.asarray(scale, self.dtype), np.asarray(zero_point, self.dtype)
    return _fake_quantize(self, step, zero, quant_min, quant_max)


@row(
    "fake_quantize_per_channel_affine(Tensor self, Tensor scale, Tensor zero_point, int axis, "
    "int quant_min, int quant_max)",
    "torch.fake_quantize_per_channel_affine",
)
def fake_quantize_per_channel(
    self: Array, scale: Array, zero_point: Array, axis: int, quant_min: int, quant_max: int
) -> Array:
    """The same with a scale and a zero point for each index of a dimension."""
    place = normal_axis(axis, self.ndim)
    size = self.shape[place] if self.ndim else 1
    if scale.shape != (size,) or zero_point.shape != (size,):
        raise ValueError(
            f"{size} scales and zero points are needed, got shapes {scale.shape} and "
            f"{zero_point.shape}"
        )
    shape = [size if a == place else 1 for a in range(self.ndim)]
    steps, zeros = (a.astype(self.dtype).reshape(shape) for a in (scale, zero_point))
    return _fake_quantize(self, steps, zeros, quant_min, quant_max)
