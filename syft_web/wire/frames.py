"""What a WebSocket frame of the grid may hold, around or instead of a message.

Source: protocol.md section 1.2. Import from `syft_web.wire.messages`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from syft_web.wire.narrow import Keys

__all__ = ["ErrorReply", "unwrap"]


@dataclass(frozen=True, slots=True)
class ErrorReply:
    """The grid refused.

    Attributes:
        error: Its words; servers of the original kind append a traceback.
        status: ``"rejected"``, ``"error"``, or empty.
        request_id: Of the frame, when the failure has no envelope.
    """

    error: str
    status: str = ""
    request_id: Any = None

    @property
    def text(self) -> str:
        """Its words without the traceback; empty if there was nothing else."""
        lines = self.error.partition("Traceback (most recent call last)")[0].strip().splitlines()
        return lines[0].strip() if lines else ""

    @staticmethod
    def matches(value: object) -> bool:
        """Whether a reply says ``error`` (maybe without a word) and not only a status."""
        if not isinstance(value, Mapping):
            return False
        return bool(value.get("error")) or ("error" in value and "status" not in value)

    @classmethod
    def from_json(cls, value: object) -> ErrorReply:
        """Narrows an error reply.

        Raises:
            MessageError: ``error`` is missing or no string.
        """
        keys = Keys("error reply", value)
        return cls(keys.text("error"), keys.text("status", ""), keys.values.get("request_id"))

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        out = {"status": self.status} if self.status else {}
        out["error"] = self.error
        if self.request_id is not None:
            out["request_id"] = self.request_id
        return out


def unwrap(value: object) -> object:
    """The message inside an envelope, or the value itself.

    The original grid since September 2020 answers ``cycle-request`` and ``report`` over HTTP
    with the whole WebSocket envelope (protocol.md 1.5.3).
    """
    if isinstance(value, Mapping) and "type" in value and "status" not in value:
        data: object = value.get("data", value)
        return data
    return value
