"""Losses as captured training steps spell them, and their gradients.

``reduction`` is a number here: 0 none, 1 mean, 2 sum. The losses themselves are those of
`syft_web.ops.loss`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from syft_web.ops.dtypes import Array, Scalar, cast, result_type
from syft_web.ops.elementwise import array
from syft_web.ops.loss import reduced
from syft_web.ops.nn import sigmoid, softplus
from syft_web.ops.row import RowCollector

__all__ = [
    "by_number",
    "nll_loss_backward",
    "nll_loss_forward",
    "per_element",
    "reduction_name",
    "row",
]

row = RowCollector()

_Shape = Callable[..., Any]
_NAMES = ("none", "mean", "sum")
_PAIR = "Tensor self, Tensor target"


def by_number(values: Any, reduction: int) -> Array:
    """Apply a reduction that is given as a number."""
    return reduced(array(values), None, None, reduction_name(reduction))


def reduction_name(reduction: int) -> str:
    """``"none"``, ``"mean"`` or ``"sum"``.

    Raises:
        ValueError: The number is not 0, 1 or 2.
    """
    if not 0 <= reduction < 3:
        raise ValueError(f"reduction must be 0 (none), 1 (mean) or 2 (sum), not {reduction}")
    return _NAMES[reduction]


def _pair(a: Array, b: Array) -> tuple[Array, Array]:
    dtype = result_type(a, b)
    return cast(a, dtype), cast(b, dtype)


def per_element(grad: Array, count: int, reduction: int) -> Array:
    """What each element's loss contributes to the result."""
    if reduction_name(reduction) != "mean":
        return grad
    return array(grad / grad.dtype.type(count)) if count else grad


# -- differences ---------------------------------------------------------------------------


def _declare_differences() -> None:
    def huber(away: Array, delta: Scalar) -> Any:
        size, limit = np.abs(away), away.dtype.type(delta)
        half = away.dtype.type(0.5)
        return np.where(size <= limit, half * away * away, limit * (size - half * limit))

    def huber_slope(away: Array, delta: Scalar) -> Any:
        return np.clip(away, -away.dtype.type(delta), away.dtype.type(delta))

    def smooth(away: Array, beta: Scalar) -> Any:
        size, limit = np.abs(away), away.dtype.type(beta)
        half = away.dtype.type(0.5)
        if beta == 0:
            return size
        return np.where(size < limit, half * away * away / limit, size - half * limit)

    def smooth_slope(away: Array, beta: Scalar) -> Any:
        if beta == 0:
            return np.sign(away)
        return np.clip(away / away.dtype.type(beta), -1, 1)

    table: dict[str, tuple[str, _Shape, _Shape]] = {
        "mse_loss": ("", lambda away: away * away, lambda away: away + away),
        "huber_loss": (", float delta", huber, huber_slope),
        "smooth_l1_loss": (", float beta", smooth, smooth_slope),
    }
    for name, (extra, value, slope) in table.items():

        def forward(
            self: Array, target: Array, reduction: int, *options: Any, _f: _Shape = value
        ) -> Array:
            a, b = _pair(self, target)
            return by_number(_f(array(a - b), *options), reduction)

        def backward(
            grad_output: Array,
            self: Array,
            target: Array,
            reduction: int,
            *options: Any,
            _f: _Shape = slope,
        ) -> Array:
            a, b = _pair(self, target)
            away = array(a - b)
            return array(per_element(grad_output, away.size, reduction) * _f(away, *options))

        tail = f"{extra}=1.0" if extra else ""
        row(f"{name}({_PAIR}, int reduction=1{tail})", f"A.{name}.default")(forward)
        row(
            f"{name}_backward(Tensor grad_output, {_PAIR}, int reduction{extra})",
            f"A.{name}_backward.default",
        )(backward)


_declare_differences()


@row(f"l1_loss({_PAIR}, int reduction=1)", "A.l1_loss.default")
def l1_loss(self: Array, target: Array, reduction: int = 1) -> Array:
    a, b = _pair(self, target)
    return by_number(np.abs(a - b), reduction)


# -- probabilities -------------------------------------------------------------------------


@row(
    f"binary_cross_entropy({_PAIR}, Tensor? weight=None, int reduction=1)",
    "A.binary_cross_entropy.default",
)
def binary_cross_entropy(self: Array, target: Array, weight: Array | None, reduction: int) -> Array:
    low = self.dtype.type(-100)  # torch bounds the logarithms
    with np.errstate(divide="ignore"):
        yes, no = np.maximum(np.log(self), low), np.maximum(np.log1p(-self), low)
    losses = (target - 1) * no - target * yes
    return by_number(losses if weight is None else losses * weight, reduction)


@row(
    f"binary_cross_entropy_backward(Tensor grad_output, {_PAIR}, Tensor? weight=None, "
    "int reduction=1)",
    "A.binary_cross_entropy_backward.default",
)
def binary_cross_entropy_backward(
    grad_output: Array, self: Array, target: Array, weight: Array | None, reduction: int
) -> Array:
    floor = self.dtype.type(1e-12)
    slope = (self - target) / np.maximum((1 - self) * self, floor)
    if weight is not None:
        slope = slope * weight
    return array(per_element(grad_output, self.size, reduction) * slope)


@row(
    f"binary_cross_entropy_with_logits({_PAIR}, Tensor? weight=None, Tensor? pos_weight=None, "
    "int reduction=1)",
    "A.binary_cross_entropy_with_logits.default",
)
def binary_cross_entropy_with_logits(
    self: Array,
    target: Array,
    weight: Array | None,
    pos_weight: Array | None,
    reduction: int,
) -> Array:
    factor = 1 if pos_weight is None else 1 + (pos_weight - 1) * target
    losses = (1 - target) * self + factor * softplus(-self)
    return by_number(losses if weight is None else losses * weight, reduction)


@row(f"soft_margin_loss({_PAIR}, int reduction=1)", "A.soft_margin_loss.default")
def soft_margin_loss(self: Array, target: Array, reduction: int) -> Array:
    x, y = _pair(self, target)
    return by_number(softplus(array(-y * x)), reduction)


@row(
    f"soft_margin_loss_backward(Tensor grad_output, {_PAIR}, int reduction)",
    "A.soft_margin_loss_backward.default",
)
def soft_margin_loss_backward(
    grad_output: Array, self: Array, target: Array, reduction: int
) -> Array:
    slope = -target * sigmoid(array(-target * self))
    return array(per_element(grad_output, self.size, reduction) * slope)


# -- class numbers -------------------------------------------------------------------------


def _classes(
    self: Array, target: Array, weight: Array | None, ignore_index: int
) -> tuple[int, Array, Array]:
    """The dimension of the classes, valid class numbers, and the weight of each target."""
    if target.dtype.kind not in "iu":
        raise TypeError(f"nll_loss wants class numbers (int64), not {target.dtype}")
    axis = 1 if self.ndim > 1 else 0
    if target.shape != self.shape[:axis] + self.shape[axis + 1 :]:
        raise ValueError(f"target {target.shape} does not fit the input {self.shape}")
    counted = target != ignore_index
    classes = np.where(counted, target, 0).astype(np.intp)
    if classes.size and not 0 <= classes.min() <= classes.max() < self.shape[axis]:
        raise IndexError(f"a target is out of bounds for {self.shape[axis]} classes")
    if weight is None:
        return axis, classes, counted.astype(self.dtype)
    return axis, classes, np.where(counted, weight[classes], 0).astype(self.dtype)


def nll_loss_forward(
    self: Array, target: Array, weight: Array | None, reduction: int, ignore_index: int
) -> tuple[Array, Array]:
    """The negative log-likelihood of class numbers, and the sum of their weights.

    Args:
        self: Log-probabilities, ``(N, C, ...)`` or ``(C,)``.
        target: Class numbers, int64, ``(N, ...)`` or ``()``.
        weight: One per class.
        reduction: 0 none, 1 mean, 2 sum.
        ignore_index: The class number that does not count.

    Returns:
        The loss, and the total weight (0 where nothing is reduced).
    """
    axis, classes, factors = _classes(self, target, weight, ignore_index)
    picked = np.take_along_axis(self, np.expand_dims(classes, axis), axis).squeeze(axis)
    losses = -picked * factors
    if weight is None:  # nan and inf of a target that does not count must not count either
        losses = np.where(factors != 0, losses, self.dtype.type(0))
    if reduction_name(reduction) == "none":
        return array(losses), np.zeros((), self.dtype)
    total_weight = array(np.sum(factors))
    total = np.sum(losses)
    if reduction == 1:
        with np.errstate(invalid="ignore", divide="ignore"):
            total = total / total_weight
    return array(total), total_weight


def nll_loss_backward(
    grad_output: Array,
    self: Array,
    target: Array,
    weight: Array | None,
    reduction: int,
    ignore_index: int,
    total_weight: Array,
) -> Array:
    """The gradient of `nll_loss_forward`."""
    axis, classes, factors = _classes(self, target, weight, ignore_index)
    grad = -grad_output * factors
    if reduction == 1:
        with np.errstate(invalid="ignore", divide="ignore"):
            # Nothing counted: torch gives zeros, not nan.
            grad = np.where(factors != 0, grad / total_weight, 0).astype(self.dtype)
    out = np.zeros(self.shape, self.dtype)
    places = np.expand_dims(classes, axis)
    np.put_along_axis(out, places, np.expand_dims(array(grad), axis), axis)
    return out


def _only_loss(self: Array, target: Array, weight: Array | None, *rest: Any) -> Array:
    return nll_loss_forward(self, target, weight, *rest)[0]


def _declare_nll() -> None:
    for name in ("nll_loss", "nll_loss2d"):
        row(
            f"{name}_forward({_PAIR}, Tensor? weight, int reduction, int ignore_index) "
            "-> Tensor, Tensor",
            f"A.{name}_forward.default",
        )(nll_loss_forward)
        row(
            f"{name}_backward(Tensor grad_output, {_PAIR}, Tensor? weight, int reduction, "
            "int ignore_index, Tensor total_weight)",
            f"A.{name}_backward.default",
        )(nll_loss_backward)
        more = " A.nll_loss_nd.default" if name == "nll_loss" else ""
        row(
            f"{name}({_PAIR}, Tensor? weight=None, int reduction=1, int ignore_index=-100)",
            f"A.{name}.default{more}",
        )(_only_loss)


_declare_nll()
