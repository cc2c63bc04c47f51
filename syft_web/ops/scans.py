"""Running results along a dimension, norms of vectors, distances between rows; and gradients."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from syft_web.ops.dtypes import INT64, Array, Scalar, as_dtype
from syft_web.ops.elementwise import array
from syft_web.ops.reduce import norm_dims, normal_axis
from syft_web.ops.row import RowCollector

__all__ = ["row"]

row = RowCollector()


@row(
    "logcumsumexp(Tensor self, int dim)",
    "torch.logcumsumexp .logcumsumexp A.logcumsumexp.default",
)
def logcumsumexp(self: Array, dim: int) -> Array:
    """The logarithm of the running sum of exponentials, without overflow."""
    if self.ndim == 0:
        normal_axis(dim, 0)
        return self.copy()
    with np.errstate(invalid="ignore"):
        return array(np.logaddexp.accumulate(self, axis=normal_axis(dim, self.ndim)))


def _declare_extremes() -> None:
    for name, better in (("cummax", np.greater_equal), ("cummin", np.less_equal)):

        def rule(self: Array, dim: int, _better: np.ufunc = better) -> tuple[Array, Array]:
            """The best so far, and where it stands; of equal ones the last."""
            if self.ndim == 0:
                normal_axis(dim, 0)
                return self.copy(), np.zeros((), INT64)
            moved = np.moveaxis(self, normal_axis(dim, self.ndim), 0)
            values, indices = moved.copy(), np.zeros(moved.shape, INT64)
            for i in range(1, len(moved)):
                new = _better(moved[i], values[i - 1]) | (moved[i] != moved[i])
                values[i] = np.where(new, moved[i], values[i - 1])
                indices[i] = np.where(new, i, indices[i - 1])
            axis = normal_axis(dim, self.ndim)
            found = (np.moveaxis(x, 0, axis) for x in (values, indices))
            return tuple(map(np.ascontiguousarray, found))  # type: ignore[return-value]  # two

        row(
            f"{name}(Tensor self, int dim) -> Tensor, Tensor",
            f"torch.{name} .{name} A.{name}.default",
        )(rule)


_declare_extremes()


@row(
    "linalg_vector_norm(Tensor self, Scalar ord=2, int[1]? dim=None, bool keepdim=False, *, "
    "dtype? dtype=None)",
    "torch.linalg.vector_norm A.linalg_vector_norm.default",
)
def vector_norm(
    self: Array, ord: Scalar, dim: Sequence[int] | None, keepdim: bool, dtype: Any = None
) -> Array:
    """The norm of all elements, or along dimensions."""
    x = self if dtype is None else self.astype(as_dtype(dtype), copy=False)
    return norm_dims(x, ord, dim, keepdim)


# -- distances -----------------------------------------------------------------------------


def _norm(away: Array, p: float) -> Array:
    """The p-norm of non-negative numbers along the last dimension."""
    if p == 0:
        return np.sum(away != 0, -1, dtype=away.dtype)
    if p == np.inf:
        return array(np.max(away, -1, initial=0))
    if p == 1:
        return array(np.sum(away, -1))
    if p == 2:
        return array(np.sqrt(np.sum(away * away, -1)))
    kind = away.dtype.type
    return array(np.sum(away ** kind(p), -1) ** kind(1 / p))


def _slope(grad: Array, apart: Array, p: float, distance: Array) -> Array:
    """The gradient of a distance with respect to the difference, element by element.

    Args:
        grad: With respect to the distances, with a last dimension of 1.
        apart: The differences.
        p: Of the norm.
        distance: The distances, with a last dimension of 1.
    """
    kind = apart.dtype.type
    size, sign = np.abs(apart), np.sign(apart)
    if p == 0:
        return np.zeros_like(apart)
    if p == 1:
        return array(grad * sign)
    if p == np.inf:
        return array(grad * sign * (size == distance))
    with np.errstate(divide="ignore", invalid="ignore"):
        if p == 2:
            slope = grad * apart / distance
        elif p < 2:
            powered = np.where(size == 0, kind(0), size ** kind(p - 1))
            slope = grad * sign * powered / distance ** kind(p - 1)
        else:
            slope = grad * apart * size ** kind(p - 2) / distance ** kind(p - 1)
    return np.asarray(np.where(distance == 0, kind(0), slope))


@row(
    "_cdist_forward(Tensor x1, Tensor x2, float p, int? compute_mode)",
    "A._cdist_forward.default",
)
def cdist_forward(x1: Array, x2: Array, p: float, compute_mode: int | None) -> Array:
    """Distances between all rows of two matrices, or batches of them: ``(..., P, R)``."""
    return _norm(np.abs(x1[..., :, None, :] - x2[..., None, :, :]), p)


@row(
    "_cdist_backward(Tensor grad, Tensor x1, Tensor x2, float p, Tensor cdist)",
    "A._cdist_backward.default",
)
def cdist_backward(grad: Array, x1: Array, x2: Array, p: float, cdist: Array) -> Array:
    """The gradient of the first matrix."""
    apart = x1[..., :, None, :] - x2[..., None, :, :]
    return array(np.sum(_slope(grad[..., None], apart, p, cdist[..., None]), axis=-2))


@row("_pdist_forward(Tensor self, float p=2.0)", "A._pdist_forward.default A.pdist.default")
def pdist_forward(self: Array, p: float = 2.0) -> Array:
    """Distances between all pairs of rows, ``(N (N - 1) / 2,)``."""
    first, second = np.triu_indices(self.shape[0], 1)
    return _norm(np.abs(self[first] - self[second]), p)


@row(
    "_pdist_backward(Tensor grad, Tensor self, float p, Tensor pdist)",
    "A._pdist_backward.default",
)
def pdist_backward(grad: Array, self: Array, p: float, pdist: Array) -> Array:
    first, second = np.triu_indices(self.shape[0], 1)
    slope = _slope(grad[:, None], self[first] - self[second], p, pdist[:, None])
    out = np.zeros_like(self)
    np.add.at(out, first, slope)
    np.subtract.at(out, second, slope)
    return out


@row(
    "cumprod_backward(Tensor grad, Tensor input, int dim, Tensor output)",
    "A.cumprod_backward.default",
)
def cumprod_backward(grad: Array, input: Array, dim: int, output: Array) -> Array:
    """The gradient of a running product; right where elements are 0, too."""
    if input.ndim == 0:
        return array(grad * 1)
    axis = normal_axis(dim, input.ndim)
    x, g = np.moveaxis(input, axis, 0), np.moveaxis(grad, axis, 0)
    out = np.zeros_like(x)
    for k in range(len(x)):
        # Every product from k on, without x[k].
        without = np.prod(x[:k], axis=0)
        for i in range(k, len(x)):
            if i > k:
                without = without * x[i]
            out[k] += g[i] * without
    return np.moveaxis(out, 0, axis)
