"""Server optimizers: what a model's next step is, given the average and what came before.

Reddi et al. 2021, "Adaptive Federated Optimization": the averaged diff takes the place of a
gradient. A diff is original minus trained, so the step is subtracted, as a gradient's is.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Protocol

import numpy as np

from syft_web.errors import AggregationError
from syft_web.grid.aggregation.reports import Tensors, sum_dtype
from syft_web.grid.aggregation.update import require_shapes

__all__ = ["ServerOptimizer", "optimized"]


class ServerOptimizer(Protocol):
    """A rule for one parameter; each has a module of its own."""

    slots: ClassVar[int]
    """How many arrays are remembered for a parameter."""

    def step(
        self, average: np.ndarray, memory: Sequence[np.ndarray]
    ) -> tuple[np.ndarray, list[np.ndarray]]:
        """What is subtracted from a parameter, and what is to be remembered.

        Args:
            average: The averaged diff of the parameter, in `sum_dtype`.
            memory: What was remembered, `slots` arrays of the same shape and dtype; nothing
                at the first step. They are not changed.
        """


def optimized(
    optimizer: ServerOptimizer, parameters: Tensors, average: Tensors, memory: Tensors
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """The step of every parameter, and the memory for the next cycle.

    Whole numbers have no momentum: their step is their average.

    Args:
        optimizer: The rule.
        parameters: Of the newest checkpoint.
        average: The averaged diff.
        memory: What this function returned at the last step, empty at the first.

    Raises:
        AggregationError: The average has other shapes, or the memory would not be finite.
    """
    require_shapes(parameters, average)
    steps: list[np.ndarray] = []
    kept: list[np.ndarray] = []
    for index, (old, diff) in enumerate(zip(parameters, average, strict=True)):
        if old.dtype.kind != "f":
            steps.append(diff)
            continue
        before = memory[len(kept) : len(kept) + optimizer.slots]
        with np.errstate(over="ignore", invalid="ignore"):
            step, after = optimizer.step(diff.astype(sum_dtype(old.dtype), copy=False), before)
        # An infinite second moment would give steps of 0 for ever, and no error.
        if not all(np.isfinite(array).all() for array in after):
            raise AggregationError(
                f"The optimizer's memory of parameter {index} would not be finite: the reports "
                "are too large. Set server_config.aggregation.max_norm."
            )
        steps.append(step)
        kept += after
    return steps, kept
