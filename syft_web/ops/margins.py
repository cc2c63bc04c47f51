"""Losses with margins and their gradients, and the less frequent losses.

In the ``torch.ops.aten`` commands ``reduction`` is a number: 0 none, 1 mean, 2 sum.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from syft_web.ops import loss
from syft_web.ops.dtypes import Array, Scalar
from syft_web.ops.elementwise import array
from syft_web.ops.losses import by_number, per_element, reduction_name
from syft_web.ops.nn import softplus
from syft_web.ops.row import RowCollector

__all__ = ["row"]

row = RowCollector()

_PAIR = "Tensor self, Tensor target"
_TAIL = "bool? size_average=None, bool? reduce=None, str reduction='mean'"


# -- one right class -------------------------------------------------------------------------


def _margins(
    self: Array, target: Array, margin: Scalar, weight: Array | None
) -> tuple[Array, Array, Array]:
    """Input as rows, class numbers, and how far each class comes within the margin."""
    x = self.reshape(-1, self.shape[-1]) if self.ndim else self.reshape(1, 1)
    classes = target.reshape(-1, 1).astype(np.intp)
    if classes.size and not 0 <= classes.min() <= classes.max() < x.shape[1]:
        raise IndexError(f"a target is out of bounds for {x.shape[1]} classes")
    over = np.maximum(x.dtype.type(margin) - np.take_along_axis(x, classes, 1) + x, 0)
    np.put_along_axis(over, classes, 0, 1)
    factors = np.ones((x.shape[0], 1), x.dtype) if weight is None else weight[classes]
    return classes, over, array(factors / x.dtype.type(x.shape[1]))


@row(
    f"multi_margin_loss({_PAIR}, Scalar p=1, Scalar margin=1, Tensor? weight=None, "
    "int reduction=1)",
    "A.multi_margin_loss.default",
)
def multi_margin_loss(
    self: Array, target: Array, p: Scalar, margin: Scalar, weight: Array | None, reduction: int
) -> Array:
    _, over, factors = _margins(self, target, margin, weight)
    losses = np.sum((over if p == 1 else over * over) * factors, axis=1)
    return by_number(losses.reshape(target.shape), reduction)


@row(
    f"multi_margin_loss_backward(Tensor grad_output, {_PAIR}, Scalar p, Scalar margin, "
    "Tensor? weight=None, int reduction=1)",
    "A.multi_margin_loss_backward.default",
)
def multi_margin_loss_backward(
    grad_output: Array,
    self: Array,
    target: Array,
    p: Scalar,
    margin: Scalar,
    weight: Array | None,
    reduction: int,
) -> Array:
    classes, over, factors = _margins(self, target, margin, weight)
    slope = (over > 0).astype(self.dtype) if p == 1 else over * 2
    slope = array(slope * factors)
    np.put_along_axis(slope, classes, -np.sum(slope, axis=1, keepdims=True), 1)
    share = per_element(grad_output, slope.shape[0], reduction)
    return array((slope * share.reshape(-1, 1)).reshape(self.shape))


def _label_margins(self: Array, target: Array) -> tuple[Array, Array, Array]:
    """Input and labels as rows, and which classes are labels (those before the first -1)."""
    x, labels = np.atleast_2d(self), np.atleast_2d(target)
    if x.shape != labels.shape:
        raise ValueError(f"target {target.shape} does not fit the input {self.shape}")
    if labels.size and not -1 <= labels.min() <= labels.max() < x.shape[1]:
        raise IndexError(f"a target is out of bounds for {x.shape[1]} classes")
    valid = np.logical_and.accumulate(labels >= 0, axis=1)
    is_target = np.zeros(x.shape, np.bool_)
    rows = np.nonzero(valid)[0]
    is_target[rows, labels[valid].astype(np.intp)] = True
    return x, np.where(valid, labels, -1), is_target


@row(
    f"multilabel_margin_loss_forward({_PAIR}, int reduction) -> Tensor, Tensor",
    "A.multilabel_margin_loss_forward.default",
)
def multilabel_margin_loss_forward(
    self: Array, target: Array, reduction: int
) -> tuple[Array, Array]:
    """The loss, and which classes are labels (as numbers)."""
    x, labels, is_target = _label_margins(self, target)
    safe = np.maximum(labels, 0).astype(np.intp)
    right = np.take_along_axis(x, safe, 1)
    # (rows, label, class): each label against each class that is none.
    over = np.maximum(1 - right[:, :, None] + x[:, None, :], 0)
    over = over * (labels >= 0)[:, :, None] * ~is_target[:, None, :]
    losses = over.sum((1, 2)) / x.dtype.type(x.shape[1])
    if self.ndim < 2:
        losses = losses.reshape(())
    shown = is_target.astype(self.dtype).reshape(target.shape)
    return by_number(losses.astype(self.dtype), reduction), shown


@row(
    f"multilabel_margin_loss_backward(Tensor grad_output, {_PAIR}, int reduction, "
    "Tensor is_target)",
    "A.multilabel_margin_loss_backward.default",
)
def multilabel_margin_loss_backward(
    grad_output: Array, self: Array, target: Array, reduction: int, is_target: Array
) -> Array:
    x, labels, hit = _label_margins(self, target)
    safe = np.maximum(labels, 0).astype(np.intp)
    right = np.take_along_axis(x, safe, 1)
    within = 1 - right[:, :, None] + x[:, None, :] > 0
    within &= (labels >= 0)[:, :, None] & ~hit[:, None, :]
    slope = within.sum(1).astype(self.dtype)
    np.subtract.at(slope, (np.arange(x.shape[0])[:, None], safe), within.sum(2).astype(self.dtype))
    share = per_element(grad_output, x.shape[0], reduction)
    slope = slope / x.dtype.type(x.shape[1]) * share.reshape(-1, 1)
    return array(slope.astype(self.dtype).reshape(self.shape))


@row(f"multilabel_margin_loss({_PAIR}, int reduction=1)", "A.multilabel_margin_loss.default")
def multilabel_margin_loss(self: Array, target: Array, reduction: int) -> Array:
    return multilabel_margin_loss_forward(self, target, reduction)[0]


@row(f"multilabel_margin_loss({_PAIR}, {_TAIL})", "F.multilabel_margin_loss")
def multilabel_margin_loss_named(self: Array, target: Array, *options: Any) -> Array:
    losses = multilabel_margin_loss_forward(self, target, 0)[0]
    return loss.reduced(losses, *options)


# -- others ----------------------------------------------------------------------------------


@row(
    f"multilabel_soft_margin_loss({_PAIR}, Tensor? weight=None, {_TAIL})",
    "F.multilabel_soft_margin_loss",
)
def multilabel_soft_margin_loss(
    self: Array, target: Array, weight: Array | None, *options: Any
) -> Array:
    losses = target * softplus(-self) + (1 - target) * softplus(self)
    if weight is not None:
        losses = losses * weight
    return loss.reduced(array(losses.mean(-1)), *options)


@row(
    f"huber_loss({_PAIR}, str reduction='mean', float delta=1.0, Tensor? weight=None)",
    "F.huber_loss",
)
def huber_loss(
    self: Array, target: Array, reduction: str, delta: float, weight: Array | None
) -> Array:
    away = np.abs(self - target)
    kind = away.dtype.type
    losses = np.where(
        away <= delta, kind(0.5) * away * away, kind(delta) * (away - kind(0.5 * delta))
    )
    return loss.reduced(losses if weight is None else losses * weight, None, None, reduction)


@row(
    "gaussian_nll_loss(Tensor self, Tensor target, Value var, bool full=False, float eps=1e-06, "
    "str reduction='mean')",
    "F.gaussian_nll_loss",
)
def gaussian_nll_loss(
    self: Array, target: Array, var: Any, full: bool, eps: float, reduction: str
) -> Array:
    kind = self.dtype.type
    spread = np.asarray(var, self.dtype)
    if spread.ndim == self.ndim - 1:
        spread = spread[..., None]
    spread = np.maximum(spread, kind(eps))
    losses = kind(0.5) * (np.log(spread) + (self - target) ** 2 / spread)
    if full:
        losses = losses + kind(0.5 * math.log(2 * math.pi))
    return loss.reduced(losses, None, None, reduction)


def _by_number(name: str) -> Callable[..., Array]:
    """A loss of `syft_web.ops.loss` whose last argument is the number of the reduction."""
    rule: Callable[..., Array] = next(r for r in loss.row.rows if r.name == name).rule

    def apply(*args: Any) -> Array:
        return rule(*args[:-1], None, None, reduction_name(args[-1]))

    return apply


def _declare_by_number() -> None:
    pair = "Tensor input1, Tensor input2, Tensor target, float margin=0.0, int reduction=1"
    for name, args in (
        ("hinge_embedding_loss", f"{_PAIR}, float margin=1.0, int reduction=1"),
        ("margin_ranking_loss", pair),
        ("cosine_embedding_loss", pair),
        (
            "triplet_margin_loss",
            "Tensor anchor, Tensor positive, Tensor negative, float margin=1.0, float p=2.0, "
            "float eps=1e-06, bool swap=False, int reduction=1",
        ),
    ):
        row(f"{name}({args})", f"torch.{name} A.{name}.default")(_by_number(name))


_declare_by_number()


@row(
    "poisson_nll_loss(Tensor input, Tensor target, bool log_input, bool full, float eps, "
    "int reduction)",
    "torch.poisson_nll_loss A.poisson_nll_loss.default",
)
def poisson_nll_loss(
    input: Array, target: Array, log_input: bool, full: bool, eps: float, reduction: int
) -> Array:
    name = reduction_name(reduction)
    return loss.poisson_nll_loss(input, target, log_input, full, None, eps, None, name)


@row(
    f"kl_div({_PAIR}, int reduction=1, *, bool log_target=False)",
    "torch.kl_div A.kl_div.default",
)
def kl_div(self: Array, target: Array, reduction: int, log_target: bool) -> Array:
    return loss.kl_div(self, target, None, None, reduction_name(reduction), log_target)


@row(
    f"cross_entropy_loss({_PAIR}, Tensor? weight=None, int reduction=1, int ignore_index=-100, "
    "float label_smoothing=0.0)",
    "A.cross_entropy_loss.default",
)
def cross_entropy_loss(
    self: Array,
    target: Array,
    weight: Array | None,
    reduction: int,
    ignore_index: int,
    label_smoothing: float,
) -> Array:
    name = reduction_name(reduction)
    return loss.cross_entropy(self, target, weight, None, ignore_index, None, name, label_smoothing)
