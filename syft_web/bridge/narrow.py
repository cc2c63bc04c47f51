"""Narrowing: what comes from a page is checked before it is used."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

import numpy as np

from syft_web.data import Batch
from syft_web.data.transform import Compose, OneHot, Scale, Transform
from syft_web.errors import BridgeError

__all__ = ["Message", "array", "batch", "buffer", "get", "maybe", "transform"]

Message = Mapping[str, Any]
"""A command: a dict of plain values; buffers are bytes or memoryviews."""

_T = TypeVar("_T")


def get(message: Message, key: str, kind: type[_T]) -> _T:
    """The value under a key.

    Raises:
        BridgeError: It is missing or of another kind.
    """
    value = message.get(key)
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise BridgeError(f"{key!r} should be {kind.__name__}, got {type(value).__name__}.")
    return value


def maybe(message: Message, key: str, kind: type[_T]) -> _T | None:
    """The same, or None where the page left it out.

    Raises:
        BridgeError: It is of another kind.
    """
    return None if message.get(key) is None else get(message, key, kind)


def buffer(message: Message, key: str) -> memoryview:
    """The bytes under a key; not copied.

    Raises:
        BridgeError: There is no buffer.
    """
    try:
        return memoryview(message[key]).cast("B")
    except (KeyError, TypeError) as error:
        raise BridgeError(f"{key!r} should be a buffer: {error}.") from error


def array(column: Message) -> np.ndarray:
    """The array that a buffer, a dtype and a shape describe; not copied.

    Raises:
        BridgeError: They do not fit together.
    """
    name, shape = get(column, "dtype", str), get(column, "shape", list)
    try:
        return np.frombuffer(buffer(column, "data"), np.dtype(name)).reshape(shape)
    except (TypeError, ValueError) as error:
        raise BridgeError(f"No {name} array of shape {shape} in this buffer: {error}.") from error


def batch(message: Message) -> Batch:
    """A batch that the page made: ``{"leaf": array}``, ``{"list": [...]}`` or ``{"dict": {...}}``.

    Raises:
        BridgeError: It is none of these, or an array does not fit its description.
    """
    if "leaf" in message:
        return array(get(message, "leaf", dict))
    if "list" in message:
        return tuple(batch(item) for item in get(message, "list", list))
    return {key: batch(item) for key, item in get(message, "dict", dict).items()}


def transform(column: Message) -> Transform | None:
    """What happens to a column's rows when a batch is made, None when nothing does."""
    steps: list[Transform] = []
    if column.get("divide") is not None:
        steps.append(Scale(float(column["divide"]), divide=True))
    if column.get("oneHot") is not None:
        steps.append(OneHot(get(column, "oneHot", int)))
    return Compose(*steps) if steps else None
