"""Calls of the rows that work element by element."""
# ruff: noqa: E501  # a row of the table, a line here

from __future__ import annotations

from tests.conformance.torch_cases.operands import (
    BOOL,
    DTYPES,
    F16,
    F32,
    F64,
    FLOATS,
    I32,
    I64,
    U8,
    b,
    f,
    i,
    odd,
    real,
    shapes,
    some,
    whole,
)
from tests.conformance.torch_sweep import (
    EXACT,
    UNSIGNED,
    Case,
    Tolerance,
    arrays_in,
    call,
)

_ONE = [call(x) for d in DTYPES for x in (*shapes(d), odd(d))]
_VALUES = [
    *(some(2, 3, dtype=d) for d in DTYPES),
    *(some(dtype=d) for d in (F32, F64, I64, BOOL)),
    some(3, dtype=F32, seed=2),
    some(1, dtype=I64),
    some(2, 1, dtype=F64),
    some(0, 3),
    f(0, -0.0, 2),
    i(7, -7, 5),
    i(0, 1, 2),
]
_NUMBERS = [2, -3, 0, 2.5, -1.5, True, float("inf"), float("nan")]
_TWO = [
    *(call(x, y) for x in _VALUES for y in _VALUES),
    *(call(odd(d)[:, None], odd(d)) for d in (F32, F64, F16)),
    *(call(x, n) for x in _VALUES for n in _NUMBERS),
]
_WHOLE_TWO = [
    *(call(x, y) for x in (whole(2, 3, dtype=d) for d in (I64, I32, U8, BOOL))
      for y in (i(1, 2, 3), i(2), b(True, False, True), whole(2, 1, dtype=U8))),
    *(call(whole(2, 3, dtype=d), n) for d in (I64, I32, U8, BOOL) for n in (1, 3, True)),
    call(real(3), i(1, 2, 3)),
    call(real(3), 2),
]  # fmt: skip
_SCALED = [
    call(x, y, alpha=alpha)
    for x in (real(3), whole(3), whole(3, dtype=U8), whole(3, dtype=BOOL))
    for y in (real(3, seed=1), whole(3, seed=1), real(dtype=F64), 2, 2.5, True)
    for alpha in (2, 0.5, -1, True)
]
_NEAR = [call(odd(d)) for d in FLOATS]

_FLOAT_ROWS = [
    "acos",
    "asin",
    "atan",
    "acosh",
    "asinh",
    "atanh",
    "cos",
    "cosh",
    "sin",
    "sinh",
    "tan",
    "tanh",
    "exp",
    "exp2",
    "expm1",
    "log",
    "log10",
    "log1p",
    "log2",
    "sqrt",
    "rsqrt",
    "reciprocal",
    "sigmoid",
    "erf",
    "erfc",
    "lgamma",
    "deg2rad",
    "rad2deg",
]
_SAME_ROWS = [
    "abs",
    "neg",
    "positive",
    "sign",
    "ceil",
    "floor",
    "trunc",
    "frac",
    "square",
    "isnan",
    "isinf",
    "isfinite",
]
_ARITHMETIC = [
    "rtruediv",
    "floor_divide",
    "rfloordiv",
    "pow",
    "rpow",
    "atan2",
    "maximum",
    "minimum",
    "mul",
    "eq",
    "ne",
    "lt",
    "le",
    "gt",
    "ge",
    "bitwise_and",
    "bitwise_or",
    "bitwise_xor",
    "logical_and",
    "logical_or",
    "logical_xor",
]

_REMAINDERS = ("remainder", "rmod", "fmod")


def _huge(case: Case) -> bool:
    """Whether a quotient may exceed the range, where torch's remainder is whatever its CPU does."""
    return any(a.size == 17 and a.ndim == 2 for a in arrays_in(*case.args))


CASES: dict[str, list[Case]] = {
    **dict.fromkeys(_FLOAT_ROWS, _ONE),
    **dict.fromkeys(_SAME_ROWS, _ONE),
    **dict.fromkeys(_ARITHMETIC, _TWO),
    **{name: [*_TWO, *_SCALED] for name in ("add", "sub", "rsub")},
    **{name: [case for case in _TWO if not _huge(case)] for name in _REMAINDERS},
    "div": [
        *_TWO,
        *(call(x, y, rounding_mode=mode) for mode in ("floor", "trunc", None, "round")
          for x in (real(2, 3), whole(2, 3), whole(3, dtype=U8), odd(F32)[:, None], i(7, -7, 5), whole())
          for y in (f(2, -3, 0.5), i(2, -3, 4), i(0, 1, 2), 2, -2.5, odd(F32)[None, :3])),
    ],
    "pow": [
        *_TWO,
        *(call(n, x) for n in (2, 0, -2, 2.5, True) for x in _VALUES),
        *(call(x, n) for x in (odd(F32), odd(F64), odd(F16), real(3, 4), i(2, 3, -4)) for n in (0.5, -0.5, 1, 2, 3, -1, -2, 4, 0, 1.5)),
        call(i(2, 0, 1, -1, -1, 3), i(-1, -1, -3, -3, -2, 2)),
        call(whole(3), i(1, 2, 70)),
    ],
    "round": [*_ONE, *(call(x, decimals=n) for x in (real(3, 4), real(3, dtype=F64), f(1234.5, 0.125)) for n in (1, 2, -1))],
    "logical_not": _ONE,
    "bitwise_not": _ONE,
    "lshift": _WHOLE_TWO,
    "rshift": _WHOLE_TWO,
    "clamp": [
        *(call(x, low, high) for x in (*_VALUES[:9], odd(F32), odd(I64)) for low in (None, 0, -0.5, True) for high in (None, 1, 0.5)),
        call(real(2, 3), min=0), call(real(2, 3), max=0.5), call(real(2, 3), 2, 1),
        call(real(2, 3), f(-1, 0, 1)), call(real(2, 3), f(-1, 0, 1), f(1, 0.5, 0)), call(real(2, 3), max=real(2, 1)),
        call(whole(2, 3), i(0, 1, 2)), call(whole(2, 3), real(3)), call(real(3), real(2, 3), real(2, 3)),
        call(odd(F32), 0.0, 1.0), call(odd(F32), float("nan")), call(real(3), real(dtype=F64)),
    ],
    "clamp_min": [call(x, y) for x in (*_VALUES[:9], odd(F32)) for y in (0, 0.5, f(0, 1, -1), i(0, 1, -1), f(0.5))],
    "clamp_max": [call(x, y) for x in (*_VALUES[:9], odd(F32)) for y in (0, 0.5, f(0, 1, -1), i(0, 1, -1), f(0.5))],
    "lerp": [
        *(call(x, y, w) for x in (real(2, 3), real(2, 3, dtype=F64), real(3, dtype=F16)) for y in (real(3, seed=5), real(2, 3, dtype=F64, seed=5), real(3, dtype=F16, seed=5)) for w in (0.25, 0.75, 1, real(3, seed=3))),
        call(whole(3), whole(3), 0.5), call(real(3), real(2, 3), 0.5), call(odd(F32), odd(F32)[::-1].copy(), 0.5),
    ],
    "where": [
        *(call(c, x, y) for c in (b([[True], [False]]), whole(2, 3, dtype=U8)) for x in _VALUES[:13] for y in _VALUES[:13]),
        *(call(x, c, y) for c in (b([[True], [False]]),) for x in _VALUES[:5] for y in _VALUES[:5]),
        *(call(b(True, False, True), x, y) for x in (2, 2.5, True, real(3), whole(3)) for y in (0, 0.5, False, real(3, seed=4), whole(3, seed=4))),
        *(call(real(3), b(True, False, True), y) for y in (0, 0.5, True)), call(whole(3), b(True, False, True), 0.5),
        call(whole(2, 3), real(3), real(3)), call(b(True), real(2, 3), real(3)), call(b(True, False), real(2, 3), real(3)),
        call(b([[True, False], [False, True]])),
    ],
    **{
        name: [
            *(call(x, y, z) for x in (real(2, 3), real(2, 3, dtype=F64), whole(2, 3)) for y in (real(3), whole(3)) for z in (f(1, -2, 0.5), i(1, 2, 3))),
            call(real(2, 3), real(3), f(1, 2, 4), value=0.5), call(real(2, 3), 0.5, real(3), f(1, 2, 4)),
            call(whole(2, 3), whole(3), i(1, 2, 3), value=2), call(whole(2, 3), whole(3), i(1, 2, 3), value=0.5), call(real(3), real(2, 3), real(2, 3)),
            call(real(2, 3, dtype=F16), real(3, dtype=F16), real(3, dtype=F16, seed=4), value=0.5), call(real(3), real(0, 3), real(3)),
        ]
        for name in ("addcmul", "addcdiv")
    },
    "heaviside": [call(x, y) for x in (odd(F32), odd(F64), odd(I64), odd(BOOL)) for y in (f(0.5), f(float("nan")), i(2), b(True))],
}  # fmt: skip

_SMALL = Tolerance(2)
TOLERANCES: dict[str, Tolerance] = {
    **dict.fromkeys(_FLOAT_ROWS, Tolerance(4)),
    **dict.fromkeys(("deg2rad", "rad2deg"), Tolerance(3)),  # torch rounds the factor
    # Near a zero of the function rounding counts against the terms that cancel.
    "lgamma": Tolerance(8, 1.0),
    **dict.fromkeys(("sqrt", "reciprocal", "round"), Tolerance(1)),
    **dict.fromkeys(("maximum", "minimum", "clamp", "clamp_min", "clamp_max"), UNSIGNED),
    **dict.fromkeys(("pow", "rpow", "atan2"), Tolerance(4)),
    **dict.fromkeys(("add", "sub", "rsub"), Tolerance(1, 4.0)),  # alpha: torch rounds once
    **dict.fromkeys(("div", "rtruediv"), EXACT),
    **dict.fromkeys(("remainder", "rmod"), Tolerance(1, 1.0)),
    **dict.fromkeys(("floor_divide", "rfloordiv"), UNSIGNED),
    **dict.fromkeys(("lerp", "addcmul", "addcdiv"), Tolerance(2, 4.0)),
}
