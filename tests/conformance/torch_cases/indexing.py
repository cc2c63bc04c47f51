"""Calls of the rows that pick elements out or put them in, and of those that make arrays."""
# ruff: noqa: E501  # a row of the table, a line here

from __future__ import annotations

from tests.conformance.torch_cases.operands import (
    BOOL,
    F32,
    F64,
    I32,
    U8,
    b,
    f,
    i,
    odd,
    some,
    whole,
)
from tests.conformance.torch_sweep import Case, Tolerance, call

M, T, V, S = some(3, 4), some(2, 3, 4), some(5), some()
EMPTY = some(2, 0, 3)
_MASKS = [
    b([True, False, True, False]),
    b([[True], [False], [True]]),
    b(True),
    whole(3, 4, dtype=BOOL),
    whole(3, 4),
    b([True, False]),
]
_TARGETS = [M, whole(3, 4), some(3, 4, dtype=F64), whole(3, 4, dtype=BOOL)]
_PLACED = [
    *(call(x, d, i(0, 2), s) for x in (M, whole(3, 4)) for d in (0, 1, -1, 5) for s in (some(2, 4), some(3, 2), some(2), whole(2, 4), whole(3, 2), S)),
    call(M, 0, i(0, 5), some(2, 4)), call(M, 0, i(0, -1), some(2, 4)), call(M, 0, i(), some(0, 4)), call(V, 0, i(1), f([7])), call(V, 0, i(3), f(7)), call(M, dim=1, index=i(0), source=some(3, 1)),
    call(M, 0, f(0, 1), some(2, 4)), call(M, 0, i([[0, 1]]), some(2, 4)), call(S, 0, i([0]), f([3])), call(V, 0, i(0, 0), f(1, 2)), call(T, 1, i(2, 0), some(2, 2, 4)),
    call(M, 0, i(0, 2), 1.5), call(M, 0, i(0, 2), some(1, 4)),
]  # fmt: skip
_SCATTERS = [
    *(call(x, d, idx, src) for x in (M, whole(3, 4)) for d, idx in ((0, i([[0, 2, 1, 0]])), (1, i([[0, 3], [1, 2]])), (-1, i([[0], [1], [2]]))) for src in (some(3, 4, seed=3), whole(3, 4, seed=3), some(1, 2), f(2), 1.5, 2)),
    call(M, 0, i([[3, 0, 0, 0]]), 1.0), call(M, 0, i([[-1, 0, 0, 0]]), 1.0), call(M, 0, i(0, 1), 1.0), call(M, 5, i([[0]]), 1.0), call(M, 0, i([[0, 0, 0, 0, 0]]), 1.0),
    call(V, 0, i(1, 1), some(2)), call(V, 0, i(1, 3), V), call(S, 0, i(0), f(2.0)), call(S, 0, i([0]), f([2])), call(M, 0, f([[0]]), 1.0), call(V, 0, i(), some(0)), call(M, 0, i([[]] * 2), some(2, 0)), call(M, 1, i([]).reshape(0, 4), 2.0),
    call(M, dim=1, index=i([[0], [1], [2]]), src=some(3, 1)), call(M, dim=1, index=i([[0], [1], [2]]), value=2.0), call(whole(5, dtype=U8), 0, i(0, 1), 300), call(V, 0, i(0, 1), True),
]  # fmt: skip
_INDEX = [
    *(call(x, k) for x in (M, V, T, S, EMPTY) for k in (0, -1, 1, 9, -9, True, False, None)),
    *(call(x, k) for x in (M, T, V) for k in (i(0, 1), i(-1, 0), i([[0], [1]]), i(), i(7), i(1), [0, 1], [1, -1])),
    call(M, M > 0), call(M, b(True, False, True)), call(M, b(True, False)), call(M, whole(3, dtype=U8)), call(V, V > 0), call(S, b(True)), call(S, b(False)), call(M, b(True)), call(T, b([[True, False, True], [False, False, True]])),
    call(M, f(0, 1)), call(M, [i(0, 1), i(1, 2)]), call(M, [b(True, False, True), i(0, 1)]), call(M, [[0, 1], [1, 2]]), call(M, whole(3, dtype=I32) * 0),
]  # fmt: skip
_OPTIONS = [
    {},
    {"dtype": "torch.int64"},
    {"dtype": "torch.float64"},
    {"dtype": "torch.bool"},
    {"dtype": "torch.uint8"},
]

CASES: dict[str, list[Case]] = {
    "select": [*(call(x, *r) for x in (M, V, T, S, EMPTY, whole(3, 4)) for r in ((0, 1), (1, -1), (-1, 0), (0, 9), (0, -9), (5, 0))), call(M, dim=1, index=2)],
    "index_select": [
        *(call(x, d, k) for x in (M, V, T, S, EMPTY) for d in (0, -1, 1, 5) for k in (i(0, 1), i(0), i(0, 0, 0), i(), i(5), i(-1), f(0), i([[0]]))),
        call(M, dim=1, index=i(2, 0)), call(M, 0, whole(3, dtype=I32) * 0), call(M, 0, b(True)),
    ],
    "take": [*(call(x, k) for x in (M, V, S, EMPTY) for k in (i(0), i([[0, 4]]), i(-1), i(), i(99), f(0), i(0, -5)))],
    "gather": [
        *(call(x, d, k) for x in (M, whole(3, 4)) for d in (0, 1, -1, 5) for k in (i([[0, 1, 2, 0]]), i([[0], [1], [2]]), i([[3]]), i([[0, 0], [1, 1], [2, 2]]), i(0), i([[-1]]), f([[0]]), i([[0, 0, 0, 0, 0]]))),
        call(V, 0, i(1, 1, 0)), call(S, 0, i(0)), call(S, 0, i([0, 0])), call(S, 0, i([1])), call(T, 1, i([[[0, 1]], [[2, 2]]])), call(M, dim=1, index=i([[0], [1], [2]])), call(V, 0, i()), call(M, 0, i()), call(S, 3, i(0)),
    ],
    "getitem": _INDEX,
    "setitem": [
        *(call(x, k, v) for x in (M, whole(3, 4)) for k in (0, -1, True, None, i(0, 2), b(True, False, True), whole(3, 4) > 0, [0, 1], 9) for v in (1.5, 2, True, some(4), some(1), f(3), whole(4))),
        call(V, 0, some(2)), call(M, 0, some(3)), call(M, i(0, 1), some(2, 4)), call(M, i(0, 1), some(3, 4)), call(M, f(0), 1), call(M, M > 9, 1.0), call(S, None, 2.0), call(whole(5, dtype=U8), 0, 300), call(V, M > 0, 1.0),
    ],
    "masked_fill": [*(call(x, m, v) for x in _TARGETS for m in _MASKS for v in (0, 2.5, True, f(1.5), i(2), some(1), some(3, 4))), call(V, b(False), float("nan")), call(some(4), whole(3, 4, dtype=BOOL), 0)],
    "masked_select": [*(call(x, m) for x in _TARGETS for m in _MASKS), call(S, b(True)), call(some(4), whole(3, 4, dtype=BOOL)), call(EMPTY, b(True))],
    "masked_scatter": [*(call(x, m, s) for x in _TARGETS[:3] for m in _MASKS for s in (some(3, 4), some(12), some(1), some(12, dtype=F64), whole(12))), call(some(4), whole(3, 4, dtype=BOOL), some(12)), call(M, b(False), some(0))],
    "scatter": _SCATTERS,
    "scatter_add": _SCATTERS,
    "index_add": [*_PLACED, call(M, 0, i(0, 0), some(2, 4), alpha=2), call(whole(3, 4), 0, i(0, 0), whole(2, 4), alpha=2), call(whole(3, 4), 0, i(0, 0), whole(2, 4), alpha=0.5)],
    "index_copy": _PLACED,
    "index_fill": [*(call(x, d, k, v) for x in (M, whole(3, 4), T) for d in (0, 1, -1, 5) for k in (i(0, 2), i(1), i(), i(-1), i(9), f(0)) for v in (2, 1.5, f(2.5), i(3), some(1))), call(M, dim=1, index=i(0), value=2), call(S, 0, i([0]), 2.0)],
    "index_put": [
        *(call(x, k, v, acc) for x in (M, whole(3, 4)) for k in ([i(0, 2)], [i(0, 0), i(1, 1)], [b(True, False, True)], [whole(3, 4) > 0], [i([[0], [1]]), i(0, 1)]) for v in (f(1.5), i(2), some(4), some(2), some(1)) for acc in (False, True)),
        call(M, [i(7)], f(1)), call(M, [f(0)], f(1)), call(M, [i(0), i(0), i(0)], f(1)), call(M, [i(-1)], f(1)), call(M, indices=[i(0)], values=f(9)), call(M, [i()], some(0, 4)),
    ],
    "nonzero": [call(x) for x in (M, whole(3, 4), whole(), f(0), i(1), EMPTY, whole(3, dtype=BOOL), odd(F32), T, V)],
    "one_hot": [call(x, *r) for x in (i(0, 2), i([[0], [1]]), i(2), i(), i(-1), f(1), whole(2, dtype=U8), i(0, 0)) for r in ((), (4,), (2,), (-1,), (0,))] + [call(i(0, 1), num_classes=3)],
    "embedding": [
        *(call(k, w) for w in (M, whole(3, 4)) for k in (i(0, 2), i([[1], [0]]), i(1), i(), i(3), i(-1), whole(2, dtype=I32) * 0, f(0))),
        call(i(0, 1), M, padding_idx=0), call(i(0, 1), M, 1), call(i(0, 1), M, padding_idx=7), call(i(0, 1), M, padding_idx=-1), call(i(0), V), call(i(0), T), call(i(0, 1), M, None, None, 2.0, True, False),
        *(call(w, k) for w in (M,) for k in (i(0, 2), i([[1], [0]]), i(1), i(), i(3), i(-1), f(0))), call(M, i(0, 1), 0), call(M, i(0, 1), -1, False, False),
    ],
    "fill": [call(x, v) for x in (*_TARGETS, S, EMPTY, whole(3, dtype=U8)) for v in (2, 1.5, True, f(2.5), i(3), float("nan"), some(1), 300)],
    "zero": [call(x) for x in (*_TARGETS, S, EMPTY)],
    "copy_": [call(x, y) for x in (*_TARGETS, S) for y in (some(4), whole(4), S, some(3, 1), some(3, 4, dtype=F64), some(3), some(2, 3, 4), whole(3, 4, dtype=BOOL))],
    "fill_diagonal_": [*(call(x, v) for x in (M, some(4, 3), some(3, 3), whole(3, 4), T, V, some(6, 2), some(2, 2, 2), EMPTY) for v in (5, 1.5)), call(some(7, 2), 1.0, True), call(M, fill_value=2)],
    # creation
    **{name: [call(*size, **kw) for size in ((2, 3), ([2, 3],), ([],), ([0, 2],), (2,), (-1,)) for kw in _OPTIONS] for name in ("ones", "zeros")},
    **{name: [call(x, **kw) for x in (M, whole(3), S, EMPTY, whole(2, dtype=BOOL), M.T) for kw in _OPTIONS] for name in ("ones_like", "zeros_like")},
    **{name: [call(x, *size, **kw) for x in (M, whole(3)) for size in ((2, 3), ([2, 3],), ([],), (2,)) for kw in _OPTIONS] for name in ("new_ones", "new_zeros")},
    "full": [call(size, v, **kw) for size in ([2, 3], [], [0]) for v in (2, 1.5, True, float("nan")) for kw in _OPTIONS if not (v != v and kw)] + [call([2], fill_value=3), call([-1], 2)],
    "full_like": [call(x, v, **kw) for x in (M, whole(3), S) for v in (2, 1.5, True) for kw in _OPTIONS] + [call(M, fill_value=3), call(whole(2, dtype=U8), 300)],
    "new_full": [call(x, [2], v, **kw) for x in (M, whole(3)) for v in (2, 1.5, True) for kw in _OPTIONS] + [call(M, [2], fill_value=3)],
    "new_tensor": [call(x, v, **kw) for x in (M, whole(3)) for v in (2, [1.5, 2], [[1, 2], [3, 4]], [True, False], []) for kw in _OPTIONS],
    "tensor": [call(v, **kw) for v in (2, 1.5, True, [1, 2], [[1.5, 2], [3, 4]], [True, False], [], [[]], [1, True], [1.5, 1], 2**40) for kw in _OPTIONS[:3]] + [call([[1], [1, 2]])],
    "arange": [
        *(call(*a) for a in ((5,), (5.0,), (2.5,), (0,), (1, 5), (1, 5, 2), (0, 1, 0.25), (5, 1, -1), (5, 1), (1, 1), (0, 3, 0), (1.0, 4), (-2, 2), (0, 1, 0.1), (0.0, 0.3, 0.1), (True,), (1, 5, -1), (3, 0, -2))),
        *(call(*a, dtype=d) for a in ((5,), (0, 3), (1, 4, 2)) for d in ("torch.float32", "torch.int64", "torch.float64", "torch.int32", "torch.float16")), call(end=4), call(start=1, end=4, step=2),
    ],
    "linspace": [*(call(*a) for a in ((0, 1, 5), (0.0, 1.0, 3), (2, 2, 4), (1, -1, 6), (0, 1, 1), (0, 1, 0), (0, 1, -1), (0, 10, 11), (-3.5, 7.25, 24))), call(0, 1, steps=4), call(start=0, end=1, steps=3), call(0, 10, 5, dtype="torch.int64"), call(0, 1, 5, dtype="torch.float64"), call(0, 7, 4, dtype="torch.int64")],
    "eye": [*(call(*a) for a in ((3,), (2, 3), (3, 2), (0,), (-1,))), call(2, dtype="torch.int64"), call(n=2), call(2, m=3)],
}  # fmt: skip
TOLERANCES: dict[str, Tolerance] = {"linspace": Tolerance(1, None)}
