"""What a `PlanTrainer` tells while it trains.

Names and payloads are those of syft.js (protocol.md section 2.4), plus ``error``
and the means of an epoch. Iterating over a trainer gives these objects; a
handler set with ``trainer.on(event.name, handler)`` gets the same ones.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, TypeVar

from syft_web.errors import TrainingError

__all__ = [
    "BatchEnd",
    "BatchStart",
    "Continued",
    "EpochEnd",
    "EpochMeans",
    "EpochStart",
    "Failed",
    "Finished",
    "Handler",
    "Handlers",
    "Number",
    "Paused",
    "Started",
    "Stopped",
    "TrainingEvent",
]

_log = logging.getLogger("syft_web.client")

Handler = Callable[[Any], Any]
"""Called with an event. A coroutine that it returns is run beside the training."""

Number = float | int | bool | list[Any]
"""A tensor as plain Python: a number when it has one element, else nested lists."""


@dataclass(frozen=True, slots=True)
class TrainingEvent:
    """Base of the events; ``name`` is what handlers are registered under."""

    name: ClassVar[str] = ""


@dataclass(frozen=True, slots=True)
class Started(TrainingEvent):
    """Training begins, or goes on after a stop."""

    name: ClassVar[str] = "start"


@dataclass(frozen=True, slots=True)
class EpochStart(TrainingEvent):
    """An epoch begins (again, after a stop within it).

    Attributes:
        epoch: Its number, from 0.
    """

    name: ClassVar[str] = "epochStart"
    epoch: int


@dataclass(frozen=True, slots=True)
class BatchStart(TrainingEvent):
    """A batch is about to be trained on.

    Attributes:
        epoch: Number of the epoch, from 0.
        batch: Number of the batch within the epoch, from 0.
    """

    name: ClassVar[str] = "batchStart"
    epoch: int
    batch: int


@dataclass(frozen=True, slots=True)
class BatchEnd(TrainingEvent):
    """A batch has been trained on; the trainer's current model is updated.

    Attributes:
        epoch: Number of the epoch, from 0.
        batch: Number of the batch within the epoch, from 0.
        loss: What the plan gave as loss, None when it gives none.
        metrics: What the plan gave as metrics, by name.
    """

    name: ClassVar[str] = "batchEnd"
    epoch: int
    batch: int
    loss: Number | None = None
    metrics: dict[str, Number] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class EpochEnd(TrainingEvent):
    """An epoch is over.

    Attributes:
        epoch: Its number, from 0.
        batches: How many batches it had; those before a stop are counted too.
        loss: Mean over those batches, weighted by their sizes; None without a loss.
        metrics: Means in the same way.
    """

    name: ClassVar[str] = "epochEnd"
    epoch: int
    batches: int = 0
    loss: float | None = None
    metrics: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Stopped(TrainingEvent):
    """Training was stopped and can be resumed.

    Attributes:
        epoch: Where it will go on.
        batch: First batch that has not been trained on.
    """

    name: ClassVar[str] = "stop"
    epoch: int
    batch: int


@dataclass(frozen=True, slots=True)
class Paused(TrainingEvent):
    """Training waits, see `PlanTrainer.pause`.

    Attributes:
        why: The reason, in words for a person.
    """

    name: ClassVar[str] = "pause"
    why: str


@dataclass(frozen=True, slots=True)
class Continued(TrainingEvent):
    """Training goes on after a pause."""

    name: ClassVar[str] = "continue"


@dataclass(frozen=True, slots=True)
class Finished(TrainingEvent):
    """All epochs are over."""

    name: ClassVar[str] = "end"


@dataclass(frozen=True, slots=True)
class Failed(TrainingEvent):
    """Training broke off; only handlers see it, others get the exception.

    Attributes:
        error: What happened.
    """

    name: ClassVar[str] = "error"
    error: Exception


EVENTS: tuple[type[TrainingEvent], ...] = (
    Started,
    EpochStart,
    BatchStart,
    BatchEnd,
    EpochEnd,
    Stopped,
    Paused,
    Continued,
    Finished,
    Failed,
)

_E = TypeVar("_E", bound=TrainingEvent)


class Handlers:
    """Functions to call with events, by the events' names."""

    def __init__(self) -> None:
        self._by_name: dict[str, list[Handler]] = {event.name: [] for event in EVENTS}
        self._beside: set[asyncio.Future[Any]] = set()

    def add(self, name: str, handler: Handler) -> None:
        """Call ``handler`` with every event of that name.

        Raises:
            TrainingError: There is no such event.
        """
        if name not in self._by_name:
            raise TrainingError(f"no event {name!r}; the events are {', '.join(self._by_name)}.")
        self._by_name[name].append(handler)

    def emit(self, event: _E) -> _E:
        """Call the event's handlers in the order they were added; gives the event back."""
        for handler in tuple(self._by_name[event.name]):
            result = handler(event)
            if inspect.isawaitable(result):
                # Waiting for it here would lock up a handler that awaits stop().
                task = asyncio.ensure_future(result)
                self._beside.add(task)
                task.add_done_callback(self._done)
        return event

    def _done(self, task: asyncio.Future[Any]) -> None:
        self._beside.discard(task)
        if not task.cancelled() and task.exception() is not None:
            _log.error("an event handler of the trainer failed", exc_info=task.exception())


class EpochMeans:
    """Means of loss and metrics over an epoch, weighted by batch size.

    Attributes:
        batches: How many were added.
    """

    def __init__(self) -> None:
        self.batches = 0
        self._weight = 0
        self._loss: float | None = None
        self._metrics: dict[str, float] = {}

    def add(self, size: int, loss: Number | None, metrics: Mapping[str, Number]) -> None:
        """Count one batch in; what is not a single number has no mean."""
        self.batches += 1
        self._weight += size
        if isinstance(loss, int | float):
            self._loss = (self._loss or 0.0) + size * loss
        for name, value in metrics.items():
            if isinstance(value, int | float):
                self._metrics[name] = self._metrics.get(name, 0.0) + size * value

    def end(self, epoch: int) -> EpochEnd:
        """The event that tells the means."""
        weight = self._weight or 1
        loss = None if self._loss is None else self._loss / weight
        metrics = {name: total / weight for name, total in self._metrics.items()}
        return EpochEnd(epoch, self.batches, loss, metrics)

    def to_json(self) -> dict[str, Any]:
        """Plain values, for a checkpoint in the middle of an epoch."""
        sums = {"loss": self._loss, "metrics": dict(self._metrics)}
        return {"batches": self.batches, "weight": self._weight, **sums}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> EpochMeans:
        """Read what `to_json` wrote.

        Raises:
            TrainingError: It is something else.
        """
        means = cls()
        try:
            means.batches, means._weight = int(value["batches"]), int(value["weight"])
            means._loss = None if value["loss"] is None else float(value["loss"])
            means._metrics = {str(name): float(x) for name, x in value["metrics"].items()}
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise TrainingError(f"checkpoint: epochSums cannot be read: {error!r}.") from error
        return means
