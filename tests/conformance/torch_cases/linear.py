"""Calls of the rows of linear algebra, and of the recurrent cells."""
# ruff: noqa: E501  # a row of the table, a line here

from __future__ import annotations

from tests.conformance.torch_cases.operands import (
    BOOL,
    DTYPES,
    F64,
    f,
    gaps,
    real,
    some,
    spd,
    whole,
)
from tests.conformance.torch_sweep import Case, Tolerance, call

A, B, C = some(3, 4), some(4, 2), some(3, 2)
_MATRICES = [
    A,
    B,
    some(4),
    some(3),
    some(2, 3, 4),
    some(2, 4, 2),
    some(5, 1, 4, 2),
    some(0, 4),
    some(3, 0),
    some(0, 3),
    some(),
    some(1, 1),
    some(1),
    some(2, 0, 4),
    some(0),
]
_PRODUCTS = [
    *(call(x, y) for x in _MATRICES for y in _MATRICES),
    *(call(some(3, 4, dtype=d), some(4, 2, dtype=d)) for d in DTYPES),
    *(call(some(4, dtype=d), some(4, dtype=d)) for d in DTYPES),
    *(call(some(2, 3, 4, dtype=d), some(2, 4, 2, dtype=d)) for d in DTYPES),
    call(A, some(4, 2, dtype=F64)), call(A, whole(4, 2)), call(whole(3, 4), B), call(gaps(), some(3, 3)), call(A, some(4, dtype=F64)), call(some(4), whole(4)),
    call(real(17, 31), real(31, 23)), call(real(1, 64), real(64, 10)), call(B.T, A.T), call(some(2, 3, 4).transpose(0, 2, 1), some(2, 3, 2)),
]  # fmt: skip


def _blended(bias: list, first: object, second: object, more: list[Case]) -> list[Case]:
    return [
        *(call(x, first, second) for x in bias),
        *(call(x, first, second, beta=0.5, alpha=2) for x in bias),
        call(bias[0], first, second, beta=0),
        call(bias[0] * f(float("nan")), first, second, beta=0, alpha=3),
        call(bias[0], first, second, alpha=-1),
        call(0.5, bias[0], 2, first, second),
        *more,
    ]


_LSTM = (real(2, 4), [real(2, 3), real(2, 3, seed=1)], real(12, 4), real(12, 3))
_CELL = (real(2, 4), real(2, 3))

CASES: dict[str, list[Case]] = {
    **dict.fromkeys(("matmul", "rmatmul", "mm", "bmm", "mv", "dot", "outer", "inner"), _PRODUCTS),
    "addmm": _blended([C, some(2), some(), some(3, 1), some(1, 2)], A, B, [call(some(3), A, B), call(C, A, A), call(whole(3, 2), whole(3, 4), whole(4, 2)), call(whole(3, 2), whole(3, 4), whole(4, 2), alpha=2, beta=3), call(whole(3, 2), whole(3, 4), whole(4, 2), alpha=0.5), call(some(3, 2, dtype=F64), A, B), call(C, some(3, 0), some(0, 2)), call(some(0, 2), some(0, 4), B), call(some(2, 3, 2), A, B)]),
    "addmv": _blended([some(3), some(), some(1)], A, some(4), [call(some(2), A, some(4)), call(some(3), A, some(3)), call(some(3, 1), A, some(4)), call(whole(3), whole(3, 4), whole(4)), call(some(3), some(3, 0), some(0))]),
    "addr": _blended([C, some(2), some(), some(3, 1)], some(3), some(2), [call(some(3), some(3), some(2)), call(C, A, B), call(whole(3, 2), whole(3), whole(2)), call(whole(3, 2, dtype=BOOL), whole(3, dtype=BOOL), whole(2, dtype=BOOL))]),
    "baddbmm": _blended([some(2, 3, 2), some(3, 2), some(2), some()], some(2, 3, 4), some(2, 4, 2), [call(some(3), some(2, 3, 4), some(2, 4, 2)), call(some(2, 3, 2), some(2, 3, 4), some(1, 4, 2)), call(whole(2, 3, 2), whole(2, 3, 4), whole(2, 4, 2))]),
    "addbmm": _blended([some(3, 2), some(2), some()], some(2, 3, 4), some(2, 4, 2), [call(some(3), some(2, 3, 4), some(2, 4, 2)), call(some(2, 3, 2), some(2, 3, 4), some(2, 4, 2)), call(whole(3, 2), whole(2, 3, 4), whole(2, 4, 2)), call(some(3, 2), some(0, 3, 4), some(0, 4, 2))]),
    "linear": [
        *(call(x, some(2, 4)) for x in (A, some(4), some(2, 3, 4), some(0, 4), some(3), some())), *(call(x, some(2, 4), some(2)) for x in (A, some(4), some(2, 3, 4), some(0, 4))),
        call(A, some(4)), call(A, some(2, 4), some(3)), call(whole(3, 4), whole(2, 4), whole(2)), call(A, some(2, 4, dtype=F64)), call(A, weight=some(2, 4), bias=some(2)), call(A, some(2, 4), None), call(A, some(2, 4), some()), call(A, some(2, 4), some(1)),
    ],
    "bilinear": [call(some(3, 4), some(3, 2), some(5, 4, 2)), call(some(3, 4), some(3, 2), some(5, 4, 2), some(5)), call(some(4), some(2), some(5, 4, 2), some(5)), call(some(2, 3, 4), some(2, 3, 2), some(1, 4, 2)), call(some(3, 4), some(3, 3), some(5, 4, 2)), call(some(3, 4), some(2, 2), some(5, 4, 2))],
    "chain_matmul": [call(A, B), call(A), call(A, B, some(2, 5)), call(A, A)],
    "einsum": [
        call("ij,jk->ik", A, B), call("ij,jk->ik", [A, B]), call("ij,jk", A, B), call("ij->ji", A), call("ij->", A), call("ii->i", some(3, 3)), call("ii", some(3, 3)), call("bij,bjk->bik", some(2, 3, 4), some(2, 4, 2)), call("...ij,jk->...ik", some(2, 3, 4), B),
        call("i,j->ij", some(3), some(2)), call("ij,kj->ik", A, some(2, 4)), call("ij,ij->", A, A), call("i j , j k -> i k", A, B), call("ij,jk->ik", A, A), call("ij,j->i", A, some(4)), call("i,i,i->i", some(3), some(3), some(3)), call("ba", A), call("ij,jk->ik", whole(3, 4), whole(4, 2)), call("ijk->kji", some(2, 3, 4)), call("ij->ik", A), call("", some()),
        call("iJ,Jk->ik", A, B), call("...", A), call("i...->...", A), call("ij,jk,kl->il", A, B, some(2, 3)),
    ],
    "tensordot": [call(A, B, 1), call(A, A), call(A, A, 2), call(A, B, [[1], [0]]), call(A, some(4, 3), [[0, 1], [1, 0]]), call(some(2, 3, 4), some(4, 3), [[1, 2], [1, 0]]), call(some(3), some(2), 0), call(A, B, dims=1), call(A, A, 1), call(A, B, [[-1], [0]]), call(whole(3, 4), whole(4, 2), 1), call(A, some(4, 2, dtype=F64), 1)],
    "trace": [call(x) for x in (A, some(3, 3), whole(3, 3), whole(3, 3, dtype=BOOL), some(0, 3), some(3), some(2, 3, 3), some(3, 3, dtype=F64))],
    "cross": [
        call(some(3), some(3, seed=1)), call(some(2, 3), some(2, 3, seed=1)), call(some(3, 2), some(3, 2, seed=1)), call(some(2, 3), some(2, 3, seed=1), 1), call(some(3, 2), some(3, 2, seed=1), dim=0), call(some(2, 3), some(2, 3), 0), call(some(2, 2), some(2, 2)), call(some(3, 3), some(3, 3, seed=2)),
        call(whole(2, 3), whole(2, 3, seed=1)), call(some(2, 3), some(1, 3), 1), call(some(0, 3), some(0, 3)), call(some(2, 3), some(2, 3), -1), call(some(2, 3), some(2, 3), 5),
    ],
    "matrix_power": [call(x, n) for x in (spd(), spd(dtype=F64), real(2, 3, 3)) for n in (0, 1, 2, 3, 5, -1, -2)] + [call(A, 2), call(some(3), 2), call(whole(3, 3), 2), call(spd(), n=2)],
    **{name: [call(x) for x in (spd(), spd(dtype=F64), real(3, 3) + 3, real(2, 3, 3), some(0, 0), A, some(3), whole(3, 3), real(1, 1))] for name in ("inverse", "det", "logdet", "pinverse")},
    "cholesky": [call(x) for x in (spd(), spd(dtype=F64), spd(2), some(0, 0), A, some(3), whole(3, 3), -spd())],
    "cosine_similarity": [
        call(A, A + f(1)), call(A, A + f(1), 0), call(A, A + f(1), dim=-1), call(A, A * f(0)), call(A, some(4)), call(some(4), some(4, seed=1), 0), call(A, A, 5), call(A, A + f(1), 1, 0.5), call(some(2, 3, 4), some(2, 3, 4, seed=3)), call(A, some(3, 3)), call(some(0, 4), some(0, 4)),
        call(A * f(1e-5), A * f(1e-5)), call(A * f(1e-3), some(3, 4, seed=3), eps=0.1),
    ],
    "pairwise_distance": [*(call(A, some(3, 4, seed=1), p) for p in (1.0, 2.0, 3.0, 0.5, float("inf"), 0.0)), call(A, A), call(A, A, keepdim=True), call(A, some(3, 4, seed=1), 2.0, 0.1), call(some(4), some(4, seed=1)), call(A, some(4)), call(A, some(3)), call(some(2, 3, 4), some(2, 3, 4, seed=1)), call(A, some(3, 4, dtype=F64))],
    "cdist": [*(call(x, y, p) for x, y in ((A, some(2, 4)), (some(2, 3, 4), some(2, 5, 4)), (some(2, 3, 4), some(5, 4))) for p in (1.0, 2.0, 3.0, 0.0, 0.5, float("inf"))), call(A, some(2, 4)), call(A, A), call(A, B), call(some(4), A), call(some(0, 4), A), call(some(2, 3, 4), some(3, 5, 4)), call(A, some(2, 4, dtype=F64)), call(some(3, 0), some(2, 0)), call(A, some(2, 4), -1.0)],
    "solve": [call(spd(), some(4, 2)), call(spd(), some(4)), call(spd(), some(3)), call(A, some(3)), call(some(2, 2, 2), some(2, 2, 3)), call(some(3, 3) * f(0), some(3)), call(spd(dtype=F64), some(4, dtype=F64)), call(some(0, 0), some(0, 2))],
    "lstm_cell": [call(*_LSTM), call(*_LSTM, real(12), real(12, seed=4)), call(real(2, 4), [real(2, 3)], *_LSTM[2:]), call(real(2, 5), *_LSTM[1:])],
    "gru_cell": [call(*_CELL, real(9, 4), real(9, 3)), call(*_CELL, real(9, 4), real(9, 3), real(9), real(9, seed=4)), call(real(2, 5), real(2, 3), real(9, 4), real(9, 3))],
    **{name: [call(*_CELL, real(3, 4), real(3, 3)), call(*_CELL, real(3, 4), real(3, 3), real(3), real(3, seed=4)), call(real(2, 5), real(2, 3), real(3, 4), real(3, 3))] for name in ("rnn_tanh_cell", "rnn_relu_cell")},
}  # fmt: skip

_PRODUCT, _SOLVED = Tolerance(16, None), Tolerance(256, None)
TOLERANCES: dict[str, Tolerance] = {
    **dict.fromkeys(CASES, _PRODUCT),
    **dict.fromkeys(
        ("inverse", "det", "logdet", "pinverse", "cholesky", "solve", "matrix_power"), _SOLVED
    ),
    "cdist": Tolerance(32, 1.0),
    "cross": Tolerance(4, 4.0),
}
