"""Fixtures that tests of several rooms use."""

from __future__ import annotations

import os

# Before numpy is imported: on a busy machine two BLAS threads wait for each other.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

from syft_web.grid import Server

# Times of examples say nothing where several test runs share a machine.
hypothesis.settings.register_profile(
    "syft_web", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("syft_web")


@pytest.fixture
def grid(tmp_path: Path) -> Iterator[Server]:
    """A running grid on a free port, with a database of its own."""
    with Server(database=f"sqlite:///{tmp_path / 'grid.sqlite'}") as server:
        yield server
