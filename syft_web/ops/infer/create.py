"""Ops that make arrays from nothing but sizes and numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from syft_web.ops.dtypes import DEFAULT_FLOAT, FLOAT32, INT64, as_dtype, common_type
from syft_web.ops.infer.base import Inferred, ShapeRules
from syft_web.ops.infer.common import Shape, need
from syft_web.ops.infer.reduce import named
from syft_web.ops.row import Row
from syft_web.ops.spec import UNKNOWN, Spec, Unknown

__all__ = ["rules", "sized"]

rules = ShapeRules()


def sized(size: Sequence[int]) -> Shape:
    """Sizes as a shape.

    Raises:
        ValueError: One is negative.
    """
    need(all(n >= 0 for n in size), f"sizes must not be negative: {list(size)}")
    return tuple(size)


def _dtype(wanted: Any, default: np.dtype[Any]) -> np.dtype[Any]:
    return default if wanted is None else as_dtype(wanted)


@rules.by_row("ones zeros empty rand randn")
def _of_size(row: Row, values: Sequence[Any]) -> Inferred:
    return Spec(sized(values[0]), _dtype(named(row, values, "dtype"), DEFAULT_FLOAT))


@rules.by_row("ones_like zeros_like empty_like full_like rand_like randn_like", numbers=True)
def _like(row: Row, values: Sequence[Any]) -> Inferred:
    self = values[0]
    return Spec(self.shape, _dtype(named(row, values, "dtype"), self.dtype))


@rules.by_row("new_ones new_zeros new_empty new_full")
def _new(row: Row, values: Sequence[Any]) -> Inferred:
    return Spec(sized(values[1]), _dtype(named(row, values, "dtype"), values[0].dtype))


@rules.by_row("full")
def _full(row: Row, values: Sequence[Any]) -> Inferred:
    size, fill = values[:2]
    shape = sized(size)
    dtype = _dtype(named(row, values, "dtype"), common_type(fill))
    return Spec(shape, dtype, _certain(fill, dtype) if not shape else None)


# -- from data ---------------------------------------------------------------------------------


@rules.by_row("tensor new_tensor tf.tensor")
def _tensor(row: Row, values: Sequence[Any]) -> Inferred:
    data, wanted = named(row, values, "data"), named(row, values, "dtype")
    shape = _nested_shape(data)
    if isinstance(shape, Unknown):
        return shape
    if row.name == "new_tensor":
        dtype = _dtype(wanted, values[0].dtype)
    elif row.names[0].startswith("tf."):
        dtype = as_dtype(wanted or "float32")
        asked = named(row, values, "shape")
        if asked:
            need(
                math.prod(asked) == math.prod(shape) and min(asked) >= 0,
                f"{math.prod(shape)} numbers cannot have the shape {list(asked)}",
            )
            return Spec(tuple(asked), dtype)
    else:
        leaves = _leaves(data)
        dtype = _dtype(wanted, common_type(*leaves) if leaves else DEFAULT_FLOAT)
    return Spec(shape, dtype, _certain(data, dtype) if not shape else None)


def _certain(data: Any, dtype: np.dtype[Any]) -> Any:
    """The number that a 0-d array made of this holds."""
    if isinstance(data, Spec):
        data = data.value
    if not isinstance(data, bool | int | float):
        return None
    with np.errstate(all="ignore"):
        return np.asarray(data).astype(dtype).item()


def _leaves(data: Any) -> list[Any]:
    """One value of the class and dtype of each number."""
    if isinstance(data, list | tuple):
        return [leaf for item in data for leaf in _leaves(item)]
    if isinstance(data, Spec):
        return [np.empty((1,) * data.ndim, data.dtype)]
    return [data if isinstance(data, np.ndarray) else type(data)(1)]


def _nested_shape(data: Any) -> Shape | Unknown:
    if isinstance(data, Spec | np.ndarray):
        return data.shape
    if not isinstance(data, list | tuple):
        return ()
    inner = [_nested_shape(item) for item in data]
    if any(isinstance(shape, Unknown) for shape in inner):
        return UNKNOWN
    need(len(set(inner)) <= 1, "the nested lists have different lengths")
    first = inner[0] if inner else ()
    return (len(data), *first) if not isinstance(first, Unknown) else first


# -- ranges ------------------------------------------------------------------------------------


def _steps(start: float, end: float, step: float) -> int:
    """How many numbers numpy.arange gives."""
    need(step != 0, "the step of a range must not be zero")
    need(
        all(isinstance(n, int) or math.isfinite(n) for n in (start, end, step)),
        "the ends and the step of a range must be finite",
    )
    if all(isinstance(n, int) for n in (start, end, step)):
        return max(-(-(int(end) - int(start)) // int(step)), 0)
    return max(math.ceil((end - start) / step), 0)


@rules.by_row("arange")
def _arange(row: Row, values: Sequence[Any]) -> Inferred:
    numbers = list(values[: len(values) - 3])
    start, end, step = (0, numbers[0], 1) if len(numbers) == 1 else numbers
    wanted = named(row, values, "dtype")
    dtype = _dtype(wanted, common_type(start, end, step))
    return Spec((_steps(start, end, step),), dtype)


@rules.by_row("tf.range")
def _tfjs_range(row: Row, values: Sequence[Any]) -> Inferred:
    start, stop, step, dtype = values
    return Spec((_steps(start, stop, step),), as_dtype(dtype))


@rules.by_row("linspace")
def _linspace(row: Row, values: Sequence[Any]) -> Inferred:
    steps = named(row, values, "steps")
    return Spec(sized([steps]), _dtype(named(row, values, "dtype"), DEFAULT_FLOAT))


@rules("tf.linspace")
def _tfjs_linspace(start: float, stop: float, num: int) -> Spec:
    return Spec(sized([num]), FLOAT32)


@rules.by_row("eye tf.eye")
def _eye(row: Row, values: Sequence[Any]) -> Inferred:
    n, m = values[:2]
    dtype = _dtype(named(row, values, "dtype"), DEFAULT_FLOAT)
    return Spec(sized([n, n if m is None else m]), dtype)


@rules("tf.zeros tf.ones")
def _tfjs_filled(shape: Sequence[int], dtype: str = "float32") -> Spec:
    return Spec(sized(shape), as_dtype(dtype))


# -- random ------------------------------------------------------------------------------------


@rules.by_row("randint randperm")
def _random_ints(row: Row, values: Sequence[Any]) -> Inferred:
    size = named(row, values, "size", "n")
    shape = sized([size] if isinstance(size, int) else size)
    return Spec(shape, _dtype(named(row, values, "dtype"), INT64))


@rules("bernoulli")
def _bernoulli(self: Spec, *_: Any) -> Spec:
    return Spec(self.shape, self.dtype)


@rules("manual_seed seed")
def _seed(*_: Any) -> Spec:
    return Spec((), INT64)
