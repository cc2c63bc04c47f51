"""Examples for the pieces of batch normalisation, and for activations that draw numbers."""

from __future__ import annotations

import numpy as np

from tests.unit.ops.examples.base import Array, Example, d, example, f, i, ramp

X = ramp(4, 3, 2)
MEAN, VAR = X.mean((0, 2)), X.var((0, 2))
INVSTD = 1 / np.sqrt(VAR + np.float32(1e-5))
W, B = f(1, 2, 3), f(0.5, 0, -1)
G = ramp(4, 3, 2)[::-1].copy()


def wide(vector: Array) -> Array:
    return vector[:, None]


NORMAL = (X - wide(MEAN)) * wide(INVSTD)
# The batch in two parts of two samples.
PARTS = [X[:2], X[2:]]
MEANS = np.stack([p.mean((0, 2)) for p in PARTS])
INVSTDS = np.stack([1 / np.sqrt(p.var((0, 2)) + np.float32(1e-5)) for p in PARTS])
SUM_DY, SUM_DY_XMU = G.sum((0, 2)), (G * (X - wide(MEAN))).sum((0, 2))
FOR_X = (
    (G - wide(SUM_DY) / 8 - (X - wide(MEAN)) * wide(INVSTD**2 * SUM_DY_XMU) / 8) * wide(INVSTD * W)
).astype(np.float32)


def kept_or_saturated(results: list[Array]) -> None:
    """Dropped elements have one value, the others are scaled and moved."""
    (out,) = results
    assert out.shape == (100, 100)
    assert abs(out.mean()) < 0.1
    assert abs(out.std() - 1) < 0.1
    values, counts = np.unique(out, return_counts=True)
    assert 2500 < counts.max() < 3500
    assert values[counts.argmax()] < 0


def whole_channels(results: list[Array]) -> None:
    (out,) = results
    assert all(len(np.unique(channel)) == 1 for channel in out.reshape(-1, 5))
    assert len(np.unique(out)) == 2


def between_the_slopes(results: list[Array]) -> None:
    (out,) = results
    assert (out >= -0.3).all()
    assert (out <= -0.1).all()
    assert len(np.unique(out)) > 50


def one_hot(results: list[Array]) -> None:
    (out,) = results
    assert set(np.unique(out)) == {0, 1}
    assert (out.sum(1) == 1).all()


NOISE = np.random.default_rng(5).standard_normal((100, 100)).astype(np.float32)
ONES = np.ones((6, 7, 5), np.float32)
EXAMPLES: list[Example] = [
    example("torch.batch_norm_stats", X, 1e-5, want=[MEAN, INVSTD]),
    example("torch.batch_norm_elemt", X, W, B, MEAN, INVSTD, 1e-5,
            want=NORMAL * wide(W) + wide(B)),
    example("torch.batch_norm_gather_stats", X, MEANS, INVSTDS, None, None, 0.1, 1e-5, 4,
            want=[MEAN, INVSTD], rtol=1e-5),
    example("torch.batch_norm_gather_stats_with_counts", X, MEANS, INVSTDS, None, None, 0.1, 1e-5,
            f(4, 4), want=[MEAN, INVSTD], rtol=1e-5),
    example("torch.batch_norm_backward_reduce", G, X, MEAN, INVSTD, W, True, True, True,
            want=[SUM_DY, SUM_DY_XMU, SUM_DY_XMU * INVSTD, SUM_DY], atol=1e-5),
    example("torch.batch_norm_backward_elemt", G, X, MEAN, INVSTD, W, SUM_DY, SUM_DY_XMU, i([8]),
            want=FOR_X, atol=1e-5),
    example("torch.alpha_dropout", NOISE, 0.3, True, want=kept_or_saturated),
    example("torch.nn.functional.feature_alpha_dropout", ONES, 0.4, True, want=whole_channels),
    example("torch.feature_dropout", ONES, 0.4, True, want=whole_channels),
    example("torch.rrelu", np.full(99, -1.0, np.float32), 0.1, 0.3, True,
            want=between_the_slopes),
    example("torch.nn.functional.gumbel_softmax", d(NOISE[:9]), hard=True, want=one_hot),
]  # fmt: skip
