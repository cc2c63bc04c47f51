"""Compares our messages with Google's, and makes random ones from our table."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
from hypothesis import strategies as st

from syft_web.wire.protobuf import DTYPES
from syft_web.wire.schema import Field, Message, fields_of, message_class

_RANGES = {
    "enum": (-(2**31), 2**31 - 1),
    "int32": (-(2**31), 2**31 - 1),
    "int64": (-(2**63), 2**63 - 1),
    "sint32": (-(2**31), 2**31 - 1),
    "uint32": (0, 2**32 - 1),
}


def bits(kind: str, value: Any) -> Any:
    """A number so that equal means the same bits."""
    if kind in ("float", "double"):
        return struct.pack("<d", value)
    return value


def assert_same(ours: Message, theirs: Any, path: str = "", *, damaged: bool = False) -> None:
    """Every field of a message of ours has the value that Google's message has.

    In damaged bytes an entry of a map may hold unknown fields. They are skipped here, while
    Google's C library puts the whole entry aside as unknown: then ours has more entries.
    """
    path = path or type(ours).__name__
    for f in fields_of(type(ours)):
        here, there = getattr(ours, f.name), getattr(theirs, f.name)
        where = f"{path}.{f.name}"
        if f.mapping:
            assert set(here) == set(there) or (damaged and set(here) > set(there)), where
            for key in there:
                assert_same(here[key], there[key], f"{where}[{key}]", damaged=damaged)
        elif f.numeric:
            expected = np.array(list(there), dtype=DTYPES[f.kind])
            assert here.dtype == DTYPES[f.kind], where
            if damaged:  # a signalling NaN does not survive the way through a Python float
                np.testing.assert_array_equal(here, expected, where)
            else:
                assert here.tobytes() == expected.tobytes(), where
        elif f.repeated:
            assert len(here) == len(there), where
            for index, (one, other) in enumerate(zip(here, there, strict=True)):
                if f.kind == "message":
                    assert_same(one, other, f"{where}[{index}]", damaged=damaged)
                else:
                    assert one == other, where
        elif f.oneof or f.kind == "message":
            assert (here is not None) == theirs.HasField(f.name), where
            if here is not None and f.kind == "message":
                assert_same(here, there, where, damaged=damaged)
            elif here is not None:
                assert bits(f.kind, here) == bits(f.kind, there), where
        else:
            assert bits(f.kind, here) == bits(f.kind, there), where


def _scalars(kind: str) -> st.SearchStrategy[Any]:
    if kind == "bool":
        return st.booleans()
    if kind == "string":
        return st.text(st.characters(exclude_categories=("Cs",)), max_size=6)
    if kind == "bytes":
        return st.binary(max_size=9)
    if kind in ("float", "double"):
        # One NaN only: a payload need not survive the way through a Python float.
        width = 32 if kind == "float" else 64
        return st.floats(width=width, allow_nan=False) | st.just(float("nan"))
    low, high = _RANGES[kind]
    return st.integers(low, high) | st.integers(max(low, -200), 200)


@st.composite
def messages(draw: Any, cls: type[Message], depth: int = 3) -> Message:
    """A random message; nested at most ``depth`` deep."""
    values: dict[str, Any] = {}
    members: dict[str, list[Field]] = {}
    for f in fields_of(cls):
        if f.oneof:
            members.setdefault(f.oneof, []).append(f)
        else:
            values[f.name] = draw(_field(f, depth))
    for fields in members.values():
        usable = [f for f in fields if f.kind != "message" or depth > 0]
        chosen = draw(st.sampled_from([None, *usable]))
        if chosen is not None:
            values[chosen.name] = draw(_one(chosen, depth))
    return cls(**values)


def _one(f: Field, depth: int) -> st.SearchStrategy[Any]:
    return (
        messages(message_class(f.message), depth - 1) if f.kind == "message" else _scalars(f.kind)
    )


def _field(f: Field, depth: int) -> st.SearchStrategy[Any]:
    if f.kind == "message" and depth <= 0:
        return st.just({} if f.mapping else [] if f.repeated else None)
    if f.mapping:
        entries = st.dictionaries(_scalars("string"), _one(f, depth), max_size=2)
        return entries.map(lambda found: dict(sorted(found.items())))
    if f.numeric:
        numbers = st.lists(_scalars(f.kind), max_size=5)
        return numbers.map(lambda found: np.array(found, dtype=DTYPES[f.kind]))
    if f.repeated:
        return st.lists(_one(f, depth), max_size=2)
    if f.kind == "message":
        return st.none() | _one(f, depth)
    return _scalars(f.kind)
