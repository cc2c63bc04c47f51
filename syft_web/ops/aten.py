"""The names of PyTorch's own operators: ``torch.ops.aten.<op>.<overload>``.

A captured training step is written with them. Most mean what a classical command means
and take its arguments in the same order; `ALIASES` says which. The others have rows of
their own, beside the functions they belong to, or below.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from syft_web.ops.dtypes import DEFAULT_FLOAT, INT64, Array, Scalar, Value, as_dtype, cast
from syft_web.ops.elementwise import add, array, floor_divide, remainder, rsub, sub
from syft_web.ops.index import argsort, sort
from syft_web.ops.linalg import dot
from syft_web.ops.reduce import axes, mean, normal_axis
from syft_web.ops.row import RowCollector

__all__ = ["ALIASES", "row"]

row = RowCollector()


def _aliases(text: str) -> dict[str, str]:
    """``op.overload op.overload: classical`` on each line; no classical name: ``torch.op``."""
    found = {}
    for line in text.strip().splitlines():
        names, _, command = line.partition(":")
        for name in names.split():
            meaning = command.strip() or f"torch.{name.partition('.')[0]}"
            found[f"torch.ops.aten.{name}"] = meaning
    return found


ALIASES: dict[str, str] = _aliases("""
add.Tensor sub.Tensor rsub.Tensor mul.Tensor mul.Scalar
div.Tensor div.Scalar div.Tensor_mode div.Scalar_mode floor_divide.default floor_divide.Scalar
remainder.Tensor remainder.Scalar fmod.Tensor fmod.Scalar
pow.Tensor_Scalar pow.Tensor_Tensor pow.Scalar atan2.default
eq.Tensor eq.Scalar ne.Tensor ne.Scalar lt.Tensor lt.Scalar le.Tensor le.Scalar
gt.Tensor gt.Scalar ge.Tensor ge.Scalar isclose.default equal.default
maximum.default minimum.default clamp.default clamp.Tensor
clip.default: torch.clamp
clamp_min.default clamp_min.Tensor: torch.clamp_min
clamp_max.default clamp_max.Tensor: torch.clamp_max
logical_and.default logical_or.default logical_xor.default logical_not.default
bitwise_and.Tensor bitwise_and.Scalar bitwise_or.Tensor bitwise_or.Scalar
bitwise_xor.Tensor bitwise_xor.Scalar bitwise_not.default
lerp.Tensor lerp.Scalar addcmul.default addcdiv.default
where.self where.ScalarOther where.ScalarSelf where.Scalar heaviside.default
abs.default neg.default sign.default ceil.default floor.default trunc.default round.default
frac.default square.default isnan.default isinf.default
exp.default exp2.default expm1.default log.default log2.default log10.default log1p.default
sqrt.default rsqrt.default reciprocal.default sigmoid.default tanh.default
sgn.default trace.default
sin.default cos.default tan.default asin.default acos.default atan.default
special_i0.default: torch.i0
sinh.default cosh.default asinh.default acosh.default atanh.default
erf.default erfc.default lgamma.default
mm.default bmm.default mv.default dot.default outer.default matmul.default
addmm.default addmv.default addbmm.default baddbmm.default addr.default
linear.default: torch.nn.functional.linear
cdist.default
sum.default sum.dim_IntList mean.default mean.dim nansum.default prod.default prod.dim_int
any.default any.dim any.dims all.default all.dim all.dims
amax.default amin.default argmax.default argmin.default
max.default max.dim max.other min.default min.dim min.other
var.default var.dim std.default std.dim var_mean.default var_mean.dim std_mean.default std_mean.dim
cumsum.default cumprod.default logsumexp.default
norm.Scalar norm.ScalarOpt_dim: torch.norm
median.default median.dim
sort.default argsort.default topk.default
view.default _unsafe_view.default: .view
reshape.default
permute.default transpose.int t.default squeeze.default squeeze.dim squeeze.dims unsqueeze.default
flatten.using_ints unflatten.int movedim.intlist movedim.int
expand.default: .expand
repeat.default: .repeat
tile.default: .tile
unfold.default: .unfold
cat.default stack.default split.sizes split_with_sizes.default chunk.default
split.Tensor unsafe_split.Tensor: .split
unsafe_split_with_sizes.default: torch.split_with_sizes
unbind.int select.int narrow.default diagonal.default
flip.default tril.default triu.default
diag.default
index_select.default gather.default scatter.src scatter.value scatter_add.default
index_add.default index_copy.default index_fill.int_Scalar index_fill.int_Tensor take.default
masked_fill.Scalar masked_fill.Tensor masked_select.default masked_scatter.default
nonzero.default bincount.default
relu.default relu6.default selu.default celu.default prelu.default
silu.default: torch.nn.functional.silu
mish.default: torch.nn.functional.mish
hardsigmoid.default: torch.nn.functional.hardsigmoid
hardswish.default: torch.nn.functional.hardswish
gelu.default: torch.nn.functional.gelu
glu.default: torch.nn.functional.glu
leaky_relu.default: torch.nn.functional.leaky_relu
hardtanh.default: torch.nn.functional.hardtanh
softplus.default: torch.nn.functional.softplus
threshold.default hardshrink.default
softshrink.default: torch.nn.functional.softshrink
softmax.int log_softmax.int
embedding.default batch_norm.default
pixel_shuffle.default
pad.default: torch.nn.functional.pad
im2col.default: torch.nn.functional.unfold
col2im.default: torch.nn.functional.fold
conv1d.default conv1d.padding conv2d.default conv2d.padding conv3d.default conv3d.padding
conv_transpose1d.default conv_transpose2d.input conv_transpose3d.input conv_tbc.default
alias.default detach.default lift_fresh.default: torch.detach
clone.default lift_fresh_copy.default: torch.clone
contiguous.default: .contiguous
alias_copy.default detach_copy.default: torch.clone
empty_like.default zeros_like.default ones_like.default full_like.default
zeros.default ones.default full.default
arange.default arange.start arange.start_step linspace.default eye.default eye.m
new_empty.default: .new_empty
new_zeros.default: .new_zeros
new_ones.default: .new_ones
new_full.default: .new_full
rand.default rand.generator randn.default randn.generator rand_like.default randn_like.default
randint.default randint.generator randint.low randint.low_generator
randperm.default randperm.generator bernoulli.default
bernoulli.p: .bernoulli
bernoulli.Tensor: .bernoulli_
uniform.default: .uniform_
exponential.default: .exponential_
lstm_cell.default gru_cell.default rnn_tanh_cell.default rnn_relu_cell.default
""")
"""aten name -> the classical command whose rows serve it."""


# The factor of these may be given by position.
for _name, _rule in (("add", add), ("sub", sub), ("rsub", rsub)):
    row(f"{_name}(Tensor self, Scalar other, Scalar alpha=1)", f"A.{_name}.Scalar")(_rule)


# -- sizes as values, and arithmetic with them ---------------------------------------------


@row("sym_size(Tensor self, int dim)", "A.sym_size.int A.size.int")
def sym_size(self: Array, dim: int) -> Array:
    return np.asarray(self.shape[normal_axis(dim, self.ndim)], INT64)


@row("sym_numel(Tensor self)", "A.sym_numel.default A.numel.default")
def sym_numel(self: Array) -> Array:
    return np.asarray(self.size, INT64)


def _declare_int_arithmetic() -> None:
    table: dict[str, Callable[[Any, Any], Any]] = {
        "add": np.add,
        "sub": np.subtract,
        "mul": np.multiply,
        "floordiv": floor_divide,
        "remainder": remainder,
    }
    for name, function in table.items():

        def rule(a: Value, b: Value, _f: Callable[[Any, Any], Any] = function) -> Array:
            return np.asarray(_f(np.asarray(a, INT64), np.asarray(b, INT64)), INT64)

        row(f"{name}_int(Value a, Value b)", f"A.{name}.int")(rule)


_declare_int_arithmetic()


@row("neg_int(Value a)", "A.neg.int")
def neg_int(a: Value) -> Array:
    return np.asarray(-np.asarray(a, INT64))


@row("truediv_int(Value a, Value b)", "A.div.int A.div.float A.div.default")
def truediv_numbers(a: Value, b: Value) -> Array:
    return np.asarray(np.asarray(a, np.float64) / np.asarray(b, np.float64))


@row("vdot(Tensor self, Tensor other)", "A.vdot.default")
def vdot(self: Array, other: Array) -> Array:
    return dot(self, other)


@row("_local_scalar_dense(Tensor self)", "A._local_scalar_dense.default A.item.default")
def local_scalar(self: Array) -> Array:
    """The only element, as a 0-d array of its own."""
    if self.size != 1:
        raise ValueError(f"only a tensor with one element has an item, not shape {self.shape}")
    return self.reshape(()).copy()


# -- filling and casting --------------------------------------------------------------------


@row("_to_copy(Tensor self, *, dtype? dtype=None)", "A._to_copy.default")
def to_copy(self: Array, dtype: Any = None) -> Array:
    return self.astype(self.dtype if dtype is None else as_dtype(dtype))


@row("copy(Tensor self, Tensor src, bool non_blocking=False)", "A.copy.default")
def copy(self: Array, src: Array, non_blocking: bool) -> Array:
    """`src` in the shape and dtype of `self`."""
    return np.broadcast_to(src, self.shape).astype(self.dtype)


@row("fill_new(Tensor self, Value value)", "A.fill.Scalar A.fill.Tensor")
def fill(self: Array, value: Value) -> Array:
    """A new array of the same shape and dtype that holds one number."""
    out = np.empty(self.shape, self.dtype)
    out[...] = cast(value, self.dtype)
    return out


@row("scalar_tensor(Value s, *, dtype? dtype=None)", "torch.scalar_tensor A.scalar_tensor.default")
def scalar_tensor(s: Value, dtype: Any = None) -> Array:
    return np.asarray(cast(s, DEFAULT_FLOAT if dtype is None else as_dtype(dtype)))


@row("empty_sized(int[] size, *, dtype? dtype=None)", "A.empty.memory_format")
@row(
    "empty_permuted(int[] size, int[] physical_layout, *, dtype? dtype=None)",
    "A.empty_permuted.default",
)
@row("empty_strided(int[] size, int[] stride, *, dtype? dtype=None)", "A.empty_strided.default")
def empty(size: Sequence[int], *rest: Any) -> Array:
    """Zeros: what memory held before is nobody's business."""
    return np.zeros(tuple(size), DEFAULT_FLOAT if rest[-1] is None else as_dtype(rest[-1]))


@row(
    "new_empty_strided(Tensor self, int[] size, int[] stride, *, dtype? dtype=None)",
    "A.new_empty_strided.default",
)
def new_empty_strided(self: Array, size: Sequence[int], stride: Sequence[int], dtype: Any) -> Array:
    return np.zeros(tuple(size), self.dtype if dtype is None else as_dtype(dtype))


# -- statistics -----------------------------------------------------------------------------


def _corrected(
    self: Array, dim: Sequence[int] | None, correction: Scalar | None, keepdim: bool
) -> Array:
    """Variance, the sum of squares divided by ``n - correction`` (1 when None)."""
    axis = axes(self, dim)
    away = self - mean(self, dim, True)
    away *= away
    count = self.size if axis is None else math.prod(self.shape[a] for a in axis)
    less = 1 if correction is None else correction
    with np.errstate(divide="ignore", invalid="ignore"):
        total = np.sum(away, axis=axis, keepdims=keepdim)
        return array(total / self.dtype.type(max(count - less, 0)))


_CORRECTION = "(Tensor self, int[1]? dim=None, *, Scalar? correction=None, bool keepdim=False)"


def _declare_corrected() -> None:
    for name, after in (("var", np.positive), ("std", np.sqrt)):

        def single(
            self: Array,
            dim: Sequence[int] | None,
            correction: Scalar | None,
            keepdim: bool,
            _f: np.ufunc = after,
        ) -> Array:
            return array(_f(_corrected(self, dim, correction, keepdim)))

        def both(
            self: Array,
            dim: Sequence[int] | None,
            correction: Scalar | None,
            keepdim: bool,
            _f: np.ufunc = after,
        ) -> tuple[Array, Array]:
            spread = array(_f(_corrected(self, dim, correction, keepdim)))
            return spread, mean(self, dim, keepdim)

        row(f"{name}_correction{_CORRECTION}", f"A.{name}.correction")(single)
        row(
            f"{name}_mean_correction{_CORRECTION} -> Tensor, Tensor",
            f"A.{name}_mean.correction",
        )(both)


_declare_corrected()


# -- order ----------------------------------------------------------------------------------


@row(
    "sort_stable(Tensor self, *, bool? stable, int dim=-1, bool descending=False) "
    "-> Tensor, Tensor",
    "A.sort.stable",
)
def sort_stable(
    self: Array, stable: bool | None, dim: int, descending: bool
) -> tuple[Array, Array]:
    return sort(self, dim, descending)


@row(
    "argsort_stable(Tensor self, *, bool stable, int dim=-1, bool descending=False)",
    "A.argsort.stable",
)
def argsort_stable(self: Array, stable: bool, dim: int, descending: bool) -> Array:
    return argsort(self, dim, descending)


# -- scatter with a reduction -----------------------------------------------------------------


_REDUCE = {"add": np.add, "multiply": np.multiply}


@row(
    "scatter_with(Tensor self, int dim, Tensor index, Tensor src, *, str reduce)",
    "torch.scatter .scatter A.scatter.reduce",
)
@row(
    "scatter_with(Tensor self, int dim, Tensor index, Scalar value, *, str reduce)",
    "torch.scatter .scatter A.scatter.value_reduce",
)
def scatter_with(self: Array, dim: int, index: Array, src: Value, reduce: str) -> Array:
    """Add or multiply the values into the places that `index` names."""
    if reduce not in _REDUCE:
        raise ValueError(f"reduce must be 'add' or 'multiply', not {reduce!r}")
    return _combined(self.copy(), dim, index, src, _REDUCE[reduce])


def _combined(out: Array, dim: int, index: Array, src: Value, ufunc: np.ufunc) -> Array:
    places, values = scatter_places(out, dim, index, src)
    ufunc.at(out, places, values)
    return out


def scatter_places(
    out: Array, dim: int, index: Array, src: Value
) -> tuple[tuple[Array, ...], Array]:
    """Index arrays of the places, and the values that go there, in the dtype of `out`."""
    axis = normal_axis(dim, out.ndim)
    flat = index.reshape(1) if index.ndim == 0 else index
    if flat.ndim != max(out.ndim, 1):
        raise IndexError(f"index of shape {index.shape} must have as many dims as {out.shape}")
    size = out.shape[axis] if out.ndim else 1
    if flat.size and (flat.min() < -size or flat.max() >= size):
        raise IndexError(f"an index is out of range for a dimension of size {size}")
    places: list[Any] = list(np.ogrid[tuple(slice(n) for n in flat.shape)])
    places[axis] = flat.astype(np.intp)
    if isinstance(src, np.ndarray) and src.ndim:
        src = src[tuple(slice(n) for n in flat.shape)]
    return tuple(places), np.asarray(cast(src, out.dtype))


@row(
    "scatter_reduce(Tensor self, int dim, Tensor index, Tensor src, str reduce, *, "
    "bool include_self=True)",
    "torch.scatter_reduce .scatter_reduce A.scatter_reduce.two",
)
def scatter_reduce(
    self: Array, dim: int, index: Array, src: Array, reduce: str, include_self: bool = True
) -> Array:
    """Combine all values that go to one place: sum, prod, mean, amax or amin."""
    table: dict[str, tuple[np.ufunc, Any]] = {
        "sum": (np.add, 0),
        "mean": (np.add, 0),
        "prod": (np.multiply, 1),
        "amax": (np.maximum, _extreme(self, -1)),
        "amin": (np.minimum, _extreme(self, 1)),
    }
    if reduce not in table:
        raise ValueError(f"reduce must be one of {', '.join(table)}, not {reduce!r}")
    ufunc, neutral = table[reduce]
    out = self.copy().reshape(-1) if self.ndim == 0 else self.copy()
    places, values = scatter_places(out, dim, index, src)
    if not include_self:
        out[places] = neutral
    ufunc.at(out, places, values)
    if reduce == "mean":
        counts = np.full(out.shape, int(include_self), INT64)
        np.add.at(counts, places, 1)
        counts = np.maximum(counts, 1)
        if out.dtype.kind == "f":
            out /= counts.astype(out.dtype)
        else:
            out //= counts.astype(out.dtype)
    return out.reshape(self.shape)


def _extreme(self: Array, sign: int) -> Any:
    if self.dtype.kind == "f":
        return sign * np.inf
    if self.dtype.kind == "b":
        return sign > 0
    return np.iinfo(self.dtype).max if sign > 0 else np.iinfo(self.dtype).min
