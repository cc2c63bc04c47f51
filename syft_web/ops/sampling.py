"""Random numbers of the less common kinds.

They are drawn from `chance.generator`: for the same seed other numbers than torch's, of the
same distributions.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from syft_web.ops import chance
from syft_web.ops.dtypes import BOOL, DEFAULT_FLOAT, INT32, INT64, Array, DType, as_dtype
from syft_web.ops.row import RowCollector

__all__ = ["row"]

row = RowCollector()

_OPTIONS = "dtype? dtype=None, str? device=None, bool requires_grad=False"


def _positive(name: str, what: str, value: float) -> None:
    if not value > 0:
        raise ValueError(f"{name} needs a {what} above 0, not {value}")


@row("cauchy_(Tensor self, float median=0.0, float sigma=1.0)", ".cauchy_")
def cauchy_(self: Array, median: float = 0.0, sigma: float = 1.0) -> Array:
    _positive("cauchy_", "sigma", sigma)
    drawn = median + sigma * chance.generator().standard_cauchy(self.shape)
    return np.asarray(drawn, _float(self))


@row("exponential_(Tensor self, float lambd=1.0)", ".exponential_")
def exponential_(self: Array, lambd: float = 1.0) -> Array:
    _positive("exponential_", "lambd", lambd)
    return np.asarray(chance.generator().exponential(1 / lambd, self.shape), _float(self))


@row("geometric_(Tensor self, float p)", ".geometric_")
def geometric_(self: Array, p: float) -> Array:
    """How many tries of chance `p` the first success takes, from 1 on."""
    if not 0 < p < 1:
        raise ValueError(f"geometric_ needs p between 0 and 1, not {p}")
    return np.asarray(chance.generator().geometric(p, self.shape)).astype(self.dtype)


@row("log_normal_(Tensor self, float mean=1.0, float std=2.0)", ".log_normal_")
def log_normal_(self: Array, mean: float = 1.0, std: float = 2.0) -> Array:
    """The exponential of normal numbers of that mean and deviation."""
    _positive("log_normal_", "std", std)
    return np.asarray(chance.generator().lognormal(mean, std, self.shape), _float(self))


def _float(self: Array) -> DType:
    if self.dtype.kind != "f":
        raise TypeError(f"random numbers of this kind are floats and do not fit {self.dtype}")
    return self.dtype


def largest_random(dtype: DType) -> int:
    """One above the largest number that ``random_()`` draws: all ints the dtype holds exactly."""
    if dtype == BOOL:
        return 2
    if dtype.kind == "f":
        return int(2 ** (np.finfo(dtype).nmant + 1)) + 1
    return int(np.iinfo(dtype).max) + (dtype != INT64)


@row("random_(Tensor self)", ".random_")
def random_(self: Array) -> Array:
    """Whole numbers from 0 to the largest that the dtype holds exactly."""
    return random_between(self, 0, largest_random(self.dtype))


@row("random_(Tensor self, int to)", ".random_")
def random_below(self: Array, to: int) -> Array:
    return random_between(self, 0, to)


@row("random_(Tensor self, int from, int to)", ".random_")
def random_between(self: Array, start: int, to: int) -> Array:
    """Whole numbers from `start` up to, without, `to`."""
    if not start < to:
        raise ValueError(f"random_ needs from {start} to be below to {to}")
    return chance.generator().integers(start, to, self.shape).astype(self.dtype)


@row("bernoulli_(Tensor self)", ".bernoulli_")
def bernoulli_half(self: Array) -> Array:
    return (chance.generator().random(self.shape) < 0.5).astype(self.dtype)


@row("bernoulli_(Tensor self, Tensor p)", ".bernoulli_")
def bernoulli_each(self: Array, p: Array) -> Array:
    """Ones with the chance that `p`, broadcast, holds at that place."""
    chances = np.broadcast_to(p, self.shape)
    return (chance.generator().random(self.shape) < chances).astype(self.dtype)


def _normal(mean: Any, std: Any, size: tuple[int, ...], dtype: DType) -> Array:
    if np.any(np.asarray(std) < 0):
        raise ValueError("normal needs standard deviations of at least 0")
    return np.asarray(chance.generator().normal(mean, std, size), dtype)


@row("normal(Tensor mean, Tensor std)", "torch.normal")
def normal(mean: Array, std: Array) -> Array:
    return _normal(mean, std, np.broadcast_shapes(mean.shape, std.shape), _float(mean))


@row("normal(Tensor mean, float std=1.0)", "torch.normal")
def normal_mean(mean: Array, std: float = 1.0) -> Array:
    return _normal(mean, std, mean.shape, _float(mean))


@row("normal(float mean, Tensor std)", "torch.normal")
def normal_std(mean: float, std: Array) -> Array:
    return _normal(mean, std, std.shape, _float(std))


@row(f"normal(float mean, float std, int[] size, *, {_OPTIONS})", "torch.normal")
def normal_sized(
    mean: float, std: float, size: Sequence[int], dtype: Any = None, *_rest: Any
) -> Array:
    wanted = DEFAULT_FLOAT if dtype is None else as_dtype(dtype)
    return _normal(mean, std, tuple(size), wanted)


@row("poisson(Tensor self)", "torch.poisson")
def poisson(self: Array) -> Array:
    """Counts whose means are the elements."""
    dtype = _float(self)
    if np.any(self < 0):
        raise ValueError("poisson needs means of at least 0")
    return chance.generator().poisson(self.astype(np.float64)).astype(dtype)


@row(f"randint_like(Tensor self, int high, *, {_OPTIONS})", "torch.randint_like")
def randint_like_below(self: Array, high: int, dtype: Any = None, *_rest: Any) -> Array:
    return randint_like(self, 0, high, dtype)


@row(f"randint_like(Tensor self, int low, int high, *, {_OPTIONS})", "torch.randint_like")
def randint_like(self: Array, low: int, high: int, dtype: Any = None, *_rest: Any) -> Array:
    wanted = self.dtype if dtype is None else as_dtype(dtype)
    return chance.generator().integers(low, high, self.shape).astype(wanted)


@row(
    "multinomial(Tensor self, int num_samples, bool replacement=False)",
    "torch.multinomial .multinomial",
)
def multinomial(self: Array, num_samples: int, replacement: bool = False) -> Array:
    """Draw places with chances in proportion to the elements of each row.

    Args:
        self: Weights of at least 0, (places) or (rows, places).
        num_samples: How many to draw from each row.
        replacement: Whether a place can be drawn again.

    Returns:
        int64, (num_samples) or (rows, num_samples).
    """
    dtype = _float(self)
    if self.ndim not in (1, 2) or num_samples < 1:
        raise ValueError(
            f"multinomial draws from 1 or 2 dimensions, at least once; got shape {self.shape} "
            f"and {num_samples}"
        )
    weights = np.atleast_2d(self).astype(np.float64)
    usable = np.min(np.sum(weights > 0, 1), initial=weights.shape[1])
    if not np.all(np.isfinite(weights) & (weights >= 0)) or usable == 0:
        raise ValueError(f"multinomial needs finite weights (of {dtype}) of at least 0, not all 0")
    if not replacement and num_samples > usable:
        raise ValueError(
            f"multinomial cannot draw {num_samples} different places where only {usable} have "
            "a chance"
        )
    drawn = _draw_again(weights, num_samples) if replacement else _draw_once(weights, num_samples)
    return drawn if self.ndim == 2 else drawn.reshape(-1)


def _draw_again(weights: Array, count: int) -> Array:
    steps = np.cumsum(weights, 1)
    chosen = chance.generator().random((len(weights), count)) * steps[:, -1:]
    # The first step above the number; a place of weight 0 has no step of its own.
    found = [np.searchsorted(s, c, "right") for s, c in zip(steps, chosen, strict=True)]
    # Rounding may lift a number onto the very end: that is the last place with a weight.
    last = weights.shape[1] - 1 - np.argmax(weights[:, ::-1] > 0, 1)
    return np.asarray(np.minimum(np.array(found).reshape(-1, count), last[:, None]), INT64)


def _draw_once(weights: Array, count: int) -> Array:
    # The order in which clocks of these rates ring is the order of such a draw.
    rings = chance.generator().exponential(1.0, weights.shape)
    with np.errstate(divide="ignore"):
        times = rings / weights
    return np.argsort(times, 1)[:, :count].astype(INT64)


@row(
    "multinomial(Tensor logits, int numSamples, int? seed=None, bool normalized=False)",
    "tf.multinomial",
)
def tf_multinomial(
    logits: Array, count: int, seed: int | None = None, normalized: bool = False
) -> Array:
    """Tfjs takes logarithms of the weights, or the weights themselves when `normalized`."""
    if not normalized:
        logits = np.exp(logits - np.max(logits, -1, keepdims=True))
    return multinomial(logits, count, True).astype(INT32)
