"""The JSON messages of a training cycle, both directions, client and grid.

Every message is a frozen dataclass with ``from_json(value)``, which narrows strictly, and
``to_json()``, which gives plain values for ``json.dumps``. Over HTTP a message travels bare,
over a WebSocket inside an envelope, an object with ``type``, ``data`` and ``request_id``. Those
that carry bytes also have ``to_plain()``, which leaves them as they are, for binary frames (see
`syft_web.wire.frames`); ``from_json`` reads both forms.

Source: protocol.md sections 1.2 and 1.5, protocol-findings.md. Tokens, keys and bytes are left
out of ``repr``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, ClassVar

from syft_web.errors import MessageError
from syft_web.wire.frames import unwrap
from syft_web.wire.metrics import as_metrics, as_samples
from syft_web.wire.names import (
    AUTHENTICATE,
    CYCLE_REQUEST,
    GET_MODEL,
    GET_PLAN,
    GET_PROTOCOL,
    HOST_TRAINING,
    REPORT,
    RETRIEVE_MODEL,
    SOCKET_PING,
    SPEED_TEST,
)
from syft_web.wire.narrow import Keys, parse_json
from syft_web.wire.raw_bytes import as_json

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
    "HostTrainingReply",
    "HostTrainingRequest",
    "ReportReply",
    "ReportRequest",
    "as_json",
    "parse_cycle_reply",
    "parse_json",
    "unwrap",
]


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
        reason: Why, one of `syft_web.wire.reasons` or a newer code; None if the grid does not
            say. An extension: the original grid never does.
    """

    status: ClassVar[str] = "rejected"
    timeout: float | None = None
    reason: str | None = None

    @property
    def finished(self) -> bool:
        """Whether training is over: the grid names no time to come back."""
        return self.timeout is None

    @classmethod
    def from_json(cls, value: object) -> CycleRejected:
        """Narrows a reply; the timeout may be a number or a timedelta's text."""
        keys = Keys("cycle-request reply", value)
        keys.constant("status", cls.status)
        return cls(keys.seconds("timeout"), _reason(keys))

    def to_json(self) -> dict[str, Any]:
        """As plain values: whole seconds, at least 1 (protocol.md 7.2); nothing for None."""
        timeout = None if self.timeout is None else max(1, math.ceil(self.timeout))
        return _present(status=self.status, timeout=timeout, reason=self.reason)


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
        return as_json(REPORT, self.to_plain())

    def to_plain(self) -> dict[str, Any]:
        """As plain values and the diff's bytes; what is None is left out."""
        return _present(
            worker_id=self.worker_id,
            request_key=self.request_key,
            diff=self.diff,
            num_samples=self.num_samples,
            metrics=self.metrics,
        )


@dataclass(frozen=True, slots=True)
class ReportReply:
    """The diff was taken.

    Attributes:
        reason: Why it does not count (see `syft_web.wire.reasons`), None if it does. An
            extension: the original grid never says so.
    """

    reason: str | None = None

    @classmethod
    def from_json(cls, value: object) -> ReportReply:
        """Narrows a reply; see `MessageError`."""
        keys = Keys("report reply", value)
        keys.constant("status", "success")
        return cls(_reason(keys))

    def to_json(self) -> dict[str, Any]:
        """As plain values; what is None is left out."""
        return _present(status="success", reason=self.reason)


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
        return as_json(HOST_TRAINING, self.to_plain())

    def to_plain(self) -> dict[str, Any]:
        """As plain values and bytes."""
        return {
            "model": self.model,
            "plans": dict(self.plans),
            "protocols": dict(self.protocols),
            "averaging_plan": self.averaging_plan,
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
    """Narrows the reply to a `CycleRequest`; whether it is an error must be known before.

    Raises:
        MessageError: It is neither.
    """
    status = Keys("cycle-request reply", value).text("status")
    if status == CycleAccepted.status:
        return CycleAccepted.from_json(value)
    if status == CycleRejected.status:
        return CycleRejected.from_json(value)
    raise MessageError(
        'cycle-request reply: the key \'status\' should be "accepted" or "rejected"', key="status"
    )


def _reason(keys: Keys) -> str | None:
    """Whatever is no text is taken for no reason: clients shall not fail by an extension."""
    value = keys.values.get("reason")
    return value if isinstance(value, str) else None


def _present(**values: Any) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value is not None}
