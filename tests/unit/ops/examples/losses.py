"""Examples for the rows of `loss`."""

from __future__ import annotations

import math

import numpy as np

from tests.unit.ops.examples.base import Example, example, f, i
from tests.unit.ops.examples.network import F, soft

S, T = f([[1, 2], [3, 4]]), f([[1, 0], [0, 4]])
LOGITS, CLASSES = f([[1, 2, 3], [3, 1, 1]]), i(2, 1)
LOGS = np.log(soft(LOGITS, 1))
PROBS, BITS = f(0.2, 0.9), f(0, 1)
BCE = -(BITS * np.log(PROBS) + (1 - BITS) * np.log(1 - PROBS))
LOSS: list[Example] = [
    example(f"{F}mse_loss", S, T, want=f(13 / 4)),
    example(f"{F}mse_loss", S, T, reduction="none", want=f([[0, 4], [9, 0]])),
    example(f"{F}mse_loss", S, T, False, want=f(13.0)),
    example(f"{F}l1_loss", S, T, reduction="sum", want=f(5.0)),
    example(f"{F}smooth_l1_loss", f(0.5, 3), f(0, 0), want=f((0.125 + 2.5) / 2)),
    example(f"{F}smooth_l1_loss", f(0.5, 3), f(0, 0), beta=2.0, want=f((0.0625 + 2) / 2)),
    example(f"{F}binary_cross_entropy", PROBS, BITS, want=f(BCE.mean())),
    example(f"{F}binary_cross_entropy", f(0.0), f(1.0), want=f(100.0)),
    example(
        f"{F}binary_cross_entropy_with_logits",
        np.log(PROBS / (1 - PROBS)),
        BITS,
        reduction="none",
        want=BCE,
        rtol=1e-5,
    ),
    example(
        f"{F}binary_cross_entropy_with_logits",
        f(0.0),
        f(1.0),
        pos_weight=f(3.0),
        want=f(3 * math.log(2)),
    ),
    example(f"{F}nll_loss", LOGS, CLASSES, want=f(-(LOGS[0, 2] + LOGS[1, 1]) / 2)),
    example(
        f"{F}nll_loss", LOGS, CLASSES, f(1, 2, 3), want=f(-(3 * LOGS[0, 2] + 2 * LOGS[1, 1]) / 5)
    ),
    example(f"{F}nll_loss", LOGS, i(2, -100), want=f(-LOGS[0, 2])),
    example(
        f"{F}cross_entropy",
        LOGS,
        CLASSES,
        label_smoothing=0.3,
        want=f(-0.7 * (LOGS[0, 2] + LOGS[1, 1]) / 2 - 0.1 * LOGS.sum() / 2),
    ),
    example(
        f"{F}nll_loss",
        LOGS.reshape(2, 3, 1),
        CLASSES.reshape(2, 1),
        reduction="none",
        want=f([[-LOGS[0, 2]], [-LOGS[1, 1]]]),
    ),
    example(f"{F}cross_entropy", LOGITS, CLASSES, want=f(-(LOGS[0, 2] + LOGS[1, 1]) / 2)),
    example(
        f"{F}cross_entropy",
        LOGITS,
        f([[0, 0, 1], [0, 1, 0]]),
        want=f(-(LOGS[0, 2] + LOGS[1, 1]) / 2),
    ),
    example(f"{F}kl_div", f(-1, -2), f(0.5, 0), reduction="sum", want=f(0.5 * (math.log(0.5) + 1))),
    example(
        f"{F}kl_div", f([[-1]]), f([[0.0]]), reduction="batchmean", log_target=True, want=f(1.0)
    ),
    example(f"{F}poisson_nll_loss", f(0, 1), f(2, 3), want=f((1 + math.e - 3) / 2)),
    example(
        f"{F}poisson_nll_loss",
        f(1.0),
        f(3.0),
        False,
        True,
        want=f(1 + 3 * math.log(3) - 3 + math.log(6 * math.pi) / 2),
    ),
    example(f"{F}hinge_embedding_loss", f(0.5, 0.25), f(1, -1), want=f((0.5 + 0.75) / 2)),
    example(f"{F}hinge_embedding_loss", f(0.5), f(0), reduction="sum", want=f(1.0)),
    example(f"{F}margin_ranking_loss", f(1, 2), f(2, 1), f(1, 1), margin=0.5, want=f(0.75)),
    example(f"{F}margin_ranking_loss", f(1, 2), f(2, 1), i(1, -1), want=f(1.0)),
    example(
        f"{F}soft_margin_loss",
        f(1, -1),
        f(1, 1),
        want=f((math.log1p(math.exp(-1)) + math.log1p(math.e)) / 2),
    ),
]

LOSS += [
    example(
        f"{F}cosine_embedding_loss",
        f([[3, 4], [1, 0]]),
        f([[4, 3], [1, 0]]),
        f(1, -1),
        want=f((0.04 + 1) / 2),
    ),
    example(f"{F}triplet_margin_loss", f([[0, 0]]), f([[3, 4]]), f([[0, 4]]), eps=0.0, want=f(2.0)),
    example(
        f"{F}triplet_margin_loss",
        f([[0, 0]]),
        f([[3, 4]]),
        f([[0, 4]]),
        1.0,
        2.0,
        0.0,
        True,
        want=f(3.0),
    ),
    example(f"{F}multi_margin_loss", f([[1, 0.5, 0]]), i([0]), want=f(0.5 / 3)),
]

EXAMPLES = LOSS
