"""Reads any message class from its table of fields.

The rules are proto3's: packed and unpacked numbers, unknown fields skipped, the last of several
values of a single field counts, several parts of a sub-message are merged, a later member of a
oneof replaces an earlier one.

It is bounded: nesting by ``MAX_DEPTH``, messages by `MAX_MESSAGES`, lengths by the bytes that
are there, and every byte is looked at a fixed number of times, however the fields are cut up.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import numpy as np

from syft_web.errors import DecodeError
from syft_web.wire.protobuf import (
    DTYPES,
    FIXED32,
    FIXED64,
    FROM_VARINT,
    LENGTH,
    MAX_DEPTH,
    VARINT,
    WIRE_TYPES,
    Buffer,
    decode_packed,
    read_tag,
    read_varint,
    skip_field,
)
from syft_web.wire.schema import Field, Message, fields_of, message_class

__all__ = ["MAX_MESSAGES", "Reader"]

MAX_MESSAGES: Final = 1_000_000
"""Most messages, nested ones counted, in one decoded message (a plan's action has about 15)."""

_M = TypeVar("_M", bound=Message)
_Ranges = list[tuple[int, int]]

_F32: Final = struct.Struct("<f")
_F64: Final = struct.Struct("<d")


@dataclass(slots=True, eq=False)
class _Entry:
    """What reading needs to know of a field met under one tag."""

    name: str
    field: Field
    take: Callable[[Reader, _Draft, _Entry, int, int, int], None]
    oneof: str
    table: _Table | None = None  # of the sub-message, once it was needed


class _Draft:
    """A message being read.

    Attributes:
        values: Attribute name -> value, for the message's class.
        parts: Where the parts of single sub-messages lie; merged at the end.
        chunks: Bytes of repeated numbers (joined where there are several pieces), and offset.
        chosen: Oneof -> its member that was met last.
    """

    __slots__ = ("chosen", "chunks", "parts", "values")

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}
        self.parts: dict[_Entry, _Ranges] = {}
        self.chunks: dict[_Entry, tuple[Any, int]] = {}
        self.chosen: dict[str, _Entry] = {}


@dataclass(frozen=True, slots=True)
class _Table:
    """A message class (or map entry) compiled for reading."""

    by_tag: dict[int, _Entry]
    build: Callable[..., Any]


_tables: Final[dict[type[Message], _Table]] = {}
_entry_tables: Final[dict[str, _Table]] = {}


def _table(cls: type[Message]) -> _Table:
    table = _tables.get(cls)
    if table is None:
        table = _tables[cls] = _compile(fields_of(cls), cls)
    return table


def _entry_table(name: str) -> _Table:
    """The table of an entry of a ``map<string, name>``."""
    table = _entry_tables.get(name)
    if table is None:
        key = Field("key", 1, "string")
        value = Field("value", 2, "message", message=name)

        def build(key: str = "", value: Message | None = None) -> tuple[str, Message]:
            return key, message_class(name)() if value is None else value

        table = _entry_tables[name] = _compile((key, value), build)
    return table


def _compile(fields: Iterable[Field], build: Callable[..., Any]) -> _Table:
    by_tag: dict[int, _Entry] = {}
    for f in fields:
        entry = _Entry(f.name, f, _TAKERS["numeric" if f.numeric else _taker(f)], f.oneof)
        by_tag[f.number << 3 | WIRE_TYPES[f.kind]] = entry
        if f.numeric:
            by_tag[f.number << 3 | LENGTH] = entry
    return _Table(by_tag, build)


def _taker(f: Field) -> str:
    if f.mapping:
        return "mapping"
    if f.kind == "message":
        return "messages" if f.repeated else "message"
    if f.kind == "string":
        return "strings" if f.repeated else "string"
    return {VARINT: "varint", LENGTH: "bytes", FIXED32: "float", FIXED64: "double"}[
        WIRE_TYPES[f.kind]
    ]


class Reader:
    """Reads one outermost message; holds what all its parts share."""

    __slots__ = ("budget", "data", "surprises", "view")

    def __init__(self, data: Buffer, view: memoryview, budget: int) -> None:
        self.data = data
        self.view = view
        self.budget = budget
        self.surprises = 0  # unknown fields, wrong wire types, single fields given twice

    def message(self, cls: type[_M]) -> _M:
        """Reads the whole buffer as one message."""
        result: _M = self.read(_table(cls), [(0, len(self.view))], 0)
        return result

    def read(self, table: _Table, ranges: _Ranges, depth: int) -> Any:
        """Reads a message that lies in one or more ranges of the buffer."""
        if depth > MAX_DEPTH:
            raise DecodeError(f"messages are nested deeper than {MAX_DEPTH}", offset=ranges[0][0])
        self.pay(ranges[0][0])
        draft = _Draft()
        for start, end in ranges:
            self._scan(table.by_tag, draft, start, end, depth)
        values = draft.values
        for entry, parts in draft.parts.items():
            values[entry.name] = self.inner(entry, parts, depth)
        for entry, chunk in draft.chunks.items():
            values[entry.name] = self._array(entry, chunk)
        return table.build(**values)

    def pay(self, offset: int) -> None:
        """Counts a part towards the budget.

        Raises:
            DecodeError: It is used up.
        """
        self.budget -= 1
        if self.budget < 0:
            raise DecodeError("there are too many messages within it", offset=offset)

    def _scan(
        self, by_tag: dict[int, _Entry], draft: _Draft, pos: int, end: int, depth: int
    ) -> None:
        """Reads the fields of one range into a draft."""
        data = self.data
        while pos < end:
            tag = data[pos]
            if tag < 0x80:
                pos += 1
            else:
                tag, pos = read_tag(data, pos, end)
            entry = by_tag.get(tag)
            if entry is None:
                self.surprises += 1
                self.pay(pos)
                pos = skip_field(data, pos, end, tag, depth)
                continue
            start = pos
            wire = tag & 7
            if wire == VARINT:
                stop = pos + 1 if pos < end and data[pos] < 0x80 else read_varint(data, pos, end)[1]
            elif wire == LENGTH:
                if pos < end and data[pos] < 0x80:
                    start = pos + 1
                    stop = start + data[pos]
                else:
                    length, start = read_varint(data, pos, end)
                    stop = start + length
            else:
                stop = pos + (4 if wire == FIXED32 else 8)
            if stop > end:
                raise DecodeError(
                    f"it says it is {stop - start} bytes long, but {end - start} are left",
                    path=entry.name,
                    offset=start,
                )
            entry.take(self, draft, entry, start, stop, depth)
            pos = stop

    def inner(self, entry: _Entry, ranges: _Ranges, depth: int, index: int | None = None) -> Any:
        """Reads a sub-message; an error learns the way to it."""
        table = entry.table
        if table is None:
            f = entry.field
            table = _entry_table(f.message) if f.mapping else _table(message_class(f.message))
            entry.table = table
        try:
            return self.read(table, ranges, depth + 1)
        except DecodeError as error:
            here = entry.name if index is None else f"{entry.name}[{index}]"
            error.path = f"{here}.{error.path}" if error.path else here
            raise

    def _array(self, entry: _Entry, chunk: Any) -> np.ndarray[Any, Any]:
        piece, offset = chunk
        try:
            return decode_packed(entry.field.kind, piece, offset)
        except DecodeError as error:
            error.path = entry.name
            raise

    def put(self, draft: _Draft, entry: _Entry, value: Any, depth: int) -> None:
        """Sets a single value: the last one counts, and of a oneof the last member."""
        if entry.name in draft.values:
            self.surprises += 1
            self.budget -= 1
        elif entry.oneof:
            _choose(self, draft, entry, depth)
        draft.values[entry.name] = value


def _choose(reader: Reader, draft: _Draft, entry: _Entry, depth: int) -> None:
    """A member of a oneof was met: another is unset, but must have been well-formed."""
    before = draft.chosen.get(entry.oneof)
    draft.chosen[entry.oneof] = entry
    if before is not None and before is not entry:
        reader.surprises += 1
        draft.values.pop(before.name, None)
        parts = draft.parts.pop(before, None)
        if parts is not None:
            reader.inner(before, parts, depth)


def _take_varint(
    reader: Reader, draft: _Draft, entry: _Entry, start: int, stop: int, depth: int
) -> None:
    data = reader.data
    value = data[start] if stop - start == 1 else read_varint(data, start, stop)[0]
    reader.put(draft, entry, FROM_VARINT[entry.field.kind](value), depth)


def _take_float(
    reader: Reader, draft: _Draft, entry: _Entry, start: int, stop: int, depth: int
) -> None:
    reader.put(draft, entry, _F32.unpack_from(reader.view, start)[0], depth)


def _take_double(
    reader: Reader, draft: _Draft, entry: _Entry, start: int, stop: int, depth: int
) -> None:
    reader.put(draft, entry, _F64.unpack_from(reader.view, start)[0], depth)


def _take_bytes(
    reader: Reader, draft: _Draft, entry: _Entry, start: int, stop: int, depth: int
) -> None:
    reader.put(draft, entry, bytes(reader.view[start:stop]), depth)


def _text(reader: Reader, entry: _Entry, start: int, stop: int) -> str:
    try:
        return str(reader.view[start:stop], "utf-8")
    except UnicodeDecodeError:
        raise DecodeError("the text is not UTF-8", path=entry.name, offset=start) from None


def _take_string(
    reader: Reader, draft: _Draft, entry: _Entry, start: int, stop: int, depth: int
) -> None:
    reader.put(draft, entry, _text(reader, entry, start, stop), depth)


def _take_strings(
    reader: Reader, draft: _Draft, entry: _Entry, start: int, stop: int, depth: int
) -> None:
    reader.pay(start)
    text = _text(reader, entry, start, stop)
    draft.values.setdefault(entry.name, []).append(text)


def _take_message(
    reader: Reader, draft: _Draft, entry: _Entry, start: int, stop: int, depth: int
) -> None:
    """One part of a single sub-message; merging several is reading them one after another."""
    parts = draft.parts.get(entry)
    if parts is None:
        if entry.oneof:
            _choose(reader, draft, entry, depth)
        draft.parts[entry] = [(start, stop)]
        return
    reader.surprises += 1
    reader.pay(start)
    if start != stop:
        parts.append((start, stop))


def _take_messages(
    reader: Reader, draft: _Draft, entry: _Entry, start: int, stop: int, depth: int
) -> None:
    items = draft.values.setdefault(entry.name, [])
    items.append(reader.inner(entry, [(start, stop)], depth, len(items)))


def _take_mapping(
    reader: Reader, draft: _Draft, entry: _Entry, start: int, stop: int, depth: int
) -> None:
    key, value = reader.inner(entry, [(start, stop)], depth)
    draft.values.setdefault(entry.name, {})[key] = value


def _take_numeric(
    reader: Reader, draft: _Draft, entry: _Entry, start: int, stop: int, depth: int
) -> None:
    """Packed numbers, or one number: the bytes are the same. Several pieces are joined."""
    if start == stop:
        return
    piece: Any = reader.view[start:stop]
    known = draft.chunks.get(entry)
    if known is None:
        draft.chunks[entry] = (piece, start)
        return
    reader.pay(start)
    before, offset = known
    if not isinstance(before, bytearray):
        _require_whole(entry, before, offset)
        before = bytearray(before)
        draft.chunks[entry] = (before, offset)
    _require_whole(entry, piece, start)
    before += piece


def _require_whole(entry: _Entry, piece: memoryview, offset: int) -> None:
    """A piece that is to be joined with others must not end inside a number."""
    kind = entry.field.kind
    partial = (
        piece[-1] >= 0x80 if WIRE_TYPES[kind] == VARINT else len(piece) % DTYPES[kind].itemsize
    )
    if partial:
        raise DecodeError("packed values end inside a number", path=entry.name, offset=offset)


_TAKERS: Final[dict[str, Callable[[Reader, _Draft, _Entry, int, int, int], None]]] = {
    "bytes": _take_bytes,
    "double": _take_double,
    "float": _take_float,
    "mapping": _take_mapping,
    "message": _take_message,
    "messages": _take_messages,
    "numeric": _take_numeric,
    "string": _take_string,
    "strings": _take_strings,
    "varint": _take_varint,
}
