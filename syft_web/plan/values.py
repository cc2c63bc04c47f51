"""The smallest parts of a plan: ids, references, placeholders, actions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np

__all__ = ["Action", "Arg", "Id", "Placeholder", "Ref", "same_fields"]

Id = int | str
"""A PySyft id: an int, or a text (``Id.id_int`` / ``Id.id_str``)."""


@dataclass(frozen=True, slots=True)
class Ref:
    """A reference to the value of a placeholder (``PlaceholderId`` on the wire)."""

    id: Id


Arg = bool | int | float | str | np.ndarray | Ref | list["Arg"] | None
"""What an action may be given: constants, references, nested lists of both."""


@dataclass(frozen=True, slots=True)
class Placeholder:
    """A named place for a value.

    Attributes:
        id: Unique within its role.
        tags: Free labels, e.g. ``"#input-0"``; sorted.
        description: Free text.
        expected_shape: Shape at recording time; None where it is unknown *or scalar*.
    """

    id: Id
    tags: tuple[str, ...] = ()
    description: str = ""
    expected_shape: tuple[int, ...] | None = None


def same_fields(a: Any, b: Any) -> bool:
    """Equality of two dataclass instances whose fields may hold arrays (compared bit for bit)."""
    return all(_same(getattr(a, f.name), getattr(b, f.name)) for f in fields(a))


def _same(a: Any, b: Any) -> bool:
    if isinstance(a, np.ndarray) and isinstance(b, np.ndarray):
        return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
    if isinstance(a, list | tuple) and type(a) is type(b):
        return len(a) == len(b) and all(map(_same, a, b))
    if isinstance(a, Mapping) and isinstance(b, Mapping):
        return list(a) == list(b) and all(_same(a[key], b[key]) for key in a)
    return type(a) is type(b) and bool(a == b)


@dataclass(frozen=True, slots=True, eq=False)
class Action:
    """One recorded operation.

    Attributes:
        command: ``"torch.argmax"``, ``"matmul"``, ``"__add__"``, ``"add_"``, ``"tf.matMul"``, ...
        target: ``self`` of a method call, None for a function.
        args: Positional arguments after the target.
        kwargs: Keyword arguments in recorded order.
        return_ids: Placeholders that receive the results, in order. An in-place
            action may name its target or a fresh id.
    """

    command: str
    target: Arg = None
    args: tuple[Arg, ...] = ()
    kwargs: Mapping[str, Arg] = field(default_factory=dict)
    return_ids: tuple[Id, ...] = ()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Action) and same_fields(self, other)

    def __hash__(self) -> int:
        return hash((self.command, self.return_ids))
