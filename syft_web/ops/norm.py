"""Batch, layer, group and instance normalisation."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from syft_web import kernels
from syft_web.ops.dtypes import Array
from syft_web.ops.elementwise import array
from syft_web.ops.row import RowCollector

__all__ = ["row"]

row = RowCollector()

_RUNNING = ("running_mean", "running_var")


def _per_channel(vector: Array, ndim: int) -> Array:
    """A vector of C numbers, shaped to broadcast over (N, C, ...)."""
    return vector.reshape((-1,) + (1,) * (ndim - 2))


def _normalised(
    x: Array, mean: Array, variance: Array, weight: Array | None, bias: Array | None, eps: float
) -> Array:
    scale = np.reciprocal(np.sqrt(variance + x.dtype.type(eps)))
    if weight is not None:
        scale = scale * weight
    result = (x - mean) * scale
    return array(result if bias is None else result + bias)


@row(
    "batch_norm(Tensor self, Tensor? running_mean, Tensor? running_var, Tensor? weight=None, "
    "Tensor? bias=None, bool training=False, float momentum=0.1, float eps=1e-05)",
    "F.batch_norm",
    writes=_RUNNING,
)
@row(
    "batch_norm(Tensor self, Tensor? weight, Tensor? bias, Tensor? running_mean, "
    "Tensor? running_var, bool training, float momentum, float eps, bool cudnn_enabled)",
    "torch.batch_norm",
    writes=_RUNNING,
)
def batch_norm(self: Array, *rest: object) -> Array:
    """Normalise each channel (dimension 1), by the batch when training, else as given.

    When training, the running statistics are updated in place, as torch does.
    """
    if len(rest) == 8:  # torch.batch_norm's own order
        weight, bias, running_mean, running_var, training, momentum, eps, _ = rest
    else:
        running_mean, running_var, weight, bias, training, momentum, eps = rest
    return _batch_norm(
        self,
        (running_mean, running_var),  # type: ignore[arg-type]  # bound by the signature
        (weight, bias),  # type: ignore[arg-type]  # bound by the signature
        bool(training),
        float(momentum),  # type: ignore[arg-type]  # bound by the signature
        float(eps),  # type: ignore[arg-type]  # bound by the signature
    )


def _batch_norm(
    x: Array,
    running: tuple[Array | None, Array | None],
    affine: tuple[Array | None, Array | None],
    training: bool,
    momentum: float,
    eps: float,
) -> Array:
    if x.ndim < 2:
        raise ValueError(f"batch_norm needs at least 2 dimensions, got shape {x.shape}")
    mean, variance = running
    if training or mean is None or variance is None:
        if not training:
            raise ValueError("batch_norm without training needs running_mean and running_var")
        over = (0, *range(2, x.ndim))
        count = x.size // x.shape[1]
        if count < 2:
            raise ValueError("batch_norm needs more than one value per channel when training")
        batch_mean, batch_variance = x.mean(over), x.var(over)
        _update(mean, batch_mean, momentum)
        _update(variance, batch_variance * x.dtype.type(count / (count - 1)), momentum)
        mean, variance = batch_mean, batch_variance
    shaped = [None if v is None else _per_channel(v, x.ndim) for v in affine]
    return _normalised(
        x, _per_channel(mean, x.ndim), _per_channel(variance, x.ndim), shaped[0], shaped[1], eps
    )


def _update(running: Array | None, batch: Array, momentum: float) -> None:
    if running is not None:
        kind = running.dtype.type
        running[...] = kind(1 - momentum) * running + kind(momentum) * batch


@row(
    "layer_norm(Tensor self, int[] normalized_shape, Tensor? weight=None, Tensor? bias=None, "
    "float eps=1e-05)",
    "F.layer_norm torch.layer_norm",
    kernel="layer_norm",
)
def layer_norm(
    self: Array,
    normalized_shape: Sequence[int],
    weight: Array | None = None,
    bias: Array | None = None,
    eps: float = 1e-5,
) -> Array:
    count = len(normalized_shape)
    if not 0 < count <= self.ndim or self.shape[self.ndim - count :] != tuple(normalized_shape):
        raise ValueError(f"the last dimensions of {self.shape} must be {list(normalized_shape)}")
    over = tuple(range(self.ndim - count, self.ndim))
    found = kernels.layer_norm(self, count, weight, bias, eps)
    if found is not None:
        return found[0]
    return _normalised(
        self, self.mean(over, keepdims=True), self.var(over, keepdims=True), weight, bias, eps
    )


@row(
    "group_norm(Tensor self, int num_groups, Tensor? weight=None, Tensor? bias=None, "
    "float eps=1e-05)",
    "F.group_norm torch.group_norm",
)
def group_norm(
    self: Array,
    num_groups: int,
    weight: Array | None = None,
    bias: Array | None = None,
    eps: float = 1e-5,
) -> Array:
    batch, channels = self.shape[:2]
    if num_groups < 1 or channels % num_groups:
        raise ValueError(f"{channels} channels cannot be divided into {num_groups} groups")
    inside = channels // num_groups * math.prod(self.shape[2:])
    grouped = self.reshape(batch, num_groups, inside)
    plain = _normalised(
        grouped, grouped.mean(2, keepdims=True), grouped.var(2, keepdims=True), None, None, eps
    ).reshape(self.shape)
    if weight is not None:
        plain = plain * _per_channel(weight, self.ndim)
    return array(plain if bias is None else plain + _per_channel(bias, self.ndim))


@row(
    "instance_norm(Tensor self, Tensor? running_mean=None, Tensor? running_var=None, "
    "Tensor? weight=None, Tensor? bias=None, bool use_input_stats=True, float momentum=0.1, "
    "float eps=1e-05)",
    "F.instance_norm",
    writes=_RUNNING,
)
def instance_norm(
    self: Array,
    running_mean: Array | None,
    running_var: Array | None,
    weight: Array | None,
    bias: Array | None,
    use_input_stats: bool,
    momentum: float,
    eps: float,
) -> Array:
    """Normalise each channel of each sample by its own statistics (or the running ones)."""
    if not use_input_stats:
        running, affine = (running_mean, running_var), (weight, bias)
        return _batch_norm(self, running, affine, False, momentum, eps)
    over = tuple(range(2, self.ndim))
    count = math.prod(self.shape[2:])
    if count == 1:
        raise ValueError(f"instance_norm needs more than one value per channel, got {self.shape}")
    _update(running_mean, self.mean(over).mean(0), momentum)
    unbiased = self.dtype.type(count / max(count - 1, 1))
    _update(running_var, self.var(over).mean(0) * unbiased, momentum)
    return group_norm(self, self.shape[1], weight, bias, eps)
