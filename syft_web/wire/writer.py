"""Writes any message class from its table of fields.

Fields go out in order of their numbers. A sub-message stands behind its length, which is known
only when it is written: its place among the pieces is kept free and filled afterwards, so
nothing is copied until all pieces (arrays as views of their memory) are joined once.
"""

from __future__ import annotations

import math
import operator
import struct
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

import numpy as np

from syft_web.errors import EncodeError
from syft_web.wire.protobuf import LENGTH, MAX_DEPTH, WIRE_TYPES, encode_packed, encode_varint
from syft_web.wire.schema import Field, Message, fields_of, message_class

__all__ = ["Misfit", "write"]

_F32: Final = struct.Struct("<f")
_F64: Final = struct.Struct("<d")
_LIMITS: Final = {
    "enum": (-(2**31), 2**31 - 1),
    "int32": (-(2**31), 2**31 - 1),
    "int64": (-(2**63), 2**63 - 1),
    "sint32": (-(2**31), 2**31 - 1),
    "uint32": (0, 2**32 - 1),
}


class Misfit(Exception):  # noqa: N818  # never leaves the wire room: it becomes an EncodeError
    """A value that its field cannot hold.

    Attributes:
        reason: What is wrong.
        path: Fields on the way to it, outermost first.
    """

    def __init__(self, reason: str) -> None:
        self.reason = reason
        self.path: list[str] = []
        super().__init__(reason)


def write(message: Message, pieces: list[Any], depth: int = 0) -> int:
    """Appends the pieces of a message.

    Args:
        message: The message.
        pieces: Receives bytes and memoryviews.
        depth: Nesting so far.

    Returns:
        The number of bytes appended.

    Raises:
        Misfit: A value cannot be written.
    """
    if depth > MAX_DEPTH:
        raise Misfit(f"messages are nested deeper than {MAX_DEPTH}, or contain themselves")
    size = 0
    chosen: dict[str, str] = {}
    for f, tag, put in _plan(type(message)):
        value = getattr(message, f.name)
        if value is None and (f.oneof or put is _put_message):
            continue
        try:
            if f.oneof and chosen.setdefault(f.oneof, f.name) != f.name:
                raise Misfit(f"{chosen[f.oneof]} is set too, but only one of them may be")
            size += put(f, tag, value, pieces, depth)
        except Misfit as misfit:
            misfit.path.insert(0, f.name)
            raise
    return size


_Put = Callable[[Field, bytes, Any, list[Any], int], int]
_plans: Final[dict[type[Message], tuple[tuple[Field, bytes, _Put], ...]]] = {}


def _plan(cls: type[Message]) -> tuple[tuple[Field, bytes, _Put], ...]:
    """A message class compiled for writing: its fields, their tags and how each is written."""
    plan = _plans.get(cls)
    if plan is None:
        plan = _plans[cls] = tuple((f, _tag(f), _putter(f)) for f in fields_of(cls))
    return plan


def _tag(f: Field) -> bytes:
    wire = LENGTH if f.repeated or f.mapping else WIRE_TYPES[f.kind]
    return encode_varint(f.number << 3 | wire)


def _putter(f: Field) -> _Put:
    if f.mapping:
        return _put_mapping
    if f.numeric:
        return _put_numbers
    if f.repeated:
        return _put_messages if f.kind == "message" else _put_strings
    if f.kind in _LIMITS:
        return _put_int
    return {
        "bool": _put_bool,
        "bytes": _put_bytes,
        "double": _put_float,
        "float": _put_float,
        "message": _put_message,
        "string": _put_string,
    }[f.kind]


def _add(pieces: list[Any], *new: bytes | memoryview) -> int:
    pieces.extend(new)
    return sum(map(len, new))


def _put_int(f: Field, tag: bytes, value: Any, pieces: list[Any], depth: int) -> int:
    try:
        number = operator.index(value)
    except TypeError:
        raise Misfit(f"expected an integer, got {_kind(value)}") from None
    low, high = _LIMITS[f.kind]
    if not low <= number <= high:
        raise Misfit(f"{number} is outside the range of {f.kind} ({low} to {high})")
    if not number and not f.oneof:
        return 0
    if f.kind == "sint32":
        number = number << 1 ^ number >> 31
    return _add(pieces, tag + encode_varint(number))


def _put_bool(f: Field, tag: bytes, value: Any, pieces: list[Any], depth: int) -> int:
    if not isinstance(value, bool | np.bool_):
        raise Misfit(f"expected a bool, got {_kind(value)}")
    if not value and not f.oneof:
        return 0
    return _add(pieces, tag + (b"\x01" if value else b"\x00"))


def _put_float(f: Field, tag: bytes, value: Any, pieces: list[Any], depth: int) -> int:
    if isinstance(value, bool | np.bool_) or not isinstance(
        value, int | float | np.integer | np.floating
    ):
        raise Misfit(f"expected a number, got {_kind(value)}")
    try:
        number = float(value)
        packed = (_F32 if f.kind == "float" else _F64).pack(number)
    except OverflowError:
        raise Misfit(f"{value} is too large for {f.kind}") from None
    if number == 0.0 and math.copysign(1.0, number) > 0 and not f.oneof:
        return 0
    return _add(pieces, tag + packed)


def _put_string(f: Field, tag: bytes, value: Any, pieces: list[Any], depth: int) -> int:
    raw = _utf8(value)
    if not raw and not f.oneof:
        return 0
    return _add(pieces, tag + encode_varint(len(raw)) + raw)


def _put_bytes(f: Field, tag: bytes, value: Any, pieces: list[Any], depth: int) -> int:
    if not isinstance(value, bytes | bytearray | memoryview):
        raise Misfit(f"expected bytes, got {_kind(value)}")
    raw = memoryview(value).cast("B")
    if not len(raw) and not f.oneof:
        return 0
    return _add(pieces, tag + encode_varint(len(raw)), raw)


def _put_message(f: Field, tag: bytes, value: Any, pieces: list[Any], depth: int) -> int:
    cls = message_class(f.message)
    if type(value) is not cls:
        raise Misfit(f"expected {f.message}, got {_kind(value)}")
    place = len(pieces)
    pieces.append(b"")
    size = write(value, pieces, depth + 1)
    pieces[place] = tag + encode_varint(size)
    return size + len(pieces[place])


def _put_messages(f: Field, tag: bytes, value: Any, pieces: list[Any], depth: int) -> int:
    size = 0
    for index, item in enumerate(_many(value)):
        try:
            size += _put_message(f, tag, item, pieces, depth)
        except Misfit as misfit:
            misfit.path.insert(0, f"[{index}]")
            raise
    return size


def _put_strings(f: Field, tag: bytes, value: Any, pieces: list[Any], depth: int) -> int:
    size = 0
    for item in _many(value):
        raw = _utf8(item)
        size += _add(pieces, tag + encode_varint(len(raw)) + raw)
    return size


def _put_mapping(f: Field, tag: bytes, value: Any, pieces: list[Any], depth: int) -> int:
    if not isinstance(value, Mapping):
        raise Misfit(f"expected a dict, got {_kind(value)}")
    size = 0
    for key, item in value.items():
        raw = _utf8(key)
        place = len(pieces)
        pieces.append(b"")
        # An entry is a message of its own: 1 is the key, 2 the value, both always written.
        head = b"\x0a" + encode_varint(len(raw)) + raw
        inner = _add(pieces, head) + _put_message(f, b"\x12", item, pieces, depth + 1)
        pieces[place] = tag + encode_varint(inner)
        size += inner + len(pieces[place])
    return size


def _put_numbers(f: Field, tag: bytes, value: Any, pieces: list[Any], depth: int) -> int:
    try:
        raw = encode_packed(f.kind, value)
    except EncodeError as error:
        raise Misfit(str(error)) from None
    if not len(raw):
        return 0
    return _add(pieces, tag + encode_varint(len(raw)), raw)


def _many(value: Any) -> Iterable[Any]:
    if isinstance(value, list | tuple):
        return value
    raise Misfit(f"expected a list, got {_kind(value)}")


def _utf8(value: Any) -> bytes:
    if not isinstance(value, str):
        raise Misfit(f"expected a str, got {_kind(value)}")
    try:
        return value.encode()
    except UnicodeEncodeError:
        raise Misfit("the text has half a surrogate pair, which UTF-8 cannot hold") from None


def _kind(value: Any) -> str:
    """A value's type for an error message; never its contents."""
    return "None" if value is None else type(value).__name__
