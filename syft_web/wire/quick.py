"""Reads plainly written messages several times as fast as `syft_web.wire.reader`.

What programs write is plain: every field known and of its own wire type, single fields once,
numbers packed, nothing cut off. That much is read here in one pass and in one function, because
in Python a call costs more than most fields. Whatever is not plain is given up on, whole: the
reader of all of proto3 then starts anew, and it alone knows errors.

Both must agree on everything that is read here; the tests hold them against each other.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from syft_web.errors import DecodeError
from syft_web.wire.protobuf import (
    FIXED32,
    FROM_VARINT,
    LENGTH,
    MAX_DEPTH,
    VARINT,
    WIRE_TYPES,
    Buffer,
    decode_packed,
)
from syft_web.wire.schema import Field, Message, fields_of, message_class

__all__ = ["quick_read"]

_M = TypeVar("_M", bound=Message)

_UNPACK32: Final = struct.Struct("<f").unpack_from
_UNPACK64: Final = struct.Struct("<d").unpack_from

# How a field is read. Numbers, because they are compared for every field of every message:
# those up to _FLOAT have a fixed width, those from _PART on are as long as a varint says.
_DOUBLE, _FLOAT, _INT, _INT64, _PART, _PARTS, _TEXT, _TEXTS, _MAP, _NUMBERS, _BYTES = range(11)

_KEY: Final = 1 << 3 | LENGTH
_VALUE: Final = 2 << 3 | LENGTH
_MASK64: Final = 0xFFFFFFFFFFFFFFFF
_OFTEN: Final = "Role"
_TOO_MANY: Final = "there are too many messages within it"


class _TooManyError(DecodeError):
    """The budget of messages is used up; the other reader would only find the same."""


class _NotPlain(Exception):  # noqa: N818  # no error: it asks for the other reader
    """The bytes need the reader of all of proto3."""


@dataclass(frozen=True, slots=True)
class _Table:
    """A message class compiled for reading.

    Attributes:
        by_tag: Tag -> how, attribute, table of the sub-message, other members of its oneof, and
            what makes a value of the varint or of the packed bytes.
        build: The class.
        often: Whether messages like it often come twice.
    """

    by_tag: dict[int, tuple[int, str, Any, tuple[str, ...], Any]]
    build: Callable[..., Any]
    often: bool


_tables: Final[dict[type[Message], _Table]] = {}


def _table(cls: type[Message]) -> _Table:
    table = _tables.get(cls)
    if table is None:
        # Known before it is filled: some messages contain themselves.
        table = _tables[cls] = _Table({}, cls, cls.__name__ == _OFTEN)
        for f in fields_of(cls):
            wire = LENGTH if f.repeated or f.mapping else WIRE_TYPES[f.kind]
            rivals = [g.name for g in fields_of(cls) if f.oneof and g.oneof == f.oneof and g != f]
            inner = _table(message_class(f.message)) if f.message else None
            make = f.kind if f.numeric else FROM_VARINT.get(f.kind)
            table.by_tag[f.number << 3 | wire] = (_how(f), f.name, inner, tuple(rivals), make)
    return table


def _how(f: Field) -> int:
    if f.mapping:
        return _MAP
    if f.kind == "message":
        return _PARTS if f.repeated else _PART
    if f.kind == "string":
        return _TEXTS if f.repeated else _TEXT
    if f.numeric:
        return _NUMBERS
    if f.kind == "bytes":
        return _BYTES
    if WIRE_TYPES[f.kind] == VARINT:
        return _INT64 if f.kind == "int64" else _INT
    return _FLOAT if WIRE_TYPES[f.kind] == FIXED32 else _DOUBLE


def quick_read(
    cls: type[_M], data: Buffer, view: memoryview, budget: int, *, share: bool = False
) -> _M | None:
    """Reads a message that is plainly written.

    Args:
        cls: Its class.
        data: The bytes, in the form that is quickest to index.
        view: The same bytes; arrays become views of it.
        budget: Most messages, nested ones counted.
        share: See `syft_web.wire.codec.decode`.

    Returns:
        The message, None when the bytes are not plain: they may be wrong, or not.

    Raises:
        DecodeError: They hold more messages than the budget allows.
    """
    try:
        result: _M = _Reading(data, view, budget, share).read(_table(cls), 0, len(view), 0)
    except _TooManyError as error:
        name = cls.__name__
        raise DecodeError(
            f"{name}: {error} (byte {error.offset} of {len(view)})", path=name, offset=error.offset
        ) from None
    except (_NotPlain, DecodeError, IndexError, UnicodeDecodeError, struct.error):
        return None
    return result


class _Reading:
    """One outermost message; holds what all its parts share."""

    __slots__ = ("data", "left", "seen", "share", "view")

    def __init__(self, data: Buffer, view: memoryview, budget: int, share: bool) -> None:
        self.data = data
        self.view = view
        self.left = budget
        self.share = share
        self.seen: dict[bytes, tuple[Any, int]] = {}

    def read(self, table: _Table, pos: int, end: int, depth: int) -> Any:
        """Reads the message between two positions.

        What runs past ``end`` is noticed when the message is over: it ends elsewhere then.
        """
        self.left -= 1
        if self.left < 0:
            raise _TooManyError(_TOO_MANY, offset=pos)
        if depth > MAX_DEPTH:
            raise _NotPlain
        data, by_tag = self.data, table.by_tag
        values: dict[str, Any] = {}
        while pos < end:
            tag = data[pos]
            pos += 1
            if tag >= 0x80:
                tag, pos = _varint(data, pos - 1)
            field = by_tag.get(tag)
            if field is None:
                raise _NotPlain
            how, name, inner, rivals, make = field
            if values and rivals:
                for rival in rivals:
                    if rival in values:
                        raise _NotPlain
            if how <= _FLOAT:
                pos = self._take_fixed(values, how, name, pos)
                continue
            number = data[pos]
            pos += 1
            if number >= 0x80:
                number, pos = _varint(data, pos - 1)
            if how == _PARTS:
                part = self.read(inner, pos, pos + number, depth + 1)
                if name in values:
                    values[name].append(part)
                else:
                    values[name] = [part]
            elif how >= _TEXTS:
                self._take_other(values, how, name, inner, make, pos, pos + number, depth)
            elif name in values:
                raise _NotPlain
            elif how == _PART:
                if inner.often and self.share:
                    values[name] = self._read_shared(inner, pos, pos + number, depth + 1)
                else:
                    values[name] = self.read(inner, pos, pos + number, depth + 1)
            elif how == _TEXT:
                values[name] = str(data[pos : pos + number], "utf-8")
            else:
                small = how == _INT64 and number < 1 << 63
                values[name] = number if small else make(number)
                continue
            pos += number
        if pos != end:
            raise _NotPlain
        return table.build(**values)

    def _read_shared(self, table: _Table, pos: int, end: int, depth: int) -> Any:
        """Reads a message, or takes the one that was read from equal bytes."""
        if end > len(self.view):
            raise _NotPlain
        raw = bytes(self.view[pos:end])
        if raw not in self.seen:
            before = self.left
            self.seen[raw] = self.read(table, pos, end, depth), before - self.left
            return self.seen[raw][0]
        message, cost = self.seen[raw]
        self.left -= cost
        if self.left < 0:
            raise _NotPlain
        return message

    def _take_fixed(self, values: dict[str, Any], how: int, name: str, pos: int) -> int:
        """Reads a float or double; gives the position after it."""
        if name in values:
            raise _NotPlain
        unpack, size = (_UNPACK32, 4) if how == _FLOAT else (_UNPACK64, 8)
        values[name] = unpack(self.view, pos)[0]
        return pos + size

    def _take_other(
        self,
        values: dict[str, Any],
        how: int,
        name: str,
        inner: _Table,
        make: Any,
        pos: int,
        end: int,
        depth: int,
    ) -> None:
        """Reads the kinds of field that a message has few of."""
        if how == _TEXTS:
            self.left -= 1
            if self.left < 0:
                raise _TooManyError(_TOO_MANY, offset=pos)
            values.setdefault(name, []).append(str(self.view[pos:end], "utf-8"))
        elif how == _MAP:
            key, value = self._entry(inner, pos, end, depth + 1)
            values.setdefault(name, {})[key] = value
        elif name in values:
            raise _NotPlain
        elif how == _BYTES:
            values[name] = bytes(self.view[pos:end])
        elif pos < end:
            values[name] = decode_packed(make, self.view[pos:end], pos)

    def _entry(self, inner: _Table, pos: int, end: int, depth: int) -> tuple[str, Any]:
        """Reads an entry of a map: a message of a key and a value, in this order."""
        data = self.data
        self.left -= 1
        if data[pos] != _KEY:
            raise _NotPlain
        size, pos = _varint(data, pos + 1)
        key = str(self.view[pos : pos + size], "utf-8")
        pos += size
        if data[pos] != _VALUE:
            raise _NotPlain
        size, pos = _varint(data, pos + 1)
        if pos + size != end:
            raise _NotPlain
        read = self._read_shared if inner.often and self.share else self.read
        return key, read(inner, pos, end, depth + 1)


def _varint(data: Buffer, pos: int) -> tuple[int, int]:
    """Reads a varint; gives its value as an unsigned 64-bit number, and the position after it."""
    value = shift = 0
    while shift < 70:
        byte = data[pos]
        pos += 1
        if byte < 0x80:
            return (value | byte << shift) & _MASK64, pos
        value |= (byte & 0x7F) << shift
        shift += 7
    raise _NotPlain
