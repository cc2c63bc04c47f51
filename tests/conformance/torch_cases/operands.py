"""Arrays that the sweep against torch feeds to commands: every dtype, edge shapes, odd values."""

from __future__ import annotations

import numpy as np

Array = np.ndarray

F16, F32, F64 = np.dtype(np.float16), np.dtype(np.float32), np.dtype(np.float64)
U8, I8, I16 = np.dtype(np.uint8), np.dtype(np.int8), np.dtype(np.int16)
I32, I64, BOOL = np.dtype(np.int32), np.dtype(np.int64), np.dtype(np.bool_)

FLOATS = (F32, F64, F16)
INTS = (I64, I32, U8)
DTYPES = (*FLOATS, *INTS, BOOL)
EVERY_DTYPE = (BOOL, U8, I8, I16, I32, I64, F16, F32, F64)


def real(
    *shape: int, dtype: np.dtype = F32, seed: int = 0, low: float = -2, high: float = 2
) -> Array:
    """Different numbers between two bounds."""
    rng = np.random.default_rng(seed + 7 * len(shape) + sum(shape))
    return np.asarray(rng.uniform(low, high, shape), dtype)


def positive(*shape: int, dtype: np.dtype = F32, seed: int = 0) -> Array:
    """Numbers between 0.1 and 0.9."""
    return real(*shape, dtype=dtype, seed=seed, low=0.1, high=0.9)


def whole(*shape: int, dtype: np.dtype = I64, seed: int = 0, low: int = -4, high: int = 5) -> Array:
    """Whole numbers, also 0 and (but for uint8) negatives; bools for bool."""
    rng = np.random.default_rng(seed + 3 * len(shape) + sum(shape))
    if dtype == BOOL:
        return np.asarray(rng.random(shape) < 0.5)
    return np.asarray(rng.integers(0 if dtype.kind == "u" else low, high, shape), dtype)


def some(*shape: int, dtype: np.dtype = F32, seed: int = 0) -> Array:
    """Numbers that suit the dtype."""
    kind = real if dtype.kind == "f" else whole
    return kind(*shape, dtype=dtype, seed=seed)


def odd(dtype: np.dtype = F32) -> Array:
    """nan, infinities, both zeros, halves, the ends of the range; the ends for ints."""
    if dtype.kind == "f":
        info = np.finfo(dtype)
        ends = [info.max, info.min, info.tiny, info.smallest_subnormal]
        numbers = [np.nan, np.inf, -np.inf, 0.0, -0.0, 1, -1, 0.5, -0.5, 1.5, 2.5, -2.5, 3.7, *ends]
        return np.array(numbers, dtype)
    if dtype == BOOL:
        return np.array([True, False])
    info = np.iinfo(dtype)
    return np.array([info.min, info.max, 0, 1, 2, 3, 7], dtype)


def shapes(dtype: np.dtype = F32) -> list[Array]:
    """The same kind of numbers in usual and in edge shapes."""
    return [
        some(3, 4, dtype=dtype),
        some(dtype=dtype),
        some(1, dtype=dtype),
        some(0, dtype=dtype),
        some(2, 0, 3, dtype=dtype),
        some(2, 3, 4, dtype=dtype),
        some(1, 1, dtype=dtype),
    ]


def ties() -> Array:
    """Few different numbers, so that some are equal."""
    return np.array([[1, 3, 1, 3], [2, 2, 2, 0], [0, 1, 0, 1]], F32)


def gaps() -> Array:
    """A matrix with nan here and there."""
    return np.array([[np.nan, 1, 2], [3, -np.inf, 4], [5, np.nan, np.inf]], F32)


def b(*values: object) -> Array:
    """A bool array."""
    return np.array(values[0] if len(values) == 1 else values, BOOL)


def i(*values: object) -> Array:
    """An int64 array."""
    return np.array(values[0] if len(values) == 1 else values, I64)


def f(*values: object) -> Array:
    """A float32 array."""
    return np.array(values[0] if len(values) == 1 else values, F32)


def spd(n: int = 4, dtype: np.dtype = F32) -> Array:
    """A symmetric positive definite matrix."""
    a = real(n, n, dtype=F64)
    return np.asarray(a @ a.T + np.eye(n), dtype)
