"""Federated averaging: the mean of all diffs (McMahan et al. 2017, unweighted).

The arithmetic is PyGrid's: sums from left to right in the model's own dtype, one division at
the end. Results equal its checkpoints bit for bit.
"""

from __future__ import annotations

import numpy as np

from syft_web.grid.aggregation.reports import Reports, sum_dtype

__all__ = ["FederatedAverage"]


class FederatedAverage:
    """The mean of all diffs. Holds one model in memory however many diffs come."""

    def average(self, reports: Reports) -> list[np.ndarray]:
        """The sums divided by the number of diffs; see `Aggregator.average`."""
        sums: list[np.ndarray] = []
        for diff in reports:
            if not sums:
                sums = [np.array(tensor, dtype=sum_dtype(tensor.dtype)) for tensor in diff]
                continue
            with np.errstate(over="ignore", invalid="ignore"):
                for total, tensor in zip(sums, diff, strict=True):
                    total += tensor
        for total in sums:
            total /= total.dtype.type(len(reports))
        return sums
