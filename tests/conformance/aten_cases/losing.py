"""Cases of losses and their gradients."""

from __future__ import annotations

import numpy as np

from syft_web.ops.ctc import ctc_loss
from tests.conformance.aten_cases.support import Case, case, ints, pos, r

X, T = r(3, 5), r(3, 5, at=2.3)
P, Q = pos(3, 5), pos(3, 5, at=1.7)
SIGNS = np.where(T > 0, 1, -1).astype(np.float32)
LOGS = np.log(P / P.sum(1, keepdims=True))
CLASSES = np.array([4, 0, 2])
SKIPPED = np.array([4, -100, 2])
MAPS = r(2, 3, 2, 4)
PLACES = ints(2, 2, 4, below=3)
LABELS = np.array([[3, 0, -1, 1, 2], [1, 1, 4, 0, -1], [-1, 2, 0, 1, 3]])

CASES: list[Case] = []
for _how in (0, 1, 2):
    _g = r(3, 5, at=0.6) if _how == 0 else np.array(0.7, np.float32)
    _rows = r(3, at=0.6) if _how == 0 else _g
    CASES += [
        case("mse_loss.default", X, T, _how),
        case("l1_loss.default", X, T, _how),
        case("huber_loss.default", X, T, _how, 0.7),
        case("smooth_l1_loss.default", X, T, _how, 0.7),
        case("smooth_l1_loss.default", X, T, _how, 0.0),
        case("binary_cross_entropy.default", P, Q, None, _how),
        case("binary_cross_entropy.default", P, Q, pos(5), _how),
        case("binary_cross_entropy_with_logits.default", X, Q, None, None, _how),
        case("binary_cross_entropy_with_logits.default", X, Q, pos(5), pos(5) + 1, _how),
        case("soft_margin_loss.default", X, SIGNS, _how),
        case("kl_div.default", LOGS, Q, _how),
        case("kl_div.default", LOGS, LOGS[::-1].copy(), _how, log_target=True),
        case("mse_loss_backward.default", _g, X, T, _how),
        case("huber_loss_backward.default", _g, X, T, _how, 0.7),
        case("smooth_l1_loss_backward.default", _g, X, T, _how, 0.7),
        case("binary_cross_entropy_backward.default", _g, P, Q, None, _how, tol=1e-5),
        case("binary_cross_entropy_backward.default", _g, P, Q, pos(3, 5), _how, tol=1e-5),
        case("soft_margin_loss_backward.default", _g, X, SIGNS, _how),
        case("nll_loss_forward.default", LOGS, CLASSES, None, _how, -100),
        case("nll_loss_forward.default", LOGS, SKIPPED, pos(5), _how, -100),
        case("nll_loss_forward.default", LOGS, CLASSES, None, _how, 2),
        case("nll_loss2d_forward.default", MAPS, PLACES, None, _how, -100),
        case("nll_loss2d_forward.default", MAPS, PLACES, pos(3), _how, 1),
        case("nll_loss.default", LOGS, CLASSES, None, _how),
        case("nll_loss_nd.default", LOGS, CLASSES, pos(5), _how),
        case("nll_loss2d.default", MAPS, PLACES, None, _how),
        case("nll_loss_backward.default", _rows, LOGS, CLASSES, None, _how, -100,
             np.array(3.0, np.float32)),
        case("nll_loss_backward.default", _rows, LOGS, SKIPPED, pos(5), _how, -100,
             np.array(1.3, np.float32)),
        case("nll_loss2d_backward.default", r(2, 2, 4) if _how == 0 else _g, MAPS, PLACES, None,
             _how, 1, np.array(9.0, np.float32)),
        case("multi_margin_loss.default", X, CLASSES, 1, 1, None, _how),
        case("multi_margin_loss.default", X, CLASSES, 2, 0.5, pos(5), _how),
        case("multi_margin_loss_backward.default", _rows, X, CLASSES, 1, 1, None, _how),
        case("multi_margin_loss_backward.default", _rows, X, CLASSES, 2, 0.5, pos(5), _how),
        case("multilabel_margin_loss_forward.default", X, LABELS, _how),
        case("multilabel_margin_loss.default", X, LABELS, _how),
        case("multilabel_margin_loss_backward.default", _rows, X, LABELS, _how,
             np.array([[1, 0, 0, 1, 0], [1, 1, 0, 0, 1], [0, 0, 0, 0, 0]], np.float32)),
        case("cross_entropy_loss.default", X, CLASSES, None, _how),
        case("cross_entropy_loss.default", X, SKIPPED, pos(5), _how),
        case("cross_entropy_loss.default", X, P, None, _how),
        case("hinge_embedding_loss.default", X, SIGNS, 0.5, _how),
        case("margin_ranking_loss.default", X, T, SIGNS, 0.5, _how),
        case("cosine_embedding_loss.default", X, T, SIGNS[:, 0].copy(), 0.2, _how),
        case("triplet_margin_loss.default", X, T, P, 0.5, 2.0, 1e-6, True, _how),
        case("poisson_nll_loss.default", X, P * 4, True, False, 1e-8, _how),
        case("poisson_nll_loss.default", P, P * 4, False, True, 1e-8, _how),
    ]  # fmt: skip
CASES += [
    case("nll_loss_forward.default", LOGS[0], np.array(2), None, 1, -100),
    case("nll_loss_backward.default", np.array(0.5, np.float32), LOGS[0], np.array(2), None, 1,
         -100, np.array(1.0, np.float32)),
    case("nll_loss_forward.default", LOGS, np.full(3, -100), None, 1, -100),
    case("nll_loss_backward.default", np.array(0.5, np.float32), LOGS, np.full(3, -100), None, 1,
         -100, np.array(0.0, np.float32)),
    case("multi_margin_loss.default", X[0], np.array([2]), 1, 1, None, 1),
    case("multilabel_margin_loss_forward.default", X[0], LABELS[0], 1),
    case("mse_loss.default", np.zeros((0, 4), np.float32), np.zeros((0, 4), np.float32), 1),
]  # fmt: skip
for _how in ("none", "mean", "sum"):
    CASES += [
        case("F.multilabel_margin_loss", X, LABELS, reduction=_how),
        case("F.multilabel_soft_margin_loss", X, (Q > 0.5).astype(np.float32), reduction=_how),
        case("F.huber_loss", X, T, _how, 0.7),
        case("F.gaussian_nll_loss", X, T, P, True, 1e-6, _how),
    ]
CASES.append(case("F.gaussian_nll_loss", X, T, P[:, :1].copy()))

# -- connectionist temporal classification -------------------------------------------------------

LOG_PROBS = np.log(pos(7, 3, 5) / pos(7, 3, 5).sum(-1, keepdims=True))
WORDS = np.array([[1, 2, 2, 4], [3, 1, 0, 0], [4, 4, 4, 4]])
FLAT = np.array([1, 2, 2, 3, 1, 4, 4, 4, 4])
for _words, _steps, _counts in (
    (WORDS, [7, 5, 7], [3, 2, 4]),
    (FLAT, [7, 6, 7], [3, 2, 4]),
    (WORDS, [7, 5, 4], [3, 0, 4]),
):
    _given = (LOG_PROBS, _words, _steps, _counts)
    _arrays = (LOG_PROBS, _words, np.array(_steps), np.array(_counts))
    _done = ctc_loss(*_given)
    CASES += [
        case("_ctc_loss.default", *_given, only=(0,), tol=1e-5),
        case("_ctc_loss.Tensor", *_arrays, 0, True, only=(0,), tol=1e-5),
        case("_ctc_loss_backward.default", pos(3), *_given, *_done, 0, True, tol=1e-5),
        case("_ctc_loss_backward.Tensor", pos(3), *_arrays, *_done, 0, True, tol=1e-5),
    ]
    for _how in (0, 1, 2):
        CASES += [
            case("ctc_loss.IntList", LOG_PROBS, _words, _steps, _counts, 0, _how, True, tol=1e-5),
            case("ctc_loss.Tensor", LOG_PROBS, _words, np.array(_steps), np.array(_counts), 0, _how,
                 False, tol=1e-5),
        ]  # fmt: skip
CASES += [
    case("F.ctc_loss", LOG_PROBS, WORDS, [7, 5, 7], [3, 2, 4], tol=1e-5),
    case("F.ctc_loss", LOG_PROBS, WORDS, np.array([7, 5, 7]), np.array([3, 2, 4]), tol=1e-5),
]
