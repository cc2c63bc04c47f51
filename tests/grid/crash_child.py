"""A grid that stops at one step of a cycle and waits there to be killed.

``python -m tests.grid.crash_child DATABASE`` prints its address. It takes the name of a step from
its input, answers ``ready``, and prints ``reached`` when it stands there.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from typing import Any

from syft_web.grid import Server, completion, keeper, service
from syft_web.grid.queries import Transaction

__all__ = ["STEPS"]

STEPS: dict[str, tuple[Any, str, int]] = {
    "accepted, not committed": (Transaction, "assign", 2),
    "accepted, not told": (service.Service, "request_cycle", 2),
    "reported, not committed": (Transaction, "set_report", 2),
    "reported, not acknowledged": (service.Service, "report", 2),
    "closed, not committed": (service, "close_if_due", 3),
    "closed, not acknowledged": (service.Service, "report", 3),
    "claimed": (completion.Completion, "_claim", 1),
    "averaged": (completion, "new_parameters", 1),
    "next cycle made, not committed": (completion, "open_cycle", 1),
    "ended": (completion.Completion, "_finish", 1),
}
"""Step -> what is called there, and after which call of it in a cycle of three to stop."""

HURRY = 0.5
"""Seconds: what a grid that was killed has left behind shall not keep the next one waiting."""


def _stop_at(step: str) -> None:
    owner, name, number = STEPS[step]
    original: Callable[..., Any] = getattr(owner, name)
    lock, calls = threading.Lock(), 0

    def stopping(*arguments: Any, **more: Any) -> Any:
        nonlocal calls
        result = original(*arguments, **more)
        with lock:
            calls += 1
            is_there = calls == number
        if is_there:
            print("reached", flush=True)
            threading.Event().wait()
        return result

    setattr(owner, name, stopping)


def main(database: str) -> None:
    """Run until killed."""
    completion.CLAIM_SECONDS = keeper.LONGEST_WAIT = HURRY
    with Server(database=f"sqlite:///{database}") as grid:
        print(grid.url, flush=True)
        _stop_at(sys.stdin.readline().strip())
        print("ready", flush=True)
        threading.Event().wait()


if __name__ == "__main__":
    main(sys.argv[1])
