"""Reads and writes any message class, and knows the older layouts.

See `syft_web.wire.reader` and `syft_web.wire.writer` for the rules of each direction.
"""

from __future__ import annotations

from typing import Any, Final, TypeVar

from syft_web.errors import DecodeError, EncodeError, LayoutError
from syft_web.wire.layouts import LAYERED, OldPlaceholder, OldState, fits, generation
from syft_web.wire.protobuf import Buffer
from syft_web.wire.quick import quick_read
from syft_web.wire.reader import MAX_MESSAGES, Reader
from syft_web.wire.schema import Message, fields_of, message_class
from syft_web.wire.writer import Misfit, write

__all__ = ["decode", "encode"]

_M = TypeVar("_M", bound=Message)
_SMALL: Final = 1 << 16


def decode(
    cls: type[_M], data: Buffer, *, max_messages: int = MAX_MESSAGES, share: bool = False
) -> _M:
    """Reads a message.

    Args:
        cls: The expected message class; the bytes do not say.
        data: The serialized message. Arrays of the result are views of it (not writable)
            wherever the elements have a fixed width, so it must not be changed afterwards.
        max_messages: Most messages that are accepted, nested ones and repeated texts counted.
        share: Let Roles of equal bytes be one object, for callers that change nothing.
            PySyft writes a plan's main role twice.

    Returns:
        The message. A State of an older layout (G1 to G3) is read too.

    Raises:
        DecodeError: The bytes are cut off or are no such message.
        LayoutError: They are a Plan or Protocol of an older layout, which is not read.
    """
    view = memoryview(data).cast("B")
    if len(view) <= _SMALL:
        data = bytes(data)  # which Python indexes faster than a view
    elif not isinstance(data, bytes):
        data = view
    plain = quick_read(cls, data, view, max_messages, share=share)
    if plain is not None:
        return plain
    reader = Reader(data, view, max_messages)
    name = cls.__name__
    try:
        result: _M = reader.message(cls)
    except DecodeError as error:
        old = _older(view, name)
        if old is None:
            raise _explained(error, view, name) from None
    else:
        if not reader.surprises:
            return result
        old = _older(view, name)
        if old is None:
            _refuse_other(view, name)
            return result
    if name != "State":
        raise LayoutError(
            f"this {name} has the layout {old} of syft-proto, older than 0.4.9: "
            "write it again with PySyft 0.2.7 to 0.2.9",
            generation=old,
            path=name,
        )
    return _renumbered(cls, decode(OldState, view, max_messages=max_messages))


def encode(message: Message) -> bytes:
    """Writes a message.

    Args:
        message: Any message; lists and arrays may be any sequences of the right elements.

    Returns:
        The serialized message, fields in order of their numbers.

    Raises:
        EncodeError: A value has the wrong type or is outside its field's range.
    """
    pieces: list[Any] = []
    try:
        write(message, pieces)
    except Misfit as misfit:
        path = ".".join([type(message).__name__, *misfit.path])
        raise EncodeError(f"{path}: {misfit.reason}") from None
    return b"".join(pieces)


def _older(view: memoryview, name: str) -> str | None:
    """The older generation the bytes belong to, None if to none."""
    found = generation(view, name) if name in LAYERED else None
    return None if found == "G4" else found


def _renumbered(cls: type[_M], old: OldState) -> _M:
    """A State of an older layout as today's."""
    placeholder = message_class("Placeholder")
    names = [f.name for f in fields_of(OldPlaceholder)]
    state = cls()
    for item in old.placeholders:
        values = {name: getattr(item, name) for name in names}
        state.placeholders.append(placeholder(**values))  # type: ignore[attr-defined]
    state.tensors.extend(old.tensors)  # type: ignore[attr-defined]  # cls is State
    return state


def _looks_like(view: memoryview, name: str) -> str | None:
    """Another message that the bytes are, strictly, while they are not strictly ``name``."""
    if not len(view) or name not in LAYERED or fits(view, name):
        return None
    return next((other for other in LAYERED if other != name and fits(view, other)), None)


def _refuse_other(view: memoryview, name: str) -> None:
    """Unknown fields are allowed, but not if they make the bytes a State where a Plan was due."""
    other = _looks_like(view, name)
    if other is not None:
        raise DecodeError(f"not a {name}: the bytes are a {other}", path=name)


def _explained(error: DecodeError, view: memoryview, name: str) -> DecodeError:
    """The error as the caller sees it: what, where, and what the bytes might be instead."""
    path = f"{name}.{error.path}" if error.path else name
    at = "" if error.offset is None else f" (byte {error.offset} of {len(view)})"
    other = _looks_like(view, name)
    hint = (
        f"the bytes are a {other}"
        if other
        else "are they complete, and made by PySyft 0.2.7 to 0.2.9 or a client of it?"
    )
    return DecodeError(f"not a {name}: {path}: {error}{at}; {hint}", path=path, offset=error.offset)
