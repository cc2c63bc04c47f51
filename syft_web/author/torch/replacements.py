"""Functions of ``torch.nn.functional`` that are recorded in other words.

Each asks for the values of tensors where it need not, or is recorded wrongly by torch. While
capturing, these stand in their place; they give the same numbers.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator
from typing import Any

import torch
import torch.nn.functional as functional
from torch import Tensor

__all__ = ["in_other_words", "replaced"]


@contextlib.contextmanager
def replaced() -> Iterator[None]:
    """Put the replacements in place for as long as this lasts."""
    before = {name: getattr(functional, name) for name in _REPLACEMENTS}
    try:
        for name, function in _REPLACEMENTS.items():
            setattr(functional, name, function)
        yield
    finally:
        for name, function in before.items():
            setattr(functional, name, function)


def in_other_words(function: Callable[..., Any]) -> Callable[..., Any]:
    """What stands for a function of ``torch.nn.functional`` that the user hands over itself."""
    for name, other in _REPLACEMENTS.items():
        if function is getattr(functional, name):
            return other
    return function


def _reduced(loss: Tensor, reduction: str) -> Tensor:
    if reduction == "mean":
        return loss.mean()
    return loss.sum() if reduction == "sum" else loss


def _gaussian_nll_loss(
    input: Tensor,
    target: Tensor,
    var: Tensor | float,
    full: bool = False,
    eps: float = 1e-6,
    reduction: str = "mean",
) -> Tensor:
    """Without the question whether a variance is negative: it is raised to `eps` anyway."""
    if isinstance(var, float | int):
        var = torch.full_like(input, var)
    if var.dim() == input.dim() - 1:
        var = var.unsqueeze(-1)
    with torch.no_grad():
        raised = var.clamp(min=eps)
    var = var + (raised - var).detach()
    loss = 0.5 * (torch.log(var) + (input - target) ** 2 / var)
    if full:
        loss = loss + 0.5 * math.log(2 * math.pi)
    return _reduced(loss, reduction)


def _multilabel_margin_loss(
    input: Tensor,
    target: Tensor,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
) -> Tensor:
    """Torch's own recording counts the fillers behind a row's last label as label 0."""
    classes = input.shape[-1]
    is_label = (target < 0).long().cumsum(-1) == 0  # those before the first filler
    labels = torch.where(is_label, target, 0)
    wanted = input.gather(-1, labels)
    hits = torch.zeros_like(input).scatter_add(-1, labels, is_label.to(input.dtype))
    counted = is_label.unsqueeze(-1) & (hits == 0).unsqueeze(-2)
    margins = (1 - wanted.unsqueeze(-1) + input.unsqueeze(-2)).clamp_min(0)
    loss = torch.where(counted, margins, 0.0).sum((-1, -2)) / classes
    return _reduced(loss, reduction)


_torch_cross_entropy = functional.cross_entropy


def _cross_entropy(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: Any = None,
    ignore_index: int = -100,
    reduce: Any = None,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Tensor:
    """Older torch fixes the batch size for shares of classes; for class numbers it does not."""
    if not target.is_floating_point():
        return _torch_cross_entropy(
            input, target, weight, size_average, ignore_index, reduce, reduction, label_smoothing
        )
    dim = 1 if input.dim() > 1 else 0
    classes = input.shape[dim]
    if label_smoothing:
        target = target * (1 - label_smoothing) + label_smoothing / classes
    if weight is not None:
        target = target * weight.reshape(-1, *[1] * (input.dim() - dim - 1))
    loss = -(torch.log_softmax(input, dim) * target).sum(dim)
    return _reduced(loss, reduction)


def _rms_norm(
    input: Tensor, normalized_shape: Any, weight: Tensor | None = None, eps: float | None = None
) -> Tensor:
    """Older torch fixes the batch size."""
    dims = tuple(range(-len(normalized_shape), 0))
    small = torch.finfo(input.dtype).eps if eps is None else eps
    result = input * torch.rsqrt(input.pow(2).mean(dims, keepdim=True) + small)
    return result if weight is None else result * weight


_REPLACEMENTS: dict[str, Callable[..., Any]] = {
    "gaussian_nll_loss": _gaussian_nll_loss,
    "multilabel_margin_loss": _multilabel_margin_loss,
}
if tuple(int(part) for part in torch.__version__.split(".")[:2]) < (2, 13):
    _REPLACEMENTS.update(cross_entropy=_cross_entropy, rms_norm=_rms_norm)
