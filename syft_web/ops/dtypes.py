"""torch's rules for the dtype of a result.

torch sorts dtypes into categories, bool < int < float, and operands into three
classes: arrays with dimensions, arrays without (0-d), and Python numbers. A class
that comes later only matters when its category is higher than that of the earlier
ones. So an int64 array times a float32 array is float32 (numpy says float64), and a
float64 0-d array leaves a float32 array as it is. protocol.md section 4.12.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "BOOL",
    "DEFAULT_FLOAT",
    "FLOAT32",
    "FLOAT64",
    "INT32",
    "INT64",
    "TORCH_DTYPES",
    "Array",
    "Scalar",
    "Value",
    "as_dtype",
    "cast",
    "common_type",
    "dtype_named",
    "float_type",
    "is_float",
    "is_integral",
    "memory_order",
    "promote_types",
    "recast",
    "result_type",
    "sum_type",
]

Array = NDArray[Any]
Scalar = bool | int | float
Value = Array | bool | int | float

DType = np.dtype[Any]

BOOL: DType = np.dtype(np.bool_)
INT32: DType = np.dtype(np.int32)
INT64: DType = np.dtype(np.int64)
FLOAT32: DType = np.dtype(np.float32)
FLOAT64: DType = np.dtype(np.float64)
DEFAULT_FLOAT = FLOAT32
"""What torch makes of a Python float, and of an int that must become a float."""

TORCH_DTYPES: dict[str, DType] = {
    "bool": BOOL,
    "uint8": np.dtype(np.uint8),
    "byte": np.dtype(np.uint8),
    "int8": np.dtype(np.int8),
    "char": np.dtype(np.int8),
    "int16": np.dtype(np.int16),
    "short": np.dtype(np.int16),
    "int32": INT32,
    "int": INT32,
    "int64": INT64,
    "long": INT64,
    "float16": np.dtype(np.float16),
    "half": np.dtype(np.float16),
    "float32": FLOAT32,
    "float": FLOAT32,
    "float64": FLOAT64,
    "double": FLOAT64,
    "BoolTensor": BOOL,
    "ByteTensor": np.dtype(np.uint8),
    "CharTensor": np.dtype(np.int8),
    "ShortTensor": np.dtype(np.int16),
    "IntTensor": INT32,
    "LongTensor": INT64,
    "HalfTensor": np.dtype(np.float16),
    "FloatTensor": FLOAT32,
    "DoubleTensor": FLOAT64,
}
"""torch's dtype names, without the ``torch.`` in front."""

_PYTHON_TYPES: dict[type, DType] = {bool: BOOL, int: INT64, float: DEFAULT_FLOAT}
_CACHE: dict[Any, DType] = {}


def dtype_named(name: str) -> DType:
    """The dtype called ``"float32"`` or ``"torch.float32"``.

    Raises:
        ValueError: No such dtype, or one that numpy cannot hold.
    """
    found = TORCH_DTYPES.get(name.removeprefix("torch.").removeprefix("cuda."))
    if found is None:
        known = ", ".join(sorted(TORCH_DTYPES))
        raise ValueError(f"{name!r} is no dtype that arrays can have; known are {known}")
    return found


def as_dtype(value: str | DType) -> DType:
    """A dtype, given one or its name."""
    return dtype_named(value) if isinstance(value, str) else value


def is_float(dtype: DType) -> bool:
    """Whether it is a floating-point dtype."""
    return dtype.kind == "f"


def is_integral(dtype: DType) -> bool:
    """Whether it is an int dtype, or bool."""
    return dtype.kind in "iub"


def float_type(dtype: DType) -> DType:
    """The dtype of a function with float results (exp, mean, true division)."""
    return dtype if dtype.kind == "f" else DEFAULT_FLOAT


def sum_type(dtype: DType) -> DType:
    """The dtype of a sum, product or cumulative sum: bool and ints give int64."""
    return dtype if dtype.kind == "f" else INT64


def promote_types(a: DType, b: DType) -> DType:
    """The smallest dtype that holds both, as ``torch.promote_types``."""
    if a == b:
        return a
    if a.kind == "f" and b.kind != "f":
        return a
    if b.kind == "f" and a.kind != "f":
        return b
    return np.promote_types(a, b)


def _combine(higher: DType | None, lower: DType | None) -> DType | None:
    if higher is None or lower is None:
        return lower if higher is None else higher
    if higher.kind == "f":
        return higher
    if higher.kind == "b" or lower.kind == "f":
        return promote_types(higher, lower)
    return higher


def _classified(value: Value) -> tuple[int, DType]:
    if isinstance(value, np.ndarray):
        return (0 if value.ndim else 1), value.dtype
    if isinstance(value, np.generic):
        return 1, value.dtype
    return 2, _PYTHON_TYPES[type(value)]


def common_type(*values: Value) -> DType:
    """``torch.result_type`` over any number of arrays and Python numbers."""
    classes: list[DType | None] = [None, None, None]
    for value in values:
        rank, dtype = _classified(value)
        so_far = classes[rank]
        classes[rank] = dtype if so_far is None else promote_types(so_far, dtype)
    result = _combine(classes[0], _combine(classes[1], classes[2]))
    if result is None:
        raise ValueError("a result dtype needs at least one operand")
    return result


def result_type(a: Value, b: Value) -> DType:
    """`common_type` of two operands, remembered by their dtypes and classes."""
    key = (
        (a.dtype, a.ndim == 0) if isinstance(a, np.ndarray) else type(a),
        (b.dtype, b.ndim == 0) if isinstance(b, np.ndarray) else type(b),
    )
    found = _CACHE.get(key)
    if found is None:
        found = _CACHE[key] = common_type(a, b)
    return found


def recast(x: Array, dtype: DType) -> Array:
    """The array itself if it has the dtype already, else a copy with the same order in memory."""
    return x if x.dtype == dtype else x.astype(dtype, memory_order(x))


def memory_order(x: Array) -> Literal["C", "K"]:
    """How to copy an array so that a later view of it is one exactly where it is in torch.

    Numpy copies broadcast dimensions innermost, torch outermost.
    """
    strides = x.strides
    if 0 in strides and any(s == 0 and n > 1 for s, n in zip(strides, x.shape, strict=True)):
        return "C"
    return "K"


def cast(value: Value, dtype: DType) -> Any:
    """The value in this dtype: the array itself if it has it already, else a copy.

    Python numbers become numpy scalars; ints wrap around as torch's do.
    """
    if isinstance(value, np.ndarray):
        return recast(value, dtype)
    if dtype.kind == "f":
        return dtype.type(value)
    return np.asarray(value).astype(dtype)
