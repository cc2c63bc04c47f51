"""What the calls of the kernels share."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["FLOAT32", "Array", "all_float32", "dense"]

Array = NDArray[Any]

FLOAT32 = np.dtype(np.float32)


def all_float32(*arrays: Array | None) -> bool:
    """Whether all that are given hold float32 numbers in this machine's order."""
    return all(x is None or x.dtype == FLOAT32 for x in arrays)


def dense(x: Array) -> Array:
    """The array, or a copy of it, without gaps and in C order."""
    return x if x.flags.c_contiguous else np.ascontiguousarray(x)
