"""Calls of the rows that change shape or order, and of those that convert."""
# ruff: noqa: E501  # a row of the table, a line here

from __future__ import annotations

import numpy as np

from tests.conformance.torch_cases.operands import (
    BOOL,
    EVERY_DTYPE,
    F16,
    F32,
    F64,
    I64,
    U8,
    Array,
    f,
    i,
    odd,
    real,
    some,
    whole,
)
from tests.conformance.torch_sweep import Case, call

M, T, V, S = some(3, 4), some(2, 3, 4), some(5), some()
ONES = some(1, 3, 1)
EMPTY = some(2, 0, 3)
WIDE: Array = np.broadcast_to(some(3, 1), (3, 4))  # several elements on one memory
_ALL = [
    M,
    T,
    V,
    S,
    some(1),
    some(0),
    EMPTY,
    ONES,
    some(1, 1),
    whole(3, 4),
    whole(3, 4, dtype=BOOL),
    WIDE,
]
_PLAIN = [call(x) for x in _ALL]


def _each(arrays: list[Array], *rests: tuple[object, ...]) -> list[Case]:
    return [call(x, *rest) for x in arrays for rest in rests]


_RESHAPES = [
    *_each([M, whole(3, 4), WIDE], (-1,), ([-1],), ([2, 6],), (2, 6), (4, -1), ([3, 2, -1],), ([5, -1],), ([-1, -1],), ([12, 1],), ([3, 4],), ([-2, 6],), ([],)),
    *_each([S, some(1)], ([],), (-1,), ([1, 1],), (1,), ([2],)),
    *_each([EMPTY, some(0)], ([0],), (-1,), ([0, -1],), ([0, 5],), ([3, 0],), ([1],)),
]  # fmt: skip
_DIMS = (0, 1, -1, 2, -2, 5)
_PAIRS = [(0, 1), (-1, 0), (1, 1), (0, 2), (0, 5), (-2, -1)]

CASES: dict[str, list[Case]] = {
    "reshape": [*_RESHAPES, call(M, shape=[2, 6])],
    "view": _RESHAPES,
    "view_as": [call(x, y) for x in (M, WIDE, S) for y in (some(2, 6), some(1, 1), some(12), some(5))],
    "flatten": [*_PLAIN, *_each([M, T, S, EMPTY, V], (1,), (0, 1), (-2, -1), (1, 0), (0, 5), (-1,)), call(T, start_dim=1, end_dim=2)],
    "unflatten": [*_each([M, T], (1, [2, 2]), (-1, [2, -1]), (0, [1, 3]), (1, [3, 3]), (0, [-1]), (5, [1]), (1, [-1, -1]))],
    "t": _PLAIN,
    "transpose": [*_each(_ALL, *_PAIRS), call(M, dim0=0, dim1=-1)],
    "permute": [*_each([T, EMPTY], (2, 0, 1), ([2, 0, 1],), ([-1, 0, 1],), ([0, 0, 1],), ([0, 1],), ([0, 1, 3],)), *_each([M, S], ([],), (1, 0), (0,)), call(T, dims=[1, 0, 2])],
    "movedim": [*_each([T], (0, 2), (-1, 0), ([0, 1], [1, 2]), ([0, 0], [1, 2]), (3, 0), ([0, 1], [1])), *_each([M, S], (0, 1), (0, 0))],
    "unsqueeze": _each(_ALL, *((d,) for d in (0, 1, -1, 2, -2, 4, -5))),
    "squeeze": [*_PLAIN, *_each([*_ALL, some(1, 2, 1, 3)], *((d,) for d in (*_DIMS, [0, 2], [0, -1], [0, 0], [])))],
    "expand": [*_each([some(3, 1), some(1), S], (3, 4), ([3, 4],), ([2, 3, -1],), ([3, 1],), (-1, 4), ([0, 1],), ([2, -1, 4],)), *_each([M, EMPTY], ([3, 4],), ([2, 3, 4],), ([4],), ([5, 2, 0, 3],), ([-1, -1],), ([-1, 3, 4],)), call(some(1), size=[4]), call(some(0), [3, 0]), call(some(1), [0])],
    "expand_as": [call(x, y) for x in (some(3, 1), S, some(1)) for y in (M, T, V, some(0, 1), some(0))],
    "broadcast_to": _each([some(3, 1), S], ([3, 4],), ([2, 3, -1],), ([3],), ([2, 2],)),
    "broadcast_tensors": [call(some(3, 1), V[:4]), call(some(3), some(4)), call(S, M), call([some(3, 1), some(4)]), call(some(2), whole(2))],
    "repeat": [*_each([M, V, S, EMPTY, whole(2)], (2,), (2, 3), ([2, 1],), ([1, 2, 3],), (0, 1), (-1, 1), ([],)), call(M, repeats=[2, 2])],
    "tile": [*_each([M, V, S, EMPTY], ([2],), ([2, 3],), ([1, 2, 3],), ([0, 1],), ([],)), call(M, dims=[2])],
    "repeat_interleave": [
        *_each([M, V, EMPTY], (2,), (2, 0), (3, -1), (0,), (2, 5), (-1,)), call(S, 2), call(M, repeats=2, dim=1), call(M, i(1, 0, 2), 0), call(M, i(1, 2), 0), call(V, i(1, 0, 2, 1, 1)),
        call(M, i(2), 1), call(M, i([2]), 1), call(M, i(1, 0, 2), dim=0), call(M, f(1, 0, 2), 0), call(i(2, 0, 1)),
    ],
    "cat": [
        call([M, M]), call([M, M], 1), call([M, M], -1), call([M, M], dim=0), call([M, some(2, 4)]), call([M, some(2, 3)]), call([M, V]), call([M, M], 2), call([S, S]), call([]),
        call([some(0), M]), call([some(0), M], 1), call([some(0), some(0)]), call([M, some(0, 4)]), call([M, whole(3, 4)]), call([whole(2), whole(3, dtype=BOOL)]),
        call([M, some(3, 4, dtype=F64)]), call([whole(2, dtype=U8), some(2, dtype=F16)]), call([some(0, dtype=F64), V]), call([M], 0), call([some(1), S]), call([EMPTY, T]), call([M, M], -3), call([WIDE, WIDE], 1),
    ],
    "stack": [
        call([M, M]), call([M, M], 1), call([M, M], -1), call([M, M], dim=2), call([M, M], 3), call([S, S]), call([S, S], -1), call([M, V]), call([M, whole(3, 4)]), call([EMPTY, EMPTY], 1), call([]), call([whole(2), whole(2, dtype=U8)]), call([WIDE]),
    ],
    "split": [*_each([M, T, V, S, EMPTY], (2,), (1,), (2, -1), (3, 1), (0,), (7,), ([1, 2],), ([3, 1], 1), ([1, 1, 1], -2), ([2, 2], 5), (-1,), ([0, 3],), ([4, -1], 1)), call(M, split_size=2, dim=1), call(M, split_size_or_sections=2), call(M, 2, dim=1)],
    "split_with_sizes": [*_each([M, T], ([1, 2],), ([3, 1], 1), ([2, 1, 1], -1), ([1, 1],)), call(M, split_sizes=[1, 2], dim=0)],
    "chunk": [*_each([M, V, S, EMPTY], (2,), (3,), (1,), (7,), (0,), (2, -1), (3, 1), (-1,)), call(M, chunks=2, dim=1)],
    "unbind": [*_PLAIN, *_each([M, T, EMPTY], (1,), (-1,), (5,)), call(M, dim=1)],
    "flip": [*_each([M, T, S, EMPTY, WIDE], ([0],), ([0, 1],), (0,), (-1,), (0, 1), ([0, 0],), ([5],), ([],)), call(M, dims=[1])],
    "roll": [*_each([M, S, T, some(0, 3)], (1,), (-2,), (1, 0), ([1, 2], [0, 1]), (7, -1), ([1, 1], [0, 0]), ([1, 2],), ([1, 2], [0]), (1, []), ([], [])), call(M, 1, 5), call(M, shifts=1, dims=1)],
    "rot90": [*_PLAIN, *_each([M, T, EMPTY], (1,), (2,), (-1,), (4,), (5,), (1, [0, 1]), (1, [1, 0]), (3, [-1, 0]), (1, [0, 0]), (1, [0]), (1, [0, 5])), call(M, k=2, dims=[0, 1])],
    "narrow": [*_each([M, V, S, EMPTY], (0, 0, 2), (0, 1, 2), (-1, -2, 1), (0, 1, 5), (0, -1, 1), (5, 0, 1), (0, 3, 0), (0, 0, -1), (0, 5, 0), (1, 0, 0)), call(M, dim=1, start=0, length=2)],
    "diagonal": [*_PLAIN, *_each([M, T], (1,), (-1,), (4,), (-9,), (0, 1, 0), (1, -1, 0), (0, 0, 0), (0, 0, 5)), call(M, offset=1)],
    "diag": [*_PLAIN, *_each([M, V, EMPTY, some(0)], (1,), (-1,), (7,), (-9,)), call(M, diagonal=1)],
    "diag_embed": [*_PLAIN, *_each([M, V, T], (1,), (-2,)), call(V, offset=1), call(M, 0, 0, 1), call(M, 1, -1, 0), call(M, 0, 0, 0)],
    "tril": [*_PLAIN, *_each([M, T, EMPTY, whole(3, 3, dtype=BOOL)], (1,), (-1,), (9,), (-9,)), call(M, diagonal=1)],
    "triu": [*_PLAIN, *_each([M, T, EMPTY, whole(3, 3, dtype=BOOL)], (1,), (-1,), (9,), (-9,)), call(M, diagonal=1)],
    "unfold": [*_each([V, M, S, some(3, 6)], (0, 2, 1), (-1, 2, 2), (0, 3, 1), (0, 7, 1), (0, 1, 1), (0, 0, 1), (0, 2, 0), (5, 1, 1), (0, -1, 1)), call(V, dimension=0, size=2, step=2)],
    "meshgrid": [call(some(2), some(3)), call([some(2), some(3)]), call(some(2), S), call([some(2)]), call(some(2), some(2, 2)), call(some(2), whole(3)), call(some(0), some(2)), call([some(2), some(3), some(4)])],
    # conversions
    "to": [call(x, f"torch.{d}") for x in (M, whole(3), odd(F32)[[3, 4, 5, 6, 9, 10]], real(3, low=0, high=9), odd(I64), whole(dtype=BOOL)) for d in ("float32", "float64", "float16", "int64", "int32", "uint8", "int8", "int16", "bool")]
    + [call(M, "cpu"), call(M, "cpu", "torch.float64"), call(M, "torch.FloatTensor"), call(M, "torch.LongTensor"), call(M, "torch.DoubleTensor"), call(M, dtype="torch.float64")],
    "type_as": [call(x, y) for x in (M, whole(3), WIDE) for y in (S, whole(1), some(2, dtype=F64), whole(2, dtype=BOOL))],
    **{
        name: [call(x) for x in (*(some(3, 4, dtype=d) for d in EVERY_DTYPE), f(2.7, -2.7, 0, -0.0, 3, 100), odd(I64), S, EMPTY, WIDE, f(float("nan")))]
        for name in ("float", "double", "half")
    },
    **{
        name: [call(x) for x in (*(some(3, 4, dtype=d) for d in EVERY_DTYPE), f(2.7, -2.7, 0, -0.0, 3, 100), odd(I64), S, EMPTY, WIDE, i(300, -1, 70000))]
        for name in ("bool", "byte", "char", "short", "int", "long")
    },
    "clone": _PLAIN,
    "contiguous": _PLAIN,
    "item": [call(x) for x in (S, some(1), some(1, 1), V, whole(), whole(dtype=BOOL), some(0))],
    "alias": _PLAIN,
    "requires_grad_": [call(M, True), call(M, False), call(whole(3), False)],
    "equal": [call(x, y) for x in (M, V, S, whole(3, 4), EMPTY, f(float("nan"))) for y in (M, V, S, whole(3, 4), f(float("nan")), EMPTY)],
    **{
        name: [
            *(call(x, y) for x in (M, f(1, float("nan"), float("inf")), whole(3)) for y in (M + np.float32(1e-6), f(1, float("nan"), float("inf")), whole(3), some(3, dtype=F64))),
            call(f(1, float("nan")), f(1, float("nan")), equal_nan=True), call(f(1, 2), f(1.1, 2), 0.2), call(f(1, 2), f(1.1, 2), rtol=0.0, atol=0.2), call(f(1, 2), f(1.1, 2), atol=-1.0),
            call(f(1, 2), f([[1], [2]])), call(i(1, 2), i(1, 3), 1.0, 0.0), call(f(100, 101), f(101, 100), 0.0099, 0.0),
        ]
        for name in ("isclose", "allclose")
    },
    "dim": _PLAIN,
    "numel": _PLAIN,
    "size": [*_PLAIN, *_each([M, T, S], (0,), (-1,), (1,), (5,)), call(M, dim=1)],
    "is_nonzero": [call(x) for x in (S, some(1), f(0), f([[0]]), i(3), V, some(0), f(float("nan")), whole(dtype=BOOL))],
}  # fmt: skip
TOLERANCES: dict[str, object] = {}
