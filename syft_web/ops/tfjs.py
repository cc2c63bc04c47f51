"""The tfjs role: TensorFlow.js's names and argument order (protocol.md 2.6, 4.9, 4.12).

Keyword arguments arrive appended positionally, in recorded order, as syft.js passes
them. tfjs has only float32, int32 and bool, and reads 64-bit data as 32-bit.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from syft_web import kernels
from syft_web.ops import nn
from syft_web.ops.create import tensor as make_tensor
from syft_web.ops.dtypes import BOOL, FLOAT32, INT32, Array, DType, Value, as_dtype
from syft_web.ops.elementwise import array
from syft_web.ops.index import topk as topk_rule
from syft_web.ops.reduce import axes, logsumexp, norm_dims
from syft_web.ops.row import RowCollector
from syft_web.ops.shape import reshape as reshape_rule
from syft_web.ops.shape import split_sizes
from syft_web.ops.unary import erf

__all__ = ["row"]

row = RowCollector()


def _narrow(x: Array) -> Array:
    """An array as tfjs would hold it: float32, int32 or bool."""
    kind = x.dtype.kind
    wanted = FLOAT32 if kind == "f" else BOOL if kind == "b" else INT32
    # float64 stays: the engine can run a whole plan in it, for checking.
    return x if x.dtype == np.float64 else x.astype(wanted, copy=False)


def _as_tensor(value: Value) -> Array:
    """What tfjs makes of a number: a float32 scalar; bools stay bools."""
    if isinstance(value, np.ndarray):
        return _narrow(value)
    return np.asarray(value, BOOL if isinstance(value, bool) else FLOAT32)


def _upcast(a: DType, b: DType) -> DType:
    """Tfjs's own order: bool, int32, float32; 0-d arrays are not weak (float64 only for checks)."""
    order = (BOOL, INT32, FLOAT32, np.dtype(np.float64))
    return max(a, b, key=order.index)


def _pair(a: Value, b: Value) -> tuple[Array, Array]:
    x, y = _as_tensor(a), _as_tensor(b)
    # A number beside float64 data is part of the same check.
    dtype = _upcast(x.dtype, y.dtype)
    return x.astype(dtype, copy=False), y.astype(dtype, copy=False)


def _arithmetic(a: Value, b: Value, ufunc: np.ufunc) -> Array:
    x, y = _pair(a, b)
    if x.dtype == BOOL:
        x, y = x.astype(INT32), y.astype(INT32)
    return array(ufunc(x, y, dtype=x.dtype, casting="unsafe"))


def _declare_binary() -> None:
    arithmetic: dict[str, np.ufunc] = {
        "add": np.add,
        "sub": np.subtract,
        "mul": np.multiply,
        "pow": np.power,
        "maximum": np.maximum,
        "minimum": np.minimum,
        "mod": np.remainder,
    }
    for name, ufunc in arithmetic.items():

        def rule(a: Value, b: Value, _f: np.ufunc = ufunc) -> Array:
            return _arithmetic(a, b, _f)

        row(f"{name}(Value a, Value b)", f"tf.{name}")(rule)
    comparing: dict[str, np.ufunc] = {
        "equal": np.equal,
        "notEqual": np.not_equal,
        "greater": np.greater,
        "greaterEqual": np.greater_equal,
        "less": np.less,
        "lessEqual": np.less_equal,
    }
    for name, ufunc in comparing.items():

        def compared(a: Value, b: Value, _f: np.ufunc = ufunc) -> Array:
            return array(_f(*_pair(a, b)))

        row(f"{name}(Value a, Value b)", f"tf.{name}")(compared)


_declare_binary()


@row("div(Value a, Value b)", "tf.div")
def div(a: Value, b: Value) -> Array:
    x, y = _pair(a, b)
    if x.dtype == INT32:  # tfjs divides ints by flooring; a division by 0 gives 0
        return array(np.floor_divide(x, y))
    return array(np.true_divide(x, y, dtype=x.dtype if x.dtype.kind == "f" else FLOAT32))


@row("floorDiv(Value a, Value b)", "tf.floorDiv")
def floor_div(a: Value, b: Value) -> Array:
    return _arithmetic(a, b, np.floor_divide)


def _float(function: Callable[[Any], Any]) -> Callable[[Value], Array]:
    def rule(x: Value) -> Array:
        given = _as_tensor(x)
        return array(function(given if given.dtype.kind == "f" else given.astype(FLOAT32)))

    return rule


def _any(function: Callable[[Any], Any]) -> Callable[[Value], Array]:
    def rule(x: Value) -> Array:
        return array(function(_as_tensor(x)))

    return rule


def _declare_unary() -> None:
    floats: dict[str, Callable[[Any], Any]] = {
        "acos": np.arccos,
        "asin": np.arcsin,
        "atan": np.arctan,
        "ceil": np.ceil,
        "cos": np.cos,
        "cosh": np.cosh,
        "elu": lambda x: nn.elu(x),
        "erf": erf,
        "exp": np.exp,
        "expm1": np.expm1,
        "floor": np.floor,
        "log": np.log,
        "log1p": np.log1p,
        "logSigmoid": lambda x: -nn.softplus(-x),
        "reciprocal": np.reciprocal,
        "round": np.round,
        "rsqrt": lambda x: np.reciprocal(np.sqrt(x)),
        "sigmoid": nn.sigmoid,
        "sin": np.sin,
        "sinh": np.sinh,
        "softplus": nn.softplus,
        "sqrt": np.sqrt,
        "tan": np.tan,
        "tanh": np.tanh,
    }
    same: dict[str, Callable[[Any], Any]] = {
        "abs": np.abs,
        "neg": np.negative,
        "sign": np.sign,
        "square": np.square,
        "relu": lambda x: np.maximum(x, x.dtype.type(0)),
        "isNaN": np.isnan,
        "isInf": np.isinf,
        "isFinite": np.isfinite,
        "logicalNot": np.logical_not,
        "real": np.positive,
        "clone": np.copy,
    }
    for name, function in floats.items():
        row(f"{name}(Value x)", f"tf.{name}")(_float(function))
    for name, function in same.items():
        row(f"{name}(Value x)", f"tf.{name}")(_any(function))


_declare_unary()


def _reduced(
    x: Array, axis: Sequence[int] | None, keep: bool, function: Callable[..., Any], dtype: DType
) -> Array:
    found = function(_narrow(x), axis=axes(x, axis), keepdims=keep)
    return np.asarray(found, np.float64 if x.dtype == np.float64 and dtype != BOOL else dtype)


def _declare_reductions() -> None:
    def total_type(x: Array) -> DType:
        return FLOAT32 if x.dtype.kind == "f" else INT32

    def own_type(x: Array) -> DType:
        return _narrow(x).dtype

    table: dict[str, tuple[Callable[..., Any], Callable[[Array], DType]]] = {
        "sum": (np.sum, total_type),
        "prod": (np.prod, total_type),
        "mean": (np.mean, lambda _: FLOAT32),
        "max": (np.max, own_type),
        "min": (np.min, own_type),
        "all": (np.all, lambda _: BOOL),
        "any": (np.any, lambda _: BOOL),
    }
    for name, (function, result) in table.items():

        def rule(
            x: Array,
            axis: Sequence[int] | None,
            keepDims: bool,  # noqa: N803  # tfjs's own name
            _f: Callable[..., Any] = function,
            _t: Callable[[Array], DType] = result,
        ) -> Array:
            return _reduced(x, axis, keepDims, _f, _t(x))

        row(f"{name}(Tensor x, int[1]? axis=None, bool keepDims=False)", f"tf.{name}")(rule)


_declare_reductions()


@row("logSumExp(Tensor x, int[1]? axis=None, bool keepDims=False)", "tf.logSumExp")
def log_sum_exp(x: Array, axis: Sequence[int] | None, keep: bool) -> Array:
    return logsumexp(_narrow(x), axis or list(range(x.ndim)), keep)


@row("argMax(Tensor x, int axis=0)", "tf.argMax")
def arg_max(x: Array, axis: int = 0) -> Array:
    return np.asarray(np.argmax(x, axis=axis), INT32)


@row("argMin(Tensor x, int axis=0)", "tf.argMin")
def arg_min(x: Array, axis: int = 0) -> Array:
    return np.asarray(np.argmin(x, axis=axis), INT32)


@row(
    "matMul(Tensor a, Tensor b, bool transposeA=False, bool transposeB=False)",
    "tf.matMul",
    kernel="gemm",
)
def mat_mul(a: Array, b: Array, turn_a: bool = False, turn_b: bool = False) -> Array:
    x, y = _pair(a, b)
    if x.ndim < 2 or y.ndim < 2:
        raise ValueError(f"matMul needs at least 2 dimensions, got shapes {a.shape}, {b.shape}")
    return kernels.matmul(x.swapaxes(-1, -2) if turn_a else x, y.swapaxes(-1, -2) if turn_b else y)


@row("dot(Tensor t1, Tensor t2)", "tf.dot")
def dot(t1: Array, t2: Array) -> Array:
    return array(np.dot(*_pair(t1, t2)))


@row("transpose(Tensor x, int[]? perm=None)", "tf.transpose", view=True)
def transpose(x: Array, perm: Sequence[int] | None = None) -> Array:
    return x.transpose(perm) if perm else x.T


@row("reshape(Tensor x, int[1] shape)", "tf.reshape", view=True)
def reshape(x: Array, shape: Sequence[int]) -> Array:
    return reshape_rule(x, shape)


@row("cast(Value x, str dtype)", "tf.cast", view=True)
def cast(x: Value, dtype: str) -> Array:
    wanted = as_dtype(dtype)
    return _as_tensor(x).astype(wanted, copy=False)


@row("softmax(Tensor logits, int dim=-1)", "tf.softmax")
def softmax(logits: Array, dim: int = -1) -> Array:
    return nn.softmax(_narrow(logits), dim)


@row("logSoftmax(Tensor logits, int axis=-1)", "tf.logSoftmax")
def log_softmax(logits: Array, axis: int = -1) -> Array:
    return nn.log_softmax(_narrow(logits), axis)


@row("selu(Tensor x)", "tf.selu")
def selu(x: Array) -> Array:
    scale, alpha = x.dtype.type(1.0507009873554805), x.dtype.type(1.6732632423543772)
    return np.asarray(
        np.where(x > 0, scale * x, scale * alpha * np.expm1(np.minimum(x, 0))), x.dtype
    )


@row("prelu(Tensor x, Tensor alpha)", "tf.prelu")
def prelu(x: Array, alpha: Array) -> Array:
    return array(np.where(x > 0, x, x * alpha))


@row("gather(Tensor x, Tensor indices, int axis=0)", "tf.gather")
@row("gather(Tensor x, int[1] indices, int axis=0)", "tf.gather")
@row("take(Tensor x, Tensor indices, int axis=0)", "tf.take")
def gather(x: Array, indices: Any, axis: int = 0) -> Array:
    """Slices of `x`; a bare number takes one slice and drops the dimension."""
    where = indices[0] if isinstance(indices, list) and len(indices) == 1 else indices
    return array(np.take(_narrow(x), np.asarray(where).astype(np.intp), axis=axis))


@row("squeeze(Tensor x, int[1]? axis=None)", "tf.squeeze", view=True)
def squeeze(x: Array, axis: Sequence[int] | None = None) -> Array:
    return np.squeeze(x, axes(x, axis))


@row("expandDims(Tensor x, int axis=0)", "tf.expandDims", view=True)
def expand_dims(x: Array, axis: int = 0) -> Array:
    return np.expand_dims(x, axis)


@row("flatten(Tensor x)", "tf.flatten", view=True)
def flatten(x: Array) -> Array:
    return x.reshape(-1)


@row("stack(Tensor[] tensors, int axis=0)", "tf.stack")
def stack(tensors: Sequence[Array], axis: int = 0) -> Array:
    return np.stack(tensors, axis)


@row("concat(Tensor[] tensors, int axis=0)", "tf.concat")
def concat(tensors: Sequence[Array], axis: int = 0) -> Array:
    return np.concatenate(tensors, axis)


@row("where(Tensor condition, Tensor a, Tensor b)", "tf.where")
def where(condition: Array, a: Array, b: Array) -> Array:
    return array(np.where(condition != 0, *_pair(a, b)))


@row("cumsum(Tensor x, int axis=0, bool exclusive=False, bool reverse=False)", "tf.cumsum")
def cumsum(x: Array, axis: int = 0, exclusive: bool = False, reverse: bool = False) -> Array:
    given = np.flip(_narrow(x), axis) if reverse else _narrow(x)
    total = np.cumsum(given, axis, dtype=given.dtype)
    if exclusive:
        total = total - given
    return np.flip(total, axis).copy() if reverse else total


@row("tensor(any data, int[]? shape=None, str? dtype=None)", "tf.tensor")
def tensor(data: Any, shape: Sequence[int] | None = None, dtype: str | None = None) -> Array:
    made = make_tensor(data, dtype or "float32")
    return made.reshape(tuple(shape)) if shape else made


@row("zeros(int[1] shape, str dtype='float32')", "tf.zeros")
def zeros(shape: Sequence[int], dtype: str = "float32") -> Array:
    return np.zeros(tuple(shape), as_dtype(dtype))


@row("ones(int[1] shape, str dtype='float32')", "tf.ones")
def ones(shape: Sequence[int], dtype: str = "float32") -> Array:
    return np.ones(tuple(shape), as_dtype(dtype))


@row("eye(int n, int? m=None)", "tf.eye")
def eye(n: int, m: int | None = None) -> Array:
    return np.eye(n, m, dtype=FLOAT32)


@row("linspace(float start, float stop, int num)", "tf.linspace")
def linspace(start: float, stop: float, num: int) -> Array:
    return np.linspace(start, stop, num, dtype=FLOAT32)


@row("range(float start, float stop, float step=1.0, str dtype='float32')", "tf.range")
def arange(start: float, stop: float, step: float = 1.0, dtype: str = "float32") -> Array:
    return np.arange(start, stop, step).astype(as_dtype(dtype))


@row("dropout(Tensor x, float p=0.5, bool training=True)", "tf.dropout", view=True)
def dropout(x: Array, p: float = 0.5, training: bool = True) -> Array:
    """With torch's arguments, which translated plans keep: ``training=False`` does nothing."""
    return nn.dropout(x, p, training)


@row("norm(Tensor x, Scalar ord=2, int[1]? axis=None, bool keepDims=False)", "tf.norm")
def norm(x: Array, order: Any = 2, axis: Sequence[int] | None = None, keep: bool = False) -> Array:
    return norm_dims(_narrow(x), order, axis, keep)


@row("pad(Tensor x, any paddings, float constantValue=0.0)", "tf.pad")
def pad(x: Array, paddings: Any, constant: float = 0.0) -> Array:
    widths = [(int(a), int(b)) for a, b in paddings]
    return np.pad(x, widths, constant_values=x.dtype.type(constant))


@row("split(Tensor x, int numOrSizeSplits, int axis=0) -> Tensor[]", "tf.split", view=True)
def split(x: Array, count: int, axis: int = 0) -> tuple[Array, ...]:
    return tuple(np.split(x, count, axis))


@row("split(Tensor x, int[] numOrSizeSplits, int axis=0) -> Tensor[]", "tf.split", view=True)
def split_by_size(x: Array, sizes: Sequence[int], axis: int = 0) -> tuple[Array, ...]:
    return split_sizes(x, sizes, axis)


@row("topk(Tensor x, int k=1, bool sorted=True) -> Tensor, Tensor", "tf.topk")
def topk(x: Array, k: int = 1, sorted: bool = True) -> tuple[Array, Array]:
    values, places = topk_rule(x, k)
    return values, places.astype(INT32)
