"""Systems of linear equations: LU factors, triangular systems, Cholesky factors."""

from __future__ import annotations

import numpy as np

from syft_web.ops.decompose import matrices
from syft_web.ops.dtypes import INT32, Array, promote_types
from syft_web.ops.row import RowCollector

__all__ = ["lu_factor", "row"]

row = RowCollector()


def lu_factor(self: Array, pivot: bool = True) -> tuple[Array, Array, Array]:
    """Gaussian elimination with row exchanges.

    Args:
        self: Matrices (*, m, n).
        pivot: Whether rows may be exchanged.

    Returns:
        L below and U on and above the diagonal, in one float64 array (*, m, n); int32 numbers
        (*, min(m, n)) of the row, counted from 1, that each row was exchanged with; and int32
        (*): 0, or the number of the first zero on U's diagonal.
    """
    rows, columns = self.shape[-2:]
    count = min(rows, columns)
    factors = np.array(self, np.float64).reshape(-1, rows, columns)
    which = np.arange(len(factors))
    pivots = np.tile(np.arange(1, count + 1, dtype=INT32), (len(factors), 1))
    singular = np.zeros(len(factors), INT32)
    for k in range(count):
        if pivot:
            best = k + np.argmax(np.abs(factors[:, k:, k]), 1)
            pivots[:, k] = best + 1
            upper = factors[:, k].copy()
            factors[:, k] = factors[which, best]
            factors[which, best] = upper
        head = factors[:, k, k]
        singular[(head == 0) & (singular == 0)] = k + 1
        factors[:, k + 1 :, k] /= np.where(head == 0, 1, head)[:, None]
        factors[:, k + 1 :, k + 1 :] -= factors[:, k + 1 :, k, None] * factors[:, None, k, k + 1 :]
    lead = self.shape[:-2]
    return (
        factors.reshape(self.shape),
        pivots.reshape(*lead, count),
        singular.reshape(lead),
    )


@row(
    "lu(Tensor self, bool pivot=True, true get_infos) -> Tensor, Tensor, Tensor",
    "torch.lu .lu",
)
def lu_with_infos(self: Array, pivot: bool, get_infos: bool) -> tuple[Array, Array, Array]:
    dtype = matrices("lu", self)
    factors, pivots, singular = lu_factor(self, pivot)
    return factors.astype(dtype), pivots, singular


@row(
    "lu(Tensor self, bool pivot=True, bool get_infos=False) -> Tensor, Tensor",
    "torch.lu .lu",
)
def lu(self: Array, pivot: bool = True, get_infos: bool = False) -> tuple[Array, Array]:
    """LU factors in one array and the row exchanges."""
    dtype = matrices("lu", self)
    factors, pivots, singular = lu_factor(self, pivot)
    if np.any(singular):
        raise np.linalg.LinAlgError("lu: a matrix is singular; get_infos=True says which")
    return factors.astype(dtype), pivots


def _row_order(pivots: Array, rows: int) -> Array:
    """The order of rows that a list of exchanges (*, k) leads to, (*, rows)."""
    flat = pivots.reshape(-1, pivots.shape[-1])
    order = np.tile(np.arange(rows), (len(flat), 1))
    which = np.arange(len(flat))
    for k in range(flat.shape[1]):
        other = flat[:, k] - 1
        if np.any((other < 0) | (other >= rows)):
            raise ValueError("a row exchange is out of range")
        upper = order[:, k].copy()
        order[:, k] = order[which, other]
        order[which, other] = upper
    return order.reshape(*pivots.shape[:-1], rows)


@row(
    "lu_unpack(Tensor LU_data, Tensor LU_pivots, bool unpack_data=True, bool unpack_pivots=True)"
    " -> Tensor, Tensor, Tensor",
    "torch.lu_unpack",
)
def lu_unpack(
    data: Array, pivots: Array, unpack_data: bool = True, unpack_pivots: bool = True
) -> tuple[Array, Array, Array]:
    """P, L and U with ``P @ L @ U`` the matrix; empty arrays for what is not asked for."""
    dtype = matrices("lu_unpack", data)
    rows, columns = data.shape[-2:]
    count = min(rows, columns)
    nothing = np.zeros(0, dtype)
    lower = upper = exchange = nothing
    if unpack_data:
        lower = np.tril(data[..., :count], -1) + np.eye(rows, count, dtype=dtype)
        upper = np.triu(data[..., :count, :])
    if unpack_pivots:
        order = _row_order(pivots, rows)
        exchange = np.eye(rows, dtype=dtype)[order].swapaxes(-1, -2)
    return np.ascontiguousarray(exchange), lower, upper


@row("lu_solve(Tensor self, Tensor LU_data, Tensor LU_pivots)", "torch.lu_solve .lu_solve")
def lu_solve(self: Array, data: Array, pivots: Array) -> Array:
    """Solve for the right sides (*, m, k), from what `lu` gives."""
    dtype = matrices("lu_solve", self)
    matrices("lu_solve", data, square=True)
    exchange, lower, upper = lu_unpack(data.astype(np.float64), pivots)
    right = np.matmul(exchange.swapaxes(-1, -2), self.astype(np.float64))
    return np.asarray(np.linalg.solve(upper, np.linalg.solve(lower, right)), dtype)


@row("solve(Tensor self, Tensor A) -> Tensor, Tensor", "torch.solve .solve")
def solve_lu(self: Array, A: Array) -> tuple[Array, Array]:  # noqa: N803  # torch's own name
    """Solve ``A @ x = self``; gives x and the LU factors of `A`."""
    dtype = matrices("solve", self)
    matrices("solve", A, square=True)
    found = np.linalg.solve(A.astype(np.float64), self.astype(np.float64))
    factors = lu_factor(np.broadcast_to(A, (*found.shape[:-2], *A.shape[-2:])))[0]
    return np.asarray(found, dtype), factors.astype(dtype)


@row(
    "triangular_solve(Tensor self, Tensor A, bool upper=True, bool transpose=False, "
    "bool unitriangular=False) -> Tensor, Tensor",
    "torch.triangular_solve .triangular_solve",
)
def triangular_solve(
    self: Array,
    A: Array,  # noqa: N803  # torch's own name
    upper: bool = True,
    transpose: bool = False,
    unitriangular: bool = False,
) -> tuple[Array, Array]:
    """Solve ``A @ x = self`` reading one triangle of `A`; gives x and a copy of `A`."""
    dtype = matrices("triangular_solve", self)
    matrices("triangular_solve", A, square=True)
    half = (np.triu if upper else np.tril)(A.astype(np.float64), 0)
    if unitriangular:
        places = np.arange(A.shape[-1])
        half[..., places, places] = 1
    turned = half.swapaxes(-1, -2) if transpose else half
    found = np.linalg.solve(turned, self.astype(np.float64))
    whole = np.broadcast_to(A, (*found.shape[:-2], *A.shape[-2:])).copy()
    return np.asarray(found, dtype), whole


@row(
    "cholesky_solve(Tensor self, Tensor input2, bool upper=False)",
    "torch.cholesky_solve .cholesky_solve",
)
def cholesky_solve(self: Array, input2: Array, upper: bool = False) -> Array:
    """Solve for the right sides, given the Cholesky factor of the matrix."""
    matrices("cholesky_solve", input2, square=True)
    dtype = promote_types(self.dtype, input2.dtype)
    matrices("cholesky_solve", self)
    half = input2.astype(np.float64)
    lower = np.triu(half).swapaxes(-1, -2) if upper else np.tril(half)
    first = np.linalg.solve(lower, self.astype(np.float64))
    return np.asarray(np.linalg.solve(lower.swapaxes(-1, -2), first), dtype)


@row(
    "cholesky_inverse(Tensor self, bool upper=False)",
    "torch.cholesky_inverse .cholesky_inverse",
)
def cholesky_inverse(self: Array, upper: bool = False) -> Array:
    """The inverse of the matrix whose Cholesky factor this is."""
    dtype = matrices("cholesky_inverse", self, square=True)
    half = self.astype(np.float64)
    lower = np.triu(half).swapaxes(-1, -2) if upper else np.tril(half)
    inverse = np.linalg.inv(lower)
    return np.asarray(np.matmul(inverse.swapaxes(-1, -2), inverse), dtype)
