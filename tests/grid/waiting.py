"""Waiting for what a grid does in its own time."""

from __future__ import annotations

import time

import numpy as np

from syft_web.plan import State
from tests.grid.talk import retrieve


def checkpoint(url: str, number: int, seconds: float = 60) -> list[np.ndarray]:
    """A checkpoint, waited for."""
    limit = time.monotonic() + seconds
    while (answer := retrieve(url, checkpoint=number)).status_code != 200:
        assert time.monotonic() < limit, answer.text
        time.sleep(0.05)
    return State.loads(answer.content).tensors
