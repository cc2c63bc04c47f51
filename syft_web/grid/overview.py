"""What can be seen of a grid from outside: counts, states and curves, as JSON.

`overview` is for everybody: it has no ids of workers, no configuration and none of the
notes of the log. `details` tells the operator the rest of one model.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from syft_web.errors import ServiceError
from syft_web.grid.configs import ServerConfig, text_of
from syft_web.grid.queries import Transaction
from syft_web.grid.records import CycleRecord, CycleState, CycleSummary, ModelRow
from syft_web.grid.store import Store

__all__ = ["CHARTED", "Overview"]

CHARTED = ("loss", "accuracy")
"""The metrics that everybody may see; workers choose the names of others."""

MODELS, RECENT, POINTS, CHECKPOINTS = 50, 8, 100, 1000
"""At most so many models, recent cycles, points of a curve, and checkpoints to take them from."""

LONGEST_LIST = 200
"""Cycles and checkpoints that an operator can ask for at once."""

KEPT_SECONDS = 1.0
"""How long an overview is good for everybody who asks: many pages may watch one grid."""


class Overview:
    """Reads the database for those who watch; synchronous, may be called from several threads.

    Args:
        store: The database.
        clock: Gives the time in seconds since 1970.
    """

    def __init__(self, store: Store, clock: Callable[[], float] = time.time) -> None:
        self._store = store
        self._clock = clock
        self._lock = threading.Lock()
        self._kept: dict[str, Any] | None = None
        self._read_at = -math.inf

    def overview(self) -> dict[str, Any]:
        """The newest models and how they are getting on; at most a second old."""
        with self._lock:
            if self._kept is None or time.monotonic() - self._read_at >= KEPT_SECONDS:
                self._kept = self._read()
                self._read_at = time.monotonic()
            return self._kept

    def details(self, query: Mapping[str, str]) -> dict[str, Any]:
        """Everything but the numbers themselves about the model ``name`` (and ``version``).

        Raises:
            ServiceError: Status 404, there is no such model.
        """
        limit = _limit(query.get("limit"))
        name, version = text_of(query.get("name")), text_of(query.get("version"))
        with self._store.read() as tx:
            process = tx.find_process(name or "", version or None)
            row = None if process is None else tx.model_row(process.id)
            if row is None:
                raise ServiceError("No model of this name and version is hosted here", status=404)
            counts = tx.cycle_counts([row.id]).get(row.id, {})
            workers = tx.worker_counts([row.id]).get(row.id, 0)
            shown = self._model(tx, row, counts, workers)
            del shown["recent"], shown["charts"]
            return {
                **shown,
                "rules": _rules(row),
                "cycle_list": [
                    {**_cycle(cycle), "note": cycle.note}
                    for cycle in tx.newest_cycles(row.id, limit)
                ],
                "checkpoint_list": [
                    _checkpoint(number, summary)
                    for number, summary in reversed(tx.checkpoint_marks(row.model_id, limit))
                ],
            }

    def counts(self) -> dict[str, Any]:
        """Models, cycles by state, and the workers of the cycles under way, for monitoring."""
        with self._store.read() as tx:
            by_state = dict.fromkeys((str(state) for state in CycleState), 0)
            for counts in tx.cycle_counts().values():
                for state, number in counts.items():
                    by_state[state] += number
            missing, reported = tx.count_places_in_open_cycles()
            return {
                "models": tx.count_models(),
                "cycles": by_state,
                "workers_training": missing,
                "diffs_waiting": reported,
            }

    def ping(self) -> None:
        """Return if the database answers.

        Raises:
            StoreError: It does not.
        """
        with self._store.read() as tx:
            tx.count_models()

    def _read(self) -> dict[str, Any]:
        with self._store.read() as tx:
            rows = tx.newest_models(MODELS)
            ids = [row.id for row in rows]
            cycles, workers = tx.cycle_counts(ids), tx.worker_counts(ids)
            return {
                "models": [
                    self._model(tx, row, cycles.get(row.id, {}), workers.get(row.id, 0))
                    for row in rows
                ],
                "models_total": tx.count_models(),
            }

    def _model(
        self, tx: Transaction, row: ModelRow, counts: Mapping[str, int], workers: int
    ) -> dict[str, Any]:
        rules = ServerConfig.read(row.server_config)
        cycles = tx.newest_cycles(row.id, RECENT)
        return {
            "name": row.name,
            "version": row.version,
            "hosted_at": row.created_at,
            "parameters": sum(math.prod(shape) for _, shape in row.signature),
            "state": _state(cycles[0] if cycles else None, self._clock()),
            "token_needed": rules.authentication is not None,
            "cycles_wanted": rules.num_cycles or None,
            "cycles_done": counts.get(CycleState.DONE, 0),
            "cycles_failed": counts.get(CycleState.FAILED, 0),
            "reports_least": max(rules.least_reports, row.fixed_diffs or 0),
            "reports_most": rules.most_reports if row.fixed_diffs is None else row.fixed_diffs,
            "workers": workers,
            "checkpoint": tx.newest_checkpoint(row.model_id),
            "recent": [_cycle(cycle) for cycle in cycles],
            "charts": _charts(tx.checkpoint_marks(row.model_id, CHECKPOINTS)),
        }


def _state(newest: CycleRecord | None, now: float) -> str:
    """How a model is getting on, in one word; the page and the command line have the sentence."""
    if newest is None or newest.state is CycleState.DONE:
        return "finished"
    if newest.state is CycleState.FAILED:
        return "failed"
    if newest.state is CycleState.AGGREGATING:
        return "averaging"
    if newest.ends_at is not None and newest.ends_at <= now:
        return "overdue"
    return "training" if newest.workers else "waiting"


def _cycle(cycle: CycleRecord) -> dict[str, Any]:
    return {
        "number": cycle.sequence,
        "state": str(cycle.state),
        "workers": cycle.workers,
        "reports": cycle.reports,
        "started_at": cycle.started_at,
        "ends_at": cycle.ends_at,
        "completed_at": cycle.completed_at,
    }


def _charts(marks: list[tuple[int, CycleSummary | None]]) -> dict[str, list[list[float]]]:
    """Metric -> ``[checkpoint, value]``, thinned out evenly; the newest is always among them."""
    charts = {}
    for name in CHARTED:
        points = [
            [number, summary.metrics[name]]
            for number, summary in marks
            if summary is not None and name in summary.metrics
        ]
        step = math.ceil(len(points) / POINTS)
        if points:
            charts[name] = points[::-1][::step][::-1]
    return charts


def _checkpoint(number: int, summary: CycleSummary | None) -> dict[str, Any]:
    if summary is None:
        return {"number": number, "reports": None, "num_samples": None, "metrics": {}}
    return {
        "number": number,
        "reports": summary.reports,
        "num_samples": summary.num_samples,
        "metrics": dict(summary.metrics),
    }


def _rules(row: ModelRow) -> dict[str, Any]:
    """The rules of the cycles as the grid understands them, without keys and addresses."""
    rules = ServerConfig.read(row.server_config)
    return {
        "cycle_length": rules.cycle_length,
        "num_cycles": rules.num_cycles,
        "min_diffs": rules.min_diffs,
        "max_diffs": rules.max_diffs,
        "max_workers": rules.workers.most,
        "min_workers": rules.workers.least,
        "on_too_few_diffs": str(rules.on_too_few),
        "aggregation": row.server_config.get("aggregation"),
    }


def _limit(text: str | None) -> int:
    if text is None:
        return 20
    if not text.isdecimal() or not 1 <= int(text[:9]) <= LONGEST_LIST:
        raise ServiceError(f"limit must be a whole number from 1 to {LONGEST_LIST}")
    return int(text)
