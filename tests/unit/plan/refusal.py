"""What must be refused: with a typed error and without using much memory.

That it comes soon is for the time limit of each test (`timeout` in pyproject.toml).
"""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from resource import RUSAGE_SELF, getrusage
from typing import Any

import pytest

from syft_web.errors import DecodeError, PlanError, SyftError
from syft_web.plan import Action, Plan
from tests.unit.plan.builders import role

MEGABYTES = 200


def refused(attempt: Callable[[], Any], *kinds: type[SyftError], trace: bool = True) -> SyftError:
    """Run what must be refused; checks kind and memory.

    Args:
        attempt: What to run.
        kinds: Errors that may come; by default a plan's or a decoder's.
        trace: Count every allocation, which is slow; otherwise what the process grows by.
    """
    wanted = kinds or (PlanError, DecodeError)
    before = getrusage(RUSAGE_SELF).ru_maxrss
    with pytest.raises(wanted) as caught:
        attempt()
    assert (getrusage(RUSAGE_SELF).ru_maxrss - before) >> 10 < MEGABYTES
    if trace:
        tracemalloc.start()
        try:
            with pytest.raises(wanted):
                attempt()
            assert tracemalloc.get_traced_memory()[1] < MEGABYTES << 20
        finally:
            tracemalloc.stop()
    assert len(str(caught.value)) < 100_000
    return caught.value


def made(*actions: Action, inputs: str = "x", outputs: str = "y", **more: Any) -> Plan:
    return Plan.from_role(role(inputs, actions, outputs, **more), name="hostile")
