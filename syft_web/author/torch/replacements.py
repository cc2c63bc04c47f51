"""Functions of ``torch.nn.functional`` that are recorded in other words.

Each asks for the values of tensors where it need not, or is recorded wrongly by torch. While
capturing, these stand in their place; they give the same numbers.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator
from typing import Any

import torch
import torch.nn.functional as functional
from torch import Tensor

__all__ = ["replaced"]


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


_REPLACEMENTS = {
    "gaussian_nll_loss": _gaussian_nll_loss,
    "multilabel_margin_loss": _multilabel_margin_loss,
}
