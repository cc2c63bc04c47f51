"""FedAdam (Reddi et al. 2021, Algorithm 2)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from syft_web.grid.aggregation.moments import first_moment, quotient

__all__ = ["FedAdam"]


@dataclass(frozen=True, slots=True)
class FedAdam:
    """Adam's steps, without its correction of the first ones, as in the paper.

    ``m = beta1 * m + (1 - beta1) * average``, ``v = beta2 * v + (1 - beta2) * average ** 2``,
    step ``lr * m / (sqrt(v) + tau)``. At first m is 0 and v is ``tau ** 2``.

    Attributes:
        lr: The server's learning rate.
        beta1: Decay of the mean, at least 0, below 1.
        beta2: Decay of the mean square, at least 0, below 1.
        tau: How adaptive the steps are: the smaller, the more.
    """

    lr: float = 0.01
    beta1: float = 0.9
    beta2: float = 0.99
    tau: float = 1e-3
    slots: ClassVar[int] = 2

    def step(
        self, average: np.ndarray, memory: Sequence[np.ndarray]
    ) -> tuple[np.ndarray, list[np.ndarray]]:
        """See `ServerOptimizer.step`."""
        v = memory[1] if memory else np.full_like(average, self.tau**2)
        m = first_moment(average, memory, self.beta1)
        v = self._mean_square(v, np.square(average))
        return quotient(self.lr, m, v, self.tau), [m, v]

    def _mean_square(self, v: np.ndarray, square: np.ndarray) -> np.ndarray:
        return np.asarray(self.beta2 * v + (1 - self.beta2) * square)
