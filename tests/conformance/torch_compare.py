"""Run a captured plan beside eager torch, on the same batches."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from syft_web.author.torch import model_state
from syft_web.plan.plan import Plan, State
from tests.conformance import plan_training
from tests.conformance.plan_training import Run

__all__ = ["Run", "differences", "run_eager", "run_plan", "state_of"]

Batch = tuple[Any, Any]


def run_plan(plan: Plan, state: State, batches: Iterable[Batch], **config: float) -> Run:
    """`plan_training.run_plan` for batches of torch's tensors."""
    plain = [
        (
            [t.detach().numpy() for t in _listed(data)],
            [t.detach().numpy() for t in _listed(targets)],
        )
        for data, targets in batches
    ]
    return plan_training.run_plan(plan, state, plain, **config)


def run_eager(
    model: nn.Module,
    loss: Callable[..., Tensor],
    optimizer: torch.optim.Optimizer,
    batches: Iterable[Batch],
) -> Run:
    """Train with torch itself."""
    run = Run()
    for data, targets in batches:
        optimizer.zero_grad()
        value = loss(model(*_listed(data)), *_listed(targets))
        value.backward()
        optimizer.step()
        run.losses.append(float(value.detach()))
    for name, tensor in [*model.named_parameters(), *model.named_buffers()]:
        run.tensors[name] = tensor.detach().numpy().copy()
    return run


def differences(plan: Run, eager: Run) -> tuple[float, float]:
    """The largest difference of a loss, and of an element of a parameter or float buffer.

    Buffers of integers must be equal.
    """
    losses = max(abs(a - b) for a, b in zip(plan.losses, eager.losses, strict=True))
    largest = 0.0
    for name, value in plan.tensors.items():
        other = eager.tensors[name]
        assert value.shape == other.shape, name
        assert value.dtype == other.dtype, name
        if value.dtype.kind != "f":
            assert np.array_equal(value, other), name
        elif value.size:
            largest = max(largest, float(np.abs(value - other).max()))
    return losses, largest


def state_of(model: nn.Module, **rest: Any) -> State:
    """The model's state with arrays of its own, before anyone trains the model."""
    return model_state(model, **rest)


def _listed(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list | tuple) else [value]
