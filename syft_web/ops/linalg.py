"""Matrix products and other linear algebra."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from syft_web import kernels
from syft_web.ops.bounds import allocation
from syft_web.ops.dtypes import Array, Scalar, is_integral, result_type, sum_type
from syft_web.ops.elementwise import add, array, mul
from syft_web.ops.reduce import norm_dims, normal_axis
from syft_web.ops.row import RowCollector

__all__ = ["linear", "matmul", "pairwise_distance", "row"]

row = RowCollector()


def _same(a: Array, b: Array) -> tuple[Array, Array]:
    """Both operands in their common dtype (products of matrices know no weak 0-d arrays)."""
    if a.dtype is b.dtype:
        return a, b
    dtype = result_type(a, b)
    return a.astype(dtype, copy=False), b.astype(dtype, copy=False)


@row(
    "matmul(Tensor self, Tensor other)",
    "torch.matmul .matmul .__matmul__ .__imatmul__",
    kernel="gemm",
)
def matmul(self: Array, other: Array) -> Array:
    """Product by torch's rules: 1-D, 2-D and broadcast batches."""
    if self.ndim == 0 or other.ndim == 0:
        raise ValueError("both arguments to matmul need to be at least 1D")
    a, b = _same(self, other)
    return kernels.matmul(a, b)


@row("rmatmul(Tensor self, Tensor other)", ".__rmatmul__", kernel="gemm")
def rmatmul(self: Array, other: Array) -> Array:
    return matmul(other, self)


def _of_rank(name: str, *wanted: tuple[Array, int]) -> None:
    for operand, ndim in wanted:
        if operand.ndim != ndim:
            raise ValueError(f"{name} needs an operand of {ndim} dimensions, got {operand.shape}")


@row("mm(Tensor self, Tensor mat2)", "torch.mm .mm", kernel="gemm")
def mm(self: Array, mat2: Array) -> Array:
    _of_rank("mm", (self, 2), (mat2, 2))
    return matmul(self, mat2)


@row("bmm(Tensor self, Tensor mat2)", "torch.bmm .bmm", kernel="gemm")
def bmm(self: Array, mat2: Array) -> Array:
    _of_rank("bmm", (self, 3), (mat2, 3))
    if self.shape[0] != mat2.shape[0]:
        raise ValueError(f"bmm needs equal batch sizes, got {self.shape} and {mat2.shape}")
    return matmul(self, mat2)


@row("mv(Tensor self, Tensor vec)", "torch.mv .mv", kernel="gemm")
def mv(self: Array, vec: Array) -> Array:
    _of_rank("mv", (self, 2), (vec, 1))
    return matmul(self, vec)


@row("dot(Tensor self, Tensor tensor)", "torch.dot .dot torch.vdot .vdot")
def dot(self: Array, tensor: Array) -> Array:
    _of_rank("dot", (self, 1), (tensor, 1))
    if self.shape != tensor.shape:
        raise ValueError(f"dot needs equal sizes, got {self.shape[0]} and {tensor.shape[0]}")
    return matmul(self, tensor)


@row("inner(Tensor self, Tensor other)", "torch.inner .inner")
def inner(self: Array, other: Array) -> Array:
    """Sums of products over the last dimensions of both; a number multiplies."""
    a, b = _same(self, other)
    if a.ndim == 0 or b.ndim == 0:
        return mul(a, b)
    return array(np.tensordot(a, b, axes=(-1, -1)))


@row("outer(Tensor self, Tensor vec2)", "torch.outer .outer torch.ger .ger")
def outer(self: Array, vec2: Array) -> Array:
    _of_rank("outer", (self, 1), (vec2, 1))
    a, b = _same(self, vec2)
    return np.multiply.outer(a, b)


def _blend(self: Array, product: Array, beta: Scalar, alpha: Scalar) -> Array:
    if product.shape != np.broadcast_shapes(self.shape, product.shape):
        raise ValueError(f"{self.shape} cannot be expanded to the product's {product.shape}")
    if is_integral(product.dtype):  # torch cuts the factors to ints
        beta, alpha = int(beta), int(alpha)
    scaled = product if alpha == 1 else mul(product, alpha)
    if beta == 0:  # torch ignores self then, nan included
        return np.broadcast_to(scaled, np.broadcast_shapes(self.shape, scaled.shape)).copy()
    return add(self if beta == 1 else mul(self, beta), scaled)


def _declare_blended() -> None:
    table: dict[str, tuple[str, Callable[[Array, Array], Array]]] = {
        "addmm": ("mat1 mat2", mm),
        "addmv": ("mat vec", mv),
        "addr": ("vec1 vec2", outer),
        "baddbmm": ("batch1 batch2", bmm),
        "addbmm": ("batch1 batch2", lambda a, b: bmm(a, b).sum(0, dtype=sum_type(a.dtype))),
    }
    for name, (operands, product) in table.items():

        def new(
            self: Array, a: Array, b: Array, beta: Scalar, alpha: Scalar, _p: Any = product
        ) -> Array:
            if _p is mm and beta == alpha == 1 and self.ndim == a.ndim - 1 == b.ndim - 1 == 1:
                return linear(a, b.T, self)
            return _blend(self, _p(a, b), beta, alpha)

        def old(
            beta: Scalar, self: Array, alpha: Scalar, a: Array, b: Array, _p: Any = product
        ) -> Array:
            return _blend(self, _p(a, b), beta, alpha)

        first, second = operands.split()
        tail = f"Tensor {first}, Tensor {second}"
        names = f"torch.{name} .{name} torch.{name}_ .{name}_"
        kernel = None if product is outer else "gemm"
        new_order = f"{name}(Tensor self, {tail}, *, Scalar beta=1, Scalar alpha=1)"
        row(new_order, names, kernel=kernel)(new)
        old_order = f"{name}(Scalar beta, Tensor self, Scalar alpha, {tail})"
        row(old_order, f"torch.{name}", kernel=kernel)(old)


_declare_blended()


@row(
    "linear(Tensor self, Tensor weight, Tensor? bias=None)",
    "F.linear torch._C._nn.linear",
    kernel="gemm",
)
def linear(self: Array, weight: Array, bias: Array | None = None) -> Array:
    """``self @ weight.T + bias``."""
    if bias is None:
        return matmul(self, weight.T)
    fits = self.ndim > 1 and weight.ndim == 2 and bias.shape == weight.shape[:1]
    if fits and self.dtype == weight.dtype == bias.dtype:
        return kernels.matmul(self, weight.T, bias=bias)
    return add(matmul(self, weight.T), bias)


@row(
    "bilinear(Tensor input1, Tensor input2, Tensor weight, Tensor? bias=None)",
    "F.bilinear torch.bilinear",
)
def bilinear(input1: Array, input2: Array, weight: Array, bias: Array | None = None) -> Array:
    product = np.einsum("...i,oij,...j->...o", input1, weight, input2)
    return product if bias is None else add(product, bias)


@row("chain_matmul(Tensor[] ...matrices)", "torch.chain_matmul")
def chain_matmul(matrices: Sequence[Array]) -> Array:
    product = matrices[0].copy()
    for matrix in matrices[1:]:
        product = mm(product, matrix)
    return product


@row("einsum(str equation, Tensor[] ...operands)", "torch.einsum")
def einsum(equation: str, operands: Sequence[Array]) -> Array:
    return array(np.einsum(equation.replace(" ", ""), *operands)).copy()


@row("tensordot(Tensor a, Tensor b, any dims=2)", "torch.tensordot")
def tensordot(a: Array, b: Array, dims: Any = 2) -> Array:
    return array(np.tensordot(*_same(a, b), axes=dims))


@row("trace(Tensor self)", "torch.trace .trace")
def trace(self: Array) -> Array:
    _of_rank("trace", (self, 2))
    return array(np.trace(self, dtype=sum_type(self.dtype)))


@row("cross(Tensor self, Tensor other, int? dim=None)", "torch.cross .cross")
def cross(self: Array, other: Array, dim: int | None = None) -> Array:
    """The vector product along `dim`, by default the first dimension of size 3."""
    axis = self.shape.index(3) if dim is None else normal_axis(dim, self.ndim)
    a, b = (np.moveaxis(x, axis, 0) for x in np.broadcast_arrays(*_same(self, other)))
    parts = [a[(i + 1) % 3] * b[(i + 2) % 3] - a[(i + 2) % 3] * b[(i + 1) % 3] for i in range(3)]
    return np.stack(parts, axis)


@row("matrix_power(Tensor self, int n)", "torch.matrix_power .matrix_power")
def matrix_power(self: Array, n: int) -> Array:
    return np.array(np.linalg.matrix_power(self, n), self.dtype)


@row(
    "cosine_similarity(Tensor x1, Tensor x2, int dim=1, float eps=1e-08)",
    "torch.cosine_similarity F.cosine_similarity",
)
def cosine_similarity(x1: Array, x2: Array, dim: int = 1, eps: float = 1e-8) -> Array:
    a, b = np.broadcast_arrays(*_same(x1, x2))
    if is_integral(a.dtype):
        raise TypeError(f"cosine_similarity needs floats, not {a.dtype}")
    axis = normal_axis(dim, a.ndim)
    product = np.sum(a * b, axis)
    least = a.dtype.type(eps)
    lengths = [np.maximum(np.sqrt(np.sum(x * x, axis)), least) for x in (a, b)]
    return array(product / (lengths[0] * lengths[1]))


@row(
    "pairwise_distance(Tensor x1, Tensor x2, float p=2.0, float eps=1e-06, bool keepdim=False)",
    "torch.pairwise_distance F.pairwise_distance",
)
def pairwise_distance(
    x1: Array, x2: Array, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False
) -> Array:
    """The p-norm of the difference along the last dimension."""
    a, b = _same(x1, x2)
    return norm_dims(array(a - b + a.dtype.type(eps)), p, [-1], keepdim)


@row("cdist(Tensor x1, Tensor x2, float p=2.0, any compute_mode=None)", "torch.cdist")
def cdist(x1: Array, x2: Array, p: float = 2.0, compute_mode: Any = None) -> Array:
    """Distances between all rows of two matrices (or batches of them)."""
    if p < 0:
        raise ValueError(f"cdist needs p >= 0, not {p}")
    a, b = _same(x1, x2)
    if a.ndim < 2 or b.ndim < 2 or a.shape[-1] != b.shape[-1]:
        raise ValueError(f"cdist needs rows of equal length, got {a.shape} and {b.shape}")
    away = np.abs(a[..., :, None, :] - b[..., None, :, :])
    return norm_dims(away, p, [-1])


@row("pdist(Tensor self, float p=2.0)", "torch.pdist F.pdist")
def pdist(self: Array, p: float = 2.0) -> Array:
    """Distances between every two rows of a matrix, in the order of the upper triangle."""
    _of_rank("pdist", (self, 2))
    allocation((len(self), len(self), self.shape[1]), self.dtype)
    first, second = np.triu_indices(len(self), 1)
    return norm_dims(self[first] - self[second], p, [1])


@row("solve(Tensor self, Tensor other)", "torch.linalg.solve")
def solve(self: Array, other: Array) -> Array:
    a, b = _same(self, other)
    return np.asarray(np.linalg.solve(a, b), a.dtype)
