"""Which generation of syft-proto some bytes were written with.

Four layouts of the same messages are in circulation (protocol.md section 4.3):

* ``G1`` (syft-proto 0.2.1 to 0.2.5): a Plan lists operations with whole placeholders in them.
* ``G2`` (0.2.9.a2 to 0.3.1): roles and placeholder ids appear; a Plan knows ``is_built``.
* ``G3`` (0.4.0 to 0.4.7): a Plan loses ``is_built``, a Protocol gets roles.
* ``G4`` (0.4.8 to 0.5.3): a Placeholder is renumbered, a Plan gets several roles. Read here.

Protobuf does not carry a version, so the bytes are checked against each layout strictly:
every field known, of the right wire type, and once only where it is not repeated.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from syft_web.errors import DecodeError
from syft_web.wire.protobuf import (
    FIXED32,
    FIXED64,
    LENGTH,
    MAX_DEPTH,
    VARINT,
    WIRE_TYPES,
    Buffer,
    read_tag,
    read_varint,
)
from syft_web.wire.schema import (
    Message,
    fields_of,
    message,
    message_class,
    repeated,
    scalar,
    wire_message,
)

__all__ = ["LAYERED", "MAX_FIELDS", "OldPlaceholder", "OldState", "fits", "generation"]

LAYERED: Final = ("Plan", "State", "Protocol")
"""The messages that are sent on their own and differ between the generations."""

MAX_FIELDS: Final = 100_000
"""Most fields, nested ones counted, that are looked at to find out a generation."""

# A field's kind: a kind of protobuf.WIRE_TYPES or a message name; "*" = repeated; "%" = map to it.
_Layout = Mapping[int, str]

_OLD_PLACEHOLDER: Final[_Layout] = {1: "Id", 2: "string*", 3: "string", 4: "Shape"}
_ARG_1: Final[_Layout] = {
    1: "bool",
    2: "int64",
    3: "float",
    4: "string",
    5: "Shape",
    6: "TorchTensor",
    7: "Parameter",
    8: "PointerTensor",
    9: "Placeholder",
}
_OLD_PROTOCOL: Final[dict[str, _Layout]] = {
    "Protocol": {1: "Id", 2: "string*", 3: "string", 4: "bool", 5: "PlanAssignment*"},
    "PlanAssignment": {1: "Id", 2: "Id"},
}

_GENERATIONS: Final[dict[str, dict[str, _Layout]]] = {
    "G1": {
        **_OLD_PROTOCOL,
        "Plan": {
            1: "Id",
            2: "Operation*",
            3: "State",
            4: "bool",
            5: "bool",
            6: "string",
            7: "string*",
            8: "string",
            9: "Placeholder*",
        },
        "Operation": {
            1: "string",
            2: "PointerTensor",
            3: "Placeholder",
            4: "TorchTensor",
            5: "Arg*",
            6: "%Arg",
            7: "Id*",
            8: "Placeholder*",
        },
        "Placeholder": {1: "Id", 2: "string*", 3: "string"},
        "Arg": _ARG_1,
    },
    "G2": {
        **_OLD_PROTOCOL,
        "Plan": {
            1: "Id",
            2: "Role",
            3: "bool",
            4: "bool",
            5: "string",
            6: "string*",
            7: "string",
            8: "bytes",
        },
        "Placeholder": _OLD_PLACEHOLDER,
        "Arg": {**_ARG_1, 10: "PlaceholderId"},
    },
    "G3": {
        "Plan": {
            1: "Id",
            2: "Role",
            3: "bool",
            4: "string",
            5: "string*",
            6: "string",
            7: "bytes",
            8: "NestedTypeWrapper",
        },
        "Placeholder": _OLD_PLACEHOLDER,
    },
    "G4": {},
}


@wire_message
class OldPlaceholder(Message):
    """A placeholder as generations G1 to G3 number it."""

    id: Message | None = message(1, "Id")
    tags: list[str] = repeated(2, "string")
    description: str = scalar(3, "string")
    expected_shape: Message | None = message(4, "Shape")


@wire_message
class OldState(Message):
    """A state of generations G1 to G3: only its placeholders differ from today's."""

    placeholders: list[OldPlaceholder] = repeated(1, "OldPlaceholder")
    tensors: list[Message] = repeated(2, "StateTensor")


def generation(data: Buffer, name: str = "") -> str | None:
    """Tells which generation of syft-proto some bytes were written with.

    Args:
        data: A serialized Plan, State, Protocol or ObjectMessage.
        name: Which of these it is; all are tried when empty.

    Returns:
        ``"G4"`` if the bytes fit the layout that is read here. Otherwise the oldest of
        ``"G1"``, ``"G2"`` and ``"G3"`` that they fit, or None if they fit none or have more
        fields than `MAX_FIELDS`. Empty
        bytes are a valid message of any layout and count as ``"G4"``.
    """
    names = (name,) if name else (*LAYERED, "ObjectMessage")
    view = memoryview(data).cast("B")
    left = MAX_FIELDS
    for candidate in ("G4", "G1", "G2", "G3"):
        for message_name in names:
            check = _Check(view, candidate, left)
            if check.fits(message_name):
                return candidate
            left = check.left
    return None


def fits(data: Buffer, name: str) -> bool:
    """Whether the bytes are, strictly, a message ``name`` of today's layout (G4).

    Bytes of more than `MAX_FIELDS` fields are not looked through: they fit nothing.
    """
    return _Check(memoryview(data).cast("B"), "G4", MAX_FIELDS).fits(name)


def _layout(name: str, candidate: str) -> _Layout:
    """The fields of a message in a generation: what differs is listed, the rest is as today."""
    listed = _GENERATIONS[candidate].get(name)
    if listed is not None:
        return listed
    key = (name, candidate)
    if key not in _derived:
        _derived[key] = {
            f.number: ("%" if f.mapping else "") + (f.message or f.kind) + "*" * f.repeated
            for f in fields_of(message_class(name))
        }
    return _derived[key]


_derived: Final[dict[tuple[str, str], _Layout]] = {}


class _Check:
    """A strict check of one buffer against one generation."""

    __slots__ = ("candidate", "left", "view")

    def __init__(self, view: memoryview, candidate: str, left: int) -> None:
        self.view = view
        self.candidate = candidate
        self.left = left  # fields that may still be looked at

    def fits(self, name: str) -> bool:
        """Whether the whole buffer is a message of that name."""
        try:
            return self.message(name, 0, len(self.view), 0)
        except (DecodeError, UnicodeDecodeError):
            return False

    def message(self, name: str, pos: int, end: int, depth: int) -> bool:
        """Checks a message; False or a DecodeError where it does not fit."""
        if depth > MAX_DEPTH:
            return False
        layout = {1: "string", 2: name[1:]} if name[0] == "%" else _layout(name, self.candidate)
        seen = set()
        while pos < end:
            tag, pos = read_tag(self.view, pos, end)
            kind = layout.get(tag >> 3, "")
            many = kind[:1] == "%" or kind[-1:] == "*"
            self.left -= 1
            if not kind or self.left < 0 or (tag >> 3 in seen and not many):
                return False
            seen.add(tag >> 3)
            stop = _field_end(self.view, pos, end, tag & 7)
            if not self._value(kind.rstrip("*"), many, tag & 7, pos, stop, depth):
                return False
            pos = stop
        return True

    def _value(self, kind: str, many: bool, wire: int, pos: int, stop: int, depth: int) -> bool:
        """Checks a field's value: its wire type, and what is within."""
        if wire != WIRE_TYPES.get(kind, LENGTH):
            return many and wire == LENGTH  # packed numbers
        if wire != LENGTH or kind == "bytes":
            return True
        start = read_varint(self.view, pos, stop)[1]
        if kind == "string":
            str(self.view[start:stop], "utf-8")
            return True
        return self.message(kind, start, stop, depth + 1)


def _field_end(view: memoryview, pos: int, end: int, wire: int) -> int:
    """Where a field of a wire type ends."""
    if wire == VARINT:
        return read_varint(view, pos, end)[1]
    if wire == LENGTH:
        length, pos = read_varint(view, pos, end)
        stop = pos + length
    else:
        stop = pos + {FIXED32: 4, FIXED64: 8}.get(wire, end + 1)
    if stop > end:
        raise DecodeError("the bytes end inside a field", offset=pos)
    return stop
