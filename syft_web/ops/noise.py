"""Random versions of activations: leaky slopes, dropout that keeps mean and deviation, Gumbel."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from syft_web.ops import chance
from syft_web.ops.dtypes import Array, Scalar
from syft_web.ops.elementwise import array
from syft_web.ops.nn import dropout_channels, softmax
from syft_web.ops.reduce import normal_axis
from syft_web.ops.row import RowCollector

__all__ = ["row"]

row = RowCollector()

_BOUNDS = "Scalar lower=0.125, Scalar upper=0.3333333333333333, bool training=False"
# What selu does to very negative numbers: -scale * alpha.
_SATURATED = -1.0507009873554805 * 1.6732632423543772


def _slopes(self: Array, lower: Scalar, upper: Scalar, training: bool) -> Array:
    """The factor of each element: 1 where it is positive."""
    kind = self.dtype.type
    if training:
        negative = chance.generator().uniform(lower, upper, self.shape).astype(self.dtype)
    else:
        negative = np.full(self.shape, kind((lower + upper) / 2))
    return np.asarray(np.where(self > 0, kind(1), negative))


@row(f"rrelu(Tensor self, {_BOUNDS}, bool inplace=False)", "F.rrelu F.rrelu_")
@row(f"rrelu(Tensor self, {_BOUNDS}, any generator=None)", "torch.rrelu torch.rrelu_")
def rrelu(self: Array, lower: Scalar, upper: Scalar, training: bool, *_rest: Any) -> Array:
    """Negative elements times a random slope when training, else times the mean of the bounds."""
    return array(self * _slopes(self, lower, upper, training))


@row(
    "rrelu_with_noise_functional(Tensor self, Tensor noise, Scalar lower=0.125, "
    "Scalar upper=0.3333333333333333, bool training=False, any generator=None) -> Tensor, Tensor",
    "A.rrelu_with_noise_functional.default",
)
def rrelu_with_noise(
    self: Array, noise: Array, lower: Scalar, upper: Scalar, training: bool, *_rest: Any
) -> tuple[Array, Array]:
    """The result, and the slopes used when training (else the noise as given)."""
    slopes = _slopes(self, lower, upper, training)
    return array(self * slopes), slopes if training else noise.copy()


def _alpha_dropout(self: Array, p: float, training: bool, shape: tuple[int, ...]) -> Array:
    if not 0 <= p <= 1:
        raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")
    if not training or p == 0:
        return self
    kind = self.dtype.type
    if p == 1:
        return np.zeros_like(self)
    scale = 1 / math.sqrt((_SATURATED**2 * p + 1) * (1 - p))
    kept = chance.generator().random(shape) >= p
    moved = np.where(kept, self * kind(scale), kind(_SATURATED * scale))
    return np.asarray(moved + kind(-_SATURATED * scale * p), self.dtype)


def _channels(self: Array) -> tuple[int, ...]:
    return self.shape[:2] + (1,) * (self.ndim - 2)


def _declare_dropouts() -> None:
    def whole(self: Array, p: float, training: bool, inplace: bool = False) -> Array:
        return _alpha_dropout(self, p, training, self.shape)

    def channels(self: Array, p: float, training: bool, inplace: bool = False) -> Array:
        return _alpha_dropout(self, p, training, _channels(self))

    for name, rule in (("alpha_dropout", whole), ("feature_alpha_dropout", channels)):
        row(
            f"{name}(Tensor self, float p=0.5, bool training=False, bool inplace=False)",
            f"F.{name}",
            view=True,
        )(rule)
        row(f"{name}(Tensor self, float p, bool train)", f"torch.{name} torch.{name}_", view=True)(
            rule
        )
    row(
        "feature_dropout(Tensor self, float p, bool train)",
        "torch.feature_dropout torch.feature_dropout_",
        view=True,
    )(dropout_channels)
    row(
        "dropout1d(Tensor self, float p=0.5, bool training=True, bool inplace=False)",
        "F.dropout1d",
        view=True,
    )(dropout_channels)


_declare_dropouts()


@row(
    "gumbel_softmax(Tensor self, float tau=1, bool hard=False, float eps=1e-10, int dim=-1)",
    "F.gumbel_softmax",
)
def gumbel_softmax(self: Array, tau: float, hard: bool, eps: float, dim: int) -> Array:
    """A random choice by the logits: softened, or one-hot when `hard`."""
    kind = self.dtype.type
    noise = chance.generator().gumbel(size=self.shape).astype(self.dtype)
    soft = softmax(array((self + noise) / kind(tau)), dim)
    if not hard:
        return soft
    axis = normal_axis(dim, self.ndim)
    out = np.zeros_like(soft)
    np.put_along_axis(out, np.argmax(soft, axis=axis, keepdims=True), kind(1), axis)
    return out
