"""Many workers at once: no error, and no diff is lost or counts twice.

`tests.bench.bench_grid` does the same with 500 workers, and measures.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.grid.load import MNIST, SMALL, Shapes, load_diff, loaded_grid

MESSAGES = {"authenticate", "cycle-request", "get-model", "get-plan", "report"}


@pytest.mark.parametrize(("shapes", "workers"), [(SMALL, 60), (MNIST, 12)])
def test_all_reports_count_once(tmp_path: Path, shapes: Shapes, workers: int) -> None:
    with loaded_grid(tmp_path) as grid:
        measured = grid.train("m", shapes, workers, at_once=12)
    assert {name: len(times) for name, times in measured.messages.items()} == dict.fromkeys(
        MESSAGES, workers
    )
    assert measured.peak > 0


def test_the_sums_are_numpys_own_mean() -> None:
    """What the load is checked against: exact in any order."""
    diffs = [load_diff(SMALL, seed) for seed in range(500)]
    for index in range(len(SMALL)):
        stacked = np.stack([diff[index] for diff in diffs])
        mean = np.mean(stacked, axis=0)
        exact = np.mean(stacked.astype(np.float64), axis=0)
        assert mean.tobytes() == exact.astype(np.float32).tobytes()
        assert mean.tobytes() == np.mean(stacked[::-1], axis=0).tobytes()
