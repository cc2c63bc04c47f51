"""FedYogi (Reddi et al. 2021, Algorithm 2)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from syft_web.grid.aggregation.fedadam import FedAdam

__all__ = ["FedYogi"]


@dataclass(frozen=True, slots=True)
class FedYogi(FedAdam):
    """As `FedAdam`, but the mean square grows and shrinks by an amount, not by a factor.

    ``v = v - (1 - beta2) * average ** 2 * sign(v - average ** 2)``; the rest is FedAdam's, its
    attributes included.
    """

    def _mean_square(self, v: np.ndarray, square: np.ndarray) -> np.ndarray:
        return np.asarray(v - (1 - self.beta2) * square * np.sign(v - square))
