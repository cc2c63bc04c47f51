"""The tensors that training changes: the model's parameters, and what a worker keeps for itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from syft_web.client.specs import PlanInputSpec, StepResult
from syft_web.errors import TrainingError

__all__ = ["TrainedTensors"]


@dataclass(frozen=True, slots=True)
class TrainedTensors:
    """Where a training stands. A step makes a new one; none is ever changed.

    Attributes:
        params: The model's parameters, in its order.
        state: What the optimizer keeps between steps (momentum, step count), and other tensors
            of the worker's own. They begin anew with each cycle and are never reported.
    """

    params: tuple[np.ndarray, ...]
    state: tuple[np.ndarray, ...] = ()

    @classmethod
    def at_start(
        cls, params: Sequence[np.ndarray], specs: Sequence[PlanInputSpec]
    ) -> TrainedTensors:
        """The model as it came, and the state's first values, which their specs hold."""
        own = [(s.index, s.value) for s in specs if s.type == PlanInputSpec.TYPE_STATE]
        return cls(tuple(params), tuple(np.asarray(v) for _, v in sorted(own, key=_index)))

    def after(self, result: StepResult, where: str) -> TrainedTensors:
        """Take over what a step gave.

        Args:
            result: The step's outputs.
            where: Epoch and batch, for the message.

        Raises:
            TrainingError: A tensor changed its shape or dtype.
        """
        params = _replaced(self.params, result.params, "model parameter", where)
        return TrainedTensors(params, _replaced(self.state, result.state, "state", where))


def _index(pair: tuple[int | None, Any]) -> int:
    return pair[0] or 0


def _replaced(
    old: tuple[np.ndarray, ...], new: dict[int, np.ndarray], what: str, where: str
) -> tuple[np.ndarray, ...]:
    if not new:
        return old
    tensors = list(old)
    for index, value in new.items():
        if value.shape != tensors[index].shape or value.dtype != tensors[index].dtype:
            raise TrainingError(
                f"{where}: the plan returned {value.dtype} of shape {value.shape} for {what} "
                f"{index}, which is {tensors[index].dtype} of shape {tensors[index].shape}; check "
                "the order of the output specs."
            )
        tensors[index] = value
    return tuple(tensors)
