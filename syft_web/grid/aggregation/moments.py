"""What the adaptive optimizers have in common."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

__all__ = ["first_moment", "quotient"]


def first_moment(average: np.ndarray, memory: Sequence[np.ndarray], beta1: float) -> np.ndarray:
    """The decaying mean of the averages; ``memory[0]`` is the former one, 0 if there is none."""
    fresh = np.asarray((1 - beta1) * average)
    return np.asarray(beta1 * memory[0] + fresh) if memory else fresh


def quotient(lr: float, m: np.ndarray, v: np.ndarray, tau: float) -> np.ndarray:
    """The step ``lr * m / (sqrt(v) + tau)``."""
    return np.asarray(lr * m / (np.sqrt(v) + tau))
