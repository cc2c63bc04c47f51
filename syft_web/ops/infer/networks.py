"""Convolutions and pools with gradients, sequences, attention: what captured steps add."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from syft_web.ops.dtypes import INT64
from syft_web.ops.infer.base import Inferred, ShapeRules
from syft_web.ops.infer.captured import masked
from syft_web.ops.infer.common import broadcast, need, numpy_type
from syft_web.ops.infer.conv import convolved, per_dim, pooled, transposed
from syft_web.ops.infer.network import reduction_of
from syft_web.ops.row import Row
from syft_web.ops.spec import UNKNOWN, Spec, Unknown

__all__ = ["rules"]

rules = ShapeRules()

Ints = Sequence[int]


def _dims(row: Row) -> int:
    return int(next(c for c in row.name if c.isdigit()))


# -- convolutions --------------------------------------------------------------------------------


@rules("convolution _convolution")
def _convolution(
    self: Spec,
    weight: Spec,
    bias: Spec | None,
    stride: Ints,
    padding: Ints,
    dilation: Ints,
    turned: bool,
    output_padding: Ints,
    groups: int,
    *_: Any,
) -> Spec:
    if turned:
        shape = transposed(
            self.shape, weight.shape, stride, padding, output_padding, groups, dilation
        )
    else:
        shape = convolved(self.shape, weight.shape, stride, padding, dilation, groups)
    channels = shape[-weight.ndim + 1]
    need(
        bias is None or bias.size == channels,
        f"the bias must hold {channels} numbers, got {bias}",
    )
    return Spec(shape, numpy_type(self, weight))


@rules("convolution_backward")
def _convolution_backward(
    grad: Spec,
    self: Spec,
    weight: Spec,
    bias_sizes: Ints | None,
    stride: Ints,
    padding: Ints,
    dilation: Ints,
    turned: bool,
    output_padding: Ints,
    groups: int,
    mask: Sequence[bool],
) -> list[Spec | Unknown]:
    options = (stride, padding, dilation, turned, output_padding, groups)
    out = _convolution(self, weight, None, *options)
    need(grad.shape == out.shape, f"the gradient {grad.shape} does not fit {out.shape}")
    bias = Spec((out.shape[-weight.ndim + 1],), grad.dtype)
    return masked([self, weight, bias], mask)


@rules("conv_tbc")
def _conv_tbc(self: Spec, weight: Spec, bias: Spec, pad: int) -> Spec:
    need(
        self.ndim == weight.ndim == 3 and self.shape[2] == weight.shape[1],
        f"input {self.shape} and weight {weight.shape} do not fit",
    )
    steps = self.shape[0] + 2 * pad - weight.shape[0] + 1
    need(steps > 0, f"the kernel {weight.shape[0]} is larger than the input {self.shape[0]}")
    return Spec((steps, self.shape[1], weight.shape[2]), self.dtype)


# -- pooling -------------------------------------------------------------------------------------


@rules.by_row(
    "max_pool2d_with_indices_backward max_pool3d_with_indices_backward avg_pool2d_backward "
    "avg_pool3d_backward"
)
def _pool_backward(row: Row, values: Sequence[Any]) -> Spec:
    grad, self, kernel, stride, padding = values[:5]
    is_max = row.name.startswith("max")
    dilation, ceil_mode = (values[5], values[6]) if is_max else ([1], values[5])
    out = pooled(self.shape, _dims(row), kernel, stride or None, padding, dilation, ceil_mode)
    need(grad.shape == out, f"the gradient {grad.shape} does not fit {out}")
    return Spec(self.shape, grad.dtype)


@rules(
    "_adaptive_avg_pool2d_backward _adaptive_avg_pool3d_backward adaptive_max_pool2d_backward "
    "adaptive_max_pool3d_backward fractional_max_pool2d_backward fractional_max_pool3d_backward"
)
def _like_input(grad: Spec, self: Spec, *_: Any) -> Spec:
    return Spec(self.shape, grad.dtype)


@rules.by_row(
    "adaptive_max_pool1d_with_indices adaptive_max_pool2d_with_indices "
    "adaptive_max_pool3d_with_indices"
)
def _adaptive(row: Row, values: Sequence[Any]) -> Inferred:
    self, wanted = values[:2]
    dims = _dims(row)
    given = list(wanted) * (dims if len(wanted) == 1 else 1)
    need(
        len(given) == dims < self.ndim,
        f"the sizes {list(wanted)} do not fit the shape {self.shape}",
    )
    sizes = [n if o is None else o for o, n in zip(given, self.shape[-dims:], strict=True)]
    need(min(sizes) >= 0, f"the sizes {list(wanted)} must not be negative")
    shape = (*self.shape[:-dims], *sizes)
    return [Spec(shape, self.dtype), Spec(shape, INT64)]


@rules.by_row("max_unpool1d max_unpool2d max_unpool3d max_unpool2d_flat max_unpool3d_flat")
def _unpool(row: Row, values: Sequence[Any]) -> Spec:
    self, indices = values[:2]
    dims = _dims(row)
    need(
        self.shape == indices.shape and self.ndim > dims,
        f"indices {indices.shape} must have the shape of the input {self.shape}",
    )
    if row.name.endswith("flat"):
        size = list(values[2])
    elif values[5] is not None:
        size = list(values[5])[-dims:]
    else:
        kernel, pad = per_dim(values[2], dims), per_dim(values[4], dims)
        step = per_dim(values[3], dims) if values[3] else kernel
        size = [
            (n - 1) * s + k - 2 * p
            for n, s, k, p in zip(self.shape[-dims:], step, kernel, pad, strict=True)
        ]
    need(len(size) == dims and min(size) > 0, f"the sizes {size} do not fit {dims} dimensions")
    return Spec((*self.shape[:-dims], *size), self.dtype)


@rules.by_row(
    "fractional_max_pool2d fractional_max_pool3d fractional_max_pool2d_with_indices "
    "fractional_max_pool3d_with_indices fractional_max_pool2d_sampled "
    "fractional_max_pool3d_sampled"
)
def _fractional(row: Row, values: Sequence[Any]) -> Inferred:
    self, kernel, size = values[:3]
    dims = _dims(row)
    here = self.shape[-dims:]
    if size is None:
        need(values[3] is not None, "fractional_max_pool needs output_size or output_ratio")
        ratios = list(values[3]) * (dims if len(values[3]) == 1 else 1)
        size = [int(n * q) for n, q in zip(here, ratios, strict=True)]
    out = per_dim(size, dims)
    for n, o, k in zip(here, out, per_dim(kernel, dims), strict=True):
        need(0 < o <= n - k + 1, f"{o} windows of {k} do not fit into a size of {n}")
    shape = (*self.shape[:-dims], *out)
    values_of = Spec(shape, self.dtype)
    return [values_of, Spec(shape, INT64)] if row.n_outputs == 2 else values_of


@rules.by_row("lp_pool1d lp_pool2d lp_pool3d")
def _lp_pool(row: Row, values: Sequence[Any]) -> Spec:
    self, _, kernel, stride, ceil_mode = values
    return Spec(pooled(self.shape, _dims(row), kernel, stride, [0], [1], ceil_mode), self.dtype)


@rules("pixel_unshuffle")
def _pixel_unshuffle(self: Spec, factor: int) -> Spec:
    need(self.ndim >= 3, f"pixel_unshuffle needs at least 3 dimensions, got {self.shape}")
    channels, height, width = self.shape[-3:]
    need(
        factor >= 1 and height % factor == 0 and width % factor == 0,
        f"an image of {height} x {width} cannot be divided by {factor}",
    )
    shape = (*self.shape[:-3], channels * factor * factor, height // factor, width // factor)
    return Spec(shape, self.dtype)


@rules("channel_shuffle")
def _channel_shuffle(self: Spec, groups: int) -> Spec:
    need(
        self.ndim >= 3 and groups >= 1 and self.shape[1] % groups == 0,
        f"the channels of {self.shape} cannot be divided into {groups} groups",
    )
    return Spec(self.shape, self.dtype)


# -- sequences -----------------------------------------------------------------------------------


@rules.by_row("lstm gru rnn_tanh rnn_relu")
def _recurrent(row: Row, values: Sequence[Any]) -> Inferred:
    packed = row.params[0].name == "data"
    data, hx = values[0], values[2 if packed else 1]
    states = list(hx) if isinstance(hx, list | tuple) else [hx]
    need(len(states) == (row.n_outputs or 0) - 1, f"{row.name} got {len(states)} states")
    ways = 2 if values[-1 if packed else -2] else 1
    width = states[0].shape[-1] * ways
    out = Spec((*data.shape[:-1], width), data.dtype)
    return [out, *(Spec(s.shape, data.dtype) for s in states)]


@rules.by_row("_ctc_loss")
def _ctc(row: Row, values: Sequence[Any]) -> Inferred:
    log_probs, _, _, target_lengths = values[:4]
    need(log_probs.ndim == 3, f"ctc_loss wants (T, N, C), got {log_probs.shape}")
    losses = Spec(log_probs.shape[1:2], log_probs.dtype)
    if isinstance(target_lengths, Spec):
        return [losses, UNKNOWN]
    longest = max(target_lengths, default=0)
    shape = (log_probs.shape[1], log_probs.shape[0], 2 * longest + 1)
    return [losses, Spec(shape, log_probs.dtype)]


@rules.by_row("ctc_loss")
def _ctc_whole(row: Row, values: Sequence[Any]) -> Spec:
    log_probs = values[0]
    need(log_probs.ndim in (2, 3), f"ctc_loss wants (T, N, C), got {log_probs.shape}")
    kept = reduction_of(row, values) == "none"
    return Spec(log_probs.shape[1:-1] if kept else (), log_probs.dtype)


@rules("_ctc_loss_backward")
def _ctc_backward(grad: Spec, log_probs: Spec, *_: Any) -> Spec:
    return Spec(log_probs.shape, log_probs.dtype)


# -- attention -----------------------------------------------------------------------------------


@rules("scaled_dot_product_attention")
def _attention(query: Spec, key: Spec, value: Spec, *_: Any) -> Spec:
    need(
        min(query.ndim, key.ndim, value.ndim) >= 2
        and query.shape[-1] == key.shape[-1]
        and key.shape[-2] == value.shape[-2],
        f"query {query.shape}, key {key.shape} and value {value.shape} do not fit",
    )
    grouped = bool(_[-1])
    lead = query.shape[:-2]
    if not grouped:
        lead = broadcast(lead, key.shape[:-2], value.shape[:-2])
    return Spec((*lead, query.shape[-2], value.shape[-1]), query.dtype)


@rules.by_row("multi_head_attention_forward")
def _multi_head(row: Row, values: Sequence[Any]) -> Inferred:
    given = {p.name: v for p, v in zip(row.params, values, strict=True)}
    query, key = given["query"], given["key"]
    need(query.ndim in (2, 3), f"attention wants (L, N, E) or (L, E), got {query.shape}")
    static = given["static_k"]
    seen = static.shape[1] if static is not None else key.shape[0] + (given["bias_k"] is not None)
    seen += bool(given["add_zero_attn"])
    heads = () if given["average_attn_weights"] else (given["num_heads"],)
    batch = query.shape[1:2] if query.ndim == 3 else ()
    weights = Spec((*batch, *heads, query.shape[0], seen), query.dtype)
    width = math.prod(given["out_proj_weight"].shape[:1])
    out = Spec((*query.shape[:-1], width), query.dtype)
    return [out, weights if given["need_weights"] else UNKNOWN]
