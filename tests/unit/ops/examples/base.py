"""One example of an op: how a plan would call it, and what must come out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

Array = np.ndarray
Wanted = Array | list[Array] | Callable[[list[Array]], None]


@dataclass(frozen=True)
class Example:
    """Arrays among `args` and `kwargs` become inputs of a plan, the rest constants."""

    command: str
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    want: Wanted
    tfjs: bool = False
    mutated: Array | None = None
    rtol: float = 1e-6
    atol: float = 1e-6
    label: str = field(default="", compare=False)
    results: int = 1


def example(
    command: str,
    *args: Any,
    want: Any,
    mutated: Array | None = None,
    rtol: float = 1e-6,
    atol: float = 1e-6,
    results: int = 1,
    **kwargs: Any,
) -> Example:
    """`command` begins with a dot for methods, with ``tf.`` for the tfjs role.

    Args:
        command: As in the op table.
        args: The target first, for methods.
        want: Array, list of arrays (several results), or a function that checks the results.
        mutated: What the first argument's placeholder must hold afterwards (in-place ops).
        rtol: Relative tolerance.
        atol: Absolute tolerance.
        results: How many results a function that checks them is given.
        kwargs: Keyword arguments.
    """
    tfjs = command.startswith("tf.")
    return Example(command, args, kwargs, want, tfjs, mutated, rtol, atol, f"{command}", results)


def f(*values: Any) -> Array:
    """A float32 array of nested lists; one argument may be a number."""
    return np.array(values[0] if len(values) == 1 else values, np.float32)


def d(*values: Any) -> Array:
    """A float64 array."""
    return np.array(values[0] if len(values) == 1 else values, np.float64)


def i(*values: Any) -> Array:
    """An int64 array."""
    return np.array(values[0] if len(values) == 1 else values, np.int64)


def j(*values: Any) -> Array:
    """An int32 array."""
    return np.array(values[0] if len(values) == 1 else values, np.int32)


def b(*values: Any) -> Array:
    """A bool array."""
    return np.array(values[0] if len(values) == 1 else values, np.bool_)


def ramp(*shape: int) -> Array:
    """A float32 array of different numbers around zero, without symmetry."""
    count = int(np.prod(shape))
    return (np.sin(np.arange(1, count + 1) * 1.7) * 2).astype(np.float32).reshape(shape)
