"""The steps of a job as values: where it stands, what to do next, how it ended."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from syft_web.client.model import Model
from syft_web.errors import SyftError
from syft_web.plan.plan import Plan
from syft_web.wire.reasons import Reason, in_words

__all__ = [
    "NOT_MEASURED",
    "Accepted",
    "Ask",
    "Countdown",
    "Failed",
    "Fetch",
    "Measure",
    "Outcome",
    "Progress",
    "Rejected",
    "Reported",
    "Request",
    "Speed",
    "Step",
]


class Step(enum.Enum):
    """Where a job stands."""

    IDLE = "idle"
    AUTHENTICATING = "authenticating"
    MEASURING = "measuring"
    REQUESTING = "requesting"
    DOWNLOADING = "downloading"
    ACCEPTED = "accepted"
    REPORTING = "reporting"
    REPORTED = "reported"
    REJECTED = "rejected"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Speed:
    """What was measured.

    Attributes:
        ping: Round trip in ms.
        download: Mbit/s towards the worker.
        upload: Mbit/s towards the grid.
    """

    ping: float
    download: float
    upload: float


NOT_MEASURED = Speed(0, 0, 0)
"""What a worker sends when the grid asks for no speed test."""


@dataclass(frozen=True, slots=True)
class Ask:
    """Send a control message; answer with `JobProtocol.receive`.

    Attributes:
        type: Message type, e.g. ``"model-centric/authenticate"``.
        data: Its object, bytes as they are. Holds the token or keys: never log it.
        during: The protocol step, for errors: ``"authenticate"``, ...
    """

    type: str
    data: Mapping[str, Any] = field(repr=False)
    during: str


@dataclass(frozen=True, slots=True)
class Measure:
    """Measure the connection; answer with `JobProtocol.receive_speed`."""

    worker_id: str


@dataclass(frozen=True, slots=True)
class Fetch:
    """Download an asset over HTTP; answer with `JobProtocol.receive_asset`.

    Attributes:
        during: ``"get-model"``, ``"get-plan"``, ``"get-protocol"`` or ``"retrieve-model"``.
        asset: ``"model"``, ``"plan NAME"`` or ``"protocol NAME"``.
        name: NAME, empty for the model.
        path: HTTP route.
        query: Its query. Holds the request key: never log it.
    """

    during: str
    asset: str
    name: str
    path: str
    query: dict[str, str | int] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Accepted:
    """The worker takes part in the cycle, and everything it needs is here.

    Attributes:
        model: Parameters to start from.
        plans: Loaded plans by the name they were hosted under.
        protocols: Protocols as stored by the grid, by name.
        client_config: What the model's owner asks of workers (``batch_size``, ``lr``, ...).
        version: Version of the model.
    """

    model: Model
    plans: dict[str, Plan]
    protocols: dict[str, bytes]
    client_config: dict[str, Any]
    version: str


@dataclass(frozen=True, slots=True)
class Rejected:
    """The worker does not take part now.

    Attributes:
        timeout: Seconds until it is worth asking again, at least 1; None when training of this
            model is finished.
        reason: Why, a code of `syft_web.wire.reasons`; None if the grid does not say.
    """

    timeout: float | None
    reason: str | None = None

    @property
    def finished(self) -> bool:
        """Whether training of this model has ended for good."""
        return self.timeout is None

    def __str__(self) -> str:
        if self.timeout is None and self.reason in (None, Reason.FINISHED):
            return "Training of this model has finished: the grid needs no further work."
        why = f": {in_words(self.reason)}" if self.reason else ""
        if self.timeout is None:
            return f"Training of this model has ended{why}."
        return f"Not this time{why}. The grid asks to try again in {_duration(self.timeout)}."


@dataclass(frozen=True, slots=True)
class Reported:
    """The grid has taken the diff.

    Attributes:
        reason: Why it does not count, a code of `syft_web.wire.reasons`; None if it does, or
            the grid does not say.
    """

    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Failed:
    """The walk ended with an error; the job may be started again."""

    error: SyftError


Request = Ask | Measure | Fetch
Outcome = Accepted | Rejected | Reported | Failed


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a job is.

    Attributes:
        stage: ``"turn"`` (waiting for another tab or process that trains the same model),
            ``"authenticate"``, ``"speed-test"``, ``"cycle-request"``, ``"download"`` or
            ``"report"``; given once as each begins, and again with every piece of a download.
        asset: What is downloaded: ``"model"``, ``"plan NAME"``, ``"protocol NAME"``; else empty.
        received: Bytes so far.
        total: Bytes in all; None until the end where the grid does not say, and for what comes
            compressed.
    """

    stage: str
    asset: str = ""
    received: int = 0
    total: int | None = None


@dataclass(frozen=True, slots=True)
class Countdown:
    """A wait before the job asks the grid again; told about once a second.

    Attributes:
        seconds: How long it still is.
        why: What it waits for, in words.
    """

    seconds: float
    why: str

    def __str__(self) -> str:
        return f"{self.why} Asking again in {_duration(self.seconds)}."


def _duration(seconds: float) -> str:
    """A wait in words: ``"45 seconds"``, ``"2 h 5 min"``."""
    whole = max(1, round(seconds))
    if whole < 60:
        return f"{whole} second{'s' if whole != 1 else ''}"
    minutes, hours = -(-whole // 60) % 60, -(-whole // 60) // 60
    if not hours:
        return f"{minutes} min"
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"
