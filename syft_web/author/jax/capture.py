"""Record what a function of arrays does as a jaxpr, with an open batch size."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any

import jax
import numpy as np
from jax import export

from syft_web.author.jax.faults import explain
from syft_web.author.jax.writer import ROWS

__all__ = ["capture"]


def capture(
    function: Callable[..., list[Any]], examples: Sequence[Any], batch: Collection[int]
) -> Any:
    """The closed jaxpr of a function.

    Args:
        function: Takes arrays, returns a flat list of arrays.
        examples: One per argument: arrays, or random keys. Values do not count.
        batch: Positions of the arguments whose first dimension is the batch.

    Raises:
        CaptureError: The function does something that cannot be recorded.
    """
    (rows,) = export.symbolic_shape(ROWS)
    abstract: Any = jax.ShapeDtypeStruct
    given = []
    for i, example in enumerate(examples):
        shape = tuple(np.shape(example))
        shape = (rows, *shape[1:]) if i in batch else shape
        # Without 64 bits switched on, jax has int32 where numpy has int64.
        dtype = jax.dtypes.canonicalize_dtype(example.dtype, allow_extended_dtype=True)
        given.append(abstract(shape, dtype))
    try:
        return jax.make_jaxpr(function)(*given)
    except Exception as error:
        raise explain(error) from error
