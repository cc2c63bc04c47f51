"""Which workers a cycle takes, and what becomes of it when too few report.

``max_workers``, ``min_workers`` and ``do_not_reuse_workers_until_cycle`` stand in every
``server_config`` that was written for PyGrid, which never looked at them. So they count only
where ``enforce_worker_limits`` is true (protocol.md section 7.2).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

__all__ = ["TooFew", "WorkerLimits"]

_LARGEST = 2**31


class TooFew(StrEnum):
    """``on_too_few_diffs``: what happens at a cycle's end when it has too few reports.

    ``EXTEND``: it goes on until there are enough. ``CLOSE``: it ends without a checkpoint, and
    the next cycle begins. ``FAIL``: it ends without a checkpoint, and so does the training.
    """

    EXTEND = "extend"
    CLOSE = "close"
    FAIL = "fail"

    @classmethod
    def read(cls, value: object, problems: list[str]) -> TooFew:
        """The choice in a JSON value; ``EXTEND``, as PyGrid does it, when there is none."""
        if value is None:
            return cls.EXTEND
        if isinstance(value, str) and value in {*cls}:
            return cls(value)
        problems.append('on_too_few_diffs must be "extend", "close" or "fail"')
        return cls.EXTEND


@dataclass(frozen=True, slots=True)
class WorkerLimits:
    """The limits that are enforced; none by default.

    Attributes:
        most: ``max_workers``: places in a cycle. A worker that has not reported keeps its
            place for one ``cycle_length``.
        least: ``min_workers``: fewer reports than this are never aggregated.
        rest: ``do_not_reuse_workers_until_cycle``: a worker that had a place in a cycle gets
            the next one this many cycles later at the earliest.
    """

    most: int | None = None
    least: int = 0
    rest: int = 0

    @classmethod
    def read(cls, config: Mapping[str, Any], problems: list[str]) -> WorkerLimits:
        """The limits in a ``server_config``; what is wrong is added to ``problems``."""
        wanted = config.get("enforce_worker_limits")
        if wanted is not None and not isinstance(wanted, bool):
            problems.append("enforce_worker_limits must be true or false")
        if wanted is not True:
            return cls()
        limits = cls(
            most=_whole(config, "max_workers", 1, problems),
            least=_whole(config, "min_workers", 0, problems) or 0,
            rest=_whole(config, "do_not_reuse_workers_until_cycle", 0, problems) or 0,
        )
        if limits.most is not None:
            limits._check(limits.most, config, problems)
        return limits

    def _check(self, most: int, config: Mapping[str, Any], problems: list[str]) -> None:
        """What would make cycles that cannot end."""
        if self.least > most:
            problems.append(f"min_workers {self.least} is more than max_workers {most}")
        least = config.get("min_diffs")
        if isinstance(least, int | float) and least > most:
            problems.append(f"min_diffs {least} is more than max_workers {most}")
        if not config.get("cycle_length"):
            problems.append(
                "max_workers needs a cycle_length: without it a worker that never reports would "
                "keep its place for ever"
            )


def _whole(config: Mapping[str, Any], key: str, least: int, problems: list[str]) -> int | None:
    value = config.get(key)
    if value is None:
        return None
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if is_number and least <= value < _LARGEST and value == int(value):
        return int(value)
    problems.append(f"{key} must be a whole number of at least {least}, or null")
    return None
