"""Batch normalisation in pieces: statistics of parts of a batch, and how they are put together.

``invstd`` is ``1 / sqrt(variance + eps)``; per-channel vectors have the length of dimension 1.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from syft_web.ops.batch_norms import inverse_deviation, per_channel
from syft_web.ops.dtypes import Array
from syft_web.ops.elementwise import array
from syft_web.ops.norm import instance_norm
from syft_web.ops.row import RowCollector

__all__ = ["row"]

row = RowCollector()

_RUNNING = ("running_mean", "running_var")
_STATS = "Tensor? running_mean, Tensor? running_var"


def _over(x: Array) -> tuple[int, ...]:
    if x.ndim < 2:
        raise ValueError(f"batch norm needs at least 2 dimensions, got shape {x.shape}")
    return (0, *range(2, x.ndim))


@row("batch_norm_stats(Tensor input, float eps) -> Tensor, Tensor", "torch.batch_norm_stats")
def batch_norm_stats(input: Array, eps: float) -> tuple[Array, Array]:
    """Mean and invstd of each channel."""
    over = _over(input)
    return array(input.mean(over)), inverse_deviation(array(input.var(over)), eps)


@row(
    "batch_norm_elemt(Tensor input, Tensor? weight, Tensor? bias, Tensor mean, Tensor invstd, "
    "float eps)",
    "torch.batch_norm_elemt",
)
def batch_norm_elemt(
    input: Array, weight: Array | None, bias: Array | None, mean: Array, invstd: Array, eps: float
) -> Array:
    """Normalise by statistics that are given."""
    scale = invstd if weight is None else invstd * weight
    result = (input - per_channel(mean, input.ndim)) * per_channel(array(scale), input.ndim)
    return array(result if bias is None else result + per_channel(bias, input.ndim))


def _mix(running: Array | None, new: Array, momentum: float) -> None:
    if running is not None:
        kind = running.dtype.type
        running[...] = kind(1 - momentum) * running + kind(momentum) * new


@row(
    f"batch_norm_update_stats(Tensor input, {_STATS}, float momentum) -> Tensor, Tensor",
    "torch.batch_norm_update_stats",
    writes=_RUNNING,
)
def batch_norm_update_stats(
    input: Array, running_mean: Array | None, running_var: Array | None, momentum: float
) -> tuple[Array, Array]:
    """Mean and (biased) variance of each channel; running statistics are updated in place."""
    over = _over(input)
    mean, variance = array(input.mean(over)), array(input.var(over))
    count = input.size // max(input.shape[1], 1)
    _mix(running_mean, mean, momentum)
    _mix(running_var, array(variance * variance.dtype.type(count / max(count - 1, 1))), momentum)
    return mean, variance


@row(
    f"batch_norm_gather_stats(Tensor input, Tensor mean, Tensor invstd, {_STATS}, "
    "float momentum, float eps, int count) -> Tensor, Tensor",
    "torch.batch_norm_gather_stats",
    writes=_RUNNING,
)
@row(
    f"batch_norm_gather_stats_with_counts(Tensor input, Tensor mean, Tensor invstd, {_STATS}, "
    "float momentum, float eps, Tensor counts) -> Tensor, Tensor",
    "torch.batch_norm_gather_stats_with_counts",
    writes=_RUNNING,
)
def batch_norm_gather_stats(
    input: Array,
    mean: Array,
    invstd: Array,
    running_mean: Array | None,
    running_var: Array | None,
    momentum: float,
    eps: float,
    count: Any,
) -> tuple[Array, Array]:
    """Mean and invstd of a whole batch from those of its parts, ``(parts, C)``.

    `count` says how many elements each part has.
    """
    counts = np.broadcast_to(np.asarray(count, mean.dtype).reshape(-1, 1), (len(mean), 1))
    total = counts.sum()
    whole = (mean * counts).sum(0) / total
    variance = invstd**-2 - mean.dtype.type(eps)
    squares = ((variance + (mean - whole) ** 2) * counts).sum(0)
    _mix(running_mean, array(whole), momentum)
    _mix(running_var, array(squares / (total - 1)), momentum)
    return array(whole), inverse_deviation(array(squares / total), eps)


@row(
    "batch_norm_backward_reduce(Tensor grad_out, Tensor input, Tensor mean, Tensor invstd, "
    "Tensor? weight, bool input_g, bool weight_g, bool bias_g) -> Tensor, Tensor, Tensor, Tensor",
    "torch.batch_norm_backward_reduce",
)
def batch_norm_backward_reduce(
    grad_out: Array,
    input: Array,
    mean: Array,
    invstd: Array,
    weight: Array | None,
    input_g: bool,
    weight_g: bool,
    bias_g: bool,
) -> tuple[Array | None, ...]:
    """Sums of the gradient and of its product with the centred input; gradients of the affine."""
    over = _over(input)
    total = array(grad_out.sum(over))
    along = array((grad_out * (input - per_channel(mean, input.ndim))).sum(over))
    return (
        total if input_g else None,
        along if input_g else None,
        array(along * invstd) if weight_g else None,
        total.copy() if bias_g else None,
    )


@row(
    "batch_norm_backward_elemt(Tensor grad_out, Tensor input, Tensor mean, Tensor invstd, "
    "Tensor? weight, Tensor sum_dy, Tensor sum_dy_xmu, Tensor count)",
    "torch.batch_norm_backward_elemt",
)
def batch_norm_backward_elemt(
    grad_out: Array,
    input: Array,
    mean: Array,
    invstd: Array,
    weight: Array | None,
    sum_dy: Array,
    sum_dy_xmu: Array,
    count: Array,
) -> Array:
    """The gradient of the input, from the sums over all parts of the batch."""
    total = count.sum().astype(input.dtype)
    ndim = input.ndim
    centred = input - per_channel(mean, ndim)
    slope = per_channel(array(sum_dy_xmu / total * invstd**2), ndim)
    scale = per_channel(array(invstd if weight is None else invstd * weight), ndim)
    return array((grad_out - per_channel(array(sum_dy / total), ndim) - centred * slope) * scale)


@row(
    "instance_norm(Tensor input, Tensor? weight, Tensor? bias, Tensor? running_mean, "
    "Tensor? running_var, bool use_input_stats, float momentum, float eps, bool cudnn_enabled)",
    "torch.instance_norm",
    writes=_RUNNING,
)
def instance_norm_torch(
    input: Array,
    weight: Array | None,
    bias: Array | None,
    running_mean: Array | None,
    running_var: Array | None,
    use_input_stats: bool,
    momentum: float,
    eps: float,
    cudnn_enabled: bool,
) -> Array:
    """Each channel of each sample by itself, in the order of torch's own arguments."""
    return instance_norm(
        input, running_mean, running_var, weight, bias, use_input_stats, momentum, eps
    )


@row(
    "rms_norm(Tensor self, int[] normalized_shape, Tensor? weight=None, float? eps=None)",
    "F.rms_norm torch.rms_norm A.rms_norm.default",
)
def rms_norm(
    self: Array, normalized_shape: list[int], weight: Array | None, eps: float | None
) -> Array:
    """Divide by the root of the mean square over the last dimensions."""
    count = len(normalized_shape)
    if self.shape[self.ndim - count :] != tuple(normalized_shape):
        raise ValueError(f"the last dimensions of {self.shape} must be {normalized_shape}")
    over = tuple(range(self.ndim - count, self.ndim))
    small = float(np.finfo(self.dtype).eps) if eps is None else eps
    mean_square = array(np.square(self).mean(over, keepdims=True))
    result = self * inverse_deviation(mean_square, small)
    return array(result if weight is None else result * weight)
