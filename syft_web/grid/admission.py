"""Whether a worker gets a place in a cycle, and when it may ask again if not."""

from __future__ import annotations

import math

from syft_web.grid.configs import ServerConfig
from syft_web.grid.queries import Transaction
from syft_web.grid.records import Cycle, CycleState, Process
from syft_web.wire.messages import CycleRejected
from syft_web.wire.reasons import Reason

__all__ = ["NO_END_SECONDS", "OVERDUE_SECONDS", "ended", "refusal"]

NO_END_SECONDS = 60
"""When a rejected worker may come again, if its cycle has no end."""

OVERDUE_SECONDS = 10
"""The same, if the cycle's end has passed and it waits for more reports."""

_ROUNDING = 0.001
"""Seconds; sums of times are not exact."""


def ended(tx: Transaction, process: Process) -> CycleRejected:
    """The answer when a process has no cycle any more."""
    newest = tx.newest_cycle(process.id)
    failed = newest is not None and newest.state is CycleState.FAILED
    return CycleRejected(timeout=None, reason=Reason.FAILED if failed else Reason.FINISHED)


def refusal(
    tx: Transaction, process: Process, cycle: Cycle, worker_id: str, now: float
) -> CycleRejected | None:
    """Why a worker gets no place in an open cycle; None if it gets one.

    Only after `Transaction.lock_process`, so that no place is given twice.
    """
    rules = ServerConfig.read(process.server_config)
    reason = _reason(tx, rules, cycle, worker_id, now)
    if reason is None:
        return None
    return CycleRejected(timeout=_seconds_left(rules, cycle, reason, now), reason=reason)


def _reason(
    tx: Transaction, rules: ServerConfig, cycle: Cycle, worker_id: str, now: float
) -> Reason | None:
    place = tx.assignment_in(cycle.id, worker_id)
    if place is not None:
        return Reason.ALREADY_REPORTED if place.reported else Reason.ALREADY_IN_CYCLE
    if not _is_fast_enough(tx, worker_id, rules):
        return Reason.TOO_SLOW
    limits = rules.workers
    if limits.rest:
        last = tx.last_participation(cycle.process_id, worker_id)
        if last is not None and cycle.sequence - last < limits.rest:
            return Reason.WORKER_REUSE
    if limits.most is not None:
        since = _period_start(rules, cycle, now) - _ROUNDING
        if tx.count_places(cycle.id, since) >= limits.most:
            return Reason.CYCLE_FULL
    return None


def _is_fast_enough(tx: Transaction, worker_id: str, rules: ServerConfig) -> bool:
    if not rules.requires_speed_test:
        return True
    speeds = tx.get_speeds(worker_id)
    download, upload = speeds.get("download") or 0.0, speeds.get("upload") or 0.0
    return download >= rules.minimum_download and upload >= rules.minimum_upload


def _period_start(rules: ServerConfig, cycle: Cycle, now: float) -> float:
    """When a cycle that goes on beyond its end began its present cycle length.

    The places of workers that had joined before and did not report are free again: workers
    that never come back cannot fill a cycle for ever.
    """
    if not rules.cycle_length:
        return cycle.started_at
    passed = max(0.0, now - cycle.started_at)
    return cycle.started_at + rules.cycle_length * (passed // rules.cycle_length)


def _seconds_left(rules: ServerConfig, cycle: Cycle, reason: Reason, now: float) -> float:
    if cycle.ends_at is None:
        return NO_END_SECONDS
    end = cycle.ends_at
    if reason is Reason.CYCLE_FULL and rules.cycle_length:
        end = _period_start(rules, cycle, now) + rules.cycle_length
    left = math.ceil(end - now)
    return left if left > 0 else OVERDUE_SECONDS
