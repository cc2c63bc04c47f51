"""The tables of the grid (after protocol.md section 3.3).

Ids are integers that only grow and are shared by all processes, as PyGrid's are:
plan ids count averaging plans too. Times are seconds since 1970 (UTC) as floats, so
that no database's idea of time zones matters.
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    UniqueConstraint,
)

__all__ = [
    "aggregation_claim",
    "assignment",
    "checkpoint",
    "checkpoint_summary",
    "cycle",
    "metadata",
    "model",
    "optimizer_memory",
    "plan",
    "process",
    "protocol",
    "report_extra",
    "worker",
]

metadata = MetaData()

NAME_LENGTH = 255
"""Longest name or version of a process, in characters."""


def _id() -> Column[int]:
    return Column("id", Integer, primary_key=True, autoincrement=True)


def _process_id(*, unique: bool = False) -> Column[int]:
    return Column(
        "process_id", Integer, ForeignKey("process.id"), nullable=False, index=True, unique=unique
    )


process = Table(
    "process",
    metadata,
    _id(),
    Column("name", String(NAME_LENGTH), nullable=False),
    Column("version", String(NAME_LENGTH), nullable=False),
    Column("client_config", JSON, nullable=False),
    Column("server_config", JSON, nullable=False),
    Column("fixed_diffs", Integer),
    Column("created_at", Float, nullable=False),
    UniqueConstraint("name", "version"),
    sqlite_autoincrement=True,
)
"""One hosted training: a name, a version, their configurations.

``fixed_diffs``: the number of diffs its averaging plan is built for, if it is for one.
"""

plan = Table(
    "plan",
    metadata,
    _id(),
    _process_id(),
    Column("name", String(NAME_LENGTH)),
    Column("is_averaging", Boolean, nullable=False),
    Column("hosted", LargeBinary, nullable=False),
    Column("as_list", LargeBinary),
    Column("as_torchscript", LargeBinary),
    Column("as_tfjs", LargeBinary),
    sqlite_autoincrement=True,
)
"""Plans as hosted, and the variants served to clients (protocol.md section 3.10).

The averaging plan has no name and no variants; its bytes may be empty.
"""

protocol = Table(
    "protocol",
    metadata,
    _id(),
    _process_id(),
    Column("name", String(NAME_LENGTH), nullable=False),
    Column("value", LargeBinary, nullable=False),
    sqlite_autoincrement=True,
)

model = Table(
    "model",
    metadata,
    _id(),
    _process_id(unique=True),
    Column("signature", JSON, nullable=False),
    sqlite_autoincrement=True,
)
"""``signature``: ``[[dtype, [dimension, ...]], ...]`` of the parameters; diffs must have it."""

checkpoint = Table(
    "checkpoint",
    metadata,
    _id(),
    Column("model_id", Integer, ForeignKey("model.id"), nullable=False, index=True),
    Column("number", Integer, nullable=False),
    Column("alias", String(NAME_LENGTH), nullable=False),
    Column("value", LargeBinary, nullable=False),
    Column("created_at", Float, nullable=False),
    # A second aggregation of one cycle would need the same number: the database refuses it.
    UniqueConstraint("model_id", "number"),
    sqlite_autoincrement=True,
)

cycle = Table(
    "cycle",
    metadata,
    _id(),
    _process_id(),
    Column("sequence", Integer, nullable=False),
    Column("started_at", Float, nullable=False),
    Column("ends_at", Float),
    Column("state", String(16), nullable=False, index=True),
    Column("completed_at", Float),
    Column("note", String(1000)),
    UniqueConstraint("process_id", "sequence"),
    sqlite_autoincrement=True,
)
"""``state`` is a `syft_web.grid.records.CycleState`."""

worker = Table(
    "worker",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("process_id", Integer, ForeignKey("process.id")),
    Column("ping", Float),
    Column("download", Float),
    Column("upload", Float),
    Column("created_at", Float, nullable=False),
)

assignment = Table(
    "assignment",
    metadata,
    _id(),
    Column("cycle_id", Integer, ForeignKey("cycle.id"), nullable=False),
    Column("worker_id", String(64), ForeignKey("worker.id"), nullable=False, index=True),
    Column("request_key", String(64), nullable=False),
    Column("assigned_at", Float, nullable=False),
    Column("reported_at", Float),
    Column("diff", LargeBinary),
    UniqueConstraint("cycle_id", "worker_id"),
    Index("ix_assignment_reported", "cycle_id", "reported_at"),
    sqlite_autoincrement=True,
)
"""A worker's place in a cycle. Ids are the order of assignment, in which diffs are summed."""

# The tables below came later. They stand beside the others instead of widening them, so that
# opening an older database makes them and leaves everything in it as it is.

report_extra = Table(
    "report_extra",
    metadata,
    Column("assignment_id", Integer, ForeignKey("assignment.id"), primary_key=True),
    Column("num_samples", Integer),
    Column("metrics", JSON, nullable=False),
)
"""What came with a report beside its diff, if anything did; gone once the cycle has ended."""

checkpoint_summary = Table(
    "checkpoint_summary",
    metadata,
    Column("checkpoint_id", Integer, ForeignKey("checkpoint.id"), primary_key=True),
    Column("reports", Integer, nullable=False),
    Column("num_samples", BigInteger),
    Column("metrics", JSON, nullable=False),
)
"""The reports a checkpoint was made of: how many, on how many samples, their mean metrics."""

optimizer_memory = Table(
    "optimizer_memory",
    metadata,
    Column("model_id", Integer, ForeignKey("model.id"), primary_key=True),
    Column("number", Integer, nullable=False),
    Column("value", LargeBinary, nullable=False),
)
"""What a server optimizer remembers of a model, a State; it belongs to checkpoint ``number``."""

aggregation_claim = Table(
    "aggregation_claim",
    metadata,
    Column("cycle_id", Integer, ForeignKey("cycle.id"), primary_key=True),
    Column("owner", String(64), nullable=False),
    Column("expires_at", Float, nullable=False),
)
"""Which server makes the average of a closed cycle; a dead server's claim runs out."""
