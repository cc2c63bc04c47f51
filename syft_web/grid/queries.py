"""What the service asks of the database, and changes in it, inside one transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import RowMapping, delete, func, insert, or_, select, update

from syft_web.grid import schema as t
from syft_web.grid.engine import WRITING, is_postgres
from syft_web.grid.overview_queries import OverviewQueries
from syft_web.grid.records import (
    Assignment,
    Cycle,
    CycleState,
    NewPlan,
    PlanBytes,
    Process,
    Signature,
)

__all__ = ["LATEST", "Transaction"]

LATEST = "latest"
"""Alias of the newest checkpoint of a model; older ones have the alias ``""``."""

_NAMES_LOCK = 0x73796675
"""Of PostgreSQL; in SQLite a writer is alone anyway."""


class Transaction(OverviewQueries):
    """The questions and changes the service has, inside one transaction."""

    # Processes

    def find_process(self, name: str, version: str | None = None) -> Process | None:
        """The process of that name and version, or the newest of that name."""
        query = _PROCESS.where(t.process.c.name == name).order_by(t.process.c.id.desc())
        if version is not None:
            query = query.where(t.process.c.version == version)
        return _process(self._first(query))

    def get_process(self, process_id: int) -> Process | None:
        """The process of that id."""
        return _process(self._first(_PROCESS.where(t.process.c.id == process_id)))

    def lock_process(self, process_id: int) -> None:
        """Let no other transaction change the cycles of a process until this one has ended.

        Whoever changes a cycle or its reports does this first, and looks at them afterwards:
        with several servers, what was read before may have changed. SQLite has one writer at
        a time anyway.
        """
        # Without key_share everybody who refers to the process, new workers say, would wait.
        query = select(t.process.c.id).where(t.process.c.id == process_id)
        self._connection.execute(query.with_for_update(key_share=True))

    def lock_names(self) -> None:
        """Let no other transaction host a process until this one has ended."""
        if is_postgres(self._connection):
            self._connection.execute(select(func.pg_advisory_xact_lock(_NAMES_LOCK)))

    def add_process(
        self,
        *,
        name: str,
        version: str,
        client_config: Mapping[str, Any],
        server_config: Mapping[str, Any],
        fixed_diffs: int | None,
        averaging_plan: bytes,
        plans: Sequence[NewPlan],
        protocols: Mapping[str, bytes],
        model: bytes,
        signature: Signature,
        now: float,
    ) -> int:
        """Store a whole process, with checkpoint 1; returns its id. Cycle 1 is not made here."""
        process_id = self._insert(
            t.process,
            name=name,
            version=version,
            client_config=client_config,
            server_config=server_config,
            fixed_diffs=fixed_diffs,
            created_at=now,
        )
        for protocol, value in protocols.items():
            self._insert(t.protocol, process_id=process_id, name=protocol, value=value)
        # Before the others, as PyGrid does: clients have seen the ids that follow from it.
        self._insert(t.plan, process_id=process_id, is_averaging=True, hosted=averaging_plan)
        for plan in plans:
            self._insert(
                t.plan,
                process_id=process_id,
                is_averaging=False,
                name=plan.name,
                hosted=plan.hosted,
                as_list=plan.as_list,
                as_torchscript=plan.as_torchscript,
                as_tfjs=plan.as_tfjs,
            )
        model_id = self._insert(t.model, process_id=process_id, signature=signature)
        self.add_checkpoint(model_id, 1, model, now)
        return process_id

    # Assets

    def plan_ids(self, process_id: int) -> dict[str, int]:
        """Name -> id of the plans clients may fetch."""
        query = select(t.plan.c.name, t.plan.c.id).where(
            t.plan.c.process_id == process_id, t.plan.c.is_averaging.is_(False)
        )
        return {row.name: row.id for row in self._connection.execute(query.order_by(t.plan.c.id))}

    def protocol_ids(self, process_id: int) -> dict[str, int]:
        """Name -> id of the protocols."""
        query = select(t.protocol.c.name, t.protocol.c.id).where(
            t.protocol.c.process_id == process_id
        )
        rows = self._connection.execute(query.order_by(t.protocol.c.id))
        return {row.name: row.id for row in rows}

    def get_plan(self, plan_id: int) -> PlanBytes | None:
        """A client plan by id; averaging plans are never handed out."""
        columns = (c for c in t.plan.c if c.name != "is_averaging")
        query = select(*columns).where(t.plan.c.id == plan_id, t.plan.c.is_averaging.is_(False))
        row = self._first(query)
        return None if row is None else PlanBytes(**row)

    def averaging_plan(self, process_id: int) -> bytes:
        """The averaging plan of a process, empty for the built-in average."""
        query = select(t.plan.c.hosted).where(
            t.plan.c.process_id == process_id, t.plan.c.is_averaging.is_(True)
        )
        return bytes(self._connection.execute(query).scalar_one())

    def get_protocol(self, protocol_id: int) -> tuple[int, bytes] | None:
        """``(process id, bytes)`` of a protocol."""
        query = select(t.protocol.c.process_id, t.protocol.c.value)
        row = self._first(query.where(t.protocol.c.id == protocol_id))
        return None if row is None else (row["process_id"], row["value"])

    def process_of_model(self, model_id: int) -> int | None:
        """Id of the process a model belongs to."""
        query = select(t.model.c.process_id).where(t.model.c.id == model_id)
        return self._connection.execute(query).scalar()

    # Checkpoints

    def get_checkpoint(
        self, model_id: int, *, number: int | None = None, alias: str | None = None
    ) -> tuple[int, bytes] | None:
        """``(number, State bytes)`` of a checkpoint by number or alias, or of the newest."""
        c = t.checkpoint.c
        query = select(c.id, c.number).where(c.model_id == model_id).order_by(c.number.desc())
        if number is not None:
            query = query.where(c.number == number)
        if alias is not None:
            query = query.where(c.alias == alias)
        row = self._first(query)
        return None if row is None else (row["number"], self._checkpoint_value(row["id"]))

    def _checkpoint_value(self, checkpoint_id: int) -> bytes:
        query = select(t.checkpoint.c.value).where(t.checkpoint.c.id == checkpoint_id)

        def read() -> bytes:
            return bytes(self._connection.execute(query).scalar_one())

        if self._blobs is None or self._connection.get_execution_options().get(WRITING):
            return read()  # what is being written may yet be undone
        return self._blobs.get(checkpoint_id, read)

    def add_checkpoint(self, model_id: int, number: int, value: bytes, now: float) -> int:
        """Store checkpoint ``number`` of a model as the latest; returns its row's id."""
        c = t.checkpoint.c
        self._connection.execute(
            update(t.checkpoint).where(c.model_id == model_id, c.alias == LATEST).values(alias="")
        )
        return self._insert(
            t.checkpoint,
            model_id=model_id,
            number=number,
            alias=LATEST,
            value=value,
            created_at=now,
        )

    # Workers

    def add_worker(self, worker_id: str, process_id: int, now: float) -> None:
        """Store a worker that has joined for a process."""
        self._connection.execute(
            insert(t.worker).values(id=worker_id, process_id=process_id, created_at=now)
        )

    def has_worker(self, worker_id: str) -> bool:
        """Whether a worker of that id has authenticated."""
        query = select(t.worker.c.id).where(t.worker.c.id == worker_id)
        return self._connection.execute(query).first() is not None

    def process_of_worker(self, worker_id: str) -> int | None:
        """Id of the process a worker has joined for."""
        query = select(t.worker.c.process_id).where(t.worker.c.id == worker_id)
        return self._connection.execute(query).scalar()

    def set_speeds(self, worker_id: str, speeds: Mapping[str, float]) -> None:
        """Store what a worker measured: any of ``ping``, ``download``, ``upload``."""
        if speeds:
            self._connection.execute(
                update(t.worker).where(t.worker.c.id == worker_id).values(**speeds)
            )

    def get_speeds(self, worker_id: str) -> dict[str, float | None]:
        """``download`` and ``upload`` as last told by the worker."""
        query = select(t.worker.c.download, t.worker.c.upload).where(t.worker.c.id == worker_id)
        row = self._first(query)
        return {} if row is None else dict(row)

    # Cycles

    def add_cycle(self, process_id: int, *, started_at: float, ends_at: float | None) -> int:
        """Open the next cycle of a process; returns its id."""
        query = select(func.count()).select_from(t.cycle)
        count = self._connection.execute(query.where(t.cycle.c.process_id == process_id)).scalar()
        return self._insert(
            t.cycle,
            process_id=process_id,
            sequence=(count or 0) + 1,
            started_at=started_at,
            ends_at=ends_at,
            state=CycleState.OPEN,
        )

    def get_cycle(self, cycle_id: int) -> Cycle | None:
        """A cycle by id."""
        return _cycle(self._first(_CYCLE.where(t.cycle.c.id == cycle_id)))

    def current_cycle(self, process_id: int) -> Cycle | None:
        """The newest cycle of a process that is open or being aggregated."""
        states = (CycleState.OPEN, CycleState.AGGREGATING)
        query = _CYCLE.where(t.cycle.c.process_id == process_id, t.cycle.c.state.in_(states))
        return _cycle(self._first(query.order_by(t.cycle.c.id.desc())))

    def newest_cycle(self, process_id: int) -> Cycle | None:
        """The cycle of a process that was opened last, whatever became of it."""
        query = _CYCLE.where(t.cycle.c.process_id == process_id)
        return _cycle(self._first(query.order_by(t.cycle.c.id.desc())))

    def cycles_in(self, state: CycleState) -> list[Cycle]:
        """All cycles in a state, oldest first."""
        query = _CYCLE.where(t.cycle.c.state == state).order_by(t.cycle.c.id)
        rows = self._connection.execute(query).mappings()
        return [cycle for row in rows if (cycle := _cycle(row)) is not None]

    def count_done(self, process_id: int) -> int:
        """How many cycles of a process have made a checkpoint."""
        query = select(func.count()).select_from(t.cycle)
        query = query.where(t.cycle.c.process_id == process_id, t.cycle.c.state == CycleState.DONE)
        return self._connection.execute(query).scalar_one()

    def set_cycle(
        self, cycle_id: int, state: CycleState, *, now: float | None = None, note: str | None = None
    ) -> None:
        """Move a cycle to a state; ``now`` when it is final, ``note`` when there is a reason."""
        values: dict[str, Any] = {"state": state, "completed_at": now}
        if note is not None:
            values["note"] = note[:1000]
        self._connection.execute(update(t.cycle).where(t.cycle.c.id == cycle_id).values(**values))

    # Claims: which server makes an average

    def claim(self, cycle_id: int, owner: str, now: float, seconds: float) -> bool:
        """Take the aggregation of a cycle for some seconds, or for some more.

        Only after `lock_process`, and only of a cycle that is being aggregated.

        Returns:
            Whether ``owner`` has it now. Another one's claim holds until it runs out; one that
            runs out later than any could was made before the clock was set back.
        """
        c = t.aggregation_claim.c
        free = or_(c.owner == owner, c.expires_at <= now, c.expires_at > now + 2 * seconds)
        taken = self._connection.execute(
            update(t.aggregation_claim)
            .where(c.cycle_id == cycle_id, free)
            .values(owner=owner, expires_at=now + seconds)
        )
        if taken.rowcount:
            return True
        query = select(c.cycle_id).where(c.cycle_id == cycle_id)
        if self._connection.execute(query).first() is not None:
            return False
        self._insert(t.aggregation_claim, cycle_id=cycle_id, owner=owner, expires_at=now + seconds)
        return True

    def release(self, cycle_id: int) -> None:
        """Delete the claim of a cycle that has ended."""
        table = t.aggregation_claim
        self._connection.execute(delete(table).where(table.c.cycle_id == cycle_id))

    # Assignments

    def assign(self, cycle_id: int, worker_id: str, request_key: str, now: float) -> int:
        """Give a worker a place in a cycle; returns the assignment's id."""
        return self._insert(
            t.assignment,
            cycle_id=cycle_id,
            worker_id=worker_id,
            request_key=request_key,
            assigned_at=now,
        )

    def assignment_in(self, cycle_id: int, worker_id: str) -> Assignment | None:
        """A worker's assignment in a cycle."""
        c = t.assignment.c
        query = _ASSIGNMENT.where(c.cycle_id == cycle_id, c.worker_id == worker_id)
        return _assignment(self._first(query))

    def count_places(self, cycle_id: int, since: float) -> int:
        """How many places are taken: by those who reported, and those who joined ``since``."""
        c = t.assignment.c
        query = select(func.count()).select_from(t.assignment)
        query = query.where(
            c.cycle_id == cycle_id, or_(c.reported_at.is_not(None), c.assigned_at >= since)
        )
        return self._connection.execute(query).scalar_one()

    def last_participation(self, process_id: int, worker_id: str) -> int | None:
        """The sequence of the newest cycle of a process in which a worker has had a place."""
        a, c = t.assignment, t.cycle
        query = (
            select(func.max(c.c.sequence))
            .select_from(a.join(c, a.c.cycle_id == c.c.id))
            .where(a.c.worker_id == worker_id, c.c.process_id == process_id)
        )
        return self._connection.execute(query).scalar()

    def assignment_of(self, worker_id: str, request_key: str) -> Assignment | None:
        """The assignment a request key was given out for."""
        c = t.assignment.c
        query = _ASSIGNMENT.where(c.worker_id == worker_id, c.request_key == request_key)
        return _assignment(self._first(query))


_PROCESS = select(t.process, t.model.c.id.label("model_id"), t.model.c.signature).join(
    t.model, t.model.c.process_id == t.process.c.id
)
_CYCLE = select(t.cycle)
_ASSIGNMENT = select(
    t.assignment.c.id,
    t.assignment.c.cycle_id,
    t.assignment.c.worker_id,
    t.assignment.c.request_key,
    t.assignment.c.reported_at.is_not(None).label("reported"),
)


def _process(row: RowMapping | None) -> Process | None:
    if row is None:
        return None
    return Process(
        id=row["id"],
        name=row["name"],
        version=row["version"],
        client_config=row["client_config"],
        server_config=row["server_config"],
        fixed_diffs=row["fixed_diffs"],
        model_id=row["model_id"],
        signature=tuple((dtype, tuple(shape)) for dtype, shape in row["signature"]),
    )


def _cycle(row: RowMapping | None) -> Cycle | None:
    if row is None:
        return None
    return Cycle(
        id=row["id"],
        process_id=row["process_id"],
        sequence=row["sequence"],
        started_at=row["started_at"],
        ends_at=row["ends_at"],
        state=CycleState(row["state"]),
        note=row["note"],
    )


def _assignment(row: RowMapping | None) -> Assignment | None:
    return None if row is None else Assignment(**{**row, "reported": bool(row["reported"])})
