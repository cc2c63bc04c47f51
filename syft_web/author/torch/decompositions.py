"""Operations that the op table lacks, by operations that it has.

Torch's own decompositions come first; those here are for what torch leaves whole.
They are used only where an operation has no command of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any

import torch
from torch import Tensor
from torch._decomp import core_aten_decompositions

from syft_web.author.torch.commands import may_have

__all__ = ["fallbacks"]

_ATEN = torch.ops.aten


def fallbacks(missing: Collection[Any]) -> dict[Any, Callable[..., Any]]:
    """What to record in place of operations that no plan can hold.

    Args:
        missing: Operations that were met and are not supported. What stands in for them
            may need others that are not; those are replaced as well.
    """
    table: dict[Any, Callable[..., Any]] = {**core_aten_decompositions(), **_OWN}
    return {
        operation: function
        for operation, function in table.items()
        if operation in missing or not may_have(operation)
    }


def _elu(self: Tensor, alpha: float = 1, scale: float = 1, input_scale: float = 1) -> Tensor:
    """Also selu and celu, which are elu with other numbers."""
    below = torch.expm1(self * input_scale) * alpha
    return torch.where(self > 0, self, below) * scale


def _trilinear(
    first: Tensor,
    second: Tensor,
    third: Tensor,
    expand1: Sequence[int],
    expand2: Sequence[int],
    expand3: Sequence[int],
    sumdim: Sequence[int],
    unroll_dim: int = 1,
) -> Tensor:
    """The product of three tensors, each spread over some dimensions, summed over some."""
    spread = []
    for tensor, dims in ((first, expand1), (second, expand2), (third, expand3)):
        for dim in sorted(dims):
            tensor = tensor.unsqueeze(dim)
        spread.append(tensor)
    product = spread[0] * spread[1] * spread[2]
    return product.sum(list(sumdim)) if sumdim else product


def _embedding_bag_backward(
    grad: Tensor,
    indices: Tensor,
    offsets: Tensor,
    offset2bag: Tensor,
    bag_size: Tensor,
    maximum_indices: Tensor,
    num_weights: int,
    scale_grad_by_freq: bool,
    mode: int,
    sparse: bool,
    per_sample_weights: Tensor | None,
    padding_idx: int = -1,
) -> Any:
    """The dense one; `offset2bag`, which the forward pass may leave empty, is worked out."""
    places = torch.arange(indices.shape[0], device=indices.device)
    bags = (places.unsqueeze(1) >= offsets.unsqueeze(0)).sum(1) - 1
    return _ATEN._embedding_bag_dense_backward.default(
        grad, indices, bags, bag_size, maximum_indices, num_weights, scale_grad_by_freq, mode,
        per_sample_weights, padding_idx,
    )  # fmt: skip


_OWN: dict[Any, Callable[..., Any]] = {
    _ATEN.elu.default: _elu,
    _ATEN._trilinear.default: _trilinear,
    _ATEN._embedding_bag_backward.default: _embedding_bag_backward,
}
