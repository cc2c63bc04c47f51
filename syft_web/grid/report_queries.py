"""The part of `Transaction` that is about reports and what is made of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import Connection, RowMapping, Select, delete, func, insert, select, update

from syft_web.errors import StoreError
from syft_web.grid import schema as t
from syft_web.grid.blobs import Blobs
from syft_web.grid.records import CheckpointInfo, CycleSummary, ReportExtra
from syft_web.grid.sql_errors import translated

__all__ = ["ReportQueries"]


class ReportQueries:
    """Questions and changes about reports, inside one transaction."""

    def __init__(self, connection: Connection, blobs: Blobs | None = None) -> None:
        self._connection = connection
        self._blobs = blobs

    # Reports of an open cycle

    def set_report(
        self,
        assignment_id: int,
        diff: bytes,
        now: float,
        *,
        num_samples: int | None = None,
        metrics: Mapping[str, float] | None = None,
    ) -> None:
        """Store the diff of an assignment, and what was told with it.

        Only after `Transaction.lock_process`, and only once for an assignment.
        """
        c = t.assignment.c
        stored = self._connection.execute(
            update(t.assignment)
            .where(c.id == assignment_id, c.reported_at.is_(None))
            .values(diff=diff, reported_at=now)
        )
        if stored.rowcount != 1:
            raise StoreError("This worker has reported to another server at the same moment.")
        if num_samples is not None or metrics:
            self._insert(
                t.report_extra,
                assignment_id=assignment_id,
                num_samples=num_samples,
                metrics=dict(metrics or {}),
            )

    def count_reports(self, cycle_id: int) -> int:
        """How many workers of a cycle have reported."""
        c = t.assignment.c
        query = select(func.count()).select_from(t.assignment)
        query = query.where(c.cycle_id == cycle_id, c.reported_at.is_not(None))
        return self._connection.execute(query).scalar_one()

    # Reports of a closed cycle

    def diffs(self, cycle_id: int) -> Iterator[bytes]:
        """The diffs of a cycle in order of assignment, one in memory at a time.

        Raises:
            StoreError: The database does not answer, or another server has ended the cycle.
        """
        c = t.assignment.c
        query = select(c.id).where(c.cycle_id == cycle_id, c.diff.is_not(None)).order_by(c.id)
        with translated():
            ids = self._connection.execute(query).scalars().all()
        for assignment_id in ids:
            one = select(c.diff).where(c.id == assignment_id)
            with translated():
                diff = self._connection.execute(one).scalar_one()
            if diff is None:
                raise StoreError("The reports of this cycle have been averaged by another server.")
            yield bytes(diff)

    def report_extras(self, cycle_id: int) -> list[ReportExtra]:
        """What was told with each diff of a cycle, in the order of `diffs`."""
        c, e = t.assignment.c, t.report_extra.c
        query = (
            select(e.num_samples, e.metrics)
            .select_from(t.assignment.outerjoin(t.report_extra))
            .where(c.cycle_id == cycle_id, c.diff.is_not(None))
            .order_by(c.id)
        )
        rows = self._connection.execute(query)
        return [ReportExtra(row.num_samples, row.metrics or {}) for row in rows]

    def forget_diffs(self, cycle_id: int) -> None:
        """Delete the reports of a cycle: once averaged, nobody needs a single person's update."""
        c = t.assignment.c
        ids = select(c.id).where(c.cycle_id == cycle_id)
        extra = t.report_extra
        self._connection.execute(delete(extra).where(extra.c.assignment_id.in_(ids)))
        self._connection.execute(
            update(t.assignment).where(c.cycle_id == cycle_id).values(diff=None)
        )

    # What was made of them

    def add_summary(self, checkpoint_id: int, summary: CycleSummary) -> None:
        """Store what is kept of the reports that a checkpoint was made of."""
        self._insert(
            t.checkpoint_summary,
            checkpoint_id=checkpoint_id,
            reports=summary.reports,
            num_samples=summary.num_samples,
            metrics=dict(summary.metrics),
        )

    def checkpoint_infos(self, model_id: int) -> list[CheckpointInfo]:
        """All checkpoints of a model without their bytes, oldest first."""
        c, s = t.checkpoint.c, t.checkpoint_summary.c
        query = (
            select(c.number, c.created_at, s.reports, s.num_samples, s.metrics)
            .select_from(t.checkpoint.outerjoin(t.checkpoint_summary))
            .where(c.model_id == model_id)
            .order_by(c.number)
        )
        return [_info(row) for row in self._connection.execute(query).mappings()]

    def optimizer_memory(self, model_id: int, number: int) -> bytes | None:
        """What the server optimizer remembered when it made checkpoint ``number``: a State."""
        c = t.optimizer_memory.c
        query = select(c.value).where(c.model_id == model_id, c.number == number)
        value = self._connection.execute(query).scalar()
        return None if value is None else bytes(value)

    def set_optimizer_memory(self, model_id: int, number: int, value: bytes) -> None:
        """Store it in the place of what it remembered before."""
        table = t.optimizer_memory
        self._connection.execute(delete(table).where(table.c.model_id == model_id))
        self._connection.execute(
            insert(table).values(model_id=model_id, number=number, value=value)
        )

    # Plumbing

    def _first(self, query: Select[Any]) -> RowMapping | None:
        return self._connection.execute(query.limit(1)).mappings().first()

    def _insert(self, table: Any, **values: Any) -> int:
        result = self._connection.execute(insert(table).values(**values))
        key = result.inserted_primary_key
        return int(key[0]) if key is not None else 0


def _info(row: RowMapping) -> CheckpointInfo:
    summary = (
        None
        if row["reports"] is None
        else CycleSummary(row["reports"], row["num_samples"], row["metrics"])
    )
    return CheckpointInfo(row["number"], row["created_at"], summary)
