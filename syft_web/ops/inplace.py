"""In-place twins: ``add_`` is ``add`` whose result is written into its first argument.

torch writes into the target's memory, so views taken before see the change
(protocol.md section 4.7). The target keeps its shape and dtype; a result of a higher
category (float into int) is refused, as torch refuses it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np

from syft_web.ops.dtypes import Array
from syft_web.ops.row import Row

__all__ = ["CATEGORY", "in_place_rule", "is_in_place", "write_into"]

_NAME = re.compile(
    r"[^_].*[^_]_|[^_]_|__i(?!nit__|mport__|ter__|nvert__|nt__|ndex__)\w+__"
    r"|__setitem__"
)
CATEGORY = {"b": 0, "u": 1, "i": 1, "f": 2}


def is_in_place(name: str) -> bool:
    """Whether a command changes its target: ``add_``, ``__iadd__``, ``torch.relu_``."""
    return _NAME.fullmatch(name.rpartition(".")[2]) is not None


def write_into(target: Array, result: Any) -> Array:
    """Write a result into the target's memory and return the target.

    Raises:
        ValueError: The result has another shape or a dtype of a higher category, or the
            target may not be written to.
    """
    value: Array = np.asarray(result)
    if value is target:
        return target
    if value.ndim > target.ndim or np.broadcast_shapes(value.shape, target.shape) != target.shape:
        raise ValueError(
            f"the result of shape {value.shape} does not fit in place "
            f"into the target of shape {target.shape}"
        )
    if CATEGORY[value.dtype.kind] > CATEGORY[target.dtype.kind]:
        raise ValueError(
            f"the result type {value.dtype} cannot be stored in place "
            f"in a target of type {target.dtype}"
        )
    np.copyto(target, value, casting="unsafe")
    return target


def in_place_rule(row: Row) -> Callable[..., Any]:
    """The rule of the row's in-place twin; it returns the target."""
    if row.rebinds:
        return row.rule
    rule, ufunc = row.rule, row.ufunc
    if ufunc is None:

        def apply(target: Array, *rest: Any) -> Array:
            return write_into(target, rule(target, *rest))

        return apply

    def apply_ufunc(target: Array, *rest: Any) -> Array:
        # The common case, both float32 and no alpha, needs no temporary.
        other = rest[0]
        if (
            type(other) is np.ndarray
            and other.dtype is target.dtype
            and (len(rest) == 1 or (rest[1] == 1 and rest[1] is not True))
            and target.ndim >= other.ndim
        ):
            return ufunc(target, other, out=target)  # type: ignore[no-any-return]  # numpy says Any
        return write_into(target, rule(target, *rest))

    return apply_ufunc
