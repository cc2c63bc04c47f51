"""How a message class says what its fields are on the wire.

A message is a dataclass whose fields carry their number and kind as metadata. That
metadata *is* the table: `syft_web.wire.codec` reads and writes any message from it, and
there is no generated code.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any, ClassVar, Final, TypeVar, dataclass_transform

import numpy as np

from syft_web.wire.protobuf import DTYPES, WIRE_TYPES

__all__ = [
    "Field",
    "Message",
    "fields_of",
    "mapping",
    "message",
    "message_class",
    "repeated",
    "scalar",
    "wire_message",
]

_META: Final = "wire"
_DEFAULTS: Final[dict[str, Any]] = {
    "bool": False,
    "bytes": b"",
    "double": 0.0,
    "enum": 0,
    "float": 0.0,
    "int32": 0,
    "int64": 0,
    "sint32": 0,
    "string": "",
    "uint32": 0,
}


def _empty(kind: str) -> np.ndarray[Any, Any]:
    array = np.empty(0, dtype=DTYPES[kind])[:]  # a view: not even resize() can change it
    array.flags.writeable = False
    return array


# Shared by every message that has no elements in a field: they are not writable.
_EMPTY_ARRAYS: Final = {kind: _empty(kind) for kind in DTYPES}


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a message.

    Attributes:
        name: Attribute name, which is also the field's name in syft-proto.
        number: Field number.
        kind: A key of ``protobuf.WIRE_TYPES``; ``"message"`` for sub-messages.
        message: Class name of the sub-message (or of a map's values), else empty.
        repeated: A list (strings, messages) or an array (numbers).
        mapping: A ``map<string, message>``.
        oneof: Name of the oneof it belongs to, else empty. Only one member may be set.
    """

    name: str
    number: int
    kind: str
    message: str = ""
    repeated: bool = False
    mapping: bool = False
    oneof: str = ""

    @property
    def numeric(self) -> bool:
        """Whether it is a repeated number, which becomes an array."""
        return self.repeated and self.kind in DTYPES


class Message:
    """Base of all protobuf messages.

    Unset sub-messages and oneof members are None, plain scalars have proto3's default
    (0, empty, False), repeated strings and messages are lists, repeated numbers are
    one-dimensional arrays, maps are dicts. Two messages are equal if they are of one class and
    all fields are; arrays are compared bit for bit, so NaN equals NaN.
    """

    __slots__: ClassVar[tuple[str, ...]] = ()
    __hash__ = None  # type: ignore[assignment]  # mutable, and compared by value

    def __init_subclass__(cls) -> None:
        # dataclass(slots=True) makes the class a second time; the last one stays.
        _classes[cls.__name__] = cls

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return all(
            _same(getattr(self, f.name), getattr(other, f.name)) for f in fields_of(type(self))
        )

    def __repr__(self) -> str:
        shown = (
            f"{f.name}={_brief(getattr(self, f.name))}"
            for f in fields_of(type(self))
            if not _is_default(f, getattr(self, f.name))
        )
        return f"{type(self).__name__}({', '.join(shown)})"


_M = TypeVar("_M", bound=Message)
_classes: Final[dict[str, type[Message]]] = {}
_tables: Final[dict[type[Message], tuple[Field, ...]]] = {}


def _same(left: Any, right: Any) -> bool:
    """Equality of two field values; arrays by dtype and bits, floats by bits too."""
    if isinstance(left, np.ndarray) or isinstance(right, np.ndarray):
        a, b = np.asarray(left), np.asarray(right)
        return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
    if isinstance(left, float) and isinstance(right, float):
        return left == right or (left != left and right != right)  # NaN
    return bool(left == right)


def _is_default(f: Field, value: Any) -> bool:
    """Whether a field need not be shown."""
    if isinstance(value, np.ndarray):
        return value.size == 0
    return value is None or (not f.oneof and not value)


def _brief(value: Any) -> str:
    """A value for `repr`: long contents are only measured, so that logs hold no tensors."""
    if isinstance(value, np.ndarray):
        return f"<{value.size} {value.dtype}>" if value.size > 8 else repr(value.tolist())
    if isinstance(value, bytes):
        return f"<{len(value)} bytes>"
    return repr(value)


@dataclass_transform(eq_default=False, kw_only_default=True)
def wire_message(cls: type[_M]) -> type[_M]:
    """Makes a message class a dataclass with slots and keyword arguments only."""
    return dataclass(slots=True, eq=False, repr=False, kw_only=True)(cls)


def message_class(name: str) -> type[Message]:
    """The message class of a name."""
    return _classes[name]


def fields_of(cls: type[Message]) -> tuple[Field, ...]:
    """The fields of a message class in order of their numbers (the order they are written in)."""
    table = _tables.get(cls)
    if table is None:
        found = (
            Field(name=item.name, **item.metadata[_META])
            for item in fields(cls)  # type: ignore[arg-type]  # every subclass is a dataclass
        )
        table = _tables[cls] = tuple(sorted(found, key=lambda f: f.number))
    return table


def scalar(number: int, kind: str, oneof: str = "") -> Any:
    """A single value; in a oneof it is None when unset and written even if zero."""
    default = None if oneof else _DEFAULTS[kind]
    return field(
        default=default, metadata={_META: {"number": number, "kind": kind, "oneof": oneof}}
    )


def message(number: int, name: str, oneof: str = "") -> Any:
    """A sub-message, None when unset."""
    meta = {"number": number, "kind": "message", "message": name, "oneof": oneof}
    return field(default=None, metadata={_META: meta})


def repeated(number: int, kind: str) -> Any:
    """Many strings, numbers (packed) or messages; ``kind`` may be a message class's name."""
    if kind in DTYPES:
        meta = {"number": number, "kind": kind, "repeated": True}
        return field(default_factory=lambda: _EMPTY_ARRAYS[kind], metadata={_META: meta})
    if kind in WIRE_TYPES:
        meta = {"number": number, "kind": kind, "repeated": True}
    else:
        meta = {"number": number, "kind": "message", "message": kind, "repeated": True}
    return field(default_factory=list, metadata={_META: meta})


def mapping(number: int, name: str) -> Any:
    """A ``map<string, name>``, in the order it was read or filled."""
    meta = {"number": number, "kind": "message", "message": name, "mapping": True}
    return field(default_factory=dict, metadata={_META: meta})
