"""Narrowing: from whatever a JSON text held to values of known types.

Unknown keys are tolerated. A key that is missing or has the wrong type is an error that names
the message, the key, what was expected and what was there (its type, never its value).
"""

from __future__ import annotations

import base64
import binascii
import json
import math
import re
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar, cast

from syft_web.errors import MessageError

__all__ = ["Keys", "as_seconds", "parse_json"]

_T = TypeVar("_T")
_REQUIRED: Final = object()


def parse_json(text: str | bytes | bytearray, name: str = "message") -> object:
    """Parses a JSON text, with Python's NaN and Infinity, which PySyft's clients send.

    Args:
        text: The text, or its UTF-8 bytes.
        name: What it is, for the error message.

    Returns:
        The value, not narrowed yet.

    Raises:
        MessageError: It is not JSON, or nested too deeply.
    """
    try:
        value: object = json.loads(text)
    except RecursionError:
        raise MessageError(f"{name}: the JSON text is nested too deeply") from None
    except ValueError as error:  # JSONDecodeError and UnicodeDecodeError are kinds of it
        reason = str(error) if isinstance(error, json.JSONDecodeError) else type(error).__name__
        raise MessageError(f"{name}: not a JSON text ({reason})") from None
    return value


def as_seconds(value: object) -> float | None:
    """A duration as seconds: a number, or Python's text of a timedelta.

    Reads ``10``, ``7:59:59.123456``, ``3 days, 0:00:04.972930`` and ``-1 day, 23:59:59.97``
    (protocol-findings.md number 17); a plain number may also come as text.

    Args:
        value: What a JSON text held.

    Returns:
        Seconds, negative for a moment that has passed; None if it is no duration.
    """
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _finite(value)
    match = _DURATION.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None:
        return None
    if match["number"] is not None:
        return _finite(float(match["number"]))
    hours, minutes = int(match["hours"]), int(match["minutes"])
    return _finite(
        int(match["days"] or 0) * 86400.0 + hours * 3600 + minutes * 60 + float(match["seconds"])
    )


_DURATION: Final = re.compile(
    r"(?P<number>[+-]?\d{1,15}(\.\d{1,15})?)"
    r"|((?P<days>[+-]?\d{1,9}) days?, )?(?P<hours>\d{1,9}):(?P<minutes>[0-5]?\d):"
    r"(?P<seconds>[0-5]?\d(\.\d{1,9})?)",
    re.ASCII,
)


def _finite(value: float) -> float | None:
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


class Keys:
    """The keys of one JSON message, to be taken one by one.

    Args:
        message: The message's name, for errors.
        value: What a JSON text held.

    Raises:
        MessageError: The value is not an object.
    """

    __slots__ = ("message", "values")

    def __init__(self, message: str, value: object) -> None:
        self.message = message
        if not isinstance(value, Mapping):
            raise MessageError(f"{message}: expected an object, got {_kind(value)}")
        self.values: Mapping[str, Any] = value

    def text(self, key: str, default: Any = _REQUIRED) -> str:
        """A string."""
        return self._take(key, "a string", _as_text, default)

    def text_or_none(self, key: str) -> str | None:
        """A string; None when null or absent."""
        return None if self.values.get(key) is None else self.text(key)

    def flag(self, key: str, default: Any = _REQUIRED) -> bool:
        """A bool."""
        return self._take(key, "true or false", _as_flag, default)

    def ident(self, key: str) -> int | str:
        """A database id: an integer or a string."""
        return cast("int | str", self._take(key, "an integer or a string", _as_ident))

    def idents(self, key: str, default: Any = _REQUIRED) -> dict[str, int | str]:
        """An object of name -> id."""
        return self._take(key, "an object of name -> id", _as_idents, default)

    def mapping(self, key: str, default: Any = _REQUIRED) -> dict[str, Any]:
        """An object, as it is."""
        return self._take(key, "an object", _as_object, default)

    def amount(self, key: str) -> float | None:
        """A number, 0 or more, maybe infinite; None when null or absent."""
        if self.values.get(key) is None:
            return None
        return self._take(key, "a number, 0 or more", _as_amount)

    def seconds(self, key: str) -> float | None:
        """A duration (see `as_seconds`); None when null or absent."""
        if self.values.get(key) is None:
            return None
        return self._take(key, "a duration (seconds, or a text as 1:02:03.5)", as_seconds)

    def base64(self, key: str) -> bytes:
        """Bytes as base64, white space ignored, or as they are."""
        return self._take(key, "base64", _from_base64)

    def hex(self, key: str) -> bytes:
        """Bytes as hexadecimal digits, or as they are."""
        return self._take(key, "hexadecimal digits", _from_hex)

    def hexes(self, key: str, default: Any = _REQUIRED) -> dict[str, bytes]:
        """An object of name -> bytes as hexadecimal digits."""
        names = self.mapping(key, default)
        inner = Keys(self.message, {f"{key}.{name}": text for name, text in names.items()})
        return {name: inner.hex(f"{key}.{name}") for name in names}

    def constant(self, key: str, expected: str) -> str:
        """A string that must have one value."""
        return self._take(
            key, f'"{expected}"', lambda value: expected if value == expected else None
        )

    def _take(
        self,
        key: str,
        expected: str,
        narrow: Callable[[object], _T | None],
        default: Any = _REQUIRED,
    ) -> _T:
        value = self.values.get(key, default)
        if value is _REQUIRED:
            raise MessageError(
                f"{self.message}: the key '{key}' is missing (expected {expected})", key=key
            )
        narrowed = narrow(value)
        if narrowed is None:
            raise MessageError(
                f"{self.message}: the key '{key}' should be {expected}, got {_kind(value)}", key=key
            )
        return narrowed


def _kind(value: object) -> str:
    """The JSON type of a value; of texts the length too, of nothing the contents."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "a bool"
    if isinstance(value, str):
        return f"a string of {len(value)} characters" if value else "an empty string"
    if isinstance(value, int | float):
        return "a number"
    if isinstance(value, list):
        return "a list"
    return "an object" if isinstance(value, Mapping) else type(value).__name__


def _as_text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _as_flag(value: object) -> bool | None:
    return value if isinstance(value, bool) else None


def _as_ident(value: object) -> int | str | None:
    return value if isinstance(value, int | str) and not isinstance(value, bool) else None


def _as_idents(value: object) -> dict[str, int | str] | None:
    if not isinstance(value, Mapping):
        return None
    ids = {
        str(name): ident for name, item in value.items() if (ident := _as_ident(item)) is not None
    }
    return ids if len(ids) == len(value) else None


def _as_object(value: object) -> dict[str, Any] | None:
    return dict(value) if isinstance(value, Mapping) else None


def _as_amount(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return value if value >= 0 else None


def _from_base64(value: object) -> bytes | None:
    if isinstance(value, bytes):
        return value
    if not isinstance(value, str):
        return None
    try:
        return base64.b64decode("".join(value.split()).encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError):
        return None


def _from_hex(value: object) -> bytes | None:
    if isinstance(value, bytes):
        return value
    try:
        return bytes.fromhex(value) if isinstance(value, str) else None
    except ValueError:
        return None
