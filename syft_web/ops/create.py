"""Operations that make arrays from nothing but sizes and numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from syft_web.ops import chance
from syft_web.ops.dtypes import (
    BOOL,
    DEFAULT_FLOAT,
    INT64,
    Array,
    DType,
    Scalar,
    as_dtype,
    common_type,
)
from syft_web.ops.row import RowCollector

__all__ = ["row", "tensor"]

row = RowCollector()

_OPTIONS = "dtype? dtype=None, str? device=None, bool requires_grad=False"


def _dtype(dtype: Any, default: DType) -> DType:
    return default if dtype is None else as_dtype(dtype)


def _leaf_types(data: Any) -> list[Any]:
    if isinstance(data, list):
        return [t for item in data for t in _leaf_types(item)]
    return [data if isinstance(data, np.ndarray) else type(data)(1)]


@row(f"tensor(any data, *, {_OPTIONS})", "torch.tensor torch.as_tensor")
def tensor(data: Any, dtype: Any = None, *_rest: Any) -> Array:
    """An array of nested lists of numbers; floats give float32, ints int64, bools bool."""
    leaves = _leaf_types(data)
    wanted = _dtype(dtype, common_type(*leaves) if leaves else DEFAULT_FLOAT)
    return np.array(data, wanted)


def _declare_filled() -> None:
    for name, number in (("ones", 1), ("zeros", 0), ("empty", 0)):

        def sized(size: Sequence[int], dtype: Any, *_rest: Any, _n: int = number) -> Array:
            return np.full(tuple(size), _n, _dtype(dtype, DEFAULT_FLOAT))

        def like(self: Array, dtype: Any, *_rest: Any, _n: int = number) -> Array:
            return np.full(self.shape, _n, _dtype(dtype, self.dtype))

        def new(
            self: Array, size: Sequence[int], dtype: Any, *_rest: Any, _n: int = number
        ) -> Array:
            return np.full(tuple(size), _n, _dtype(dtype, self.dtype))

        row(f"{name}(int[] ...size, *, {_OPTIONS})", f"torch.{name}")(sized)
        row(f"{name}_like(Tensor self, *, {_OPTIONS})", f"torch.{name}_like")(like)
        row(f"new_{name}(Tensor self, int[] ...size, *, {_OPTIONS})", f".new_{name}")(new)


_declare_filled()


@row(f"full(int[] size, Scalar fill_value, *, {_OPTIONS})", "torch.full")
def full(size: Sequence[int], fill_value: Scalar, dtype: Any = None, *_rest: Any) -> Array:
    return np.full(tuple(size), fill_value, _dtype(dtype, common_type(fill_value)))


@row(f"full_like(Tensor self, Scalar fill_value, *, {_OPTIONS})", "torch.full_like")
def full_like(self: Array, fill_value: Scalar, dtype: Any = None, *_rest: Any) -> Array:
    return np.full(self.shape, fill_value, _dtype(dtype, self.dtype))


@row(f"new_full(Tensor self, int[] size, Scalar fill_value, *, {_OPTIONS})", ".new_full")
def new_full(
    self: Array, size: Sequence[int], fill_value: Scalar, dtype: Any = None, *_rest: Any
) -> Array:
    return np.full(tuple(size), fill_value, _dtype(dtype, self.dtype))


@row(f"new_tensor(Tensor self, any data, *, {_OPTIONS})", ".new_tensor")
def new_tensor(self: Array, data: Any, dtype: Any = None, *_rest: Any) -> Array:
    return np.array(data, _dtype(dtype, self.dtype))


@row(f"arange(Scalar end, *, {_OPTIONS})", "torch.arange")
def arange_to(end: Scalar, dtype: Any = None, *_rest: Any) -> Array:
    return arange(0, end, 1, dtype)


@row(f"arange(Scalar start, Scalar end, Scalar step=1, *, {_OPTIONS})", "torch.arange")
def arange(start: Scalar, end: Scalar, step: Scalar = 1, dtype: Any = None, *_rest: Any) -> Array:
    wanted = _dtype(dtype, common_type(start, end, step))
    if step == 0 or (end - start) * step < 0:
        raise ValueError(f"no numbers lead from {start} to {end} in steps of {step}")
    return np.arange(start, end, step).astype(wanted, copy=False)


@row(f"linspace(Scalar start, Scalar end, int steps=100, *, {_OPTIONS})", "torch.linspace")
def linspace(start: Scalar, end: Scalar, steps: int = 100, dtype: Any = None, *_rest: Any) -> Array:
    return np.linspace(start, end, steps).astype(_dtype(dtype, DEFAULT_FLOAT), copy=False)


@row(f"range(Scalar start, Scalar end, Scalar step=1, *, {_OPTIONS})", "torch.range")
def range_(start: Scalar, end: Scalar, step: Scalar = 1, dtype: Any = None, *_rest: Any) -> Array:
    """Numbers from `start` to `end`, the end included; float32 unless told otherwise."""
    if step == 0 or (end - start) / step < 0:
        raise ValueError(f"range cannot go from {start} to {end} by steps of {step}")
    count = int((end - start) / step) + 1
    return (start + step * np.arange(count)).astype(_dtype(dtype, DEFAULT_FLOAT))


@row(
    f"logspace(Scalar start, Scalar end, int steps=100, float base=10.0, *, {_OPTIONS})",
    "torch.logspace",
)
def logspace(
    start: Scalar, end: Scalar, steps: int = 100, base: float = 10.0, dtype: Any = None, *_r: Any
) -> Array:
    """Powers of `base` whose exponents are evenly spaced."""
    return np.logspace(start, end, steps, base=base).astype(_dtype(dtype, DEFAULT_FLOAT))


def _declare_triangles() -> None:
    for name, places in (("tril", np.tril_indices), ("triu", np.triu_indices)):

        def rule(
            rows: int, columns: int, offset: int, dtype: Any, *_rest: Any, _f: Any = places
        ) -> Array:
            return np.stack(_f(rows, offset, columns)).astype(_dtype(dtype, INT64))

        row(
            f"{name}_indices(int row, int col, int offset=0, *, {_OPTIONS})",
            f"torch.{name}_indices",
        )(rule)


_declare_triangles()


@row(f"empty_strided(int[] size, int[] stride, *, {_OPTIONS})", "torch.empty_strided")
def empty_strided(size: Sequence[int], stride: Sequence[int], dtype: Any, *_rest: Any) -> Array:
    """Zeros of this size; how an array lies in memory is not a plan's business."""
    if len(size) != len(stride):
        raise ValueError(f"size {list(size)} and stride {list(stride)} differ in length")
    return np.zeros(tuple(size), _dtype(dtype, DEFAULT_FLOAT))


@row(f"eye(int n, int? m=None, *, {_OPTIONS})", "torch.eye")
def eye(n: int, m: int | None = None, dtype: Any = None, *_rest: Any) -> Array:
    return np.eye(n, m, dtype=_dtype(dtype, DEFAULT_FLOAT))


def _declare_random() -> None:
    table: dict[str, Callable[[tuple[int, ...]], Any]] = {
        "rand": lambda size: chance.generator().random(size),
        "randn": lambda size: chance.generator().standard_normal(size),
    }
    for name, draw in table.items():

        def sized(size: Sequence[int], dtype: Any, *_rest: Any, _draw: Any = draw) -> Array:
            return np.asarray(_draw(tuple(size)), _dtype(dtype, DEFAULT_FLOAT))

        def like(self: Array, dtype: Any, *_rest: Any, _draw: Any = draw) -> Array:
            return np.asarray(_draw(self.shape), _dtype(dtype, self.dtype))

        row(f"{name}(int[] ...size, *, {_OPTIONS})", f"torch.{name}")(sized)
        row(f"{name}_like(Tensor self, *, {_OPTIONS})", f"torch.{name}_like")(like)


_declare_random()


@row(f"randint(int high, int[] size, *, {_OPTIONS})", "torch.randint")
def randint_to(high: int, size: Sequence[int], dtype: Any = None, *_rest: Any) -> Array:
    return randint(0, high, size, dtype)


@row(f"randint(int low, int high, int[] size, *, {_OPTIONS})", "torch.randint")
def randint(low: int, high: int, size: Sequence[int], dtype: Any = None, *_rest: Any) -> Array:
    return np.asarray(chance.generator().integers(low, high, tuple(size)), _dtype(dtype, INT64))


@row(f"randperm(int n, *, {_OPTIONS})", "torch.randperm")
def randperm(n: int, dtype: Any = None, *_rest: Any) -> Array:
    return chance.generator().permutation(n).astype(_dtype(dtype, INT64))


@row("bernoulli(Tensor self)", "torch.bernoulli .bernoulli")
def bernoulli(self: Array) -> Array:
    return np.asarray(chance.generator().random(self.shape) < self, self.dtype)


@row("bernoulli(Tensor self, float p)", "torch.bernoulli .bernoulli .bernoulli_")
def bernoulli_p(self: Array, p: float) -> Array:
    return np.asarray(chance.generator().random(self.shape) < p, self.dtype)


@row("normal_(Tensor self, float mean=0, float std=1)", ".normal_")
def normal_(self: Array, mean: float = 0.0, std: float = 1.0) -> Array:
    return np.asarray(chance.generator().normal(mean, std, self.shape), self.dtype)


@row("uniform_(Tensor self, float from=0, float to=1)", ".uniform_")
def uniform_(self: Array, low: float = 0.0, high: float = 1.0) -> Array:
    return np.asarray(chance.generator().uniform(low, high, self.shape), self.dtype)


@row("manual_seed(int seed)", "torch.manual_seed")
def manual_seed(seed: int) -> Array:
    chance.reseed(seed)
    return np.asarray(seed, INT64)


@row("seed()", "torch.seed torch.initial_seed")
def seed() -> Array:
    chance.reseed(None)
    return np.asarray(0, INT64)


@row("is_nonzero(Tensor self)", ".__bool__ .__nonzero__")
def is_nonzero(self: Array) -> Array:
    return np.asarray(bool(self), BOOL)
