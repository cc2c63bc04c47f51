"""Attention: each place of a sequence looks at all others."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from syft_web.ops.backward import safe_softmax
from syft_web.ops.dtypes import BOOL, Array
from syft_web.ops.elementwise import array
from syft_web.ops.linalg import linear
from syft_web.ops.nn import dropout
from syft_web.ops.row import RowCollector

__all__ = ["row"]

row = RowCollector()


def _added(mask: Array, dtype: np.dtype[Any], *, kept: bool) -> Array:
    """A mask as numbers to add to the scores.

    Args:
        mask: Bools, or numbers already.
        dtype: Of the scores.
        kept: True in the mask means that a place may be looked at (else: that it may not).
    """
    if mask.dtype != BOOL and mask.dtype != np.uint8:
        return array(mask.astype(dtype, copy=False))
    may = mask.astype(BOOL) if kept else ~mask.astype(BOOL)
    return np.asarray(np.where(may, 0, -np.inf), dtype)


def _causal(rows: int, columns: int) -> Array:
    return np.tri(rows, columns, dtype=BOOL)


@row(
    "scaled_dot_product_attention(Tensor query, Tensor key, Tensor value, "
    "Tensor? attn_mask=None, float dropout_p=0.0, bool is_causal=False, *, float? scale=None, "
    "bool enable_gqa=False)",
    "F.scaled_dot_product_attention A.scaled_dot_product_attention.default",
)
def scaled_dot_product_attention(
    query: Array,
    key: Array,
    value: Array,
    attn_mask: Array | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Array:
    """``softmax(query key^T * scale + mask) value``; a row that may look nowhere gives 0.

    Args:
        query: ``(..., L, E)``.
        key: ``(..., S, E)``.
        value: ``(..., S, V)``.
        attn_mask: Broadcasts to ``(..., L, S)``; True means to look, numbers are added.
        dropout_p: Of the attention; always applied, as in torch.
        is_causal: Look only at places up to one's own.
        scale: Instead of ``1 / sqrt(E)``.
        enable_gqa: Fewer heads of keys and values serve several of queries.
    """
    if enable_gqa:
        times = query.shape[-3] // key.shape[-3]
        key, value = np.repeat(key, times, -3), np.repeat(value, times, -3)
    factor = 1 / math.sqrt(query.shape[-1]) if scale is None else scale
    scores = np.matmul(query * query.dtype.type(factor), key.swapaxes(-1, -2))
    if is_causal:
        scores += _added(_causal(*scores.shape[-2:]), scores.dtype, kept=True)
    if attn_mask is not None:
        scores = scores + _added(attn_mask, scores.dtype, kept=True)
    attention = safe_softmax(array(scores), -1)
    return array(np.matmul(dropout(attention, dropout_p), value))


def _projected(
    query: Array,
    key: Array,
    value: Array,
    weight: Array | None,
    separate: tuple[Array | None, Array | None, Array | None],
    bias: Array | None,
) -> list[Array]:
    weights: list[Array | None]
    weights = list(separate) if weight is None else list(np.split(weight, 3))
    biases = [None] * 3 if bias is None else np.split(bias, 3)
    found = []
    for x, w, b in zip((query, key, value), weights, biases, strict=True):
        if w is None:
            raise ValueError("multi_head_attention_forward needs its projection weights")
        found.append(linear(x, w, b))
    return found


def _masks(
    attn_mask: Array | None,
    key_padding_mask: Array | None,
    heads: int,
    extra: int,
    dtype: np.dtype[Any],
) -> Array | None:
    """Both masks as numbers to add, for ``(N, heads, L, S)``; `extra` columns more are seen."""
    total: Array | None = None
    if attn_mask is not None:
        mask = _added(attn_mask, dtype, kept=False)
        total = mask.reshape(-1, heads, *mask.shape[1:]) if mask.ndim == 3 else mask[None, None]
    if key_padding_mask is not None:
        padding = _added(key_padding_mask, dtype, kept=False)[:, None, None, :]
        total = padding if total is None else array(total + padding)
    if total is not None and extra:
        total = np.pad(total, [(0, 0)] * 3 + [(0, extra)])
    return total


@row(
    "multi_head_attention_forward(Tensor query, Tensor key, Tensor value, "
    "int embed_dim_to_check, int num_heads, Tensor? in_proj_weight, Tensor? in_proj_bias, "
    "Tensor? bias_k, Tensor? bias_v, bool add_zero_attn, float dropout_p, "
    "Tensor out_proj_weight, Tensor? out_proj_bias, bool training=True, "
    "Tensor? key_padding_mask=None, bool need_weights=True, Tensor? attn_mask=None, "
    "bool use_separate_proj_weight=False, Tensor? q_proj_weight=None, "
    "Tensor? k_proj_weight=None, Tensor? v_proj_weight=None, Tensor? static_k=None, "
    "Tensor? static_v=None, bool average_attn_weights=True, bool is_causal=False) "
    "-> Tensor, Tensor",
    "F.multi_head_attention_forward",
)
def multi_head_attention_forward(
    query: Array,
    key: Array,
    value: Array,
    embed_dim_to_check: int,
    num_heads: int,
    in_proj_weight: Array | None,
    in_proj_bias: Array | None,
    bias_k: Array | None,
    bias_v: Array | None,
    add_zero_attn: bool,
    dropout_p: float,
    out_proj_weight: Array,
    out_proj_bias: Array | None,
    training: bool,
    key_padding_mask: Array | None,
    need_weights: bool,
    attn_mask: Array | None,
    use_separate_proj_weight: bool,
    q_proj_weight: Array | None,
    k_proj_weight: Array | None,
    v_proj_weight: Array | None,
    static_k: Array | None,
    static_v: Array | None,
    average_attn_weights: bool,
    is_causal: bool,
) -> tuple[Array, Array | None]:
    """torch.nn.MultiheadAttention: sequences are ``(L, N, E)``, or ``(L, E)`` without a batch.

    Returns:
        ``(L, N, E)``, and the attention ``(N, L, S)`` (per head if not averaged), or None.
    """
    alone = query.ndim == 2
    if alone:
        query, key, value = query[:, None], key[:, None], value[:, None]
        key_padding_mask = None if key_padding_mask is None else key_padding_mask[None]
    length, batch, width = query.shape
    if width != embed_dim_to_check or width % num_heads:
        raise ValueError(f"a width of {width} does not fit {embed_dim_to_check} / {num_heads}")
    separate = (q_proj_weight, k_proj_weight, v_proj_weight)
    weight = None if use_separate_proj_weight else in_proj_weight
    q, k, v = _projected(query, key, value, weight, separate, in_proj_bias)
    extra = 0
    if bias_k is not None and bias_v is not None:
        k = np.concatenate([k, np.repeat(bias_k, batch, 1)])
        v = np.concatenate([v, np.repeat(bias_v, batch, 1)])
        extra += 1

    def heads(x: Array) -> Array:
        return x.reshape(len(x), batch, num_heads, width // num_heads).transpose(1, 2, 0, 3)

    def given(x: Array) -> Array:
        return x.reshape(batch, num_heads, *x.shape[1:])

    q = heads(q)
    k = heads(k) if static_k is None else given(static_k)
    v = heads(v) if static_v is None else given(static_v)
    if add_zero_attn:
        zeros = np.zeros((batch, num_heads, 1, k.shape[3]), k.dtype)
        k, v = np.concatenate([k, zeros], 2), np.concatenate([v, zeros], 2)
        extra += 1
    mask = _masks(attn_mask, key_padding_mask, num_heads, extra, q.dtype)
    scale = q.dtype.type(1 / math.sqrt(q.shape[3]))
    scores = np.matmul(q * scale, k.swapaxes(2, 3))
    attention = safe_softmax(scores if mask is None else array(scores + mask), -1)
    mixed = np.matmul(dropout(attention, dropout_p, training), v)
    merged = mixed.transpose(2, 0, 1, 3).reshape(length, batch, width)
    out = linear(merged, out_proj_weight, out_proj_bias)
    shown = None
    if need_weights:
        shown = array(attention.mean(1)) if average_attn_weights else attention
    if alone:
        return out[:, 0], None if shown is None else shown[0]
    return out, shown
