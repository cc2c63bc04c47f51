"""Which of jax's dtypes a plan can hold."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np

from syft_web.errors import CaptureError

__all__ = ["is_key", "is_random", "method", "moved", "of", "plain"]

_NAMES = {
    "bool", "uint8", "int8", "int16", "int32", "int64", "float16", "float32", "float64",
}  # fmt: skip

_METHODS = {
    "bool": "bool",
    "uint8": "byte",
    "int8": "char",
    "int16": "short",
    "int32": "int",
    "int64": "long",
    "float16": "half",
    "float32": "float",
    "float64": "double",
    "uint32": "long",
}


def plain(dtype: Any) -> str | None:
    """The name that a plan has for a dtype; None where it has none."""
    name = str(dtype)
    return name if name in _NAMES else None


def moved(dtype: Any) -> str | None:
    """As `plain`, for elements that are moved and not computed with.

    There jax's uint32, with which it numbers what it sorts, is int64 in the plan.
    """
    return "int64" if str(dtype) == "uint32" else plain(dtype)


def of(dtype: Any) -> np.dtype:
    """As a numpy dtype.

    Raises:
        CaptureError: A plan cannot hold it.
    """
    if plain(dtype) is None and str(dtype) not in ("uint32", "uint16", "uint64"):
        raise CaptureError(
            f"A plan cannot hold arrays of {dtype}. Use float32, float64, an integer type or bool."
        )
    return np.dtype(str(dtype))


def method(dtype: Any) -> str:
    """The command that converts to a dtype."""
    return _METHODS[str(dtype)]


def is_key(dtype: Any) -> bool:
    """Whether it is that of random keys."""
    return bool(jax.numpy.issubdtype(dtype, jax.dtypes.prng_key))


def is_random(dtype: Any) -> bool:
    """Whether arrays of it can be random keys, new ones or old ones."""
    return is_key(dtype) or str(dtype) == "uint32"
