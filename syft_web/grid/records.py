"""What the store hands out: plain, frozen values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

__all__ = [
    "Assignment",
    "CheckpointInfo",
    "Cycle",
    "CycleRecord",
    "CycleState",
    "CycleSummary",
    "ModelRow",
    "NewPlan",
    "PlanBytes",
    "Process",
    "ReportExtra",
    "Signature",
]

Signature = tuple[tuple[str, tuple[int, ...]], ...]
"""dtype name and shape of every parameter of a model, in order."""


class CycleState(StrEnum):
    """Where a cycle stands.

    ``OPEN`` takes workers and reports. ``AGGREGATING`` is closed for reports, its
    checkpoint is being made; when a server dies here, it or another one begins that step
    again. ``DONE`` and ``FAILED`` are final: with a new checkpoint, or without one because
    the reports could not be averaged or were too few.
    """

    OPEN = "open"
    AGGREGATING = "aggregating"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Process:
    """One hosted training.

    Attributes:
        id: Database id.
        name: Name of the model as clients ask for it.
        version: Its version, text.
        client_config: Delivered to workers unchanged.
        server_config: As hosted; `syft_web.grid.configs.ServerConfig` reads it.
        fixed_diffs: Number of diffs its averaging plan is built for, None for any.
        model_id: Id of its model.
        signature: What every diff must look like.
    """

    id: int
    name: str
    version: str
    client_config: Mapping[str, Any]
    server_config: Mapping[str, Any]
    fixed_diffs: int | None
    model_id: int
    signature: Signature


@dataclass(frozen=True, slots=True)
class Cycle:
    """One round of a process; times in seconds since 1970.

    Attributes:
        id: Database id.
        process_id: Of its process.
        sequence: 1 for the first cycle of a process.
        started_at: When it was opened.
        ends_at: When its time is over; None for no limit.
        state: Where it stands.
        note: What its owner should know of it, if anything: why it failed, or that it goes on
            beyond its end.
    """

    id: int
    process_id: int
    sequence: int
    started_at: float
    ends_at: float | None
    state: CycleState
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Assignment:
    """A worker's place in a cycle; ``reported`` once its diff is stored."""

    id: int
    cycle_id: int
    worker_id: str
    request_key: str
    reported: bool


@dataclass(frozen=True, slots=True)
class PlanBytes:
    """A hosted plan and the variants it can be served as; None where it has no such variant."""

    id: int
    process_id: int
    name: str
    hosted: bytes
    as_list: bytes
    as_torchscript: bytes | None
    as_tfjs: bytes | None


@dataclass(frozen=True, slots=True)
class NewPlan:
    """A plan about to be stored; see `PlanBytes`."""

    name: str
    hosted: bytes
    as_list: bytes
    as_torchscript: bytes | None
    as_tfjs: bytes | None


@dataclass(frozen=True, slots=True)
class ReportExtra:
    """What a worker told with its report beside the diff; clients of PyGrid tell nothing."""

    num_samples: int | None = None
    metrics: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CycleSummary:
    """What is kept of the reports of a cycle.

    Attributes:
        reports: How many there were.
        num_samples: On how many samples, by those who told; None if nobody did.
        metrics: The mean of each over the reports that have it.
    """

    reports: int
    num_samples: int | None
    metrics: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class CheckpointInfo:
    """A checkpoint without its bytes; ``summary`` is None for the one that was hosted."""

    number: int
    created_at: float
    summary: CycleSummary | None


@dataclass(frozen=True, slots=True)
class ModelRow:
    """A hosted process as those see it who watch the grid; `Process` has the rest."""

    id: int
    name: str
    version: str
    created_at: float
    server_config: Mapping[str, Any]
    fixed_diffs: int | None
    model_id: int
    signature: Sequence[tuple[str, Sequence[int]]]


@dataclass(frozen=True, slots=True)
class CycleRecord:
    """A cycle with how many workers had a place in it, and how many of them reported."""

    sequence: int
    state: CycleState
    started_at: float
    ends_at: float | None
    completed_at: float | None
    note: str | None
    workers: int
    reports: int
