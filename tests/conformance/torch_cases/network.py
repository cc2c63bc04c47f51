"""Calls of the rows of torch.nn.functional: activations, norms, losses."""
# ruff: noqa: E501  # a row of the table, a line here

from __future__ import annotations

import numpy as np

from tests.conformance.torch_cases.operands import (
    BOOL,
    F16,
    F32,
    F64,
    f,
    i,
    odd,
    positive,
    real,
    whole,
)
from tests.conformance.torch_sweep import Case, Tolerance, call

A, T, S, IMAGE = real(3, 4, low=-4, high=4), real(2, 3, 4), real(), real(2, 4, 5, 6)
_SMOOTH = [
    A,
    T,
    S,
    real(0),
    real(2, 0, 3),
    real(1),
    real(3, 4, dtype=F64, low=-30, high=30),
    real(3, 4, dtype=F16),
    odd(F32)[:13],
    odd(F64)[:13],
    whole(3, 4),
    whole(3, dtype=BOOL),
]
_FLOAT_ONLY = [x for x in _SMOOTH if x.dtype.kind == "f"]
_PLAIN = [call(x) for x in _SMOOTH]
_ACTIVATED = [*_PLAIN, call(A, inplace=True), call(A, True), call(A, inplace=False)]


def _with(*numbers: object, **named: object) -> list[Case]:
    return [
        *_ACTIVATED,
        *(call(x, *numbers) for x in _FLOAT_ONLY),
        call(A, **named),
        call(A, **named, inplace=True),
    ]


_SOFTMAX = [
    *_PLAIN,
    *(call(x, d) for x in (*_FLOAT_ONLY, f([1000, -1000], [5, 1e30]), whole(3, 4), f([float("-inf")] * 2)) for d in (0, -1, 1, 2)),
    *(call(A, 1, dtype=d) for d in ("torch.float64", "torch.float32")), call(whole(3, 4), 1, dtype="torch.float32"), call(A, dim=-1), call(A, dim=0, _stacklevel=5),
]  # fmt: skip
_REDUCTIONS: list[dict[str, object]] = [
    {},
    {"reduction": "mean"},
    {"reduction": "sum"},
    {"reduction": "none"},
    {"reduction": "other"},
    {"size_average": False},
    {"reduce": False},
    {"size_average": True, "reduce": True},
]


def _losses(*args: object, **kwargs: object) -> list[Case]:
    return [call(*args, **kwargs, **options) for options in _REDUCTIONS]


P, Q = positive(3, 4), positive(3, 4, seed=3)
HALF = np.asarray(A > 0, F32)
SIGNS = f(1, -1, 1)
LOGITS, LABELS = real(5, 4), i(0, 2, 1, 3, 3)
_PLANES, _PLANE_LABELS = real(2, 4, 3, 2), whole(2, 3, 2, low=0, high=4)
_DIFFERENCES = [
    *_losses(A, real(3, 4, seed=5)),
    call(A, real(4)),
    call(A, real(3)),
    call(real(3, 4, dtype=F64), real(3, 4, dtype=F64, seed=2)),
    call(A, real(3, 4, dtype=F64)),
    call(S, S),
    call(A, HALF, None, None, "sum"),
    call(real(0), real(0)),
    call(A, whole(3, 4)),
]
_CLASSES = [
    *_losses(LOGITS, LABELS), *_losses(LOGITS, LABELS, positive(4)), *_losses(LOGITS, LABELS, ignore_index=3), *_losses(_PLANES, _PLANE_LABELS), *_losses(_PLANES, _PLANE_LABELS, positive(4), ignore_index=1),
    call(LOGITS[0], i(2)), call(LOGITS, i(0, 2, 1, 3, 9)), call(LOGITS, i(0, 1)), call(LOGITS, LABELS, ignore_index=-100), call(LOGITS, i(0, -100, 1, -100, 2)), call(LOGITS, i(0, 0, 0, 0, 0), ignore_index=0), call(real(0, 4), i()), call(real(5, 4, dtype=F64), LABELS),
    call(LOGITS, LABELS, positive(3)), call(LOGITS[0], i(2), positive(4)), call(LOGITS, LABELS, None, None, 2, None, "sum"),
]  # fmt: skip
_SMOOTHED = [
    *(call(x, y, w, label_smoothing=s, **o) for x, y in ((LOGITS, LABELS), (_PLANES, _PLANE_LABELS), (LOGITS, positive(5, 4))) for w in (None, positive(4)) for s in (0.1, 0.5) for o in ({}, {"reduction": "sum"}, {"reduction": "none"})),
    call(LOGITS, positive(5, 4)), call(LOGITS, positive(5, 4), positive(4)), call(LOGITS, positive(5, 4), reduction="sum"), call(LOGITS, positive(5, 3)), call(_PLANES, positive(2, 4, 3, 2)), call(LOGITS[0], positive(4)), call(LOGITS, LABELS, label_smoothing=1.5), call(LOGITS, LABELS, ignore_index=3, label_smoothing=0.2), call(LOGITS, LABELS, positive(4), ignore_index=3, label_smoothing=0.2), call(LOGITS[0], i(2), label_smoothing=0.2),
]  # fmt: skip
_STATS = (real(4), positive(4), positive(4, seed=2), real(4, seed=2))

CASES: dict[str, list[Case]] = {
    **dict.fromkeys(("relu", "relu6", "selu", "softsign", "tanhshrink", "silu", "hardsigmoid", "hardswish", "mish", "logsigmoid"), _ACTIVATED),
    "gelu": [*_PLAIN, *(call(x, approximate=a) for x in _FLOAT_ONLY for a in ("tanh", "none", "other"))],
    "leaky_relu": _with(0.3, negative_slope=0.2), "elu": _with(0.5, alpha=2.0), "celu": _with(0.5, alpha=2.0), "hardtanh": [*_with(-0.5, 0.3, min_val=-2.0, max_val=2.0), call(whole(3, 4), -2, 2)],
    "softplus": [*_PLAIN, *(call(x, 2.0, 10.0) for x in _FLOAT_ONLY), call(A, beta=0.5), call(A, threshold=1.0)],
    "threshold": [*(call(x, 0.1, 7.0) for x in (*_FLOAT_ONLY, whole(3, 4))), call(A, threshold=0.5, value=-1.0), call(A, 0.1, 20.0, True), call(A, 0.1, 20.0, inplace=True), call(whole(3, 4), 1, 2)],
    "hardshrink": [*_PLAIN, *(call(x, 1.0) for x in _FLOAT_ONLY), call(A, lambd=0.2)], "softshrink": [*_PLAIN, *(call(x, 1.0) for x in _FLOAT_ONLY), call(A, lambd=0.2), call(A, -1.0)],
    "prelu": [*(call(x, w) for x in (A, T, IMAGE, S, real(4), odd(F32)[:13]) for w in (f([0.25]), f(0.1, 0.2, 0.3, 0.4), f(0.1, 0.2, 0.3), f(0.3))), call(real(3, 4, dtype=F64), f([0.25]))],
    "glu": [*(call(x, d) for x in (A, IMAGE, real(4), whole(2, 4)) for d in (-1, 0, 1, 5)), call(A), call(A, dim=1), call(S), call(real(3))],
    "normalize": [*(call(x) for x in (A, T, A * 0, real(4), real(3, 4, dtype=F64))), *(call(A, p, d) for p in (1.0, 2.0, 3.0, 0.5, float("inf"), 0.0) for d in (0, -1, 5)), call(A, eps=10.0), call(T, 2.0, [0, 1]), call(A, p=1.0, dim=0)],
    "softmax": _SOFTMAX, "log_softmax": _SOFTMAX, "softmin": _SOFTMAX,
    "dropout": [call(x, 0.5, False) for x in (A, S, real(0))] + [call(A, p=0.5, training=False), call(A, 0.0, True), call(A, 1.0, True), call(A, 0.0), call(A, 1.5, False), call(A, -0.1, True), call(A, 1.0, True, True)],
    "dropout2d": [call(x, 0.5, False) for x in (IMAGE, real(2, 3, 4, 5, 6))] + [call(IMAGE, 0.0, True), call(IMAGE, 1.0, True), call(IMAGE, p=0.5, training=False), call(IMAGE, 1.5, False)],
    "pad": [
        *(call(x, w) for x in (A, IMAGE, S, real(0, 3), whole(3, 4)) for w in ([1, 2], [1, 2, 0, 1], [-1, 1], [0, -2], [1], [], [0, 0, 0, 0, 0, 0, 1, 1], [-3, -3])), call(A, [1, 1], "constant", 2.5), call(A, pad=[1, 1], mode="constant", value=-1), call(whole(3, 4), [1, 1], "constant", 2), call(A, [1, 1], value=None), call(A, [1, 1], "other"),
        *(call(x, w, m) for x, w in ((IMAGE, [1, 2, 2, 1]), (T, [1, 2]), (A, [1, 1]), (real(1, 2, 3, 4, 5), [1, 1, 2, 0, 0, 1]), (IMAGE, [5, 5, 1, 1]), (IMAGE, [6, 0, 0, 0]), (IMAGE, [1, 1]), (IMAGE, [-1, 1, 0, 0]), (T, [0, 0])) for m in ("reflect", "replicate", "circular")),
    ],
    # norms
    "batch_norm": [
        call(IMAGE, real(4), positive(4)), call(IMAGE, *_STATS), call(A, *_STATS), call(T, real(3), positive(3)), call(IMAGE, None, None, training=True), call(IMAGE, *_STATS, True), call(A, *_STATS, True, 0.3, 1e-3), call(IMAGE, *_STATS, training=True, momentum=0.0), call(IMAGE, None, None), call(real(4), real(4), positive(4)), call(real(1, 4), *_STATS, True),
        call(IMAGE, real(3), positive(3)), call(real(2, 4, dtype=F64), real(4, dtype=F64), positive(4, dtype=F64)), call(IMAGE, _STATS[2], _STATS[3], _STATS[0], _STATS[1], False, 0.1, 1e-5, False), call(IMAGE, _STATS[2], _STATS[3], _STATS[0], _STATS[1], True, 0.1, 1e-5, True), call(IMAGE, None, None, None, None, True, 0.1, 1e-5, False), call(real(0, 4), *_STATS),
        call(IMAGE, real(4), positive(4), weight=positive(4)), call(IMAGE, real(4), positive(4), bias=positive(4)),
    ],
    "layer_norm": [*(call(x, s) for x in (A, T, IMAGE, real(3, 4, dtype=F64)) for s in ([4], [3, 4], [6], [5, 6], [])), call(A, [4], real(4), real(4, seed=1)), call(A, [4], real(4)), call(A, [4], None, real(4)), call(A, [4], eps=0.5), call(A, [4], real(3)), call(real(0, 4), [4]), call(T, [3, 4], real(3, 4), real(3, 4, seed=1)), call(f([1e4, 1e4 + 1, 1e4 + 2, 1e4 - 1]), [4])],
    "group_norm": [*(call(x, g) for x in (IMAGE, real(2, 4), real(2, 4, 3)) for g in (1, 2, 4, 3, 0)), call(IMAGE, 2, real(4), real(4, seed=1)), call(IMAGE, 2, real(4)), call(IMAGE, 2, None, real(4)), call(IMAGE, 2, eps=0.5), call(IMAGE, num_groups=2), call(real(0, 4, 3), 2), call(real(4), 2)],
    "instance_norm": [*(call(x) for x in (IMAGE, T, real(1, 2, 3, 4, 2))), call(IMAGE, *_STATS), call(IMAGE, *_STATS, False), call(IMAGE, *_STATS, True, 0.3, 1e-2), call(IMAGE, weight=real(4), bias=real(4, seed=1)), call(real(2, 4)), call(real(2, 4, 1)), call(IMAGE, None, None, None, None, False), call(T, momentum=0.2), call(IMAGE, real(4), real(4, seed=1), None, None, True, 0.1, 1e-5, False)],
    "local_response_norm": [*(call(x, n) for x in (IMAGE, T, real(1, 2, 3, 4, 2)) for n in (1, 2, 3, 5)), call(IMAGE, 3, 0.1, 0.5, 2.0), call(real(2, 4), 2), call(IMAGE, size=2, alpha=0.5), call(IMAGE, 0)],
    # losses
    "mse_loss": _DIFFERENCES, "l1_loss": _DIFFERENCES,
    "smooth_l1_loss": [*_DIFFERENCES, *_losses(A, HALF, beta=0.5), call(A, HALF, beta=0.0), call(A, HALF, beta=-1.0), call(A * 3, HALF, beta=2.0)],
    "binary_cross_entropy": [*_losses(P, Q), *_losses(P, Q, positive(4)), *_losses(P, HALF), call(f(0, 1, 0.5), f(0, 1, 1)), call(f(0, 1, 0.5), f(1, 0, 1)), call(f([2]), f([1])), call(P, positive(4)), call(P, Q, weight=positive(3, 4)), call(positive(3, dtype=F64), positive(3, dtype=F64))],
    "binary_cross_entropy_with_logits": [*_losses(A, HALF), *_losses(A, Q, positive(4)), *_losses(A, Q, pos_weight=positive(4)), call(A, Q, positive(3, 4), None, None, "sum", positive(4)), call(f(1000, -1000, 0), f(0, 1, 1)), call(A, positive(4)), call(real(3, dtype=F64), positive(3, dtype=F64))],
    "nll_loss": _CLASSES, "cross_entropy": [*_CLASSES, *_SMOOTHED],
    "kl_div": [*_losses(A, P), *_losses(A, -P, log_target=True), call(A, P, reduction="batchmean"), call(A, -P, reduction="batchmean", log_target=True), call(A, f(0, 0.5, 0, 1)), call(real(3, dtype=F64), positive(3, dtype=F64)), call(A, -P)],
    "poisson_nll_loss": [*_losses(A, P), *_losses(P, P * 5, False, True), *_losses(A, P * 9, full=True), call(A, f(0, 1, 2, 3)), call(P, P, log_input=False, eps=0.1), call(P, P, False, True, None, 1e-3, None, "sum"), call(A, P, True, False, eps=1e-8, reduction=1)],
    "hinge_embedding_loss": [*_losses(A, np.sign(A)), *_losses(A, np.sign(A), 2.0), call(A, f(1, -1, 1, -1)), call(A, f(1, -1, 0, 2)), call(A, i(1, -1, 1, -1)), call(A, np.sign(A), margin=0.5)],
    "margin_ranking_loss": [*_losses(real(3), real(3, seed=1), SIGNS), *_losses(real(3), real(3, seed=1), SIGNS, 0.5), call(real(3), real(3, seed=1), i(1, -1, 1)), call(A, A[::-1].copy(), f(1, -1, 1, 1)), call(real(3), real(3, seed=1), SIGNS, margin=1.0), call(real(3), real(3, dtype=F64), SIGNS)],
    "soft_margin_loss": [*_losses(A, np.sign(A)), call(A, f(1, -1, 1, 1)), call(A, i(1, -1, 1, 1))],
    "cosine_embedding_loss": [*_losses(A, real(3, 4, seed=2), SIGNS), *_losses(A, real(3, 4, seed=2), i(-1, 1, -1), 0.2), call(real(4), real(4, seed=1), f(1)), call(A, A, SIGNS, margin=0.5), call(A, A * 0, SIGNS), call(A, real(3, 4, seed=2), f(1, 0, -1))],
    "triplet_margin_loss": [*_losses(A, A + 1, A * 2), *_losses(A, A + 1, A * 2, 2.0, 1.0), call(A, A + 1, A * 2, swap=True), call(A, A + 1, A * 2, p=3.0, eps=0.1), call(real(4), real(4, seed=1), real(4, seed=2)), call(A, A, A, 1.0, 2.0, 1e-6, True, None, None, "sum"), call(A, A + 1, A * 2, margin=0.0)],
    "multi_margin_loss": [*_losses(LOGITS, LABELS), *_losses(LOGITS, LABELS, 2), call(LOGITS, LABELS, 1, 0.5), call(LOGITS, LABELS, 1, 1.0, positive(4)), call(LOGITS, LABELS, weight=positive(4)), call(LOGITS[0], i(2)), call(LOGITS, i(0, 9, 0, 0, 0)), call(LOGITS, LABELS, 3), call(LOGITS, i(1, 2))],
}  # fmt: skip

_NORMED = Tolerance(32, None)
_LOST = Tolerance(16, 1.0)
TOLERANCES: dict[str, Tolerance] = {
    **dict.fromkeys(("selu", "softsign", "tanhshrink", "silu", "hardsigmoid", "hardswish", "mish", "logsigmoid", "gelu", "elu", "celu", "softplus", "leaky_relu"), Tolerance(8, 1.0)),
    **dict.fromkeys(("relu", "relu6", "hardtanh", "threshold", "hardshrink", "softshrink", "prelu"), Tolerance(2)),
    **dict.fromkeys(("softmax", "log_softmax", "softmin", "glu", "normalize"), Tolerance(8, 1.0)),
    **dict.fromkeys(("batch_norm", "layer_norm", "group_norm", "instance_norm", "local_response_norm"), _NORMED),
    **{name: _LOST for name in CASES if name.endswith("loss") or name in ("kl_div", "cross_entropy") or name.startswith("binary")},
}  # fmt: skip
