"""The end of a cycle: when it is due, and from its reports to the next checkpoint.

A cycle is closed in the same transaction as the report that makes it due, so which
diffs belong to it is settled there and then. The average is made afterwards, from what
is on disk, and stored in one transaction with the end of the cycle and the beginning of
the next: after a server was killed in between, it or another one comes to the same bytes.

Several servers may share a database. The one that makes an average claims the cycle for
some seconds and renews its claim while it computes, so that the others need not do the
same work. That is all the claim is for: if two compute after all, the first to finish ends
the cycle, and the other finds it ended.
"""

from __future__ import annotations

import logging
import math
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
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
from syft_web.grid.worker_limits import TooFew
from syft_web.plan import State

__all__ = ["Completion", "close_if_due", "is_due", "open_cycle"]

logger = logging.getLogger("syft_web.grid")

CLAIM_SECONDS = 10.0
"""How long a cycle waits for a server that died while it was averaging."""


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
    if reports < _least(rules, fixed_diffs):
        return False
    if fixed_diffs is not None:
        return True
    most = rules.most_reports
    if most is None and rules.cycle_length is None:
        return True
    return ended or (most is not None and reports >= most)


def close_if_due(tx: Transaction, process: Process, cycle: Cycle, now: float) -> bool:
    """Close an open cycle for reports if it is due; whether it was.

    Only after `Transaction.lock_process`.
    """
    rules = ServerConfig.read(process.server_config)
    reports = tx.count_reports(cycle.id)
    if not is_due(rules, reports, ended=_is_over(cycle, now), fixed_diffs=process.fixed_diffs):
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
        claim_seconds: How long other servers leave a cycle to one that may have died; None for
            `CLAIM_SECONDS`.
        on_ended: Called after an aggregation with ``"done"`` or ``"failed"``, and how many
            seconds it took.
    """

    def __init__(
        self,
        store: Store,
        clock: Callable[[], float] = time.time,
        *,
        claim_seconds: float | None = None,
        on_ended: Callable[[str, float], None] = lambda _outcome, _seconds: None,
    ) -> None:
        self._store = store
        self._clock = clock
        self._claim_seconds = CLAIM_SECONDS if claim_seconds is None else claim_seconds
        self._on_ended = on_ended
        self._owner = secrets.token_hex(16)
        self._looked_at = -math.inf

    def run(self) -> bool:
        """End every cycle whose time is over, and aggregate every closed one.

        Returns:
            False if another server has claimed a cycle: look again when its claim may have
            run out.

        Raises:
            StoreError: The database does not answer; nothing is lost, run it again.
        """
        now = self._looked_at = self._clock()
        with self._store.read() as tx:
            over = [c for c in tx.cycles_in(CycleState.OPEN) if _is_over(c, now)]
        for cycle in over:
            # One with a note goes on beyond its end: the report that makes it due closes it.
            if cycle.note is None:
                self._end(cycle, now)
        with self._store.read() as tx:
            closed = tx.cycles_in(CycleState.AGGREGATING)
        mine = [self._complete(cycle) for cycle in closed]
        return all(mine)

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

    def _end(self, cycle: Cycle, now: float) -> None:
        """Do with a cycle whose time is over what its process wants."""
        with self._store.write() as tx:
            tx.lock_process(cycle.process_id)
            process, current = tx.get_process(cycle.process_id), tx.get_cycle(cycle.id)
            if process is None or current is None or current.state is not CycleState.OPEN:
                return
            if close_if_due(tx, process, current, now):
                return
            rules = ServerConfig.read(process.server_config)
            missed = _missed(tx, rules, process, current)
            if rules.on_too_few is TooFew.EXTEND:
                note = f"{missed}: it goes on until there are enough"
                tx.set_cycle(cycle.id, CycleState.OPEN, note=note)
            elif rules.on_too_few is TooFew.CLOSE:
                note = f"{missed}: it was closed without a checkpoint"
                tx.set_cycle(cycle.id, CycleState.FAILED, now=now, note=note)
                tx.forget_diffs(cycle.id)
                open_cycle(tx, process.id, rules, now)
            else:
                note = f"{missed}: the training ended here"
                tx.set_cycle(cycle.id, CycleState.FAILED, now=now, note=note)
                tx.forget_diffs(cycle.id)
        logger.warning("Cycle %d of %s: %s", cycle.id, process.name, note)

    def _complete(self, cycle: Cycle) -> bool:
        """Aggregate a closed cycle; False if another server does it."""
        if not self._claim(cycle):
            return False
        began = time.perf_counter()
        with self._renewing(cycle), self._store.read() as tx:
            process = tx.get_process(cycle.process_id)
            if process is None or not _is_closed(tx.get_cycle(cycle.id)):
                return True
            rules = ServerConfig.read(process.server_config)
            outcome: _Checkpoint | str
            try:
                outcome = _next_checkpoint(tx, process, rules, cycle)
            except AggregationError as error:
                outcome = error.text
        if not self._finish(process, rules, cycle, outcome):
            return True
        has_failed = isinstance(outcome, str)
        self._on_ended("failed" if has_failed else "done", time.perf_counter() - began)
        if isinstance(outcome, str):
            logger.error("Cycle %d ended: %s", cycle.id, outcome)
        else:
            made = f"checkpoint {outcome.number} of model {process.model_id}"
            logger.info("Cycle %d ended: %s", cycle.id, made)
        return True

    def _claim(self, cycle: Cycle) -> bool:
        """Claim a cycle, or claim it for longer; False if another server has it."""
        with self._store.write() as tx:
            tx.lock_process(cycle.process_id)
            if not _is_closed(tx.get_cycle(cycle.id)):
                return True  # It has ended: there is nothing to wait for.
            return tx.claim(cycle.id, self._owner, self._clock(), self._claim_seconds)

    @contextmanager
    def _renewing(self, cycle: Cycle) -> Iterator[None]:
        """Renew the claim in a thread of its own for as long as the average takes."""
        done = threading.Event()

        def renew() -> None:
            while not done.wait(self._claim_seconds / 3):
                # Without a claim others may do the same work; the result is the same.
                with suppress(StoreError):
                    self._claim(cycle)

        thread = threading.Thread(target=renew, name="syft-web-grid-claim", daemon=True)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()

    def _finish(
        self, process: Process, rules: ServerConfig, cycle: Cycle, outcome: _Checkpoint | str
    ) -> bool:
        """Store what came of a cycle and begin the next; False if another server was faster.

        The outcome is a checkpoint, or why there is none.
        """
        with self._store.write() as tx:
            tx.lock_process(process.id)
            if not _is_closed(tx.get_cycle(cycle.id)):
                return False
            now = self._clock()
            if isinstance(outcome, str):
                tx.set_cycle(cycle.id, CycleState.FAILED, now=now, note=outcome)
            else:
                _store(tx, process.model_id, outcome, now)
                tx.set_cycle(cycle.id, CycleState.DONE, now=now)
            tx.forget_diffs(cycle.id)
            tx.release(cycle.id)
            if rules.num_cycles == 0 or tx.count_done(process.id) < rules.num_cycles:
                open_cycle(tx, process.id, rules, now)
        return True


def _least(rules: ServerConfig, fixed_diffs: int | None) -> int:
    return rules.least_reports if fixed_diffs is None else max(1, fixed_diffs)


def _missed(tx: Transaction, rules: ServerConfig, process: Process, cycle: Cycle) -> str:
    least = _least(rules, process.fixed_diffs)
    return f"Its time was over with {tx.count_reports(cycle.id)} of at least {least} reports"


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
