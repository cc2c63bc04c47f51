"""FedAvgM: averaging with momentum on the server (Hsu et al. 2019; Reddi et al. 2021)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

__all__ = ["FedAvgM"]


@dataclass(frozen=True, slots=True)
class FedAvgM:
    """``m = momentum * m + average``, step ``lr * m``; m is 0 at first.

    Attributes:
        lr: The server's learning rate. With 1 and no momentum this is plain averaging.
        momentum: At least 0, below 1.
    """

    lr: float = 1.0
    momentum: float = 0.9
    slots: ClassVar[int] = 1

    def step(
        self, average: np.ndarray, memory: Sequence[np.ndarray]
    ) -> tuple[np.ndarray, list[np.ndarray]]:
        """See `ServerOptimizer.step`."""
        m = np.asarray(self.momentum * memory[0] + average) if memory else average
        return np.asarray(self.lr * m), [m]
