"""Products of three arrays, and torch.linalg as captured training steps write it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from syft_web.ops.decompose import cholesky, inverse, matrices, qr
from syft_web.ops.dtypes import FLOAT64, INT32, Array
from syft_web.ops.elementwise import array
from syft_web.ops.row import RowCollector

__all__ = ["row"]

row = RowCollector()


@row(
    "_trilinear(Tensor i1, Tensor i2, Tensor i3, int[] expand1, int[] expand2, int[] expand3, "
    "int[] sumdim, int unroll_dim=1)",
    "torch._trilinear A._trilinear.default",
)
def trilinear(
    i1: Array,
    i2: Array,
    i3: Array,
    expand1: Sequence[int],
    expand2: Sequence[int],
    expand3: Sequence[int],
    sumdim: Sequence[int],
    unroll_dim: int = 1,
) -> Array:
    """The product of three arrays, summed over dimensions; nn.Bilinear is made of it.

    Args:
        i1: Lacks the dimensions `expand1` of the product; likewise the others.
        i2: See `i1`.
        i3: See `i1`.
        expand1: Dimensions of the product, likewise the others.
        expand2: See `expand1`.
        expand3: See `expand1`.
        sumdim: Dimensions of the product that are summed over.
        unroll_dim: Means nothing here.
    """
    ndim = i1.ndim + len(expand1)
    inputs: list[Any] = []
    for operand, missing in ((i1, expand1), (i2, expand2), (i3, expand3)):
        inputs += [operand, [d for d in range(ndim) if d not in missing]]
    kept = [d for d in range(ndim) if d not in sumdim]
    return array(np.einsum(*inputs, kept, optimize=True))


def _info(matrix: Array) -> Array:
    """What LAPACK says about each matrix: 0, nothing went wrong."""
    return np.zeros(matrix.shape[:-2], INT32)


@row(
    "linalg_inv_ex(Tensor A, *, bool check_errors=False) -> Tensor, Tensor",
    "A.linalg_inv_ex.default",
)
def inv_ex(A: Array, check_errors: bool) -> tuple[Array, Array]:  # noqa: N803  # torch's name
    return inverse(A), _info(A)


@row(
    "linalg_cholesky_ex(Tensor self, *, bool upper=False, bool check_errors=False) "
    "-> Tensor, Tensor",
    "A.linalg_cholesky_ex.default",
)
def cholesky_ex(self: Array, upper: bool, check_errors: bool) -> tuple[Array, Array]:
    return cholesky(self, upper), _info(self)


@row("linalg_qr(Tensor A, str mode='reduced') -> Tensor, Tensor", "A.linalg_qr.default")
def linalg_qr(A: Array, mode: str) -> tuple[Array, Array]:  # noqa: N803
    """Orthogonal and triangular factor; mode ``"complete"`` makes the first one square."""
    if mode not in ("reduced", "complete"):
        raise ValueError(f"qr mode must be 'reduced' or 'complete', not {mode!r}")
    return qr(A, mode == "reduced")


@row(
    "linalg_solve_triangular(Tensor self, Tensor B, *, bool upper, bool left=True, "
    "bool unitriangular=False)",
    "A.linalg_solve_triangular.default",
)
def solve_triangular(
    self: Array,
    B: Array,  # noqa: N803
    upper: bool,
    left: bool,
    unitriangular: bool,
) -> Array:
    """``X`` in ``self @ X = B`` (or ``X @ self = B``); only one triangle of `self` counts."""
    dtype = matrices("solve_triangular", self, B)
    triangle = np.triu(self) if upper else np.tril(self)
    triangle = triangle.astype(FLOAT64)
    if unitriangular:
        each = np.arange(triangle.shape[-1])
        triangle[..., each, each] = 1
    right = B.astype(FLOAT64)
    if left:
        return np.linalg.solve(triangle, right).astype(dtype)
    turned = np.linalg.solve(triangle.swapaxes(-1, -2), right.swapaxes(-1, -2))
    return turned.swapaxes(-1, -2).astype(dtype)


@row(
    "linalg_matrix_exp(Tensor self)",
    "torch.matrix_exp .matrix_exp torch.linalg.matrix_exp A.linalg_matrix_exp.default",
)
def matrix_exp(self: Array) -> Array:
    """The exponential of matrices: a Taylor series of a small part, squared again and again."""
    dtype = matrices("matrix_exp", self, square=True)
    x = self.astype(FLOAT64)
    largest = float(np.max(np.sum(np.abs(x), -2), initial=0))
    halvings = max(math.ceil(math.log2(largest)) + 2, 0) if 0 < largest < math.inf else 0
    small = x / 2.0**halvings
    term = np.broadcast_to(np.eye(x.shape[-1]), x.shape)
    total = term.copy()
    for k in range(1, 18):
        term = term @ small / k
        total += term
    for _ in range(halvings):
        total = total @ total
    return total.astype(dtype)
