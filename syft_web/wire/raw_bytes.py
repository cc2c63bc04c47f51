"""Bytes within messages: written as text where JSON carries them, and where they may stand."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from typing import Any, Final

from syft_web.wire.names import HOST_TRAINING, REPORT

__all__ = ["as_json", "has_stray_bytes"]

_BYTES_IN: Final = {
    HOST_TRAINING: frozenset(["model", "plans", "protocols", "averaging_plan"]),
    REPORT: frozenset(["diff"]),
}
"""Message type -> the keys of its data that are bytes, or objects of bytes."""


def as_json(message_type: str, data: Mapping[str, Any]) -> dict[str, Any]:
    """The data of a message with its bytes as JSON can carry them.

    Args:
        message_type: Its type: hosting wants hexadecimal digits, everything else base64.
        data: What ``to_plain()`` gave, or other plain values.
    """
    encode = _hex_digits if message_type == HOST_TRAINING else _base64_text
    return {key: _with_texts(item, encode) for key, item in data.items()}


def has_stray_bytes(envelope: Mapping[str, Any]) -> bool:
    """Whether an envelope holds bytes where its message has none.

    What reads messages expects what JSON can hold, and bytes only where it knows of them.
    """
    kind, data = envelope.get("type"), envelope.get("data")
    allowed = _BYTES_IN.get(kind, frozenset()) if isinstance(kind, str) else frozenset()
    if not isinstance(data, Mapping):
        return _holds_bytes(envelope)
    return _holds_bytes([item for key, item in envelope.items() if key != "data"]) or _holds_bytes(
        [item for key, item in data.items() if key not in allowed]
    )


def _holds_bytes(value: object) -> bool:
    if isinstance(value, bytes):
        return True
    if isinstance(value, Mapping):
        return any(map(_holds_bytes, value.values()))
    return isinstance(value, list) and any(map(_holds_bytes, value))


def _with_texts(value: object, encode: Callable[[bytes], str]) -> Any:
    if isinstance(value, bytes | bytearray | memoryview):
        return encode(bytes(value))
    if isinstance(value, Mapping):
        return {key: _with_texts(item, encode) for key, item in value.items()}
    return value


def _hex_digits(raw: bytes) -> str:
    return raw.hex()


def _base64_text(raw: bytes) -> str:
    return base64.b64encode(raw).decode("ascii")
