"""Averaging takes the memory of one model, however many diffs there are."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from syft_web.grid.completion import Completion
from syft_web.plan import State
from tests.grid.talk import host_data
from tests.unit.grid.workers import Workers

SHAPE = (64, 2048)
MODEL_BYTES = 4 * SHAPE[0] * SHAPE[1]


def peak_of(completion: Completion) -> int:
    tracemalloc.start()
    try:
        completion.run()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("more", [{}, {"aggregation": {"max_norm": 1000.0}}])
def test_many_diffs_take_no_more_memory_than_few(
    workers: Workers, completion: Completion, more: dict[str, object]
) -> None:
    model = State.of([np.zeros(SHAPE, np.float32)]).dumps()
    peaks = {}
    for count in (2, 40):
        name = f"{count} diffs"
        workers.service.host(host_data(name, model=model, max_diffs=count, num_cycles=1, **more))
        for seed in range(count):
            diff = [np.full(SHAPE, seed / 64, np.float32)]
            workers.report(workers.join(name), diff)
        peaks[count] = peak_of(completion)
        new = State.loads(workers.service.checkpoint({"name": name})).tensors
        assert (new[0] == np.float32(-(count - 1) / 128)).all()
    assert peaks[40] - peaks[2] < 2 * MODEL_BYTES
