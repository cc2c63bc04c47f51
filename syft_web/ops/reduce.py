"""Operations that reduce dimensions, and running sums along one."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from syft_web import kernels
from syft_web.ops.dtypes import (
    BOOL,
    INT64,
    Array,
    DType,
    Scalar,
    as_dtype,
    float_type,
    recast,
    sum_type,
)
from syft_web.ops.elementwise import array
from syft_web.ops.row import RowCollector

__all__ = [
    "argmax",
    "axes",
    "logsumexp",
    "mean",
    "norm_dims",
    "normal_axis",
    "row",
    "sum_",
    "variance",
]

row = RowCollector()


def normal_axis(dim: int, ndim: int) -> int:
    """A dimension counted from 0. A 0-d array has the one dimension 0 (or -1), as in torch.

    Raises:
        IndexError: No such dimension.
    """
    limit = max(ndim, 1)
    if not -limit <= dim < limit:
        raise IndexError(
            f"Dimension out of range (expected to be in range of [{-limit}, {limit - 1}], "
            f"but got {dim})"
        )
    return dim % limit


def axes(self: Array, dim: Sequence[int] | None) -> tuple[int, ...] | None:
    """The axis argument for numpy: None for all; an empty list also means all."""
    if not dim:
        return None
    found = tuple(normal_axis(d, self.ndim) for d in dim)
    if len(set(found)) != len(found):
        raise ValueError(f"a dimension appears twice in {list(dim)}")
    return found if self.ndim else ()


def sum_(
    self: Array, dim: Sequence[int] | None = None, keepdim: bool = False, dtype: Any = None
) -> Array:
    """Sum over the listed dimensions, all when None; bool and ints give int64."""
    wanted = sum_type(self.dtype) if dtype is None else as_dtype(dtype)
    axis = axes(self, dim)
    if axis is not None and len(axis) == 1 and wanted is self.dtype:
        found = kernels.sum_axis(self, axis[0], keepdim)
        if found is not None:
            return found
    return array(np.sum(self, axis=axis, keepdims=keepdim, dtype=wanted))


def mean(
    self: Array, dim: Sequence[int] | None = None, keepdim: bool = False, dtype: Any = None
) -> Array:
    """Mean over the listed dimensions, all when None.

    Raises:
        TypeError: The array has no floats, as in torch.
    """
    wanted = self.dtype if dtype is None else as_dtype(dtype)
    if wanted.kind != "f":
        raise TypeError(f"mean needs floats, not {wanted}; convert with float() first")
    axis = axes(self, dim)
    total = np.sum(self, axis=axis, keepdims=keepdim, dtype=wanted)
    # Not np.mean, which warns about empty arrays; torch quietly gives nan.
    return array(np.true_divide(total, wanted.type(_count(self, axis))))


def _count(self: Array, axis: tuple[int, ...] | None) -> int:
    """How many elements go into one result."""
    return self.size if axis is None else math.prod(self.shape[a] for a in axis)


def _declare_sums() -> None:
    for name, rule, more in (
        ("sum", sum_, ""),
        ("mean", mean, ""),
        ("nansum", _nansum, ""),
    ):
        row(
            f"{name}(Tensor self, int[1]? dim=None, bool keepdim=False, *, dtype? dtype=None)",
            f"torch.{name} .{name} {more}",
            kernel="sum_columns" if name == "sum" else None,
        )(rule)


def _nansum(
    self: Array, dim: Sequence[int] | None = None, keepdim: bool = False, dtype: Any = None
) -> Array:
    return sum_(np.nan_to_num(self, posinf=np.inf, neginf=-np.inf), dim, keepdim, dtype)


_declare_sums()


@row("prod(Tensor self, *, dtype? dtype=None)", "torch.prod .prod")
def prod(self: Array, dtype: Any = None) -> Array:
    return array(np.prod(self, dtype=sum_type(self.dtype) if dtype is None else as_dtype(dtype)))


@row("prod(Tensor self, int dim, bool keepdim=False, *, dtype? dtype=None)", "torch.prod .prod")
def prod_dim(self: Array, dim: int, keepdim: bool, dtype: Any = None) -> Array:
    wanted = sum_type(self.dtype) if dtype is None else as_dtype(dtype)
    return array(np.prod(self, axis=axes(self, [dim]), keepdims=keepdim, dtype=wanted))


def _bool_result(self: Array) -> DType:
    return self.dtype if self.dtype == np.uint8 else BOOL


def _declare_bool() -> None:
    for name, function in (("all", np.all), ("any", np.any)):

        def rule(
            self: Array,
            dim: Sequence[int] | None = None,
            keepdim: bool = False,
            _f: Callable[..., Any] = function,
        ) -> Array:
            # Unlike sums, these reduce nothing over an empty list.
            axis = () if dim == [] else axes(self, dim)
            found = _f(self, axis=axis, keepdims=keepdim)
            return np.asarray(found, _bool_result(self))

        row(f"{name}(Tensor self, int[1]? dim=None, bool keepdim=False)", f"torch.{name} .{name}")(
            rule
        )


_declare_bool()


def _extreme(self: Array, function: Callable[..., Any]) -> Array:
    if self.size == 0:
        raise ValueError("the largest or smallest of no elements is not defined; give dim")
    return array(function(self))


@row("max(Tensor self)", "torch.max .max")
def max_all(self: Array) -> Array:
    return _extreme(self, np.max)


@row("min(Tensor self)", "torch.min .min")
def min_all(self: Array) -> Array:
    return _extreme(self, np.min)


def _arg(self: Array, dim: int | None, keepdim: bool, function: Callable[..., Any]) -> Array:
    """The index of the first extreme element; int64 also where numpy's own index is int32."""
    if self.ndim == 0:
        if dim is not None:
            normal_axis(dim, 0)
        return np.zeros((), INT64)
    if dim is None:
        found = function(self)
        shape = (1,) * self.ndim if keepdim else ()
        return np.asarray(found, INT64).reshape(shape)
    axis = normal_axis(dim, self.ndim)
    return np.asarray(function(self, axis=axis, keepdims=keepdim), INT64)


@row("argmax(Tensor self, int? dim=None, bool keepdim=False)", "torch.argmax .argmax")
def argmax(self: Array, dim: int | None = None, keepdim: bool = False) -> Array:
    """Index of the largest element, of all (flattened) or along `dim`."""
    return _arg(self, dim, keepdim, np.argmax)


@row("argmin(Tensor self, int? dim=None, bool keepdim=False)", "torch.argmin .argmin")
def argmin(self: Array, dim: int | None = None, keepdim: bool = False) -> Array:
    return _arg(self, dim, keepdim, np.argmin)


def _with_index(
    self: Array, dim: int, keepdim: bool, index: Callable[..., Any]
) -> tuple[Array, Array]:
    if self.ndim == 0:
        normal_axis(dim, 0)
        return self.copy(), np.zeros((), INT64)
    axis = normal_axis(dim, self.ndim)
    where = index(self, axis=axis, keepdims=True)
    values = np.take_along_axis(self, where, axis)
    if not keepdim:
        values, where = values.squeeze(axis), where.squeeze(axis)
    return values, np.asarray(where, INT64)


@row("max(Tensor self, int dim, bool keepdim=False) -> Tensor, Tensor", "torch.max .max")
def max_dim(self: Array, dim: int, keepdim: bool = False) -> tuple[Array, Array]:
    return _with_index(self, dim, keepdim, np.argmax)


@row("min(Tensor self, int dim, bool keepdim=False) -> Tensor, Tensor", "torch.min .min")
def min_dim(self: Array, dim: int, keepdim: bool = False) -> tuple[Array, Array]:
    return _with_index(self, dim, keepdim, np.argmin)


@row("amax(Tensor self, int[1]? dim=None, bool keepdim=False)", "torch.amax .amax")
def amax(self: Array, dim: Sequence[int] | None, keepdim: bool) -> Array:
    return array(np.max(self, axis=axes(self, dim), keepdims=keepdim))


@row("amin(Tensor self, int[1]? dim=None, bool keepdim=False)", "torch.amin .amin")
def amin(self: Array, dim: Sequence[int] | None, keepdim: bool) -> Array:
    return array(np.min(self, axis=axes(self, dim), keepdims=keepdim))


def variance(
    self: Array, dim: Sequence[int] | None, unbiased: bool = True, keepdim: bool = False
) -> Array:
    """Variance over the listed dimensions, divided by n-1 when unbiased, else by n."""
    if self.dtype.kind != "f":
        raise TypeError(f"std and var need floats, not {self.dtype}")
    axis = axes(self, dim)
    away = self - mean(self, axis, True)
    total = np.sum(away * away, axis=axis, keepdims=keepdim)
    return array(np.true_divide(total, self.dtype.type(max(_count(self, axis) - unbiased, 0))))


def _declare_spread() -> None:
    for name, after in (("var", np.positive), ("std", np.sqrt)):

        def over_dims(
            self: Array,
            dim: Sequence[int],
            unbiased: bool,
            keepdim: bool,
            _f: np.ufunc = after,
        ) -> Array:
            return array(_f(variance(self, dim, unbiased, keepdim)))

        def over_all(self: Array, unbiased: bool, _f: np.ufunc = after) -> Array:
            return array(_f(variance(self, None, unbiased)))

        names = f"torch.{name} .{name}"
        row(f"{name}(Tensor self, bool unbiased=True)", names)(over_all)
        row(f"{name}(Tensor self, int[1] dim, bool unbiased=True, bool keepdim=False)", names)(
            over_dims
        )


_declare_spread()


@row("var_mean(Tensor self, bool unbiased) -> Tensor, Tensor", "torch.var_mean")
def var_mean_all(self: Array, unbiased: bool) -> tuple[Array, Array]:
    return variance(self, None, unbiased), mean(self)


@row(
    "var_mean(Tensor self, int[1]? dim=None, bool unbiased=True, bool keepdim=False) "
    "-> Tensor, Tensor",
    "torch.var_mean",
)
def var_mean(
    self: Array, dim: Sequence[int] | None, unbiased: bool, keepdim: bool
) -> tuple[Array, Array]:
    return variance(self, dim, unbiased, keepdim), mean(self, dim, keepdim)


@row("std_mean(Tensor self, bool unbiased) -> Tensor, Tensor", "torch.std_mean")
def std_mean_all(self: Array, unbiased: bool) -> tuple[Array, Array]:
    return array(np.sqrt(variance(self, None, unbiased))), mean(self)


@row(
    "std_mean(Tensor self, int[1]? dim=None, bool unbiased=True, bool keepdim=False) "
    "-> Tensor, Tensor",
    "torch.std_mean",
)
def std_mean(
    self: Array, dim: Sequence[int] | None, unbiased: bool, keepdim: bool
) -> tuple[Array, Array]:
    return array(np.sqrt(variance(self, dim, unbiased, keepdim))), mean(self, dim, keepdim)


@row("logsumexp(Tensor self, int[1] dim, bool keepdim=False)", "torch.logsumexp .logsumexp")
def logsumexp(self: Array, dim: Sequence[int], keepdim: bool = False) -> Array:
    """``log(sum(exp(x)))`` over dimensions, without overflow."""
    axis = axes(self, dim)
    x = recast(self, float_type(self.dtype))
    top = np.max(x, axis=axis, keepdims=True, initial=-np.inf)
    top = np.where(np.isfinite(top), top, 0).astype(x.dtype)
    total = np.log(np.sum(np.exp(x - top), axis=axis, keepdims=True)) + top
    return array(total if keepdim else np.squeeze(total, axis=axis))


@row("norm(Tensor self, Scalar? p=2, int[1]? dim=None, bool keepdim=False)", "torch.norm .norm")
def norm_dims(
    self: Array, p: Scalar | None, dim: Sequence[int] | None, keepdim: bool = False
) -> Array:
    """The p-norm of all elements, or along dimensions."""
    if self.dtype.kind != "f":
        raise TypeError(f"norm needs floats, not {self.dtype}")
    axis, power = axes(self, dim), 2.0 if p is None else float(p)
    size = np.abs(self)
    if power == 0:
        return array(np.sum(size != 0, axis=axis, keepdims=keepdim, dtype=self.dtype))
    if power == np.inf:
        return array(np.max(size, axis=axis, keepdims=keepdim))
    if power == -np.inf:
        return array(np.min(size, axis=axis, keepdims=keepdim))
    if power == 1:
        return array(np.sum(size, axis=axis, keepdims=keepdim))
    if power == 2:
        return array(np.sqrt(np.sum(size * size, axis=axis, keepdims=keepdim)))
    exponent = self.dtype.type(power)
    total = np.sum(size**exponent, axis=axis, keepdims=keepdim)
    return array(total ** self.dtype.type(1 / power))


@row("dist(Tensor self, Tensor other, Scalar p=2)", "torch.dist .dist")
def dist(self: Array, other: Array, p: Scalar = 2) -> Array:
    return norm_dims(array(self - other), p, None)


@row("cumsum(Tensor self, int dim, *, dtype? dtype=None)", "torch.cumsum .cumsum")
def cumsum(self: Array, dim: int, dtype: Any = None) -> Array:
    wanted = sum_type(self.dtype) if dtype is None else as_dtype(dtype)
    axis = normal_axis(dim, self.ndim)
    return self.astype(wanted) if self.ndim == 0 else np.cumsum(self, axis=axis, dtype=wanted)


@row("cumprod(Tensor self, int dim, *, dtype? dtype=None)", "torch.cumprod .cumprod")
def cumprod(self: Array, dim: int, dtype: Any = None) -> Array:
    wanted = sum_type(self.dtype) if dtype is None else as_dtype(dtype)
    axis = normal_axis(dim, self.ndim)
    return self.astype(wanted) if self.ndim == 0 else np.cumprod(self, axis=axis, dtype=wanted)


@row("median(Tensor self)", "torch.median .median")
def median(self: Array) -> Array:
    flat = np.sort(self, axis=None)
    if self.dtype.kind == "f" and (flat.size == 0 or np.isnan(flat[-1])):
        return np.array(np.nan, self.dtype)
    return array(flat[(flat.size - 1) // 2])


@row(
    "kthvalue(Tensor self, int k, int dim=-1, bool keepdim=False) -> Tensor, Tensor",
    "torch.kthvalue .kthvalue",
)
def kthvalue(self: Array, k: int, dim: int = -1, keepdim: bool = False) -> tuple[Array, Array]:
    axis = normal_axis(dim, self.ndim)
    size = self.shape[axis] if self.ndim else 1
    if not 1 <= k <= size:
        raise IndexError(f"k={k} is out of range for {size} elements")
    if self.ndim == 0:
        return self.copy(), np.zeros((), INT64)
    where = np.take(np.argsort(self, axis=axis, kind="stable"), [k - 1], axis=axis)
    values = np.take_along_axis(self, where, axis)
    if not keepdim:
        values, where = values.squeeze(axis), where.squeeze(axis)
    return values, where.astype(INT64)


@row("median(Tensor self, int dim, bool keepdim=False) -> Tensor, Tensor", "torch.median .median")
def median_dim(self: Array, dim: int, keepdim: bool = False) -> tuple[Array, Array]:
    axis = normal_axis(dim, self.ndim)
    size = self.shape[axis] if self.ndim else 1
    values, where = kthvalue(self, (size - 1) // 2 + 1, dim, keepdim)
    if self.dtype.kind != "f" or not self.ndim or not np.isnan(self).any():
        return values, where
    missing = np.isnan(self)
    first = np.argmax(missing, axis=dim, keepdims=keepdim)
    bad = np.any(missing, axis=dim, keepdims=keepdim)
    return np.where(bad, self.dtype.type(np.nan), values), np.where(bad, first, where).astype(INT64)
