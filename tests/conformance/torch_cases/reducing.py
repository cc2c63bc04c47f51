"""Calls of the rows that reduce dimensions, sort, or run along one."""
# ruff: noqa: E501  # a row of the table, a line here

from __future__ import annotations

from tests.conformance.torch_cases.operands import (
    BOOL,
    DTYPES,
    F16,
    F32,
    F64,
    I32,
    I64,
    U8,
    f,
    gaps,
    i,
    odd,
    real,
    some,
    ties,
    whole,
)
from tests.conformance.torch_sweep import EXACT, Case, Tolerance, call

_INPUTS = [
    *(some(3, 4, dtype=d) for d in DTYPES),
    some(2, 3, 4),
    some(),
    some(1),
    some(0),
    some(0, 3),
    some(2, 0, 3),
    some(2, 3, 4, dtype=I64),
    whole(),
    ties(),
    gaps(),
    odd(F32),
    odd(I64),
    real(2, 1, 3, dtype=F64),
]
_WITH_DIM = [
    call(x, *rest) for x in _INPUTS for rest in ((0,), (-1, True), (1,), (2, False), (-3,))
]
_BY_NAME = [
    call(some(3, 4), dim=1, keepdim=True),
    call(some(3, 4), axis=0),
    call(some(3, 4), 1, keepdim=True),
]
_ALL = [call(x) for x in _INPUTS]
_SOME_DIMS = [
    call(some(2, 3, 4), [0, 2]),
    call(some(2, 3, 4), [-1, 0], True),
    call(some(2, 3, 4), dim=[1]),
    call(some(2, 3, 4), [1, 1]),
    call(some(2, 3, 4), [0, 3]),
    call(whole(2, 3, 4), [0, 1]),
    call(some(2, 0, 4), [0, 1]),
    call(some(3, 4), []),
    call(some(), [0]),
    call(some(), [-1], True),
]
_TYPED = [
    call(x, *rest, dtype=dtype)
    for x in (some(3, 4), whole(3, 4), whole(3, 4, dtype=BOOL), some(3, 4, dtype=F64))
    for rest in ((), (1,))
    for dtype in ("torch.float64", "torch.float32", "torch.int64", "torch.int32")
]
_SUMS = [*_ALL, *_WITH_DIM, *_BY_NAME, *_SOME_DIMS, *_TYPED]
_SPREADS = [
    *(call(x) for x in (some(3, 4), some(3, 4, dtype=F64), some(3, 4, dtype=F16), some(), some(1), some(0), gaps(), whole(3), f(1e4, 1e4 + 1, 1e4 + 2))),
    *(call(x, u) for x in (some(3, 4), some(1)) for u in (True, False)),
    *(call(x, d) for x in (some(3, 4), some(2, 3, 4), some(0, 3), some(2, 1)) for d in (0, -1, 1, [0, 1], 5)),
    *(call(x, d, u, k) for x in (some(3, 4), some(1, 3), some(2, 3, 4)) for d in (0, [0, 1], -1) for u in (True, False) for k in (True, False)),
    call(some(3, 4), dim=1, unbiased=False, keepdim=True),
    call(some(3, 4), unbiased=False),
    call(some(3, 4), dim=0),
    call(some(3, 4), [0, 0]),
    call(whole(3, 4), 0),
]  # fmt: skip
_ORDER = [
    ties(),
    gaps(),
    *(some(3, 4, dtype=d) for d in DTYPES),
    some(2, 3, 4),
    some(),
    some(1),
    some(0),
    some(0, 3),
    odd(F32)[[0, 1, 2, 3, 5, 8]],
    whole(3, 5),
    whole(3, 5, dtype=U8),
]
_SORTS = [
    *(call(x) for x in _ORDER),
    *(call(x, d, desc) for x in _ORDER for d in (0, -1, 1) for desc in (True, False)),
    call(ties(), dim=0, descending=True),
    call(ties(), descending=True),
    call(ties(), 5),
]
_RUNNING = [
    *(call(x, d) for x in (*_INPUTS, odd(U8), whole(3, 4, dtype=I32)) for d in (0, -1, 1, 3)),
    *(call(x, 0, dtype=dtype) for x in (some(3, 4), whole(3, 4)) for dtype in ("torch.float64", "torch.float32", "torch.int64")),
    call(some(3, 4), dim=-1),
]  # fmt: skip
_KINDS = (1, 2, 3, 0, 0.5, float("inf"), float("-inf"), -1, None, "fro", 2.5)

_DISTINCT = [
    x
    for x in _ORDER
    if x.dtype.kind == "f" and x.dtype != F16 and x.size == len(set(x.ravel().tolist()))
]
"""Without equal elements: which one of those is named is not defined."""

CASES: dict[str, list[Case]] = {
    "sum": _SUMS,
    "nansum": _SUMS,
    "mean": _SUMS,
    "prod": [*_ALL, *_WITH_DIM, *_TYPED, call(some(3, 4), dim=1, keepdim=True)],
    **{name: [*_ALL, *_WITH_DIM, *_BY_NAME, *_SOME_DIMS] for name in ("all", "any", "amax", "amin")},
    **{name: [*_ALL, *_WITH_DIM, *_BY_NAME] for name in ("argmax", "argmin")},
    **{name: [*_ALL, *_WITH_DIM, *_BY_NAME] for name in ("max", "min")},
    "median": [*(call(x, *r) for x in (*_DISTINCT, i([[5, 2, 9], [1, 0, 3]]), gaps()[0], f([1, float("nan"), 2], [3, 4, 5])) for r in ((), (0,), (-1, True), (1,))), call(some(3, 4), dim=1, keepdim=True), call(whole(3, 5)), call(ties())],
    **dict.fromkeys(("var", "std", "var_mean", "std_mean"), _SPREADS),
    "logsumexp": [
        *(call(x, *rest) for x in _INPUTS for rest in ((0,), (-1, True), (2,))),
        call(some(2, 3, 4), [0, 2]),
        call(f([-1000, -1001], [1000, 1001]), 1),
        call(f([[-float("inf")] * 2]), 1),
        call(f(float("inf"), 1), 0),
        call(some(2, 3, 4), dim=[1], keepdim=True),
    ],
    "norm": [
        *(call(x) for x in _INPUTS),
        *(call(x, p) for x in (some(3, 4), some(3, 4, dtype=F64), gaps(), some(), some(1)) for p in _KINDS),
        *(call(x, p, d) for x in (some(3, 4), some(2, 3, 4)) for p in _KINDS for d in (0, -1, [0], 5)),
        *(call(x, p, d, True) for x in (some(2, 3, 4),) for p in (1, 2, 3, "fro") for d in ([0, 1], [2, 0], [1])),
        *(call(x, "nuc") for x in (some(3, 4), some(4, 2, dtype=F64))),
        call(some(2, 3, 4), "nuc", [0, 2]), call(some(2, 3, 4), "nuc", [1, 2], True),
        call(some(3, 4), p=1, dim=1, keepdim=True), call(some(3, 4), dim=0), call(whole(3, 4), 2), call(some(0), 2), call(some(0, 3), 2, 0),
        call(some(3, 4), "other"), call(some(0), float("inf")),
    ],
    "dist": [
        *(call(some(3, 4), some(3, 4, seed=1), p) for p in (0, 1, 2, 3, float("inf"), 0.5)),
        call(some(3, 4), some(4)), call(some(3, 4), some(3, 4, seed=1)), call(some(3), some(2)), call(some(3, dtype=F64), some(3, dtype=F64)),
    ],
    **dict.fromkeys(("cumsum", "cumprod"), _RUNNING),
    "kthvalue": [
        *(call(x, k) for x in (*_DISTINCT, i([[5, 2, 9]]), gaps()[0]) for k in (1, 2, 3, 0, 9)),
        *(call(x, 2, d, keep) for x in (some(3, 4), some(2, 3, 4), real(4, 3, dtype=F64)) for d in (0, -1) for keep in (True, False)),
        call(some(3, 4), k=1, dim=1, keepdim=True),
    ],
    "sort": _SORTS,
    "argsort": _SORTS,
    "topk": [
        *(call(x, k) for x in (*_DISTINCT, i([[5, 2, 9]]), gaps()[0]) for k in (1, 2, 0, 9)),
        *(call(x, 2, d, largest) for x in (some(3, 4), some(2, 3, 4), real(4, 3, dtype=F64)) for d in (0, -1) for largest in (True, False)),
        call(some(3, 4), k=1, dim=-1, largest=False, sorted=True), call(some(3, 4), 2, 7),
    ],
    "bincount": [
        call(i(0, 2, 2)), call(i(0, 2, 2), minlength=5), call(i()), call(i(), minlength=2), call(i(0, 1, 1), f(0.5, 1, 2)),
        call(i(0, 1, 1), real(3, dtype=F64)), call(i(0, 1, 1), i(1, 2, 3)), call(i(-1, 1)), call(f(1, 2)), call(i([[1, 2]])),
        call(whole(5, dtype=U8)), call(i(0, 1), f(1, 2), 4), call(i(0, 1), f(1, 2, 3)), call(i(1, 2), minlength=-1),
    ],
    "histc": [
        call(f(0, 1, 2, 2), 2, 0, 2), call(real(9), 4, -1, 1), call(real(9)), call(real(9), 5), call(f(1, 1, 1), 3), call(real(9), bins=3, min=-0.5, max=0.5),
        call(real(9), 0), call(real(9), 3, 2, 1), call(real(9, dtype=F64), 4), call(f(1, float("nan"), 2), 4, 0, 3), call(f(), 3), call(f(1, float("inf")), 3),
        call(f(0, 1, 2, 3, 4), 4, 1, 3),
    ],
    "unique": [
        *(call(x) for x in (f(2, 1, 2), ties(), i(3, 1, 3), whole(3, 4), i(), some(), f(1, float("nan"), float("nan")), whole(3, dtype=BOOL))),
        *(call(x, sorted=s) for x in (f(2, 1, 2),) for s in (True, False)),
        *(call(x, return_inverse=a, return_counts=c) for x in (ties(), i(3, 1, 3), i(), some()) for a in (True, False) for c in (True, False)),
        *(call(x, True, a, c, d) for x in (f([[1, 2], [1, 2], [0, 5]]), i([[1, 1, 0], [2, 2, 0]])) for a in (True, False) for c in (True, False) for d in (0, 1, -1)),
        *(call(x, dim=d) for x in (f([[1, 2], [1, 2], [0, 5]]), i([[[1, 2]], [[1, 2]], [[0, 0]]]), i(3, 1, 3)) for d in (0, -1)),
        call(i([[1]]), dim=4),
    ],
}  # fmt: skip

_SUMMED = Tolerance(8, None)
TOLERANCES: dict[str, Tolerance] = {
    **dict.fromkeys(("sum", "nansum", "mean", "norm", "dist", "logsumexp", "cumsum"), _SUMMED),
    **dict.fromkeys(("prod", "cumprod"), Tolerance(8)),
    **dict.fromkeys(("var", "std", "var_mean", "std_mean"), Tolerance(16, None)),
    **dict.fromkeys(("amax", "amin", "max", "min", "kthvalue", "sort", "topk"), EXACT),
    "histc": EXACT,
}
