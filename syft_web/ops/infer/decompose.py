"""Matrix decompositions, systems of equations and norms of matrices."""

from __future__ import annotations

from collections.abc import Sequence

from syft_web.ops.dtypes import INT32, INT64, promote_types
from syft_web.ops.infer.base import ShapeRules
from syft_web.ops.infer.common import Shape, broadcast, flat_axes, need, reduced_shape
from syft_web.ops.reduce import normal_axis
from syft_web.ops.spec import Spec

__all__ = ["rules"]

rules = ShapeRules()


def _matrices(*operands: Spec, square: bool = False) -> None:
    for x in operands:
        need(x.dtype.kind == "f", f"floats are needed here, not {x.dtype}")
        need(x.ndim >= 2, f"a matrix is needed, got shape {x.shape}")
        need(
            not square or x.shape[-1] == x.shape[-2],
            f"a square matrix is needed, got shape {x.shape}",
        )


@rules("cholesky_inverse")
def _same(self: Spec, upper: bool) -> Spec:
    _matrices(self, square=True)
    return Spec(self.shape, self.dtype)


@rules("slogdet")
def _slogdet(self: Spec) -> list[Spec]:
    _matrices(self, square=True)
    return [Spec(self.shape[:-2], self.dtype)] * 2


@rules("matrix_rank")
def _matrix_rank(self: Spec, *rest: object) -> Spec:
    _matrices(self, square=bool(rest[-1]))
    return Spec(self.shape[:-2], INT64)


def _qr_shapes(shape: Shape, reduced: bool) -> list[Shape]:
    *lead, rows, columns = shape
    inner = min(rows, columns) if reduced else rows
    return [(*lead, rows, inner), (*lead, inner, columns)]


@rules("qr")
def _qr(self: Spec, some: bool) -> list[Spec]:
    _matrices(self)
    return [Spec(s, self.dtype) for s in _qr_shapes(self.shape, some)]


@rules.shapes("tf.qr")
def _tf_qr(x: Spec, full: bool) -> list[Shape]:
    need(x.ndim >= 2, f"a matrix is needed, got shape {x.shape}")
    return _qr_shapes(x.shape, not full)


@rules("svd")
def _svd(self: Spec, some: bool, compute_uv: bool) -> list[Spec]:
    _matrices(self)
    *lead, rows, columns = self.shape
    inner = min(rows, columns)
    left, right = (inner, inner) if some and compute_uv else (rows, columns)
    shapes = [(*lead, rows, left), (*lead, inner), (*lead, columns, right)]
    return [Spec(s, self.dtype) for s in shapes]


@rules("symeig")
def _symeig(self: Spec, eigenvectors: bool, upper: bool) -> list[Spec]:
    _matrices(self, square=True)
    vectors = self.shape if eigenvectors else (0,)
    return [Spec(self.shape[:-1], self.dtype), Spec(vectors, self.dtype)]


@rules("eig")
def _eig(self: Spec, eigenvectors: bool) -> list[Spec]:
    _matrices(self, square=True)
    need(self.ndim == 2, f"eig takes one matrix, got shape {self.shape}")
    vectors = self.shape if eigenvectors else (0,)
    return [Spec((self.shape[0], 2), self.dtype), Spec(vectors, self.dtype)]


@rules("nuclear_norm(self, keepdim=False)")
def _nuclear(self: Spec, keepdim: bool) -> Spec:
    return _nuclear_dims(self, None, keepdim)


@rules("nuclear_norm(self, dim, keepdim=False)")
def _nuclear_dims(self: Spec, dim: Sequence[int] | None, keepdim: bool) -> Spec:
    _matrices(self)
    pair = flat_axes(self.ndim, dim)
    need(len(pair) == 2, f"a nuclear norm needs two dimensions, got {pair} of {self.shape}")
    return Spec(reduced_shape(self.shape, pair, keepdim), self.dtype)


@rules("frobenius_norm")
def _frobenius(self: Spec, dim: Sequence[int] | None = None, keepdim: bool = False) -> Spec:
    need(self.dtype.kind == "f", f"floats are needed here, not {self.dtype}")
    return Spec(reduced_shape(self.shape, dim, keepdim), self.dtype)


@rules("norm_except_dim")
def _norm_except_dim(v: Spec, pow: int, dim: int) -> Spec:
    need(v.dtype.kind == "f", f"floats are needed here, not {v.dtype}")
    if dim == -1:
        return Spec((), v.dtype)
    kept = normal_axis(dim, v.ndim)
    return Spec(tuple(n if a == kept else 1 for a, n in enumerate(v.shape)), v.dtype)


# -- Householder reflections and least squares -------------------------------------------------


@rules("geqrf")
def _geqrf(self: Spec) -> list[Spec]:
    _matrices(self)
    factors = (*self.shape[:-2], min(self.shape[-2:]))
    return [Spec(self.shape, self.dtype), Spec(factors, self.dtype)]


@rules("orgqr")
def _orgqr(self: Spec, input2: Spec) -> Spec:
    _reflections(self, input2)
    return Spec(self.shape, self.dtype)


def _reflections(self: Spec, factors: Spec) -> None:
    _matrices(self)
    need(
        self.ndim == 2 and factors.ndim == 1 and factors.shape[0] <= min(self.shape),
        f"a matrix and at most as many factors as its smaller side are needed, got shapes "
        f"{self.shape} and {factors.shape}",
    )


@rules("ormqr")
def _ormqr(self: Spec, input2: Spec, input3: Spec, left: bool, transpose: bool) -> Spec:
    _reflections(self, input2)
    _matrices(input3)
    need(
        input3.ndim == 2 and self.shape[0] == input3.shape[0 if left else 1],
        f"ormqr cannot multiply shapes {self.shape} and {input3.shape}",
    )
    return Spec(input3.shape, self.dtype)


@rules("lstsq")
def _lstsq(self: Spec, A: Spec) -> list[Spec]:  # noqa: N803  # torch's own name
    _matrices(self, A)
    need(
        self.ndim == 2 and A.ndim == 2 and self.shape[0] == A.shape[0],
        f"lstsq needs two matrices of equally many rows, got {self.shape} and {A.shape}",
    )
    return [Spec((max(A.shape), self.shape[1]), self.dtype), Spec(A.shape, self.dtype)]


# -- systems of equations ----------------------------------------------------------------------


def _solved(right: Spec, matrix: Spec) -> tuple[Shape, Shape]:
    """Shapes of the solution and of the matrix, both broadcast."""
    _matrices(right)
    _matrices(matrix, square=True)
    need(
        right.shape[-2] == matrix.shape[-1],
        f"a system of {matrix.shape} has no right side of shape {right.shape}",
    )
    lead = broadcast(right.shape[:-2], matrix.shape[:-2])
    return (*lead, *right.shape[-2:]), (*lead, *matrix.shape[-2:])


@rules("solve(self, A)")
def _solve(self: Spec, A: Spec) -> list[Spec]:  # noqa: N803  # torch's own name
    found, factors = _solved(self, A)
    return [Spec(found, self.dtype), Spec(factors, self.dtype)]


@rules("triangular_solve")
def _triangular_solve(self: Spec, A: Spec, *_: bool) -> list[Spec]:  # noqa: N803
    found, whole = _solved(self, A)
    return [Spec(found, self.dtype), Spec(whole, A.dtype)]


@rules("cholesky_solve")
def _cholesky_solve(self: Spec, input2: Spec, upper: bool) -> Spec:
    found, _ = _solved(self, input2)
    return Spec(found, promote_types(self.dtype, input2.dtype))


@rules("lu")
def _lu(self: Spec, pivot: bool, get_infos: bool) -> list[Spec]:
    _matrices(self)
    *lead, rows, columns = self.shape
    found = [Spec(self.shape, self.dtype), Spec((*lead, min(rows, columns)), INT32)]
    return [*found, Spec(tuple(lead), INT32)] if get_infos else found


@rules("lu_unpack")
def _lu_unpack(data: Spec, pivots: Spec, unpack_data: bool, unpack_pivots: bool) -> list[Spec]:
    _matrices(data)
    *lead, rows, columns = data.shape
    inner = min(rows, columns)
    shapes: list[Shape] = [(0,)] * 3
    if unpack_data:
        shapes[1:] = [(*lead, rows, inner), (*lead, inner, columns)]
    if unpack_pivots:
        shapes[0] = (*pivots.shape[:-1], rows, rows)
    return [Spec(s, data.dtype) for s in shapes]


@rules("lu_solve")
def _lu_solve(self: Spec, data: Spec, pivots: Spec) -> Spec:
    return Spec(_solved(self, data)[0], self.dtype)
