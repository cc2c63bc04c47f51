"""Calls of rows that are not among the oldest: special functions, joining, quantiles, windows."""
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
    b,
    f,
    gaps,
    i,
    odd,
    positive,
    real,
    some,
    spd,
    whole,
)
from tests.conformance.torch_sweep import Case, Tolerance, call

M, T, V, S, EMPTY = some(3, 4), some(2, 3, 4), some(5), some(), some(2, 0, 3)
_MANY = [M, T, V, S, EMPTY, some(0), some(1, 1), whole(3, 4)]
_PLAIN = [call(x) for x in _MANY]
_TYPES = [call(x) for d in DTYPES if d != F16 for x in (some(3, 4, dtype=d), some(dtype=d), odd(d))]
_PAIRS = [
    *(call(x, y) for x in (M, some(4, dtype=F64), some(3, 1, dtype=I64), S, whole(4, dtype=U8), whole(3, 4, dtype=BOOL)) for y in (M, some(4, dtype=F64), some(4, dtype=I64), S, whole(3, 1, dtype=I32))),
    call(odd(F32)[:, None], odd(F32)), call(odd(F64)[:, None], odd(F64)), call(M, some(3)), call(EMPTY, some(3)),
]  # fmt: skip
_WITH_NUMBERS = [
    *_PAIRS,
    *(call(x, n) for x in (M, whole(3, 4), S, odd(F32)) for n in (2, 0.5, -1, True)),
]
_EITHER_NUMBER = [
    *_WITH_NUMBERS,
    *(call(n, x) for n in (2, 0.5, 0) for x in (M, whole(3, 4), odd(F32))),
]
_WHOLE = [
    call(x, y)
    for x in (whole(3, 4), whole(4, dtype=I32), whole(dtype=U8))
    for y in (i(1, 2, 0, 3), whole(3, 1, dtype=I32, low=0), i(2))
] + [call(M, i(1, 2, 0, 1))]
_DIMS = [
    call(x, d)
    for x in (M, T, V, S, whole(3, 4), gaps(), odd(F32)[[3, 5, 0, 8]])
    for d in (0, -1, 1, 4)
] + [call(EMPTY, 0)]
_NAN = f([[float("nan"), 1, 2, 3], [4, 5, 6, 7]])
_LISTS = [call([x, y]) for x in (M, V, S, T) for y in (M, V, S, T)] + [
    call([M]),
    call([whole(3, 4), M]),
    call([some(0), some(0)]),
]
_SPLITS = [
    call(x, n)
    for x in (M, T, V, S, some(4, 4, 4))
    for n in (1, 2, 3, 7, 0, [1, 2], [2], [0, 3], [], [-1])
]
_QUANTILES = [
    *(call(x, q) for x in (M, V, S, _NAN) for q in (0.5, 0.0, 1.0, 0.3, f(0.25, 0.75), 1.5)),
    *(call(x, q, d, k) for x in (M, T, _NAN) for q in (0.5, f(0.1, 0.9)) for d in (0, -1, 5) for k in (True, False)),
    *(call(M, q, 1, interpolation=how) for q in (0.3, f(0.1, 0.77)) for how in ("linear", "lower", "higher", "midpoint", "nearest", "other")),
    call(whole(3), 0.5), call(real(5, dtype=F64), 0.5),
]  # fmt: skip
_SOURCES = [(1, 5), (5,), (0,), (1,), (-1,)]
_WINDOWS = [call(n, *r) for n in (0, 1, 2, 7, 8, -1) for r in ((), (True,), (False,))] + [
    call(5, dtype="torch.float64"),
    call(5, periodic=False),
]

CASES: dict[str, list[Case]] = {
    "adjoint": [call(x) for x in (M, T, V, EMPTY)],
    "aminmax": [*_PLAIN, *(call(x, dim=d) for x in (M, T, S, EMPTY, gaps()) for d in (0, -1, 5)), call(M, dim=1, keepdim=True)],
    **dict.fromkeys(("angle", "isneginf", "isposinf", "isreal", "signbit"), _TYPES),
    **dict.fromkeys(("digamma", "erfinv", "sinc", "i0", "logit"), _TYPES),
    "argwhere": [*_PLAIN, call(f([0, 1], [2, 0])), call(whole(3, 4, dtype=BOOL))],
    **dict.fromkeys(("bitwise_left_shift", "bitwise_right_shift"), _WHOLE),
    "copysign": _WITH_NUMBERS, **dict.fromkeys(("float_power", "xlogy"), _EITHER_NUMBER), "ldexp": [c for c in _WITH_NUMBERS if F64 not in {getattr(a, "dtype", None) for a in c.args}],
    **dict.fromkeys(("fmax", "fmin", "hypot", "nextafter", "logaddexp", "logaddexp2"), _PAIRS),
    **dict.fromkeys(("gcd", "lcm"), _WHOLE),
    "cholesky_inverse": [call(spd()), call(spd(dtype=F64)), call(spd(), True), call(M)],
    "cholesky_solve": [call(real(4, 2), spd()), call(real(4, 2), spd(), True), call(real(3, 2), spd())],
    "corrcoef": [call(x) for x in (M, V, real(2, 5, dtype=F64))], "cov": [*(call(x) for x in (M, V, real(2, 5, dtype=F64))), call(M, correction=0), call(T)],
    "count_nonzero": [*_PLAIN, *(call(x, d) for x in (M, T, whole(3, 4), EMPTY) for d in (0, -1, [0, 1], 5)), call(whole(3, 4), dim=0)],
    **dict.fromkeys(("cummax", "cummin"), _DIMS), "logcumsumexp": _DIMS,
    "diagflat": [*_PLAIN, *(call(x, o) for x in (V, M) for o in (1, -2))], "diff": [*_PLAIN, *(call(x, n, d) for x in (M, T, V) for n in (0, 1, 2, 5) for d in (0, -1)), call(M, prepend=some(3, 1)), call(M, append=some(3, 2), dim=1), call(whole(3, dtype=BOOL)), call(M, 1, 5)],
    **dict.fromkeys(("dsplit", "hsplit", "vsplit"), _SPLITS), "tensor_split": [*_SPLITS, *(call(M, n, 1) for n in (2, 3, [1, 3])), call(M, 2, 5)],
    **dict.fromkeys(("fliplr", "flipud", "ravel", "msort"), _PLAIN),
    **dict.fromkeys(("atleast_1d", "atleast_2d", "atleast_3d"), _PLAIN), **dict.fromkeys(("hstack", "vstack", "dstack", "column_stack"), _LISTS),
    "kron": [call(x, y) for x in (M, V, S, whole(2, 2)) for y in (some(2, 2), some(2), S, whole(2))],
    "nan_to_num": [*_TYPES, *(call(x, 1.0, 2.0, -2.0) for x in (odd(F32), odd(F64), odd(I64))), call(odd(F32), nan=3.0), call(odd(F32), posinf=1.0)],
    "nanmean": [*(call(x) for x in (M, _NAN, gaps(), S, some(0), whole(3))), *(call(_NAN, d, k) for d in (0, -1, [0, 1], 5) for k in (True, False)), call(_NAN, dim=1), call(whole(3), dtype="torch.float32")],
    **dict.fromkeys(("quantile", "nanquantile"), _QUANTILES),
    "narrow_copy": [call(M, *r) for r in ((0, 0, 2), (1, 1, 2), (-1, -2, 1), (0, 1, 5), (5, 0, 1))],
    "take_along_dim": [call(M, i([[0, 1, 2, 0]]), 0), call(M, i([[0], [3], [1]]), 1), call(M, i([5, 0])), call(M, i([[0], [3], [1]]), dim=-1)],
    "select_scatter": [call(M, some(4), 0, 1), call(M, some(3), 1, -1), call(M, some(3), 0, 1), call(M, some(4), 0, 7)],
    "slice_scatter": [call(M, some(2, 4), 0, 0, 2), call(M, some(3, 2), 1, 0, 4, 2), call(M, some(3, 4)), call(M, some(1, 4), 0, 0, 2)],
    "diagonal_scatter": [call(M, some(3)), call(M, some(3), 1), call(M, some(2), -1), call(M, some(4))],
    "sum_to_size": [call(M, 1, 4), call(M, [3, 1]), call(M, [4]), call(M, [1]), call(T, [3, 4]), call(M, [2, 4]), call(M, [3, 4])],
    "scatter_with": [call(M, 1, i([[0, 0], [1, 2], [3, 3]]), some(3, 2), reduce=how) for how in ("add", "multiply", "other")] + [call(M, 0, i([[0, 0]]), 2.0, reduce=how) for how in ("add", "multiply")],
    "scatter_reduce": [call(M, 1, i([[0, 0], [1, 2], [3, 3]]), some(3, 2), how, include_self=keep) for how in ("sum", "prod", "mean", "amax", "amin", "other") for keep in (True, False)],
    "slogdet": [call(x) for x in (spd(), -spd(3), real(2, 3, 3), M)], "trapz": [call(M), call(M, dx=0.5), call(M, dim=0), call(M, real(4)), call(M, real(3, 4), dim=1), call(M, dim=5), call(V[:1])],
    "vander": [call(V), call(V, 3), call(V, N=3, increasing=True), call(M), call(i(1, 2, 3))], "block_diag": [call(M, V, S), call(some(2, 2)), call(whole(2, 2), M), call(some(2, 0), M), call(T)],
    "bucketize": [*(call(x, f(-1, 0, 1), right=r) for x in (M, S, odd(F32)[:13]) for r in (True, False)), call(M, f(-1, 0, 1), out_int32=True), call(M, some(2, 2)), call(whole(3), i(0, 2, 4))],
    "searchsorted": [*(call(f(-1, 0, 1), x, right=r) for x in (M, S) for r in (True, False)), call(f([-1, 0, 1], [0, 1, 2]), real(2, 4)), call(f([-1, 0, 1], [0, 1, 2]), real(3, 4)), call(f(-1, 0, 1), M, out_int32=True)],
    "isin": [call(M, M[0]), call(whole(3, 4), i(1, 2)), call(whole(3, 4), i(1, 2), invert=True), call(whole(3, 4), 2), call(i(1), i())],
    "cartesian_prod": [call(some(2), some(3)), call(V), call(i(1, 2), i(3, 4), i(5)), call(M, V)], "combinations": [call(V), call(V, 3), call(V, 2, True), call(V, r=1), call(V, 9), call(M)],
    "channel_shuffle": [call(real(2, 4, 3, 2), g) for g in (1, 2, 4, 3, 0)], "pixel_unshuffle": [call(real(2, 3, 4, 6), r) for r in (1, 2, 3)] + [call(real(4, 2), 2), call(real(3, 4, 6), 2)],
    **dict.fromkeys(("hann_window", "hamming_window", "blackman_window", "bartlett_window", "kaiser_window"), _WINDOWS),
    "logspace": [call(0, 2, 3), call(0, 1, 5, 2.0), call(0.0, 1.0, 1), call(0, 2, 0), call(0, 2, 3, dtype="torch.float64"), call(0, 2, steps=3, base=3.0)],
    "range": [call(0, 4), call(1, 2, 0.5), call(3, 1, -1), call(3, 1)], "tril_indices": [call(3, 4), call(3, 4, 1), call(2, 5, -1), call(0, 3), call(3, 3, offset=-2)], "triu_indices": [call(3, 4), call(3, 4, 1), call(2, 5, -1), call(0, 3), call(3, 3, offset=-2)],
    "scalar_tensor": [call(2), call(2.5), call(True), call(2, dtype="torch.int64"), call(2.5, dtype="torch.float64")],
    "renorm": [call(M, p, d, 1.0) for p in (1.0, 2.0, 3.0) for d in (0, 1, -1)] + [call(T, 2.0, 1, 0.5), call(M, 2.0, 5, 1.0), call(V, 2.0, 0, 1.0), call(M, 2.0, 0, -1.0)],
    "put": [call(M, i(0, 5), f(9, 8)), call(M, i(0, 0), f(1, 2), True), call(M, i(-1), f([3])), call(M, i(99), f([3])), call(M, i(0), f(1, 2)), call(M, i([[0, 1]]), f([[5, 6]]))], "put_": [call(M, i(0, 5), f(9, 8)), call(M, i(0, 0), f(1, 2), True), call(M, i(99), f([3]))],
    "linalg_vector_norm": [call(M), call(M, 1), call(M, 3.0, [0]), call(M, 2, [0, 1], True), call(T, float("inf"), [1])],
    "huber_loss": [call(M, some(3, 4, seed=2), **o) for o in ({}, {"reduction": "sum"}, {"reduction": "none"}, {"delta": 0.5}, {"delta": 3.0, "reduction": "none"})],
    "multilabel_soft_margin_loss": [call(M, f([[0, 1, 1, 0]] * 3), **o) for o in ({}, {"reduction": "sum"}, {"reduction": "none"}, {"weight": positive(4)})], "multilabel_margin_loss": [call(M, i([[1, -1, 0, 0], [0, 2, -1, 1], [3, 2, 1, 0]]), **o) for o in ({}, {"reduction": "sum"}, {"reduction": "none"})],
    "gaussian_nll_loss": [call(M, some(3, 4, seed=2), positive(3, 4), **o) for o in ({}, {"reduction": "sum"}, {"reduction": "none"}, {"full": True}, {"eps": 0.5})],
    "rms_norm": [call(M, [4]), call(M, [3, 4]), call(M, [4], positive(4)), call(M, [4], None, 0.1), call(M, [3]), call(T, [4], positive(4))],
    "lp_pool1d": [call(real(2, 4, 7), p, 2) for p in (1.0, 2.0, 3.0)] + [call(real(2, 4, 7), 2.0, 3, 1), call(real(2, 4, 7), 2.0, 2, 2, True)], "lp_pool2d": [call(real(2, 4, 6, 5), p, 2) for p in (1.0, 2.0, 3.0)] + [call(real(2, 4, 6, 5), 2.0, 3, 1), call(real(2, 4, 6, 5), 2.0, [2, 3], 2, True)], "lp_pool3d": [call(real(1, 2, 4, 5, 3), 2.0, 2), call(real(1, 2, 4, 5, 3), 1.0, 2, 1)],
    "scaled_dot_product_attention": [call(real(2, 3, 4), real(2, 5, 4), real(2, 5, 6)), call(real(2, 2, 3, 4), real(2, 2, 5, 4), real(2, 2, 5, 4), is_causal=True), call(real(2, 3, 4), real(2, 5, 4), real(2, 5, 6), whole(3, 5, dtype=BOOL) | b(True)), call(real(2, 3, 4), real(2, 5, 4), real(2, 5, 6), real(3, 5)), call(real(2, 3, 4), real(2, 5, 4), real(2, 5, 6), scale=0.3)],
    "pdist": [call(M), call(M, 1.0), call(M, 3.0), call(M, float("inf")), call(some(1, 4)), call(V)], "norm_except_dim": [call(T), call(T, 2, 1), call(T, 1, 0)], "frobenius_norm": [call(M), call(M, [0, 1]), call(M, [1]), call(M, [1], True)], "nuclear_norm": [call(M), call(M, True), call(T, [0, 2]), call(T, [1, 2], True)],
    "conv_tbc": [call(real(5, 2, 3), real(3, 3, 4), real(4)), call(real(5, 2, 3), real(3, 3, 4), real(4), 1), call(real(5, 2, 3), real(3, 2, 4), real(4))],
    "constant_pad_nd": [call(M, [1, 2]), call(M, [1, 2, 0, 1], 3.0), call(M, [-1, 0])],
    **{f"reflection_pad{n}d": [call(real(2, 3, *(4, 5, 4)[:n]), [1, 2] * n), call(real(2, 3, *(4, 5, 4)[:n]), [9, 0] * n), call(real(3, *(4, 5, 4)[:n]), [1, 1] * n)] for n in (1, 2, 3)},
    **{f"replication_pad{n}d": [call(real(2, 3, *(4, 5, 4)[:n]), [1, 2] * n), call(real(3, *(4, 5, 4)[:n]), [1, 1] * n)] for n in (1, 2, 3)},
    "grid_sample": [call(real(2, 3, 4, 5), real(2, 3, 2, 2, low=-1.3, high=1.3), m, p, a) for m in ("bilinear", "nearest") for p in ("zeros", "border", "reflection") for a in (True, False)] + [call(real(2, 3, 4, 5), real(2, 3, 2, 2)), call(real(2, 3, 4, 5), real(1, 3, 2, 2))],
    "affine_grid": [call(real(2, 2, 3), [2, 3, 4, 5], a) for a in (True, False)] + [call(real(2, 3, 4), [2, 3, 4, 5, 2], False), call(real(2, 2, 3), [1, 3, 4, 5], False)],
    **{f"upsample_{mode}": [call(x, size, *more) for more in ([()] if "nearest" in mode else [(True,), (False,)])] for mode, x, size in (("nearest1d", real(2, 3, 5), [8]), ("nearest2d", real(2, 3, 4, 5), [3, 9]), ("nearest3d", real(1, 2, 3, 4, 2), [5, 2, 3]), ("linear1d", real(2, 3, 5), [8]), ("bilinear2d", real(2, 3, 4, 5), [3, 9]), ("bicubic2d", real(2, 3, 4, 5), [3, 9]), ("trilinear3d", real(1, 2, 3, 4, 2), [5, 2, 3]))},
    "upsample_nearest": [call(real(2, 3, 4, 5), [3, 9]), call(real(2, 3, 4, 5), scale_factor=2)], "upsample_bilinear": [call(real(2, 3, 4, 5), [3, 9]), call(real(2, 3, 4, 5), scale_factor=2)],
    **{f"{name}_correction": [call(x, **o) for x in (M, T, some(1)) for o in ({"correction": 0}, {"correction": 2}, {"dim": [0], "correction": 1}, {"dim": [-1], "correction": 0, "keepdim": True}, {"dim": 0})] for name in ("var", "std", "var_mean", "std_mean")},
    **{f"{name}_stable": [call(x, stable=True, **o) for x in (whole(3, 5), M, V) for o in ({}, {"dim": 0}, {"descending": True})] for name in ("sort", "argsort")},
    "unique_dim": [call(x, d, True, True, True) for x in (i([[1, 2], [1, 2], [0, 5]]), M) for d in (0, -1)],
    "to_copy": [call(M, "torch.float64", copy=True), call(M, "torch.float32", copy=True), call(M, "cpu", "torch.float64", copy=True), call(M, "cpu", "torch.float32", False, copy=True)],
    "unique_consecutive": [call(x, **o) for x in (i(1, 1, 2, 2, 1), f([[1, 1], [2, 1]]), i(), S) for o in ({}, {"return_inverse": True}, {"return_counts": True}, {"return_inverse": True, "return_counts": True})] + [call(i([[1, 2], [1, 2], [3, 3]]), dim=0)],
}  # fmt: skip
_CLOSE = Tolerance(8, 1.0)
TOLERANCES: dict[str, Tolerance] = {
    **{name: Tolerance(32, None) for name in CASES},
    **dict.fromkeys(("digamma", "erfinv", "sinc", "i0", "logit", "angle"), Tolerance(16, 1.0)),
    **dict.fromkeys(("hypot", "logaddexp", "logaddexp2", "xlogy", "float_power", "ldexp"), _CLOSE),
    **dict.fromkeys(("cholesky_inverse", "cholesky_solve", "slogdet"), Tolerance(256, None)),
    "blackman_window": Tolerance(8, 1.0),
    "fmax": Tolerance(), "fmin": Tolerance(), "copysign": Tolerance(signs=True), "signbit": Tolerance(),
}  # fmt: skip
