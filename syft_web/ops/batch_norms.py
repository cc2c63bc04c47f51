"""Batch normalisation as captured training steps spell it: with saved statistics and gradients.

A gradient that its mask leaves out is None.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from syft_web.ops.dtypes import Array
from syft_web.ops.elementwise import array
from syft_web.ops.row import RowCollector

__all__ = ["Gradients", "inverse_deviation", "per_channel", "row"]

row = RowCollector()

Gradients = tuple[Array | None, Array | None, Array | None]
"""Of input, weight and bias; None where the mask says so."""

_MASK = "bool[] output_mask"
_AFFINE = "Tensor? weight, Tensor? bias"
_STATS = "Tensor? running_mean, Tensor? running_var"
_THREE = "-> Tensor, Tensor, Tensor"


def inverse_deviation(variance: Array, eps: float) -> Array:
    """``1 / sqrt(variance + eps)``."""
    return array(1 / np.sqrt(variance + variance.dtype.type(eps)))


def per_channel(vector: Array, ndim: int) -> Array:
    """A vector of C numbers, to broadcast over (N, C, ...)."""
    return vector.reshape((-1,) + (1,) * (ndim - 2))


# -- batch norm ------------------------------------------------------------------------


def _over(x: Array) -> tuple[int, ...]:
    if x.ndim < 2:
        raise ValueError(f"batch norm needs at least 2 dimensions, got shape {x.shape}")
    return (0, *range(2, x.ndim))


def _applied(
    x: Array, mean: Array, invstd: Array, weight: Array | None, bias: Array | None
) -> Array:
    scale = invstd if weight is None else invstd * weight
    result = (x - per_channel(mean, x.ndim)) * per_channel(array(scale), x.ndim)
    if bias is not None:
        result += per_channel(bias, x.ndim)
    return array(result)


def _training(
    x: Array, weight: Array | None, bias: Array | None, eps: float
) -> tuple[Array, Array, Array, Array]:
    """Result, mean, inverse deviation and (biased) variance of the batch."""
    over = _over(x)
    mean, variance = array(x.mean(over)), array(x.var(over))
    invstd = inverse_deviation(variance, eps)
    return _applied(x, mean, invstd, weight, bias), mean, invstd, variance


def _mixed(running: Array, batch: Array, momentum: float) -> Array:
    kind = running.dtype.type
    return array(kind(1 - momentum) * running + kind(momentum) * batch)


def _unbiased(variance: Array, x: Array) -> Array:
    count = x.size // max(x.shape[1], 1)
    return array(variance * variance.dtype.type(count / max(count - 1, 1)))


def _evaluated(
    x: Array,
    weight: Array | None,
    bias: Array | None,
    mean: Array | None,
    variance: Array | None,
    eps: float,
) -> Array:
    if mean is None or variance is None:
        raise ValueError("batch norm without training needs running_mean and running_var")
    return _applied(x, mean, inverse_deviation(variance, eps), weight, bias)


def _nothing(x: Array) -> Array:
    return np.zeros(0, x.dtype)


@row(
    f"_native_batch_norm_legit_functional(Tensor input, {_AFFINE}, Tensor running_mean, "
    "Tensor running_var, bool training, float momentum, float eps) "
    "-> Tensor, Tensor, Tensor, Tensor, Tensor",
    "A._native_batch_norm_legit_functional.default",
)
def batch_norm_functional(
    input: Array,
    weight: Array | None,
    bias: Array | None,
    running_mean: Array,
    running_var: Array,
    training: bool,
    momentum: float,
    eps: float,
) -> tuple[Array, ...]:
    """Result, saved mean and inverse deviation, new running mean and variance."""
    if not training:
        out = _evaluated(input, weight, bias, running_mean, running_var, eps)
        empty = _nothing(input)
        return out, empty, empty.copy(), running_mean.copy(), running_var.copy()
    out, mean, invstd, variance = _training(input, weight, bias, eps)
    new_mean = _mixed(running_mean, mean, momentum)
    return out, mean, invstd, new_mean, _mixed(running_var, _unbiased(variance, input), momentum)


@row(
    f"_batch_norm_with_update_functional(Tensor input, {_AFFINE}, Tensor running_mean, "
    "Tensor running_var, float momentum, float eps) "
    "-> Tensor, Tensor, Tensor, Tensor, Tensor, Tensor",
    "A._batch_norm_with_update_functional.default",
)
def batch_norm_update_functional(
    input: Array,
    weight: Array | None,
    bias: Array | None,
    running_mean: Array,
    running_var: Array,
    momentum: float,
    eps: float,
) -> tuple[Array, ...]:
    """As `batch_norm_functional`, with an empty reserve in the fourth place."""
    out, mean, invstd, new_mean, new_var = batch_norm_functional(
        input, weight, bias, running_mean, running_var, True, momentum, eps
    )
    return out, mean, invstd, np.zeros(0, np.uint8), new_mean, new_var


@row(
    f"_native_batch_norm_legit_no_training(Tensor input, {_AFFINE}, Tensor running_mean, "
    f"Tensor running_var, float momentum, float eps) {_THREE}",
    "A._native_batch_norm_legit_no_training.default",
)
def batch_norm_no_training(
    input: Array,
    weight: Array | None,
    bias: Array | None,
    running_mean: Array,
    running_var: Array,
    momentum: float,
    eps: float,
) -> tuple[Array, Array, Array]:
    out = _evaluated(input, weight, bias, running_mean, running_var, eps)
    return out, _nothing(input), _nothing(input)


@row(
    f"_batch_norm_no_update(Tensor input, {_AFFINE}, {_STATS}, float momentum, float eps) "
    "-> Tensor, Tensor, Tensor, Tensor",
    "A._batch_norm_no_update.default",
)
def batch_norm_no_update(
    input: Array,
    weight: Array | None,
    bias: Array | None,
    running_mean: Array | None,
    running_var: Array | None,
    momentum: float,
    eps: float,
) -> tuple[Array, ...]:
    out = _evaluated(input, weight, bias, running_mean, running_var, eps)
    return out, _nothing(input), _nothing(input), np.zeros(0, np.uint8)


@row(
    f"_native_batch_norm_legit_no_stats(Tensor input, {_AFFINE}, bool training, float momentum, "
    f"float eps) {_THREE}",
    "A._native_batch_norm_legit.no_stats",
)
def batch_norm_no_stats(
    input: Array,
    weight: Array | None,
    bias: Array | None,
    training: bool,
    momentum: float,
    eps: float,
) -> tuple[Array, Array, Array]:
    """Always by the batch's own statistics: there are no others."""
    return _training(input, weight, bias, eps)[:3]


@row(
    f"native_batch_norm(Tensor input, {_AFFINE}, {_STATS}, bool training, float momentum, "
    f"float eps) {_THREE}",
    "torch.native_batch_norm A.native_batch_norm.default A._native_batch_norm_legit.default",
    writes=("running_mean", "running_var"),
)
def native_batch_norm(
    input: Array,
    weight: Array | None,
    bias: Array | None,
    running_mean: Array | None,
    running_var: Array | None,
    training: bool,
    momentum: float,
    eps: float,
) -> tuple[Array, Array, Array]:
    """Result, saved mean and inverse deviation; running statistics are updated in place."""
    if not training:
        out = _evaluated(input, weight, bias, running_mean, running_var, eps)
        return out, _nothing(input), _nothing(input)
    out, mean, invstd, variance = _training(input, weight, bias, eps)
    if running_mean is not None:
        running_mean[...] = _mixed(running_mean, mean, momentum)
    if running_var is not None:
        running_var[...] = _mixed(running_var, _unbiased(variance, input), momentum)
    return out, mean, invstd


@row(
    f"native_batch_norm_backward(Tensor grad_out, Tensor input, Tensor? weight, {_STATS}, "
    f"Tensor? save_mean, Tensor? save_invstd, bool train, float eps, {_MASK}) {_THREE}",
    "A.native_batch_norm_backward.default",
)
@row(
    f"batch_norm_backward(Tensor grad_out, Tensor input, Tensor? weight, {_STATS}, "
    f"Tensor? save_mean, Tensor? save_var, bool update, float eps, {_MASK}, Tensor reserve) "
    f"{_THREE}",
    "A.batch_norm_backward.default",
)
def batch_norm_backward(
    grad_out: Array,
    input: Array,
    weight: Array | None,
    running_mean: Array | None,
    running_var: Array | None,
    save_mean: Array | None,
    save_invstd: Array | None,
    train: bool,
    eps: float,
    output_mask: Sequence[bool],
    *_rest: Any,
) -> Gradients:
    """Gradients of input, weight and bias."""
    over = _over(input)
    mean, invstd = save_mean, save_invstd
    if not train and running_mean is not None and running_var is not None:
        mean, invstd = running_mean, inverse_deviation(running_var, eps)
    if mean is None or invstd is None:
        raise ValueError("the gradient of batch norm needs saved or running statistics")
    ndim, kind = input.ndim, input.dtype.type
    normal = (input - per_channel(mean, ndim)) * per_channel(invstd, ndim)
    for_bias = array(grad_out.sum(over))
    for_weight = array((grad_out * normal).sum(over))
    for_input = None
    if output_mask[0]:
        scale = per_channel(array(invstd if weight is None else invstd * weight), ndim)
        if train:
            count = kind(max(input.size // max(input.shape[1], 1), 1))
            normal *= per_channel(for_weight / count, ndim)
            normal += per_channel(for_bias / count, ndim)
            for_input = array((grad_out - normal) * scale)
        else:
            for_input = array(grad_out * scale)
    return for_input, for_weight if output_mask[1] else None, for_bias if output_mask[2] else None
