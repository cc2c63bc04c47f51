"""The JSON messages of a training cycle, both directions, client and grid.

Every message is a frozen dataclass with ``from_json(value)``, which narrows strictly, and
``to_json()``, which gives plain values for ``json.dumps``. Over HTTP a message travels bare,
over a WebSocket inside an envelope, an object with ``type``, ``data`` and ``request_id``.

Source: protocol.md sections 1.2 and 1.5, protocol-findings.md. Tokens, keys and bytes are left
out of ``repr``.
"""

from __future__ import annotations

import base64
import math
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final

from syft_web.errors import MessageError
from syft_web.wire.frames import ErrorReply, unwrap
from syft_web.wire.metrics import as_metrics, as_samples
from syft_web.wire.narrow import Keys, parse_json

__all__ = [
    "AUTHENTICATE",
    "CYCLE_REQUEST",
    "GET_MODEL",
    "GET_PLAN",
    "GET_PROTOCOL",
    "HOST_TRAINING",
    "REPORT",
    "RETRIEVE_MODEL",
    "SOCKET_PING",
    "SPEED_TEST",
    "AuthenticateReply",
    "AuthenticateRequest",
    "CycleAccepted",
    "CycleRejected",
    "CycleRequest",
    "ErrorReply",
    "HostTrainingReply",
    "HostTrainingRequest",
    "ReportReply",
    "ReportRequest",
    "parse_cycle_reply",
    "parse_json",
    "unwrap",
]

# Message types. Over HTTP the route is "/" and the type (host-training has none).
HOST_TRAINING: Final = "model-centric/host-training"
AUTHENTICATE: Final = "model-centric/authenticate"
CYCLE_REQUEST: Final = "model-centric/cycle-request"
REPORT: Final = "model-centric/report"
SOCKET_PING: Final = "socket-ping"

# Routes that exist over HTTP only.
GET_MODEL: Final = "/model-centric/get-model"
GET_PLAN: Final = "/model-centric/get-plan"
GET_PROTOCOL: Final = "/model-centric/get-protocol"
RETRIEVE_MODEL: Final = "/model-centric/retrieve-model"
SPEED_TEST: Final = "/model-centric/speed-test"


@dataclass(frozen=True, slots=True)
class AuthenticateRequest:
    """Asks for a worker id (protocol.md 1.5.2). No version means the newest."""

    model_name: str
    model_version: str | None = None
    auth_token: str | None = field(default=None, repr=False)

    @classmethod
    def from_json(cls, value: object) -> AuthenticateRequest:
        """Narrows a request; see `MessageError`."""
        keys = Keys("authenticate request", value)
        return cls(
            keys.text("model_name"),
            keys.text_or_none("model_version"),
            keys.text_or_none("auth_token"),
        )

    def to_json(self) -> dict[str, Any]:
        """As plain values; what is None is left out, as syft.js does."""
        return _present(
            model_name=self.model_name,
            model_version=self.model_version,
            auth_token=self.auth_token,
        )


@dataclass(frozen=True, slots=True)
class AuthenticateReply:
    """A worker id was given out."""

    worker_id: str
    requires_speed_test: bool = False

    @classmethod
    def from_json(cls, value: object) -> AuthenticateReply:
        """Narrows a reply; grids before July 2020 send no ``requires_speed_test``."""
        keys = Keys("authenticate reply", value)
        keys.constant("status", "success")
        return cls(keys.text("worker_id"), keys.flag("requires_speed_test", False))

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        return {
            "status": "success",
            "worker_id": self.worker_id,
            "requires_speed_test": self.requires_speed_test,
        }


@dataclass(frozen=True, slots=True)
class CycleRequest:
    """Asks to take part in the present cycle (protocol.md 1.5.3).

    Attributes:
        worker_id: From the `AuthenticateReply`.
        model: Name of the process.
        version: Its version; None is for the newest, which the original grid does not know.
        ping: Milliseconds, None when not measured.
        download: Mbit/s, None when not measured.
        upload: Mbit/s, None when not measured.
    """

    worker_id: str
    model: str
    version: str | None = None
    ping: float | None = None
    download: float | None = None
    upload: float | None = None

    @classmethod
    def from_json(cls, value: object) -> CycleRequest:
        """Narrows a request; see `MessageError`."""
        keys = Keys("cycle request", value)
        return cls(
            keys.text("worker_id"),
            keys.text("model"),
            keys.text_or_none("version"),
            keys.amount("ping"),
            keys.amount("download"),
            keys.amount("upload"),
        )

    def to_json(self) -> dict[str, Any]:
        """As plain values; what is None is left out."""
        return _present(
            worker_id=self.worker_id,
            model=self.model,
            version=self.version,
            ping=self.ping,
            download=self.download,
            upload=self.upload,
        )


@dataclass(frozen=True, slots=True)
class CycleAccepted:
    """The worker is in.

    Attributes:
        request_key: Secret of this worker in this cycle.
        model_id: What to ask ``get-model`` for.
        plans: Name -> what to ask ``get-plan`` for.
        protocols: Name -> what to ask ``get-protocol`` for.
        client_config: As it was hosted.
        model: Name of the process; empty if the grid does not say.
        version: Its version; empty if the grid does not say.
    """

    status: ClassVar[str] = "accepted"
    request_key: str = field(repr=False)
    model_id: int | str
    plans: dict[str, int | str]
    protocols: dict[str, int | str]
    client_config: dict[str, Any]
    model: str = ""
    version: str = ""

    @classmethod
    def from_json(cls, value: object) -> CycleAccepted:
        """Narrows a reply; see `MessageError`."""
        keys = Keys("cycle-request reply", value)
        keys.constant("status", cls.status)
        return cls(
            request_key=keys.text("request_key"),
            model_id=keys.ident("model_id"),
            plans=keys.idents("plans"),
            protocols=keys.idents("protocols", {}),
            client_config=keys.mapping("client_config"),
            model=keys.text("model", ""),
            version=keys.text("version", ""),
        )

    def to_json(self) -> dict[str, Any]:
        """As plain values, keys in the original's order."""
        return {
            "status": self.status,
            "request_key": self.request_key,
            "version": self.version,
            "model": self.model,
            "plans": dict(self.plans),
            "protocols": dict(self.protocols),
            "client_config": dict(self.client_config),
            "model_id": self.model_id,
        }


@dataclass(frozen=True, slots=True)
class CycleRejected:
    """Not this time.

    Attributes:
        timeout: Seconds until it is worth asking again (0 or less: at once);
            None when there will be no more cycles.
    """

    status: ClassVar[str] = "rejected"
    timeout: float | None = None

    @property
    def finished(self) -> bool:
        """Whether training is over: the grid names no time to come back."""
        return self.timeout is None

    @classmethod
    def from_json(cls, value: object) -> CycleRejected:
        """Narrows a reply; the timeout may be a number or a timedelta's text."""
        keys = Keys("cycle-request reply", value)
        keys.constant("status", cls.status)
        return cls(keys.seconds("timeout"))

    def to_json(self) -> dict[str, Any]:
        """As plain values: whole seconds, at least 1 (protocol.md 7.2)."""
        if self.timeout is None:
            return {"status": self.status}
        return {"status": self.status, "timeout": max(1, math.ceil(self.timeout))}


@dataclass(frozen=True, slots=True)
class ReportRequest:
    """Hands in a diff (protocol.md 1.5.4).

    Attributes:
        worker_id: From the `AuthenticateReply`.
        request_key: From the `CycleAccepted`.
        diff: Original minus trained parameters, a State.
        num_samples: On how many samples it was trained; see `syft_web.wire.metrics`. Like the
            next one an extension: not written when None, and unknown to the original grid.
        metrics: Numbers that tell how training went, by name.
    """

    worker_id: str
    request_key: str = field(repr=False)
    diff: bytes = field(repr=False)
    num_samples: int | None = None
    metrics: dict[str, float] | None = None

    @classmethod
    def from_json(cls, value: object) -> ReportRequest:
        """Narrows a request; white space within the base64 is ignored (KotlinSyft wraps it)."""
        keys = Keys("report request", value)
        return cls(
            keys.text("worker_id"),
            keys.text("request_key"),
            keys.base64("diff"),
            as_samples(keys.values.get("num_samples")),
            as_metrics(keys.values.get("metrics")),
        )

    def to_json(self) -> dict[str, Any]:
        """As plain values, the diff as base64; what is None is left out."""
        return _present(
            worker_id=self.worker_id,
            request_key=self.request_key,
            diff=base64.b64encode(self.diff).decode("ascii"),
            num_samples=self.num_samples,
            metrics=self.metrics,
        )


@dataclass(frozen=True, slots=True)
class ReportReply:
    """The diff was stored."""

    @classmethod
    def from_json(cls, value: object) -> ReportReply:
        """Narrows a reply; see `MessageError`."""
        Keys("report reply", value).constant("status", "success")
        return cls()

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        return {"status": "success"}


@dataclass(frozen=True, slots=True)
class HostTrainingRequest:
    """Hosts a process on the grid (protocol.md 1.5.1). Bytes travel as hexadecimal digits.

    Attributes:
        model: A State, the initial parameters.
        plans: Name -> a Plan.
        protocols: Name -> bytes that the grid does not open.
        averaging_plan: A Plan; empty for plain averaging.
        client_config: Must name ``name`` and ``version``; goes to the workers as it is.
        server_config: Cycle length and limits.
    """

    model: bytes = field(repr=False)
    plans: dict[str, bytes] = field(repr=False)
    protocols: dict[str, bytes] = field(repr=False)
    averaging_plan: bytes = field(repr=False)
    client_config: dict[str, Any]
    server_config: dict[str, Any] = field(repr=False)

    @classmethod
    def from_json(cls, value: object) -> HostTrainingRequest:
        """Narrows a request; see `MessageError`."""
        keys = Keys("host-training request", value)
        client_config = keys.mapping("client_config")
        named = Keys(
            "host-training request", {f"client_config.{k}": v for k, v in client_config.items()}
        )
        named.text("client_config.name")
        named.text("client_config.version")
        return cls(
            model=keys.hex("model"),
            plans=keys.hexes("plans", {}),
            protocols=keys.hexes("protocols", {}),
            averaging_plan=keys.hex("averaging_plan"),
            client_config=client_config,
            server_config=keys.mapping("server_config"),
        )

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        return {
            "model": self.model.hex(),
            "plans": {name: raw.hex() for name, raw in self.plans.items()},
            "protocols": {name: raw.hex() for name, raw in self.protocols.items()},
            "averaging_plan": self.averaging_plan.hex(),
            "client_config": dict(self.client_config),
            "server_config": dict(self.server_config),
        }


@dataclass(frozen=True, slots=True)
class HostTrainingReply:
    """The process was hosted."""

    @classmethod
    def from_json(cls, value: object) -> HostTrainingReply:
        """Narrows a reply; see `MessageError`."""
        Keys("host-training reply", value).constant("status", "success")
        return cls()

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        return {"status": "success"}


def parse_cycle_reply(value: object) -> CycleAccepted | CycleRejected:
    """Reads the reply to a `CycleRequest`, bare or in an envelope.

    Raises:
        MessageError: It is neither; an `ErrorReply` is neither too.
    """
    value = unwrap(value)
    status = Keys("cycle-request reply", value).text("status")
    if ErrorReply.matches(value):
        text = ErrorReply.from_json(value).text
        raise MessageError(f"cycle-request reply: the grid refused: {text}", key="error")
    if status == CycleAccepted.status:
        return CycleAccepted.from_json(value)
    if status == CycleRejected.status:
        return CycleRejected.from_json(value)
    raise MessageError(
        'cycle-request reply: the key \'status\' should be "accepted" or "rejected"', key="status"
    )


def _present(**values: Any) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value is not None}
