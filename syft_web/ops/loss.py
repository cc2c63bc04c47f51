"""Losses of torch.nn.functional."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from syft_web.ops.dtypes import Array, Scalar, cast, result_type
from syft_web.ops.elementwise import array
from syft_web.ops.linalg import pairwise_distance
from syft_web.ops.nn import log_softmax, softplus
from syft_web.ops.reduce import mean
from syft_web.ops.row import RowCollector

__all__ = ["reduced", "row"]

row = RowCollector()

_TAIL = "bool? size_average=None, bool? reduce=None, str reduction='mean'"


def reduced(values: Array, *options: Any) -> Array:
    """Apply ``reduction``: ``"none"``, ``"mean"`` or ``"sum"``.

    Args:
        values: One loss per element.
        options: torch's trailing three: size_average and reduce (its older spelling, None
            or bools), then reduction.
    """
    return _reduce(values, _reduction(*options))


def _reduction(size_average: bool | None, reduce: bool | None, reduction: str) -> str:
    if size_average is None and reduce is None:
        return reduction
    if reduce is False:
        return "none"
    return "sum" if size_average is False else "mean"


def _reduce(values: Array, reduction: str) -> Array:
    if reduction == "none":
        return array(values)
    if reduction == "mean":
        return mean(array(values))
    if reduction == "sum":
        return array(np.sum(values))
    raise ValueError(f"reduction must be 'none', 'mean' or 'sum', not {reduction!r}")


def _pair(a: Array, b: Array) -> tuple[Array, Array]:
    dtype = result_type(a, b)
    return cast(a, dtype), cast(b, dtype)


def _same_size(x: Array, target: Array) -> None:
    if x.shape != target.shape:
        raise ValueError(f"target {target.shape} must have the shape of the input {x.shape}")


def _huber(away: Array) -> Array:
    size = np.abs(away)
    half = size.dtype.type(0.5)
    return array(np.where(size < 1, away * away * half, size - half))


def _declare_differences() -> None:
    table: dict[str, Callable[[Array], Any]] = {
        "mse_loss": lambda away: away * away,
        "l1_loss": np.abs,
    }
    for name, function in table.items():

        def rule(
            self: Array, target: Array, *options: Any, _f: Callable[[Array], Any] = function
        ) -> Array:
            a, b = _pair(self, target)
            return reduced(array(_f(array(a - b))), *options)

        row(f"{name}(Tensor self, Tensor target, {_TAIL})", f"F.{name}")(rule)


_declare_differences()


@row(f"smooth_l1_loss(Tensor self, Tensor target, {_TAIL}, float beta=1.0)", "F.smooth_l1_loss")
def smooth_l1_loss(self: Array, target: Array, *options: Any) -> Array:
    a, b = _pair(self, target)
    beta = a.dtype.type(options[-1])
    if beta < 0:
        raise ValueError(f"beta must not be negative, got {beta}")
    if beta == 0:
        return reduced(array(np.abs(a - b)), *options[:-1])
    return reduced(_huber(array(a - b) / beta) * beta, *options[:-1])


@row(
    f"binary_cross_entropy(Tensor self, Tensor target, Tensor? weight=None, {_TAIL})",
    "F.binary_cross_entropy",
)
def binary_cross_entropy(self: Array, target: Array, weight: Array | None, *options: Any) -> Array:
    x, y = _pair(self, target)
    _same_size(x, y)
    if not np.all((x >= 0) & (x <= 1)):
        raise ValueError("all elements of the input must be between 0 and 1")
    low = x.dtype.type(-100)  # torch bounds the logarithms
    losses = -(y * np.maximum(np.log(x), low) + (1 - y) * np.maximum(np.log1p(-x), low))
    return reduced(losses if weight is None else losses * weight, *options)


@row(
    f"binary_cross_entropy_with_logits(Tensor self, Tensor target, Tensor? weight=None, {_TAIL}, "
    "Tensor? pos_weight=None)",
    "F.binary_cross_entropy_with_logits",
)
def binary_cross_entropy_with_logits(
    self: Array, target: Array, weight: Array | None, *rest: Any
) -> Array:
    *options, pos_weight = rest
    x, y = _pair(self, target)
    _same_size(x, y)
    factor = 1 if pos_weight is None else 1 + (pos_weight - 1) * y
    losses = (1 - y) * x + factor * softplus(-x)
    return reduced(losses if weight is None else losses * weight, *options)


@row(
    "nll_loss(Tensor self, Tensor target, Tensor? weight=None, bool? size_average=None, "
    "int ignore_index=-100, bool? reduce=None, str reduction='mean')",
    "F.nll_loss",
)
def nll_loss(
    self: Array,
    target: Array,
    weight: Array | None,
    size_average: bool | None,
    ignore_index: int,
    reduce: bool | None,
    reduction: str,
) -> Array:
    """``-weight[target] * self[target]`` over (N, C, ...) log-probabilities."""
    if target.dtype.kind not in "iu":
        raise TypeError(f"nll_loss wants class numbers (int64), not {target.dtype}")
    axis = 1 if self.ndim > 1 else 0
    if target.shape != self.shape[:axis] + self.shape[axis + 1 :]:
        raise ValueError(f"target {target.shape} does not fit the input {self.shape}")
    counted = target != ignore_index
    classes = np.where(counted, target, 0).astype(np.intp)
    _in_range(classes, self.shape[axis])
    picked = np.take_along_axis(self, np.expand_dims(classes, axis), axis).squeeze(axis)
    weights = np.ones(self.shape[axis], self.dtype) if weight is None else weight
    factors = np.where(counted, weights[classes], 0).astype(self.dtype)
    losses = array(-picked * factors)
    kind = _reduction(size_average, reduce, reduction)
    if kind == "mean":
        return array(np.sum(losses) / np.sum(factors))
    return _reduce(losses, kind)


def _in_range(classes: Array, count: int) -> None:
    if classes.size and not 0 <= classes.min() <= classes.max() < count:
        raise IndexError(f"a target is out of bounds for {count} classes")


@row(
    "cross_entropy(Tensor self, Tensor target, Tensor? weight=None, bool? size_average=None, "
    "int ignore_index=-100, bool? reduce=None, str reduction='mean', float label_smoothing=0.0)",
    "F.cross_entropy",
)
def cross_entropy(self: Array, target: Array, weight: Array | None, *rest: Any) -> Array:
    """`nll_loss` of `log_softmax`; a target of floats holds probabilities of the classes."""
    *options, smoothing = rest
    if not 0 <= smoothing <= 1:
        raise ValueError(f"label_smoothing must be between 0 and 1, got {smoothing}")
    axis = 1 if self.ndim > 1 else 0
    logs = log_softmax(self, axis)
    if target.dtype.kind in "iu":
        plain = nll_loss(logs, target, weight, *options)
        return _smoothed(plain, logs, target, weight, smoothing, *options) if smoothing else plain
    classes = self.shape[axis]
    target = target * target.dtype.type(1 - smoothing) + target.dtype.type(smoothing / classes)
    if weight is not None:
        logs = logs * weight.reshape((-1,) + (1,) * (self.ndim - axis - 1))
    losses = array(-np.sum(logs * target, axis=axis))
    kind = _reduction(options[0], options[2], options[3])
    return _reduce(losses, kind)


def _smoothed(
    plain: Array,
    logs: Array,
    target: Array,
    weight: Array | None,
    smoothing: float,
    size_average: bool | None,
    ignore_index: int,
    reduce: bool | None,
    reduction: str,
) -> Array:
    """The loss of class numbers mixed with that of a target equal for all classes."""
    axis = 1 if logs.ndim > 1 else 0
    kind = logs.dtype.type
    weights = np.ones(logs.shape[axis], logs.dtype) if weight is None else weight
    even = -np.sum(logs * weights.reshape((-1,) + (1,) * (logs.ndim - axis - 1)), axis=axis)
    counted = target != ignore_index
    even = np.where(counted, even, kind(0))
    how = _reduction(size_average, reduce, reduction)
    if how == "mean":
        even = np.sum(even) / np.sum(weights[target[counted]])
    else:
        even = _reduce(array(even), how)
    return array(plain * kind(1 - smoothing) + even * kind(smoothing / logs.shape[axis]))


@row(f"kl_div(Tensor self, Tensor target, {_TAIL}, bool log_target=False)", "F.kl_div torch.kl_div")
def kl_div(self: Array, target: Array, *rest: Any) -> Array:
    *options, log_target = rest
    x, y = _pair(self, target)
    if log_target:
        losses = np.exp(y) * (y - x)
    else:
        losses = np.where(y == 0, 0, y * (np.log(np.where(y == 0, 1, y)) - x)).astype(x.dtype)
    if _reduction(*options) == "batchmean":
        return array(np.sum(losses) / x.dtype.type(x.shape[0]))
    return reduced(array(losses), *options)


@row(
    "poisson_nll_loss(Tensor self, Tensor target, bool log_input=True, bool full=False, "
    "bool? size_average=None, float eps=1e-08, bool? reduce=None, str reduction='mean')",
    "F.poisson_nll_loss",
)
def poisson_nll_loss(
    self: Array,
    target: Array,
    log_input: bool,
    full: bool,
    size_average: bool | None,
    eps: float,
    reduce: bool | None,
    reduction: str,
) -> Array:
    x, y = _pair(self, target)
    losses = np.exp(x) - y * x if log_input else x - y * np.log(x + x.dtype.type(eps))
    if full:
        many = np.where(y > 1, y, 2)
        stirling = many * np.log(many) - many + np.log(2 * np.pi * many) / 2
        losses = losses + np.where(y > 1, stirling, 0).astype(x.dtype)
    return reduced(array(losses), size_average, reduce, reduction)


@row(
    f"hinge_embedding_loss(Tensor self, Tensor target, float margin=1.0, {_TAIL})",
    "F.hinge_embedding_loss",
)
def hinge_embedding_loss(self: Array, target: Array, margin: float, *options: Any) -> Array:
    below = np.maximum(self.dtype.type(margin) - self, 0)
    losses = np.where(target != 1, below, 0) + np.where(target != -1, self, 0)
    return reduced(losses.astype(self.dtype), *options)


@row(
    f"margin_ranking_loss(Tensor input1, Tensor input2, Tensor target, float margin=0, {_TAIL})",
    "F.margin_ranking_loss",
)
def margin_ranking_loss(
    input1: Array, input2: Array, target: Array, margin: Scalar, *options: Any
) -> Array:
    a, b = _pair(input1, input2)
    away, sign = _pair(array(b - a), target)
    return reduced(array(np.maximum(sign * away + away.dtype.type(margin), 0)), *options)


@row(f"soft_margin_loss(Tensor self, Tensor target, {_TAIL})", "F.soft_margin_loss")
def soft_margin_loss(self: Array, target: Array, *options: Any) -> Array:
    x, y = _pair(self, target)
    return reduced(softplus(-y * x), *options)


@row(
    f"cosine_embedding_loss(Tensor input1, Tensor input2, Tensor target, float margin=0, {_TAIL})",
    "F.cosine_embedding_loss torch.cosine_embedding_loss",
)
def cosine_embedding_loss(
    input1: Array, input2: Array, target: Array, margin: float, *options: Any
) -> Array:
    a, b = _pair(input1, input2)
    eps = a.dtype.type(1e-12)  # torch adds it under each root
    lengths = (np.sum(a * a, -1) + eps) * (np.sum(b * b, -1) + eps)
    cosine = np.sum(a * b, -1) / np.sqrt(lengths)
    apart = np.maximum(cosine - a.dtype.type(margin), 0)
    losses = np.where(target == 1, 1 - cosine, np.where(target == -1, apart, 0))
    return reduced(losses.astype(a.dtype), *options)


@row(
    "triplet_margin_loss(Tensor anchor, Tensor positive, Tensor negative, float margin=1.0, "
    f"float p=2, float eps=1e-06, bool swap=False, {_TAIL})",
    "F.triplet_margin_loss torch.triplet_margin_loss",
)
def triplet_margin_loss(
    anchor: Array,
    positive: Array,
    negative: Array,
    margin: float,
    p: float,
    eps: float,
    swap: bool,
    *options: Any,
) -> Array:
    near = pairwise_distance(anchor, positive, p, eps)
    far = pairwise_distance(anchor, negative, p, eps)
    if swap:
        far = np.minimum(far, pairwise_distance(positive, negative, p, eps))
    return reduced(array(np.maximum(near - far + near.dtype.type(margin), 0)), *options)


@row(
    "multi_margin_loss(Tensor self, Tensor target, int p=1, float margin=1.0, "
    f"Tensor? weight=None, {_TAIL})",
    "F.multi_margin_loss",
)
def multi_margin_loss(
    self: Array, target: Array, p: int, margin: float, weight: Array | None, *options: Any
) -> Array:
    if p not in (1, 2):
        raise ValueError(f"p must be 1 or 2, not {p}")
    if self.ndim == 1:
        rest = (p, margin, weight, *options)
        return multi_margin_loss(self[None], target.reshape(1), *rest).reshape(())
    _in_range(target, self.shape[1])
    right = np.take_along_axis(self, target[:, None].astype(np.intp), 1)
    over = np.maximum(self.dtype.type(margin) - right + self, 0) ** p
    if weight is not None:
        over = over * weight[target][:, None]
    np.put_along_axis(over, target[:, None].astype(np.intp), 0, 1)
    return reduced(array(over.sum(1) / self.dtype.type(self.shape[1])), *options)
