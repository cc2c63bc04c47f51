"""Examples for the rows of `decompose` and `solve`."""

from __future__ import annotations

import math

import numpy as np

from tests.unit.ops.examples.base import Array, Example, example, f, i, j

A = f([[2, 1], [1, 3]])  # symmetric, its determinant is 5
L = f([[2**0.5, 0], [0.5**0.5, 2.5**0.5]])
ROOT = 5**0.5
TALL = f([[3, 0], [4, 0], [0, 2]])
NONE = np.zeros(0, np.float32)
SWAP = f([[0, 1], [1, 0]])
LU = f([[4, 4], [0.25, 1]])


def factors_of(matrix: Array, *shapes: tuple[int, ...]):
    """Checks of factors whose signs are free: shapes, and that they multiply back."""

    def check(results: list[Array]) -> None:
        assert tuple(r.shape for r in results) == shapes
        assert all(r.dtype == matrix.dtype for r in results)
        if len(results) == 2:
            product = results[0] @ results[1]
        else:
            u, s, v = results
            product = u[:, : len(s)] * s @ v[:, : len(s)].T
        np.testing.assert_allclose(product, matrix, atol=1e-6)

    return check


def eigen(results: list[Array]) -> None:
    values, vectors = results
    np.testing.assert_allclose(values, [(5 - ROOT) / 2, (5 + ROOT) / 2], rtol=1e-6)
    np.testing.assert_allclose(A @ vectors, vectors * values, atol=1e-6)


def solved(results: list[Array]) -> None:
    answer, packed = results
    np.testing.assert_allclose(answer[:2], [[1], [2]], atol=1e-6)
    np.testing.assert_allclose(abs(answer[2]), [0], atol=1e-6)
    assert packed.shape == TALL.shape


def shortest(results: list[Array]) -> None:
    """Of all solutions of 3x + 4y = 10 the one next to zero."""
    np.testing.assert_allclose(results[0], [[1.2], [1.6]], rtol=1e-6)


EXAMPLES: list[Example] = [
    example("torch.inverse", A, want=f([[0.6, -0.2], [-0.2, 0.4]])),
    example(".det", np.stack([A, 2 * A]), want=f(5, 20)),
    example("torch.slogdet", A[::-1].copy(), want=[f(-1.0), f(math.log(5))]),
    example("torch.logdet", A[::-1].copy(), want=f(np.nan)),
    example("torch.pinverse", TALL, want=f([[0.12, 0.16, 0], [0, 0, 0.5]])),
    example(".pinverse", f([[1, 0], [0, 1e-3]]), rcond=0.01, want=f([[1, 0], [0, 0]])),
    example("torch.matrix_rank", f([[1, 2], [2, 4]]), want=i(1)),
    example("torch.matrix_rank", A, True, want=i(2)),
    example("torch.matrix_rank", f([[1, 0], [0, 0.1]]), 0.5, want=i(1)),
    example("torch.cholesky", A, want=L),
    example(".cholesky", A, True, want=L.T),
    example("torch.qr", TALL, want=factors_of(TALL, (3, 2), (2, 2)), results=2),
    example(".qr", TALL, some=False, want=factors_of(TALL, (3, 3), (3, 2)), results=2),
    example("tf.linalg.qr", A, want=factors_of(A, (2, 2), (2, 2)), results=2),
    example("torch.svd", TALL, want=factors_of(TALL, (3, 2), (2,), (2, 2)), results=3),
    example(
        ".svd",
        TALL,
        compute_uv=False,
        want=[np.zeros((3, 3), np.float32), f(5, 2), np.zeros((2, 2), np.float32)],
    ),
    example("torch.symeig", A, want=[f((5 - ROOT) / 2, (5 + ROOT) / 2), NONE]),
    example(".symeig", A, eigenvectors=True, upper=False, want=eigen, results=2),
    example("torch.eig", f([[0, -2], [2, 0]]), want=[f([[0, 2], [0, -2]]), NONE]),
    example("torch.nuclear_norm", TALL, want=f(7.0)),
    example("torch.nuclear_norm", TALL[None], [1, 2], True, want=f([[[7]]])),
    example("torch.norm", TALL, "nuc", want=f(7.0)),
    example(".norm", TALL, p="fro", dim=[0], want=f(5, 2)),
    example("torch.frobenius_norm", TALL, want=f(29**0.5)),
    example("torch.frobenius_norm", TALL, [1], True, want=f([[3], [4], [2]])),
    example("torch.norm_except_dim", TALL, 2, 1, want=f([[5, 2]])),
    example("torch.norm_except_dim", TALL, 2, -1, want=f(29**0.5)),
    example(".geqrf", f([[3], [4]]), want=[f([[-5], [0.5]]), f([1.6])]),
    example("torch.orgqr", f([[-5], [0.5]]), f([1.6]), want=f([[-0.6], [-0.8]])),
    example(
        ".ormqr", f([[-5], [0.5]]), f([1.6]), f([[3], [4]]), transpose=True, want=f([[-5], [0]])
    ),
    example("torch.lstsq", f([[3], [4], [4]]), TALL, want=solved, results=2),
    example(".lstsq", f([[10]]), f([[3, 4]]), want=shortest, results=2),
    example("torch.lu", f([[1, 2], [4, 4]]), want=[LU, j(2, 2)]),
    example(".lu", f([[1, 2], [4, 4]]), False, want=[f([[1, 2], [4, -4]]), j(1, 2)]),
    example(".lu", f([[0, 0], [2, 4]]), get_infos=True, want=[f([[2, 4], [0, 0]]), j(2, 2), j(2)]),
    example(
        "torch.lu_unpack",
        LU,
        j(2, 2),
        want=[SWAP, f([[1, 0], [0.25, 1]]), f([[4, 4], [0, 1]])],
    ),
    example("torch.lu_unpack", LU, j(2, 2), False, want=[SWAP, NONE, NONE]),
    example(".lu_solve", f([[5], [8]]), LU, j(2, 2), want=f([[-1], [3]])),
    example("torch.solve", f([[5], [8]]), f([[1, 2], [4, 4]]), want=[f([[-1], [3]]), LU]),
    example(
        ".triangular_solve",
        f([[2], [6]]),
        f([[2, 9], [3, 1]]),
        upper=False,
        want=[f([[1], [3]]), f([[2, 9], [3, 1]])],
    ),
    example(
        "torch.triangular_solve",
        f([[2], [6]]),
        f([[2, 9], [3, 4]]),
        True,
        True,
        True,
        want=[f([[2], [-12]]), f([[2, 9], [3, 4]])],
    ),
    example("torch.cholesky_solve", f([[5], [5]]), L, want=f([[2], [1]])),
    example(".cholesky_solve", f([[5], [5]]), L.T.copy(), True, want=f([[2], [1]])),
    example("torch.cholesky_inverse", L, want=f([[0.6, -0.2], [-0.2, 0.4]])),
]
