"""The part of `Transaction` that counts, for those who watch a grid."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import RowMapping, Select, func, select

from syft_web.grid import schema as t
from syft_web.grid.records import CycleRecord, CycleState, CycleSummary, ModelRow
from syft_web.grid.report_queries import ReportQueries

__all__ = ["OverviewQueries"]


class OverviewQueries(ReportQueries):
    """Questions about all that is there; none of them reads a model, a plan or a diff."""

    def count_models(self) -> int:
        """How many processes are hosted."""
        return self._count(select(func.count()).select_from(t.process))

    def newest_models(self, limit: int) -> list[ModelRow]:
        """The processes that were hosted last, newest first."""
        query = _MODEL.order_by(t.process.c.id.desc()).limit(limit)
        return [ModelRow(**row) for row in self._connection.execute(query).mappings()]

    def model_row(self, process_id: int) -> ModelRow | None:
        """The process of that id."""
        row = self._first(_MODEL.where(t.process.c.id == process_id))
        return None if row is None else ModelRow(**row)

    def newest_cycles(self, process_id: int, limit: int) -> list[CycleRecord]:
        """The cycles of a process that were opened last, newest first, with their counts."""
        c, a = t.cycle.c, t.assignment.c
        query = select(t.cycle).where(c.process_id == process_id).order_by(c.id.desc())
        cycles = self._connection.execute(query.limit(limit)).mappings().all()
        counting = (
            select(a.cycle_id, func.count(a.id), func.count(a.reported_at))
            .where(a.cycle_id.in_([cycle["id"] for cycle in cycles]))
            .group_by(a.cycle_id)
        )
        counts = {row[0]: (row[1], row[2]) for row in self._connection.execute(counting)}
        return [_record(cycle, *counts.get(cycle["id"], (0, 0))) for cycle in cycles]

    def checkpoint_marks(self, model_id: int, limit: int) -> list[tuple[int, CycleSummary | None]]:
        """Number and summary of the newest checkpoints, oldest first.

        Without the time each was made at, which the database keeps behind the model: to get
        there it would read through every one of them.
        """
        c, s = t.checkpoint.c, t.checkpoint_summary.c
        query = (
            select(c.number, s.reports, s.num_samples, s.metrics)
            .select_from(t.checkpoint.outerjoin(t.checkpoint_summary))
            .where(c.model_id == model_id)
            .order_by(c.number.desc())
            .limit(limit)
        )
        rows = self._connection.execute(query).all()
        return [
            (
                number,
                None if reports is None else CycleSummary(reports, num_samples, metrics),
            )
            for number, reports, num_samples, metrics in reversed(rows)
        ]

    def newest_checkpoint(self, model_id: int) -> int:
        """The number of the newest checkpoint."""
        c = t.checkpoint.c
        return self._count(
            select(func.coalesce(func.max(c.number), 0)).where(c.model_id == model_id)
        )

    def cycle_counts(
        self, process_ids: Sequence[int] | None = None
    ) -> Mapping[int, dict[str, int]]:
        """Process id -> cycle state -> how many; of all processes, or of some."""
        c = t.cycle.c
        query = select(c.process_id, c.state, func.count()).group_by(c.process_id, c.state)
        if process_ids is not None:
            query = query.where(c.process_id.in_(process_ids))
        counts: dict[int, dict[str, int]] = {}
        for process_id, state, number in self._connection.execute(query):
            counts.setdefault(process_id, {})[state] = number
        return counts

    def worker_counts(self, process_ids: Sequence[int]) -> Mapping[int, int]:
        """Process id -> how many workers have joined for it since it was hosted."""
        c = t.worker.c
        query = select(c.process_id, func.count()).group_by(c.process_id)
        rows = self._connection.execute(query.where(c.process_id.in_(process_ids)))
        return {row[0]: row[1] for row in rows}

    def count_places_in_open_cycles(self) -> tuple[int, int]:
        """``(still to report, reported)``: the workers with a place in a cycle under way."""
        c, a = t.cycle.c, t.assignment.c
        query = (
            select(func.count(a.id), func.count(a.reported_at))
            .select_from(t.assignment.join(t.cycle, a.cycle_id == c.id))
            .where(c.state.in_((CycleState.OPEN, CycleState.AGGREGATING)))
        )
        places, reported = self._connection.execute(query).one()
        return places - reported, reported

    def _count(self, query: Select[Any]) -> int:
        return int(self._connection.execute(query).scalar_one())


_MODEL = select(
    t.process.c.id,
    t.process.c.name,
    t.process.c.version,
    t.process.c.created_at,
    t.process.c.server_config,
    t.process.c.fixed_diffs,
    t.model.c.id.label("model_id"),
    t.model.c.signature,
).join(t.model, t.model.c.process_id == t.process.c.id)


def _record(cycle: RowMapping, workers: int, reports: int) -> CycleRecord:
    return CycleRecord(
        sequence=cycle["sequence"],
        state=CycleState(cycle["state"]),
        started_at=cycle["started_at"],
        ends_at=cycle["ends_at"],
        completed_at=cycle["completed_at"],
        note=cycle["note"],
        workers=workers,
        reports=reports,
    )
