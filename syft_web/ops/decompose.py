"""Matrix decompositions, and what is computed from them: determinants, inverses, ranks, norms.

Names, argument order and results are those of torch 1.4, which is what recorded plans
hold: ``qr`` and ``svd`` take ``some``, ``svd`` gives V (not its transpose), ``eig`` gives
real and imaginary parts in two columns. numpy computes in float64 and rounds at the end.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

from syft_web.ops.dtypes import FLOAT32, INT64, Array, DType
from syft_web.ops.elementwise import array
from syft_web.ops.reduce import axes, norm_dims, normal_axis
from syft_web.ops.row import RowCollector

__all__ = ["matrices", "row"]

row = RowCollector()


def matrices(name: str, *operands: Array, square: bool = False) -> DType:
    """Check that these are matrices (or batches of them) of floats; returns their dtype.

    Raises:
        TypeError: Not floats.
        ValueError: Fewer than two dimensions, or not square where that is needed.
    """
    for x in operands:
        if x.dtype.kind != "f":
            raise TypeError(f"{name} needs floats, not {x.dtype}")
        if x.ndim < 2:
            raise ValueError(f"{name} needs at least 2 dimensions, got shape {x.shape}")
        if square and x.shape[-1] != x.shape[-2]:
            raise ValueError(f"{name} needs square matrices, got shape {x.shape}")
    return operands[0].dtype


def _wide(x: Array) -> Array:
    """In float64, where numpy's routines compute anyway."""
    return x.astype(np.float64, copy=False)


@row("inverse(Tensor self)", "torch.inverse .inverse")
def inverse(self: Array) -> Array:
    dtype = matrices("inverse", self, square=True)
    return np.asarray(np.linalg.inv(_wide(self)), dtype)


@row("det(Tensor self)", "torch.det .det")
def det(self: Array) -> Array:
    dtype = matrices("det", self, square=True)
    return np.asarray(np.linalg.det(_wide(self)), dtype)


@row("slogdet(Tensor self) -> Tensor, Tensor", "torch.slogdet .slogdet")
def slogdet(self: Array) -> tuple[Array, Array]:
    """Sign of the determinant and the logarithm of its size."""
    dtype = matrices("slogdet", self, square=True)
    sign, size = np.linalg.slogdet(_wide(self))
    return np.asarray(sign, dtype), np.asarray(size, dtype)


@row("logdet(Tensor self)", "torch.logdet .logdet")
def logdet(self: Array) -> Array:
    """Logarithm of the determinant: nan when that is negative."""
    sign, size = slogdet(self)
    return np.asarray(np.where(sign < 0, self.dtype.type(np.nan), size), self.dtype)


@row("pinverse(Tensor self, float rcond=1e-15)", "torch.pinverse .pinverse")
def pinverse(self: Array, rcond: float = 1e-15) -> Array:
    dtype = matrices("pinverse", self)
    return np.asarray(np.linalg.pinv(_wide(self), rcond), dtype)


@row("matrix_rank(Tensor self, bool symmetric)", "torch.matrix_rank")
def matrix_rank_symmetric(self: Array, symmetric: bool) -> Array:
    return matrix_rank(self, None, symmetric)


@row("matrix_rank(Tensor self, float? tol=None, bool symmetric=False)", "torch.matrix_rank")
def matrix_rank(self: Array, tol: float | None = None, symmetric: bool = False) -> Array:
    """How many singular values lie above `tol`, by default the rounding error of the largest."""
    dtype = matrices("matrix_rank", self, square=symmetric)
    wide = _wide(self)
    values = np.abs(np.linalg.eigvalsh(wide)) if symmetric else np.linalg.svd(wide, False, False)
    if tol is None:
        size = np.max(values, -1, keepdims=True, initial=0)
        limit = size * max(self.shape[-2:]) * np.finfo(dtype).eps
    else:
        limit = np.asarray(tol)
    return np.asarray(np.sum(values > limit, -1), INT64)


@row("cholesky(Tensor self, bool upper=False)", "torch.cholesky .cholesky")
def cholesky(self: Array, upper: bool = False) -> Array:
    """The triangle whose product with its transpose is `self`."""
    dtype = matrices("cholesky", self, square=True)
    # numpy reads the lower triangle, torch the one that is asked for.
    given = _wide(self.swapaxes(-1, -2) if upper else self)
    lower = np.linalg.cholesky(given)
    return np.asarray(lower.swapaxes(-1, -2) if upper else lower, dtype)


@row("qr(Tensor self, bool some=True) -> Tensor, Tensor", "torch.qr .qr")
def qr(self: Array, some: bool = True) -> tuple[Array, Array]:
    """Orthogonal and upper triangular factor; full square Q when not `some`."""
    dtype = matrices("qr", self)
    q, r = np.linalg.qr(_wide(self), "reduced" if some else "complete")
    return np.asarray(q, dtype), np.asarray(r, dtype)


@row("qr(Tensor x, bool fullMatrices=False) -> Tensor, Tensor", "tf.qr")
def tf_qr(x: Array, full: bool = False) -> tuple[Array, Array]:
    return qr(x if x.dtype.kind == "f" else x.astype(FLOAT32), not full)


@row(
    "svd(Tensor self, bool some=True, bool compute_uv=True) -> Tensor, Tensor, Tensor",
    "torch.svd .svd",
)
def svd(self: Array, some: bool = True, compute_uv: bool = True) -> tuple[Array, Array, Array]:
    """U, the singular values, and V; U and V are square zeros when they are not computed."""
    dtype = matrices("svd", self)
    wide = _wide(self)
    if compute_uv:
        u, s, vh = np.linalg.svd(wide, not some)
        return np.asarray(u, dtype), np.asarray(s, dtype), np.asarray(vh.swapaxes(-1, -2), dtype)
    rows, columns = self.shape[-2:]
    left = np.zeros((*self.shape[:-1], rows), dtype)
    right = np.zeros((*self.shape[:-2], columns, columns), dtype)
    return left, np.asarray(np.linalg.svd(wide, False, False), dtype), right


@row(
    "symeig(Tensor self, bool eigenvectors=False, bool upper=True) -> Tensor, Tensor",
    "torch.symeig .symeig",
)
def symeig(self: Array, eigenvectors: bool = False, upper: bool = True) -> tuple[Array, Array]:
    """Eigenvalues of symmetric matrices, ascending, and the vectors (or an empty array)."""
    dtype = matrices("symeig", self, square=True)
    half: Literal["U", "L"] = "U" if upper else "L"
    if not eigenvectors:
        return np.asarray(np.linalg.eigvalsh(_wide(self), half), dtype), np.zeros(0, dtype)
    values, vectors = np.linalg.eigh(_wide(self), half)
    return np.asarray(values, dtype), np.asarray(vectors, dtype)


@row("eig(Tensor self, bool eigenvectors=False) -> Tensor, Tensor", "torch.eig .eig")
def eig(self: Array, eigenvectors: bool = False) -> tuple[Array, Array]:
    """Eigenvalues as (n, 2): real and imaginary parts; and the vectors (or an empty array).

    Of a pair of conjugate eigenvalues the first column of vectors holds the real part,
    the second the imaginary part.
    """
    dtype = matrices("eig", self, square=True)
    if self.ndim != 2:
        raise ValueError(f"eig takes one matrix, got shape {self.shape}")
    values, vectors = np.linalg.eig(_wide(self))
    parts = np.stack([values.real, values.imag], 1)
    if not eigenvectors:
        return np.asarray(parts, dtype), np.zeros(0, dtype)
    columns = np.where(values.imag < 0, -vectors.imag, vectors.real)
    return np.asarray(parts, dtype), np.asarray(columns, dtype)


def _nuclear(self: Array, dim: Sequence[int] | None, keepdim: bool) -> Array:
    """Sum of the singular values of the matrices that two dimensions span."""
    pair = axes(self, dim) or tuple(range(self.ndim))
    if len(pair) != 2:
        raise ValueError(f"a nuclear norm needs two dimensions, got {pair} of {self.shape}")
    wide = np.moveaxis(_wide(self), pair, (-2, -1))
    total = np.sum(np.linalg.svd(wide, False, False), -1)
    if keepdim:
        total = np.expand_dims(total, tuple(sorted(pair)))
    return np.asarray(total, self.dtype)


@row("nuclear_norm(Tensor self, bool keepdim=False)", "torch.nuclear_norm")
def nuclear_norm(self: Array, keepdim: bool = False) -> Array:
    matrices("nuclear_norm", self)
    return _nuclear(self, None, keepdim)


@row("nuclear_norm(Tensor self, int[] dim, bool keepdim=False)", "torch.nuclear_norm")
def nuclear_norm_dims(self: Array, dim: Sequence[int], keepdim: bool = False) -> Array:
    matrices("nuclear_norm", self)
    return _nuclear(self, dim, keepdim)


@row("norm(Tensor self, str p, int[1]? dim=None, bool keepdim=False)", "torch.norm .norm")
def norm_named(
    self: Array, p: str, dim: Sequence[int] | None = None, keepdim: bool = False
) -> Array:
    """The Frobenius (``"fro"``) or nuclear (``"nuc"``) norm."""
    if p == "nuc":
        matrices("norm", self)
        return _nuclear(self, dim, keepdim)
    if p != "fro":
        raise ValueError(f"the norm {p!r} is not known; 'fro', 'nuc' and numbers are")
    return norm_dims(self, 2, dim, keepdim)


@row("frobenius_norm(Tensor self)", "torch.frobenius_norm")
def frobenius_norm(self: Array) -> Array:
    return norm_dims(self, 2, None)


@row("frobenius_norm(Tensor self, int[1] dim, bool keepdim=False)", "torch.frobenius_norm")
def frobenius_norm_dims(self: Array, dim: Sequence[int], keepdim: bool = False) -> Array:
    return norm_dims(self, 2, dim, keepdim)


@row("norm_except_dim(Tensor v, int pow=2, int dim=0)", "torch.norm_except_dim")
def norm_except_dim(v: Array, pow: int = 2, dim: int = 0) -> Array:
    """The norm over all dimensions but one, which keep size 1; of everything when dim is -1."""
    if dim == -1:
        return norm_dims(v, pow, None)
    kept = normal_axis(dim, v.ndim)
    return norm_dims(v, pow, [a for a in range(v.ndim) if a != kept], True)


@row("geqrf(Tensor self) -> Tensor, Tensor", "torch.geqrf .geqrf")
def geqrf(self: Array) -> tuple[Array, Array]:
    """LAPACK's compact QR: R with the Householder vectors below it, and their factors."""
    dtype = matrices("geqrf", self)
    packed, factors = np.linalg.qr(_wide(self), "raw")
    return np.asarray(packed.swapaxes(-1, -2), dtype), np.asarray(factors, dtype)


def _reflect(packed: Array, factors: Array, onto: Array, *, forward: bool) -> Array:
    """Apply Householder reflections to the rows of a float64 array, which is changed."""
    order = range(len(factors)) if forward else reversed(range(len(factors)))
    for k in order:
        vector = np.zeros(packed.shape[0])
        vector[k] = 1
        vector[k + 1 :] = packed[k + 1 :, k]
        onto -= factors[k] * np.outer(vector, vector @ onto)
    return onto


def _reflections(name: str, self: Array, factors: Array) -> tuple[Array, Array]:
    matrices(name, self)
    if self.ndim != 2 or factors.ndim != 1 or len(factors) > min(self.shape):
        raise ValueError(
            f"{name} needs a matrix and at most as many factors as its smaller side, "
            f"got shapes {self.shape} and {factors.shape}"
        )
    return _wide(self), _wide(factors)


@row("orgqr(Tensor self, Tensor input2)", "torch.orgqr .orgqr")
def orgqr(self: Array, input2: Array) -> Array:
    """The first columns of Q, from what `geqrf` gives."""
    packed, factors = _reflections("orgqr", self, input2)
    return np.asarray(_reflect(packed, factors, np.eye(*packed.shape), forward=False), self.dtype)


@row(
    "ormqr(Tensor self, Tensor input2, Tensor input3, bool left=True, bool transpose=False)",
    "torch.ormqr .ormqr",
)
def ormqr(
    self: Array, input2: Array, input3: Array, left: bool = True, transpose: bool = False
) -> Array:
    """Q (or its transpose) times a matrix, or the matrix times it when not `left`."""
    packed, factors = _reflections("ormqr", self, input2)
    matrices("ormqr", input3)
    # (C Q) is the transpose of (Q' C'), and each reflection is its own transpose.
    onto = np.array(input3 if left else input3.T, np.float64)
    if packed.shape[0] != onto.shape[0]:
        raise ValueError(f"ormqr cannot multiply shapes {self.shape} and {input3.shape}")
    done = _reflect(packed, factors, onto, forward=transpose == left)
    return np.asarray(done if left else done.T, self.dtype)


@row("lstsq(Tensor self, Tensor A) -> Tensor, Tensor", "torch.lstsq .lstsq")
def lstsq(self: Array, A: Array) -> tuple[Array, Array]:  # noqa: N803  # torch's own name
    """Least squares by QR: solutions in the first rows, what is left over below them.

    Args:
        self: Right sides, (m, k).
        A: Coefficients, (m, n) of full rank.

    Returns:
        (max(m, n), k), whose first n rows solve; and the compact QR (or LQ) of `A`.
    """
    dtype = matrices("lstsq", self, A)
    if self.ndim != 2 or A.ndim != 2 or self.shape[0] != A.shape[0]:
        raise ValueError(
            f"lstsq needs two matrices of equally many rows, got shapes {self.shape} and {A.shape}"
        )
    rows, columns = A.shape
    tall = rows >= columns
    packed, factors = geqrf(_wide(A if tall else A.T))
    triangle: Any = np.triu(packed[: min(rows, columns)])
    if tall:
        right = _reflect(packed, factors, np.array(self, np.float64), forward=True)
        right[:columns] = np.linalg.solve(triangle, right[:columns])
    else:
        right = np.zeros((columns, self.shape[1]))
        right[:rows] = np.linalg.solve(triangle.T, _wide(self))
        right = _reflect(packed, factors, right, forward=False)
    return np.asarray(right, dtype), array((packed if tall else packed.T).astype(dtype))
