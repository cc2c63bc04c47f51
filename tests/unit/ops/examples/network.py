"""Examples for the rows of `linalg`, `nn` and `norm`."""

from __future__ import annotations

import math

import numpy as np

from tests.unit.ops.examples.base import Array, Example, example, f, i, ramp

A, B2, V = ramp(2, 3), ramp(3, 4), ramp(3)
P, Q = ramp(2, 2, 3), ramp(2, 3, 4)
SQUARE = f([[2, 1], [1, 3]])
X = f(-2.0, -0.5, 0.0, 0.5, 2.0)
MATRIX = f([[1, 2, 3], [1, 1, 1]])
F = "torch.nn.functional."


def sig(x: Array) -> Array:
    return 1 / (1 + np.exp(-x))


def soft(x: Array, axis: int) -> Array:
    e = np.exp(x.astype(np.float64))
    return (e / e.sum(axis, keepdims=True)).astype(np.float32)


LINALG: list[Example] = [
    example("torch.matmul", A, B2, want=A @ B2),
    example(".matmul", V, V, want=f(float((V * V).sum()))),
    example(".__matmul__", P, B2, want=P @ B2),
    example(".matmul", i([[1, 2]]), i([[3], [4]]), want=i([[11]])),
    example(".__rmatmul__", B2, A, want=A @ B2),
    example(".mm", A, B2, want=A @ B2),
    example("torch.mm", np.zeros((0, 3), np.float32), B2, want=np.zeros((0, 4), np.float32)),
    example("torch.bmm", P, Q, want=P @ Q),
    example(".mv", A, V, want=A @ V),
    example("torch.inner", f([[1, 2], [3, 4]]), f(1, 1), want=f(3, 7)),
    example("torch.dot", f(1, 2), f(3, 4), want=f(11.0)),
    example("torch.ger", f(1, 2), f(3, 4), want=f([[3, 4], [6, 8]])),
    example("torch.addmm", ramp(4), A, B2, beta=2, alpha=3, want=2 * ramp(4) + 3 * (A @ B2)),
    example("torch.addmm", 2, ramp(4), 3, A, B2, want=2 * ramp(4) + 3 * (A @ B2)),
    example("torch.addmm", f([np.nan] * 4), A, B2, beta=0, want=A @ B2),
    example(".addmv", f(1, 2), A, V, want=f(1, 2) + A @ V),
    example("torch.addmv", 2, f(1, 2), 1, A, V, want=2 * f(1, 2) + A @ V),
    example(".addr", f([[1, 1], [1, 1]]), f(1, 2), f(3, 4), want=f([[4, 5], [7, 9]])),
    example("torch.addr", 0, f([[1, 1], [1, 1]]), 2, f(1, 2), f(3, 4), want=f([[6, 8], [12, 16]])),
    example("torch.baddbmm", np.ones((2, 2, 4), np.float32), P, Q, want=1 + P @ Q),
    example("torch.baddbmm", 2, np.ones((2, 2, 4), np.float32), 1, P, Q, want=2 + P @ Q),
    example("torch.addbmm", np.ones((2, 4), np.float32), P, Q, want=1 + (P @ Q).sum(0)),
    example("torch.addbmm", 2, np.ones((2, 4), np.float32), 1, P, Q, want=2 + (P @ Q).sum(0)),
    example(f"{F}linear", P, ramp(4, 3), ramp(4), want=P @ ramp(4, 3).T + ramp(4)),
    example(f"{F}linear", A, ramp(4, 3), want=A @ ramp(4, 3).T),
    example(
        f"{F}bilinear",
        A,
        ramp(2, 4),
        ramp(5, 3, 4),
        want=np.einsum("bi,oij,bj->bo", A, ramp(5, 3, 4), ramp(2, 4)),
    ),
    example("torch.chain_matmul", A, B2, ramp(4, 2), want=A @ B2 @ ramp(4, 2)),
    example("torch.einsum", "ij,jk -> ki", A, B2, want=(A @ B2).T),
    example("torch.einsum", "ij,jk->ik", [A, B2], want=A @ B2),
    example(
        "torch.tensordot",
        P,
        Q,
        dims=[[0, 2], [0, 1]],
        want=np.einsum("abc,acd->bd", P, Q),
        atol=1e-5,
    ),
    example("torch.tensordot", A, ramp(3, 2), 1, want=A @ ramp(3, 2)),
    example("torch.trace", i([[1, 2], [3, 4]]), want=i(5)),
    example("torch.cross", f([[1, 0, 0]]), f([[0, 1, 0]]), want=f([[0, 0, 1]])),
    example(".cross", f(1, 2, 3), f(4, 5, 6), dim=0, want=f(-3, 6, -3)),
    example(".matrix_power", SQUARE, 3, want=SQUARE @ SQUARE @ SQUARE),
    example("torch.inverse", SQUARE, want=f([[0.6, -0.2], [-0.2, 0.4]])),
    example("torch.det", SQUARE, want=f(5.0)),
    example(".pinverse", SQUARE, want=f([[0.6, -0.2], [-0.2, 0.4]])),
    example(".cholesky", SQUARE, want=f([[2**0.5, 0], [0.5**0.5, 2.5**0.5]])),
    example("torch.logdet", SQUARE, want=f(math.log(5))),
    example(f"{F}cosine_similarity", f([[3, 4]]), f([[4, 3]]), want=f([0.96])),
    example(f"{F}pairwise_distance", f([[1, 2]]), f([[4, 6]]), want=f([5]), rtol=1e-5),
]

NN: list[Example] = [
    example("torch.relu", X, want=f(0, 0, 0, 0.5, 2)),
    example(f"{F}relu", i(-1, 2), want=i(0, 2)),
    example(f"{F}relu", f(-1, 2), inplace=True, want=f(0, 2), mutated=f(0, 2)),
    example(".relu_", f(-1, 2), want=f(0, 2), mutated=f(0, 2)),
    example("torch.softmax", MATRIX, -1, want=soft(MATRIX, -1)),
    example(f"{F}softmax", MATRIX, dim=0, want=soft(MATRIX, 0)),
    example(f"{F}softmax", MATRIX, want=soft(MATRIX, 1)),
    example(".log_softmax", MATRIX, 1, want=np.log(soft(MATRIX, 1))),
    example(f"{F}log_softmax", f([[1000.0, 0.0]]), dim=1, want=f([[0, -1000]])),
    example(f"{F}softmin", MATRIX, dim=1, want=soft(-MATRIX, 1)),
    example(f"{F}relu6", f(-1, 3, 8), want=f(0, 3, 6)),
    example("torch.selu", f(1, -1), want=f(1.050701, -1.1113307)),
    example(f"{F}logsigmoid", X, want=np.log(sig(X))),
    example(f"{F}softsign", f(1, -3), want=f(0.5, -0.75)),
    example(f"{F}tanhshrink", X, want=X - np.tanh(X)),
    example(f"{F}silu", X, want=X * sig(X)),
    example(f"{F}hardsigmoid", f(-4, 0, 4), want=f(0, 0.5, 1)),
    example(f"{F}hardswish", f(-4, 0, 4), want=f(0, 0, 4)),
    example(f"{F}mish", X, want=X * np.tanh(np.log1p(np.exp(X)))),
    example(f"{F}gelu", f(1, -1), want=f(0.8413447, -0.15865526)),
    example(f"{F}gelu", f(1, -1), approximate="tanh", want=f(0.8411920, -0.1588080)),
    example(f"{F}leaky_relu", f(-1, 2), 0.1, want=f(-0.1, 2)),
    example(f"{F}elu", f(-1, 2), want=f(math.expm1(-1), 2)),
    example("torch.celu", f(-1, 2), alpha=2.0, want=f(2 * math.expm1(-0.5), 2)),
    example(f"{F}hardtanh", f(-3, 0.5, 3), want=f(-1, 0.5, 1)),
    example(f"{F}softplus", f(0, 30), want=f(math.log(2), 30)),
    example(f"{F}threshold", f(1, 3), 2, 9, want=f(9, 3)),
    example(f"{F}hardshrink", f(0.3, -0.7), want=f(0, -0.7)),
    example(f"{F}hardshrink", f(np.nan, 0.5), want=f(np.nan, 0)),
    example(f"{F}softshrink", f(0.3, -0.7), want=f(0, -0.2)),
    example("torch.prelu", f([[-1, 2], [3, -4]]), f(0.1, 0.5), want=f([[-0.1, 2], [3, -2]])),
    example(f"{F}prelu", f(-1, 2), f([0.25]), want=f(-0.25, 2)),
    example(f"{F}glu", f([[2, 0]]), want=f([[1]])),
    example(f"{F}normalize", f([[3, 4]]), want=f([[0.6, 0.8]])),
    example(f"{F}dropout", f(1, 2), training=False, want=f(1, 2)),
    example(f"{F}dropout", f(1, 2), p=1.0, want=f(0, 0)),
    example("torch.dropout", f(1, 2), 0.5, False, want=f(1, 2)),
    example(f"{F}dropout2d", f([[1, 2]]), 0.5, False, want=f([[1, 2]])),
    example(f"{F}pad", f([[1]]), [1, 0, 0, 1], want=f([[0, 1], [0, 0]])),
    example(f"{F}pad", f(1, 2, 3), [-1, 1], value=9, want=f(2, 3, 9)),
    example(f"{F}pad", f([[1, 2, 3]]), [1, 1], mode="reflect", want=f([[2, 1, 2, 3, 2]])),
    example("torch.heaviside", f(-1, 0, 1), f([0.5]), want=f(0, 0.5, 1)),
]

IMAGE, TINY = ramp(2, 3, 4, 4), ramp(2, 3, 4)
MEAN, VAR, GAIN, SHIFT = ramp(3), np.abs(ramp(3)) + 1, ramp(3) + 2, ramp(3) - 1


def channels(v: Array, ndim: int) -> Array:
    return v.reshape(-1, *(1,) * (ndim - 2))


def standard(x: Array, axes: tuple[int, ...]) -> Array:
    m, v = x.mean(axes, keepdims=True), x.var(axes, keepdims=True)
    return (x - m) / np.sqrt(v + np.float32(1e-5))


NORM: list[Example] = [
    example(
        f"{F}batch_norm",
        TINY,
        MEAN,
        VAR,
        GAIN,
        SHIFT,
        rtol=1e-4,
        atol=1e-5,
        want=(TINY - channels(MEAN, 3))
        / np.sqrt(channels(VAR, 3) + np.float32(1e-5))
        * channels(GAIN, 3)
        + channels(SHIFT, 3),
    ),
    example(
        f"{F}batch_norm",
        IMAGE,
        None,
        None,
        training=True,
        rtol=1e-4,
        atol=1e-5,
        want=standard(IMAGE, (0, 2, 3)),
    ),
    example(
        f"{F}batch_norm",
        IMAGE,
        MEAN,
        VAR,
        training=True,
        rtol=1e-4,
        atol=1e-5,
        want=standard(IMAGE, (0, 2, 3)),
    ),
    example(
        "torch.batch_norm",
        IMAGE,
        None,
        None,
        None,
        None,
        True,
        0.1,
        1e-5,
        True,
        rtol=1e-4,
        atol=1e-5,
        want=standard(IMAGE, (0, 2, 3)),
    ),
    example(f"{F}layer_norm", TINY, [3, 4], rtol=1e-4, atol=1e-5, want=standard(TINY, (1, 2))),
    example(
        f"{F}layer_norm",
        A,
        [3],
        GAIN,
        SHIFT,
        rtol=1e-4,
        atol=1e-5,
        want=standard(A, (1,)) * GAIN + SHIFT,
    ),
    example(
        f"{F}group_norm",
        ramp(2, 4, 3),
        2,
        rtol=1e-4,
        atol=1e-5,
        want=standard(ramp(2, 4, 3).reshape(2, 2, 6), (2,)).reshape(2, 4, 3),
    ),
    example(
        f"{F}group_norm",
        TINY,
        3,
        GAIN,
        SHIFT,
        rtol=1e-4,
        atol=1e-5,
        want=standard(TINY, (2,)) * channels(GAIN, 3) + channels(SHIFT, 3),
    ),
    example(f"{F}instance_norm", IMAGE, rtol=1e-4, atol=1e-5, want=standard(IMAGE, (2, 3))),
    example(
        f"{F}instance_norm",
        TINY,
        MEAN,
        VAR,
        use_input_stats=False,
        rtol=1e-4,
        atol=1e-5,
        want=(TINY - channels(MEAN, 3)) / np.sqrt(channels(VAR, 3) + np.float32(1e-5)),
    ),
]

LINALG += [
    example("torch.cdist", f([[0, 0]]), f([[3, 4], [1, 0]]), want=f([[5, 1]])),
    example("torch.cdist", f([[0, 0]]), f([[3, 4]]), 1.0, want=f([[7]])),
    example("torch.linalg.solve", SQUARE, f(3, 4), want=f(1, 1)),
]

EXAMPLES: list[Example] = [*LINALG, *NN, *NORM]
