"""Gradients, losses, normalisation and embeddings as captured training steps write them.

A gradient that a mask leaves out does not exist; it is `UNKNOWN`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from syft_web.ops.dtypes import BOOL, INT64, as_dtype, float_type
from syft_web.ops.infer.base import Inferred, ShapeRules
from syft_web.ops.infer.common import Shape, broadcast, need
from syft_web.ops.infer.network import reduction_of
from syft_web.ops.reduce import normal_axis
from syft_web.ops.row import Row
from syft_web.ops.spec import UNKNOWN, Spec, Unknown

__all__ = ["masked", "rules"]

rules = ShapeRules()

Ints = Sequence[int]


def masked(specs: Sequence[Spec | None], mask: Sequence[bool]) -> list[Spec | Unknown]:
    """The specs that the mask lets through, `UNKNOWN` for the others."""
    need(len(mask) == len(specs), f"the mask {list(mask)} must hold {len(specs)} bools")
    return [
        s if wanted and s is not None else UNKNOWN for s, wanted in zip(specs, mask, strict=True)
    ]


# -- element by element ----------------------------------------------------------------------


@rules(
    "sigmoid_backward tanh_backward threshold_backward leaky_relu_backward hardtanh_backward "
    "rrelu_with_noise_backward hardsigmoid_backward hardswish_backward softshrink_backward "
    "hardshrink_backward gelu_backward silu_backward mish_backward softplus_backward "
    "log_sigmoid_backward logit_backward native_dropout_backward _softmax_backward_data "
    "_log_softmax_backward_data cumprod_backward"
)
def _like_both(grad: Spec, other: Spec, *_: Any) -> Spec:
    return Spec(broadcast(grad.shape, other.shape), grad.dtype)


@rules("elu_backward")
def _elu_backward(
    grad: Spec, alpha: float, scale: float, input_scale: float, is_result: bool, self: Spec
) -> Spec:
    return _like_both(grad, self)


@rules(
    "elu_scaled rrelu alpha_dropout feature_alpha_dropout feature_dropout dropout1d gumbel_softmax"
)
def _same(self: Spec, *_: Any) -> Spec:
    return Spec(self.shape, self.dtype)


@rules("_prelu_kernel")
def _prelu(self: Spec, weight: Spec) -> Spec:
    return _like_both(self, weight)


@rules("_prelu_kernel_backward")
def _prelu_backward(grad: Spec, self: Spec, weight: Spec) -> list[Spec]:
    shape = broadcast(grad.shape, self.shape, weight.shape)
    return [Spec(shape, self.dtype), Spec(broadcast(grad.shape, self.shape), self.dtype)]


@rules("log_sigmoid_forward")
def _two(self: Spec) -> list[Spec]:
    return [Spec(self.shape, self.dtype), Spec(self.shape, self.dtype)]


@rules("rrelu_with_noise_functional")
def _noise(self: Spec, noise: Spec, lower: float, upper: float, training: bool, *_: Any) -> Any:
    return [_same(self), _same(self if training else noise)]


@rules("native_dropout")
def _native_dropout(input: Spec, *_: Any) -> list[Spec]:
    return [_same(input), Spec(input.shape, BOOL)]


@rules("glu_backward")
def _glu_backward(grad: Spec, self: Spec, dim: int) -> Spec:
    axis = normal_axis(dim, self.ndim)
    half = (*self.shape[:axis], self.shape[axis] // 2, *self.shape[axis + 1 :])
    need(
        self.shape[axis] % 2 == 0 and grad.shape == half,
        f"the gradient {grad.shape} does not fit half of dimension {dim} of {self.shape}",
    )
    return Spec(self.shape, self.dtype)


@rules("_softmax _log_softmax")
def _softmax(self: Spec, dim: int, half_to_float: bool) -> Spec:
    normal_axis(dim, self.ndim)
    return Spec(self.shape, float_type(self.dtype))


@rules("_safe_softmax")
def _safe_softmax(self: Spec, dim: int, dtype: Any) -> Spec:
    normal_axis(dim, self.ndim)
    return Spec(self.shape, float_type(self.dtype) if dtype is None else as_dtype(dtype))


# -- losses ----------------------------------------------------------------------------------


@rules(
    "mse_loss_backward huber_loss_backward smooth_l1_loss_backward "
    "binary_cross_entropy_backward soft_margin_loss_backward"
)
def _pair_backward(grad: Spec, self: Spec, target: Spec, *_: Any) -> Spec:
    return Spec(broadcast(grad.shape, self.shape, target.shape), self.dtype)


@rules(
    "nll_loss_backward nll_loss2d_backward multi_margin_loss_backward "
    "multilabel_margin_loss_backward"
)
def _like_input(grad: Spec, self: Spec, *_: Any) -> Spec:
    return Spec(self.shape, self.dtype)


def _targets_fit(self: Spec, target: Spec) -> None:
    axis = 1 if self.ndim > 1 else 0
    need(
        self.ndim >= 1 and target.shape == self.shape[:axis] + self.shape[axis + 1 :],
        f"target {target.shape} does not fit the input {self.shape}",
    )


@rules.by_row("nll_loss_forward nll_loss2d_forward nll_loss2d")
def _nll(row: Row, values: Sequence[Any]) -> Inferred:
    self, target = values[:2]
    _targets_fit(self, target)
    loss = Spec(target.shape if reduction_of(row, values) == "none" else (), self.dtype)
    return [loss, Spec((), self.dtype)] if row.n_outputs == 2 else loss


@rules.by_row("cross_entropy_loss")
def _cross_entropy(row: Row, values: Sequence[Any]) -> Inferred:
    self, target = values[:2]
    axis = 1 if self.ndim > 1 else 0
    if target.dtype.kind in "iu":
        _targets_fit(self, target)
    shape = (*self.shape[:axis], *self.shape[axis + 1 :])
    return Spec(shape if reduction_of(row, values) == "none" else (), self.dtype)


@rules.by_row("multilabel_margin_loss multilabel_margin_loss_forward multilabel_soft_margin_loss")
def _multilabel(row: Row, values: Sequence[Any]) -> Inferred:
    self, target = values[:2]
    need(
        self.shape == target.shape and self.ndim > 0,
        f"target {target.shape} does not fit the input {self.shape}",
    )
    loss = Spec(self.shape[:-1] if reduction_of(row, values) == "none" else (), self.dtype)
    return [loss, Spec(target.shape, self.dtype)] if row.n_outputs == 2 else loss


@rules.by_row("gaussian_nll_loss")
def _gaussian(row: Row, values: Sequence[Any]) -> Inferred:
    self, target, var = values[:3]
    spread: Shape = var.shape if isinstance(var, Spec) else ()
    if len(spread) == self.ndim - 1:
        spread = (*spread, 1)
    shape = broadcast(self.shape, target.shape, spread)
    return Spec(shape if reduction_of(row, values) == "none" else (), self.dtype)


# -- normalisation -----------------------------------------------------------------------------


def _channels(input: Spec, *vectors: Spec | None) -> Spec:
    """The spec of one number per channel."""
    need(input.ndim >= 2, f"batch norm needs at least 2 dimensions, got shape {input.shape}")
    channels = input.shape[1]
    for vector in vectors:
        need(
            vector is None or vector.size in (1, channels),
            f"there must be {channels} numbers, one per channel, got {vector}",
        )
    return Spec((channels,), input.dtype)


@rules.by_row(
    "_native_batch_norm_legit_functional _batch_norm_with_update_functional "
    "_native_batch_norm_legit_no_training _batch_norm_no_update "
    "_native_batch_norm_legit_no_stats native_batch_norm"
)
def _batch_norm(row: Row, values: Sequence[Any]) -> Inferred:
    given = {p.name: v for p, v in zip(row.params, values, strict=True)}
    input = given["input"]
    one = _channels(input, given["weight"], given["bias"], given.get("running_mean"))
    trains = "no_stats" in row.name or "with_update" in row.name or given.get("training", False)
    saved = one if trains else Spec((0,), input.dtype)
    result: list[Spec] = [_same(input), saved, saved]
    if row.name in ("_batch_norm_with_update_functional", "_batch_norm_no_update"):
        result.append(Spec((0,), np.dtype(np.uint8)))
    if row.name.endswith("functional"):
        result += [_same(given["running_mean"]), _same(given["running_var"])]
    return result


@rules.by_row("native_batch_norm_backward batch_norm_backward")
def _batch_norm_backward(row: Row, values: Sequence[Any]) -> Inferred:
    grad, input, weight = values[:3]
    need(grad.shape == input.shape, f"the gradient {grad.shape} does not fit {input.shape}")
    one = _channels(input, weight)
    return masked([_same(input), one, one], values[9])


@rules("native_layer_norm")
def _layer_norm(input: Spec, normalized_shape: Ints, *_: Any) -> list[Spec]:
    count = len(normalized_shape)
    need(
        count <= input.ndim and input.shape[input.ndim - count :] == tuple(normalized_shape),
        f"the last dimensions of {input.shape} must be {list(normalized_shape)}",
    )
    reduced = Spec((*input.shape[: input.ndim - count], *(1,) * count), input.dtype)
    return [_same(input), reduced, reduced]


@rules("native_layer_norm_backward")
def _layer_norm_backward(
    grad: Spec, input: Spec, normalized_shape: Ints, *rest: Any
) -> list[Spec | Unknown]:
    _layer_norm(input, normalized_shape)
    one = Spec(tuple(normalized_shape), input.dtype)
    return masked([_same(input), one, one], rest[-1])


@rules("native_group_norm")
def _group_norm(
    input: Spec,
    weight: Spec | None,
    bias: Spec | None,
    n: int,
    c: int,
    hxw: int,
    group: int,
    *_: Any,
) -> list[Spec]:
    need(group >= 1 and c % group == 0, f"{c} channels cannot be divided into {group} groups")
    need(input.size == n * c * hxw, f"{input.shape} does not hold {n} x {c} x {hxw} elements")
    reduced = Spec((n, group), input.dtype)
    return [_same(input), reduced, reduced]


@rules("native_group_norm_backward")
def _group_norm_backward(grad: Spec, input: Spec, *rest: Any) -> list[Spec | Unknown]:
    one = Spec((rest[4],), input.dtype)
    return masked([_same(input), one, one], rest[-1])


@rules("_weight_norm_interface")
def _weight_norm(v: Spec, g: Spec, dim: int) -> list[Spec]:
    norms = tuple(n if dim != -1 and a == dim % v.ndim else 1 for a, n in enumerate(v.shape))
    return [_same(v), Spec(g.shape if dim == -1 else norms, v.dtype)]


@rules("_weight_norm_interface_backward")
def _weight_norm_backward(grad: Spec, v: Spec, g: Spec, *_: Any) -> list[Spec]:
    return [_same(v), _same(g)]


@rules("batch_norm_stats")
def _stats(input: Spec, eps: float) -> list[Spec]:
    return [_channels(input)] * 2


@rules("batch_norm_update_stats")
def _update_stats(input: Spec, *_: Any) -> list[Spec]:
    return [_channels(input)] * 2


@rules("batch_norm_gather_stats batch_norm_gather_stats_with_counts")
def _gather_stats(input: Spec, mean: Spec, *_: Any) -> list[Spec]:
    return [Spec(mean.shape[1:], mean.dtype)] * 2


@rules("batch_norm_elemt")
def _elemt(input: Spec, *_: Any) -> Spec:
    _channels(input)
    return _same(input)


@rules("batch_norm_backward_elemt")
def _backward_elemt(grad: Spec, input: Spec, *_: Any) -> Spec:
    return _same(input)


@rules("batch_norm_backward_reduce")
def _backward_reduce(
    grad: Spec, input: Spec, mean: Spec, invstd: Spec, weight: Spec | None, *asked: bool
) -> list[Spec | Unknown]:
    one = _channels(input)
    return masked([one] * 4, [asked[0], asked[0], asked[1], asked[2]])


@rules("rms_norm")
def _rms_norm(self: Spec, normalized_shape: Ints, *_: Any) -> Spec:
    _layer_norm(self, normalized_shape)
    return _same(self)


# -- embeddings ----------------------------------------------------------------------------------


@rules("embedding_dense_backward")
def _embedding_backward(grad: Spec, indices: Spec, num_weights: int, *_: Any) -> Spec:
    need(
        grad.ndim > 0 and num_weights >= 0 and grad.shape[:-1] == indices.shape,
        f"the gradient {grad.shape} does not fit the indices {indices.shape}",
    )
    return Spec((num_weights, grad.shape[-1]), grad.dtype)


def _bags(weight: Spec, indices: Spec, bags: int, mode: int) -> list[Spec]:
    need(weight.ndim == 2, f"the weight of an embedding has 2 dimensions, not {weight.shape}")
    count = Spec((bags,), INT64)
    last = Spec((bags, weight.shape[1]), INT64) if mode == 2 else count
    return [Spec((bags, weight.shape[1]), weight.dtype), Spec((indices.size,), INT64), count, last]


@rules.by_row("embedding_bag _embedding_bag")
def _embedding_bag(row: Row, values: Sequence[Any]) -> Inferred:
    given = {p.name: v for p, v in zip(row.params, values, strict=True)}
    offsets, less = given["offsets"], int(given["include_last_offset"])
    if row.n_outputs == 4:
        bags = max(offsets.size - less, 0)
        return _bags(given["weight"], given["indices"], bags, given["mode"])
    indices = given["self"]
    if indices.ndim == 2:
        return _bags(given["weight"], indices, indices.shape[0], 0)[0]
    need(offsets is not None, "one-dimensional indices need offsets")
    return _bags(given["weight"], indices, max(offsets.size - less, 0), 0)[0]


@rules("_embedding_bag_dense_backward")
def _bag_backward(grad: Spec, *rest: Any) -> Spec:
    need(grad.ndim == 2, f"the gradient of bags has 2 dimensions, not {grad.shape}")
    return Spec((rest[4], grad.shape[1]), grad.dtype)


@rules("_embedding_bag_backward")
def _bag_any_backward(grad: Spec, *rest: Any) -> Spec:
    return _bag_backward(grad, *rest[1:])


@rules("_embedding_bag_per_sample_weights_backward")
def _bag_weights_backward(grad: Spec, weight: Spec, indices: Spec, *_: Any) -> Spec:
    return Spec((indices.size,), grad.dtype)
