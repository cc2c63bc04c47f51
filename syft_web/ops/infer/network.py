"""Normalisation, recurrent cells and losses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from syft_web.ops.infer.base import Inferred, ShapeRules, typed
from syft_web.ops.infer.common import Shape, broadcast, fits, need, numpy_type
from syft_web.ops.infer.linalg import matmul_shape
from syft_web.ops.infer.reduce import named
from syft_web.ops.row import Row
from syft_web.ops.spec import Spec

__all__ = ["reduction_of", "rules"]

rules = ShapeRules()


# -- normalisation -----------------------------------------------------------------------------


@rules.by_row("batch_norm instance_norm")
def _batch_norm(row: Row, values: Sequence[Any]) -> Inferred:
    self = values[0]
    need(self.ndim >= 2, f"{row.name} needs at least 2 dimensions, got shape {self.shape}")
    vectors = [named(row, values, n) for n in ("weight", "bias", "running_mean", "running_var")]
    _per_channel(self, vectors, row.name)
    return Spec(self.shape, numpy_type(self, *vectors))


def _per_channel(self: Spec, vectors: Sequence[Spec | None], name: str) -> None:
    channels = self.shape[1]
    for vector in vectors:
        need(
            vector is None or vector.size in (1, channels),
            f"{name} of {channels} channels cannot use a vector of shape {vector and vector.shape}",
        )


@rules("layer_norm")
def _layer_norm(
    self: Spec,
    normalized_shape: Sequence[int],
    weight: Spec | None = None,
    bias: Spec | None = None,
    *_: Any,
) -> Spec:
    count = len(normalized_shape)
    need(
        count <= self.ndim and self.shape[self.ndim - count :] == tuple(normalized_shape),
        f"the last dimensions of {self.shape} must be {list(normalized_shape)}",
    )
    for vector in (weight, bias):
        need(
            vector is None or fits(vector.shape, self.shape),
            f"layer_norm over {list(normalized_shape)} cannot use a vector of shape "
            f"{vector and vector.shape}",
        )
    return Spec(self.shape, numpy_type(self, weight, bias))


@rules("group_norm")
def _group_norm(
    self: Spec,
    num_groups: int,
    weight: Spec | None = None,
    bias: Spec | None = None,
    eps: float = 1e-5,
) -> Spec:
    need(self.ndim >= 2, f"group_norm needs at least 2 dimensions, got shape {self.shape}")
    channels = self.shape[1]
    need(
        num_groups >= 1 and channels % num_groups == 0,
        f"{channels} channels cannot be divided into {num_groups} groups",
    )
    _per_channel(self, (weight, bias), "group_norm")
    return Spec(self.shape, numpy_type(self, weight, bias))


# -- recurrent cells ---------------------------------------------------------------------------


def _gates(x: Spec, hidden: Spec, w_ih: Spec, w_hh: Spec, gates: int, name: str) -> Shape:
    """Shape of the hidden state after one step."""
    ours = matmul_shape(x.shape, w_ih.shape[::-1])
    theirs = matmul_shape(hidden.shape, w_hh.shape[::-1])
    shape = broadcast(ours, theirs)
    need(
        len(shape) >= 1 and shape[-1] % gates == 0,
        f"{name} wants {gates} blocks of gates, got {shape}",
    )
    return (*shape[:-1], shape[-1] // gates)


@rules.by_row("lstm_cell")
def _lstm_cell(row: Row, values: Sequence[Any]) -> Inferred:
    x, hx, w_ih, w_hh = values[:4]
    need(len(hx) == 2, f"lstm_cell wants the hidden and the cell state, got {len(hx)} tensors")
    hidden, cell = hx
    shape = broadcast(_gates(x, hidden, w_ih, w_hh, 4, "lstm_cell"), cell.shape)
    spec = Spec(shape, numpy_type(x, hidden, cell, w_ih, w_hh))
    return [spec, spec]


@rules.by_row("gru_cell rnn_tanh_cell rnn_relu_cell")
def _cell(row: Row, values: Sequence[Any]) -> Inferred:
    x, hx, w_ih, w_hh = values[:4]
    gates = 3 if row.name == "gru_cell" else 1
    shape = _gates(x, hx, w_ih, w_hh, gates, row.name)
    shape = broadcast(shape, hx.shape) if gates == 3 else shape
    return Spec(shape, numpy_type(x, hx, w_ih, w_hh))


# -- losses ------------------------------------------------------------------------------------


def reduction_of(row: Row, values: Sequence[Any]) -> str:
    """``"none"``, ``"mean"``, ``"sum"`` or ``"batchmean"``, also from torch's older flags."""
    chosen = named(row, values, "reduction", default="mean")
    if isinstance(chosen, int):  # aten's numbers
        return ("none", "mean", "sum")[chosen] if 0 <= chosen < 3 else "mean"
    average = named(row, values, "size_average")
    reduce = named(row, values, "reduce")
    if average is None and reduce is None:
        return str(chosen)
    if reduce is False:
        return "none"
    return "sum" if average is False else "mean"


def _loss(row: Row, values: Sequence[Any], shape: Shape) -> Inferred:
    kept = reduction_of(row, values) == "none"
    return typed(row, values, shape if kept else ())


@rules.by_row(
    "mse_loss l1_loss smooth_l1_loss huber_loss binary_cross_entropy "
    "binary_cross_entropy_with_logits kl_div poisson_nll_loss hinge_embedding_loss "
    "margin_ranking_loss soft_margin_loss"
)
def _by_element(row: Row, values: Sequence[Any]) -> Inferred:
    arrays = [v.shape for v in values if isinstance(v, Spec)]
    return _loss(row, values, broadcast(*arrays))


@rules.by_row("nll_loss")
def _nll_loss(row: Row, values: Sequence[Any]) -> Inferred:
    self, target, weight = values[:3]
    need(target.dtype.kind in "iu", f"nll_loss wants class numbers (int64), not {target.dtype}")
    _class_numbers(self, target, weight)
    dtype = self.dtype
    return Spec(target.shape if reduction_of(row, values) == "none" else (), dtype)


def _class_numbers(self: Spec, target: Spec, weight: Spec | None) -> None:
    axis = 1 if self.ndim > 1 else 0
    need(self.ndim >= 1, "the input needs a dimension of classes")
    need(
        target.shape == self.shape[:axis] + self.shape[axis + 1 :],
        f"target {target.shape} does not fit the input {self.shape}",
    )
    need(
        weight is None or weight.shape == (self.shape[axis],),
        f"there must be one weight per class of {self.shape}",
    )


@rules.by_row("cross_entropy")
def _cross_entropy(row: Row, values: Sequence[Any]) -> Inferred:
    self, target, weight = values[:3]
    kept = reduction_of(row, values) == "none"
    if target.dtype.kind in "iu":
        _class_numbers(self, target, weight)
        return Spec(target.shape if kept else (), numpy_type(self))
    axis = 1 if self.ndim > 1 else 0
    shape = broadcast(self.shape, target.shape)
    dtype = numpy_type(self, target, weight)
    return Spec((*shape[:axis], *shape[axis + 1 :]) if kept else (), dtype)


@rules.by_row("cosine_embedding_loss")
def _cosine_embedding(row: Row, values: Sequence[Any]) -> Inferred:
    first, second, target = values[:3]
    shape = broadcast(broadcast(first.shape, second.shape)[:-1], target.shape)
    return _loss(row, values, shape)


@rules.by_row("triplet_margin_loss")
def _triplet(row: Row, values: Sequence[Any]) -> Inferred:
    shape = broadcast(*(v.shape for v in values[:3]))
    return _loss(row, values, shape[:-1])


@rules.by_row("multi_margin_loss")
def _multi_margin(row: Row, values: Sequence[Any]) -> Inferred:
    self, target = values[:2]
    rows = self.shape[0] if self.ndim == 2 else 1
    need(
        self.ndim in (1, 2) and target.ndim <= 1 and target.size == rows,
        f"target {target.shape} does not fit the input {self.shape}",
    )
    return Spec(() if reduction_of(row, values) != "none" else target.shape, self.dtype)
