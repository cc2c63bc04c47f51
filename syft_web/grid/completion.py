"""The end of a cycle: when it is due, and from its reports to the next checkpoint.

A cycle is closed in the same transaction as the report that makes it due, so which
diffs belong to it is settled there and then. The average is made afterwards, from what
is on disk, and stored in one transaction with the end of the cycle and the beginning of
the next: a server that is killed in between does it again and comes to the same bytes.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from syft_web.errors import AggregationError, StoreError
from syft_web.grid.aggregation import (
    Reports,
    Tensors,
    make_aggregator,
    new_parameters,
    optimized,
    state_bytes,
    summary_of,
    weights_of,
)
from syft_web.grid.configs import ServerConfig
from syft_web.grid.queries import Transaction
from syft_web.grid.records import Cycle, CycleState, CycleSummary, Process
from syft_web.grid.store import Store
from syft_web.plan import State

__all__ = ["Completion", "close_if_due", "is_due", "open_cycle"]

logger = logging.getLogger("syft_web.grid")


def is_due(
    rules: ServerConfig, reports: int, *, ended: bool, fixed_diffs: int | None = None
) -> bool:
    """Whether a cycle shall be aggregated now (protocol.md section 3.7).

    Args:
        rules: Of its process.
        reports: How many workers have reported.
        ended: Whether its end has passed.
        fixed_diffs: The number the averaging plan is built for, if it is for one.
    """
    if not reports:
        return False
    if fixed_diffs is not None:
        return reports >= fixed_diffs
    if rules.min_diffs is not None and reports < rules.min_diffs:
        return False
    if rules.max_diffs is None and rules.cycle_length is None:
        return True
    return ended or (rules.max_diffs is not None and reports >= rules.max_diffs)


def close_if_due(tx: Transaction, process: Process, cycle: Cycle, now: float) -> bool:
    """Close an open cycle for reports if it is due; whether it was."""
    rules = ServerConfig.read(process.server_config)
    ended = cycle.ends_at is not None and now >= cycle.ends_at
    reports = tx.count_reports(cycle.id)
    if not is_due(rules, reports, ended=ended, fixed_diffs=process.fixed_diffs):
        return False
    tx.set_cycle(cycle.id, CycleState.AGGREGATING)
    logger.info("Cycle %d closed with %d reports", cycle.id, reports)
    return True


def open_cycle(tx: Transaction, process_id: int, rules: ServerConfig, now: float) -> int:
    """Begin the next cycle of a process; returns its id."""
    ends_at = None if rules.cycle_length is None else now + rules.cycle_length
    return tx.add_cycle(process_id, started_at=now, ends_at=ends_at)


@dataclass(frozen=True, slots=True)
class _Checkpoint:
    """What is to be stored when a cycle has ended well, in one transaction."""

    number: int
    value: bytes
    memory: bytes | None
    summary: CycleSummary


class Completion:
    """Brings cycles to their end.

    Args:
        store: Where they are.
        clock: Gives the time in seconds since 1970.
    """

    def __init__(self, store: Store, clock: Callable[[], float] = time.time) -> None:
        self._store = store
        self._clock = clock
        self._looked_at = -math.inf

    def run(self) -> None:
        """Close every cycle whose time is over, and aggregate every closed one.

        Raises:
            StoreError: The database does not answer; nothing is lost, run it again.
        """
        now = self._looked_at = self._clock()
        with self._store.read() as tx:
            over = [c.id for c in tx.cycles_in(CycleState.OPEN) if _is_over(c, now)]
        for cycle_id in over:
            with self._store.write() as tx:
                cycle = tx.get_cycle(cycle_id)
                process = None if cycle is None else tx.get_process(cycle.process_id)
                if cycle and process and cycle.state is CycleState.OPEN:
                    close_if_due(tx, process, cycle, now)
        with self._store.read() as tx:
            closed = tx.cycles_in(CycleState.AGGREGATING)
        for cycle in closed:
            self._complete(cycle)

    def seconds_to_next_end(self) -> float | None:
        """Until the next open cycle's time is over, None when none has an end ahead.

        Ends that passed after `run` had looked are still ahead, 0 seconds away: averaging
        may take long, and the cycles that ended meanwhile shall not be overlooked.
        """
        with self._store.read() as tx:
            ends = [c.ends_at for c in tx.cycles_in(CycleState.OPEN) if c.ends_at is not None]
        coming = min((end for end in ends if end > self._looked_at), default=None)
        return None if coming is None else max(0.0, coming - self._clock())

    def is_idle(self) -> bool:
        """Whether no closed cycle waits for its aggregation."""
        with self._store.read() as tx:
            return not tx.cycles_in(CycleState.AGGREGATING)

    def _complete(self, cycle: Cycle) -> None:
        with self._store.read() as tx:
            current = tx.get_cycle(cycle.id)
            process = tx.get_process(cycle.process_id)
            if process is None or not _is_closed(current):
                return
            rules = ServerConfig.read(process.server_config)
            outcome: _Checkpoint | str
            try:
                outcome = _next_checkpoint(tx, process, rules, cycle)
            except AggregationError as error:
                outcome = error.text
        if not self._finish(process, rules, cycle, outcome):
            return
        if isinstance(outcome, str):
            logger.error("Cycle %d ended: %s", cycle.id, outcome)
        else:
            made = f"checkpoint {outcome.number} of model {process.model_id}"
            logger.info("Cycle %d ended: %s", cycle.id, made)

    def _finish(
        self, process: Process, rules: ServerConfig, cycle: Cycle, outcome: _Checkpoint | str
    ) -> bool:
        """Store what came of a cycle and begin the next; False if another server was faster.

        The outcome is a checkpoint, or why there is none.
        """
        with self._store.write() as tx:
            if not _is_closed(tx.get_cycle(cycle.id)):
                return False
            now = self._clock()
            if isinstance(outcome, str):
                tx.set_cycle(cycle.id, CycleState.FAILED, now=now, note=outcome)
            else:
                _store(tx, process.model_id, outcome, now)
                tx.set_cycle(cycle.id, CycleState.DONE, now=now)
            tx.forget_diffs(cycle.id)
            if rules.num_cycles == 0 or tx.count_done(process.id) < rules.num_cycles:
                open_cycle(tx, process.id, rules, now)
        return True


def _is_over(cycle: Cycle, now: float) -> bool:
    return cycle.ends_at is not None and now >= cycle.ends_at


def _is_closed(cycle: Cycle | None) -> bool:
    return cycle is not None and cycle.state is CycleState.AGGREGATING


def _next_checkpoint(
    tx: Transaction, process: Process, rules: ServerConfig, cycle: Cycle
) -> _Checkpoint:
    newest = tx.get_checkpoint(process.model_id)
    if newest is None:
        raise AggregationError(f"Model {process.model_id} has no checkpoint to go on from.")
    number, value = newest
    averaging_plan = tx.averaging_plan(process.id)
    extras = tx.report_extras(cycle.id)
    memory = tx.optimizer_memory(process.model_id, number)
    choices = rules.aggregation

    def read() -> Iterator[Tensors]:
        return (State.loads(diff).tensors for diff in tx.diffs(cycle.id))

    with _computing():
        aggregator = make_aggregator(
            averaging_plan, iterative=rules.iterative_plan, choices=choices
        )
        samples = tuple(extra.num_samples for extra in extras)
        step: Tensors = aggregator.average(Reports(read, samples))
        parameters = State.loads(value).tensors
        kept: Tensors = []
        if choices.optimizer is not None:
            before = State.loads(memory).tensors if memory else []
            step, kept = optimized(choices.optimizer, parameters, step, before)
        weights = (
            weights_of(samples, choices.max_samples) if choices.weighted else [1.0] * len(samples)
        )
        return _Checkpoint(
            number=number + 1,
            value=state_bytes(new_parameters(parameters, step)),
            memory=State.of(kept).dumps() if kept else None,
            summary=summary_of(extras, weights),
        )


def _store(tx: Transaction, model_id: int, checkpoint: _Checkpoint, now: float) -> None:
    """Store a checkpoint with all that belongs to it."""
    row = tx.add_checkpoint(model_id, checkpoint.number, checkpoint.value, now)
    tx.add_summary(row, checkpoint.summary)
    if checkpoint.memory is not None:
        tx.set_optimizer_memory(model_id, checkpoint.number, checkpoint.memory)


@contextmanager
def _computing() -> Iterator[None]:
    # Whatever goes wrong with the numbers would go wrong again: the cycle must fail and
    # the training go on. Errors of the database, which may pass, stay outside.
    try:
        yield
    except (AggregationError, StoreError):
        raise
    except Exception as error:
        logger.exception("Averaging failed")
        raise AggregationError(f"{type(error).__name__}: {error}") from error
