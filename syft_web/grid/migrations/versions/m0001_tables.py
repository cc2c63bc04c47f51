"""The tables of the first version.

Databases that were made before there were migrations have some of them; they get the others.

Revision ID: 0001
Revises:
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables that are not there."""
    there = set(sa.inspect(op.get_bind()).get_table_names())
    for make in (_trainings, _cycles, _results):
        make(there)


def _trainings(there: set[str]) -> None:
    _table(
        there,
        "process",
        _id(),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("version", sa.String(255), nullable=False),
        sa.Column("client_config", sa.JSON, nullable=False),
        sa.Column("server_config", sa.JSON, nullable=False),
        sa.Column("fixed_diffs", sa.Integer),
        sa.Column("created_at", sa.Float, nullable=False),
        sa.UniqueConstraint("name", "version"),
    )
    _table(
        there,
        "plan",
        _id(),
        _process_id(),
        sa.Column("name", sa.String(255)),
        sa.Column("is_averaging", sa.Boolean, nullable=False),
        sa.Column("hosted", sa.LargeBinary, nullable=False),
        sa.Column("as_list", sa.LargeBinary),
        sa.Column("as_torchscript", sa.LargeBinary),
        sa.Column("as_tfjs", sa.LargeBinary),
    )
    _table(
        there,
        "protocol",
        _id(),
        _process_id(),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("value", sa.LargeBinary, nullable=False),
    )
    _table(
        there,
        "model",
        _id(),
        _process_id(unique=True),
        sa.Column("signature", sa.JSON, nullable=False),
    )
    _table(
        there,
        "checkpoint",
        _id(),
        sa.Column("model_id", sa.Integer, sa.ForeignKey("model.id"), nullable=False, index=True),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("alias", sa.String(255), nullable=False),
        sa.Column("value", sa.LargeBinary, nullable=False),
        sa.Column("created_at", sa.Float, nullable=False),
        sa.UniqueConstraint("model_id", "number"),
    )


def _cycles(there: set[str]) -> None:
    _table(
        there,
        "cycle",
        _id(),
        _process_id(),
        sa.Column("sequence", sa.Integer, nullable=False),
        sa.Column("started_at", sa.Float, nullable=False),
        sa.Column("ends_at", sa.Float),
        sa.Column("state", sa.String(16), nullable=False, index=True),
        sa.Column("completed_at", sa.Float),
        sa.Column("note", sa.String(1000)),
        sa.UniqueConstraint("process_id", "sequence"),
    )
    _table(
        there,
        "worker",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("process_id", sa.Integer, sa.ForeignKey("process.id")),
        sa.Column("ping", sa.Float),
        sa.Column("download", sa.Float),
        sa.Column("upload", sa.Float),
        sa.Column("created_at", sa.Float, nullable=False),
    )
    _table(
        there,
        "assignment",
        _id(),
        sa.Column("cycle_id", sa.Integer, sa.ForeignKey("cycle.id"), nullable=False),
        sa.Column(
            "worker_id", sa.String(64), sa.ForeignKey("worker.id"), nullable=False, index=True
        ),
        sa.Column("request_key", sa.String(64), nullable=False),
        sa.Column("assigned_at", sa.Float, nullable=False),
        sa.Column("reported_at", sa.Float),
        sa.Column("diff", sa.LargeBinary),
        sa.UniqueConstraint("cycle_id", "worker_id"),
        sa.Index("ix_assignment_reported", "cycle_id", "reported_at"),
    )


def _results(there: set[str]) -> None:
    _table(
        there,
        "report_extra",
        _other_id("assignment"),
        sa.Column("num_samples", sa.Integer),
        sa.Column("metrics", sa.JSON, nullable=False),
    )
    _table(
        there,
        "checkpoint_summary",
        _other_id("checkpoint"),
        sa.Column("reports", sa.Integer, nullable=False),
        sa.Column("num_samples", sa.BigInteger),
        sa.Column("metrics", sa.JSON, nullable=False),
    )
    _table(
        there,
        "optimizer_memory",
        _other_id("model"),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("value", sa.LargeBinary, nullable=False),
    )


def _table(there: set[str], name: str, *parts: Any) -> None:
    if name not in there:
        counts = any(isinstance(part, sa.Column) and part.autoincrement is True for part in parts)
        op.create_table(name, *parts, **({"sqlite_autoincrement": True} if counts else {}))


def _id() -> sa.Column[int]:
    return sa.Column("id", sa.Integer, primary_key=True, autoincrement=True)


def _other_id(table: str) -> sa.Column[int]:
    return sa.Column(f"{table}_id", sa.Integer, sa.ForeignKey(f"{table}.id"), primary_key=True)


def _process_id(*, unique: bool = False) -> sa.Column[int]:
    key = sa.ForeignKey("process.id")
    return sa.Column("process_id", sa.Integer, key, nullable=False, index=True, unique=unique)
