"""Layer, group and weight normalisation with saved statistics, and their gradients.

A gradient that its mask leaves out is None.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from syft_web import kernels
from syft_web.ops.batch_norms import Gradients, inverse_deviation, per_channel
from syft_web.ops.dtypes import Array
from syft_web.ops.elementwise import array
from syft_web.ops.row import RowCollector

__all__ = ["row"]

row = RowCollector()

_MASK = "bool[] output_mask"
_AFFINE = "Tensor? weight, Tensor? bias"
_THREE = "-> Tensor, Tensor, Tensor"


# -- layer norm --------------------------------------------------------------------------


@row(
    "native_layer_norm(Tensor input, int[] normalized_shape, Tensor? weight, Tensor? bias, "
    f"float eps) {_THREE}",
    "torch.native_layer_norm A.native_layer_norm.default",
    kernel="layer_norm",
)
def native_layer_norm(
    input: Array,
    normalized_shape: Sequence[int],
    weight: Array | None,
    bias: Array | None,
    eps: float,
) -> tuple[Array, Array, Array]:
    """Result, mean and inverse deviation, the latter two with sizes 1 where reduced."""
    over = _last(input, normalized_shape)
    found = kernels.layer_norm(input, len(over), weight, bias, eps)
    if found is not None:
        return found
    mean = array(input.mean(over, keepdims=True))
    result = input - mean
    squares = np.square(result).mean(over, keepdims=True)
    invstd = inverse_deviation(array(squares), eps)
    result *= invstd
    if weight is not None:
        result *= weight
    if bias is not None:
        result += bias
    return array(result), mean, invstd


def _last(x: Array, normalized_shape: Sequence[int]) -> tuple[int, ...]:
    count = len(normalized_shape)
    if count > x.ndim or x.shape[x.ndim - count :] != tuple(normalized_shape):
        raise ValueError(f"the last dimensions of {x.shape} must be {list(normalized_shape)}")
    return tuple(range(x.ndim - count, x.ndim))


@row(
    "native_layer_norm_backward(Tensor grad_out, Tensor input, int[] normalized_shape, "
    f"Tensor mean, Tensor rstd, {_AFFINE}, {_MASK}) {_THREE}",
    "A.native_layer_norm_backward.default",
    kernel="layer_norm_backward",
)
def layer_norm_backward(
    grad_out: Array,
    input: Array,
    normalized_shape: Sequence[int],
    mean: Array,
    rstd: Array,
    weight: Array | None,
    bias: Array | None,
    output_mask: Sequence[bool],
) -> Gradients:
    """Gradients of input, weight and bias."""
    inner = _last(input, normalized_shape)
    wanted = (output_mask[0], output_mask[1], output_mask[2])
    found = kernels.layer_norm_backward(grad_out, input, len(inner), mean, rstd, weight, wanted)
    if found is not None:
        return found
    outer = tuple(range(input.ndim - len(inner)))
    normal = (input - mean) * rstd
    for_input = for_weight = for_bias = None
    if output_mask[2]:
        for_bias = array(grad_out.sum(outer))
    if output_mask[1]:
        for_weight = array((grad_out * normal).sum(outer))
    if output_mask[0]:
        scaled = grad_out if weight is None else grad_out * weight
        normal *= (scaled * normal).mean(inner, keepdims=True)
        normal += scaled.mean(inner, keepdims=True)
        for_input = array((scaled - normal) * rstd)
    return for_input, for_weight, for_bias


# -- group norm --------------------------------------------------------------------------


@row(
    "native_group_norm(Tensor input, Tensor? weight, Tensor? bias, int N, int C, int HxW, "
    f"int group, float eps) {_THREE}",
    "torch.native_group_norm A.native_group_norm.default",
)
def native_group_norm(
    input: Array,
    weight: Array | None,
    bias: Array | None,
    N: int,  # noqa: N803  # torch's names
    C: int,  # noqa: N803
    HxW: int,  # noqa: N803
    group: int,
    eps: float,
) -> tuple[Array, Array, Array]:
    """Result, and mean and inverse deviation of each group, ``(N, group)``."""
    if group < 1 or C % group:
        raise ValueError(f"{C} channels cannot be divided into {group} groups")
    grouped = input.reshape(N, group, C // group * HxW)
    mean = array(grouped.mean(2))
    invstd = inverse_deviation(array(grouped.var(2)), eps)
    out = ((grouped - mean[..., None]) * invstd[..., None]).reshape(input.shape)
    if weight is not None:
        out *= per_channel(weight, input.ndim)
    if bias is not None:
        out += per_channel(bias, input.ndim)
    return array(out), mean, invstd


@row(
    "native_group_norm_backward(Tensor grad_out, Tensor input, Tensor mean, Tensor rstd, "
    f"Tensor? weight, int N, int C, int HxW, int group, {_MASK}) {_THREE}",
    "A.native_group_norm_backward.default",
)
def group_norm_backward(
    grad_out: Array,
    input: Array,
    mean: Array,
    rstd: Array,
    weight: Array | None,
    N: int,  # noqa: N803
    C: int,  # noqa: N803
    HxW: int,  # noqa: N803
    group: int,
    output_mask: Sequence[bool],
) -> Gradients:
    """Gradients of input, weight and bias."""
    shape = (N, group, C // group, HxW)
    grads = grad_out.reshape(shape)
    centred = input.reshape(shape) - mean[:, :, None, None]
    normal = centred * rstd[:, :, None, None]
    for_input = for_weight = for_bias = None
    if output_mask[2]:
        for_bias = grads.sum((0, 3)).reshape(C)
    if output_mask[1]:
        for_weight = (grads * normal).sum((0, 3)).reshape(C)
    if output_mask[0]:
        scaled = grads if weight is None else grads * weight.reshape(1, group, -1, 1)
        normal *= (scaled * normal).mean((2, 3), keepdims=True)
        normal += scaled.mean((2, 3), keepdims=True)
        for_input = ((scaled - normal) * rstd[:, :, None, None]).reshape(input.shape)
    return for_input, for_weight, for_bias


# -- weight norm -------------------------------------------------------------------------


def _but(x: Array, dim: int) -> tuple[int, ...]:
    """Every dimension but one; torch's -1 means all."""
    return tuple(a for a in range(x.ndim) if dim == -1 or a != dim % x.ndim)


@row(
    "_weight_norm_interface(Tensor v, Tensor g, int dim=0) -> Tensor, Tensor",
    "torch._weight_norm_interface A._weight_norm_interface.default",
)
def weight_norm(v: Array, g: Array, dim: int = 0) -> tuple[Array, Array]:
    """Direction `v` scaled to the lengths `g`, and the lengths `v` had."""
    norms = array(np.sqrt(np.sum(v * v, _but(v, dim), keepdims=True)))
    if dim == -1:
        norms = norms.reshape(g.shape)
    return array(v * (g / norms)), norms


@row(
    "_weight_norm_interface_backward(Tensor grad_w, Tensor saved_v, Tensor saved_g, "
    "Tensor saved_norms, int dim) -> Tensor, Tensor",
    "A._weight_norm_interface_backward.default",
)
def weight_norm_backward(
    grad_w: Array, saved_v: Array, saved_g: Array, saved_norms: Array, dim: int
) -> tuple[Array, Array]:
    """Gradients of direction and length."""
    along = np.sum(grad_w * saved_v, _but(saved_v, dim), keepdims=True)
    for_g = array(along / saved_norms)
    scale = saved_g / saved_norms
    for_v = scale * (grad_w - saved_v * (for_g / saved_norms))
    return array(for_v), for_g.reshape(saved_g.shape)
