"""A model of sixteen numbers for tests that care about the way, not about what is learned."""

from __future__ import annotations

import numpy as np

from syft_web.author.hosting import host_training
from syft_web.author.tracing import Slot, Traced, trace
from syft_web.plan.plan import Plan, State

__all__ = ["FEATURES", "TARGETS", "host_small", "start_weights"]

FEATURES, TARGETS = 8, 2
WEIGHT = Slot(
    "model_param", "w", index=0, model_index=0, shape=(FEATURES, TARGETS), dtype="float32"
)


def start_weights() -> np.ndarray:
    """What training begins with, ``(FEATURES, TARGETS)`` float32."""
    size = FEATURES * TARGETS
    return np.linspace(-1, 1, size, dtype=np.float32).reshape(FEATURES, TARGETS)


def _step(
    x: Traced, y: Traced, batch_size: Traced, lr: Traced, w: Traced
) -> tuple[Traced, Traced, Traced]:
    off = x.matmul(w) - y
    return (off * off).sum() / batch_size, off.abs().max(), w - lr * x.t().matmul(off) / batch_size


def _weights_only(
    x: Traced, y: Traced, batch_size: Traced, lr: Traced, w: Traced
) -> tuple[Traced, ...]:
    return (_step(x, y, batch_size, lr, w)[2],)


def _plan(*, weights_only: bool) -> Plan:
    inputs = (
        Slot("data", "x", shape=(None, FEATURES), dtype="float32"),
        Slot("target", "y", shape=(None, TARGETS), dtype="float32"),
        Slot("batch_size", dtype="int64"),
        Slot("client_config", "lr", dtype="float32"),
        WEIGHT,
    )
    if weights_only:
        return trace(_weights_only, *inputs, outputs=(WEIGHT,), name="training_plan")
    outputs = Slot("loss"), Slot("metric", "worst"), WEIGHT
    return trace(_step, *inputs, outputs=outputs, name="training_plan")


async def host_small(
    grid: str, name: str = "small", *, weights_only: bool = False, **client_config: object
) -> None:
    """Host least squares with any number of cycles of one report each.

    Args:
        grid: Address of the grid.
        name: Name of the model; the version is 1.0.0.
        weights_only: Whether the plan gives the weights alone, without loss and metric.
        **client_config: Beside ``batch_size`` 4 and ``lr`` 0.1.
    """
    await host_training(
        grid,
        name,
        "1.0.0",
        model=State.of([start_weights()]),
        plans={"training_plan": _plan(weights_only=weights_only)},
        client_config={"name": name, "version": "1.0.0", "batch_size": 4, "lr": 0.1}
        | client_config,
        server_config={"min_diffs": 1, "max_diffs": 1, "num_cycles": 1000, "cycle_length": 3600},
    )
