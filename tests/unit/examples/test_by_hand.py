"""The models of the demo that are written without torch: do they learn, and count right?"""

from __future__ import annotations

import numpy as np
import pytest

from examples.bandit import plan as bandit
from examples.mnist import cnn
from syft_web import Plan
from tests.paths import NO_SHARED, SHARED


def counts(*values: float) -> np.ndarray:
    return np.array(values, np.float32)


def test_the_convolutional_network_goes_down_its_slope():
    """Each parameter's step is the slope that the loss itself has, at places picked at random."""
    rng = np.random.default_rng(0)
    images = rng.random((6, 784), np.float32)
    labels = np.eye(10, dtype=np.float32)[rng.integers(0, 10, 6)]
    plan, lr = cnn.training_plan(), np.float32(1)
    parameters = [tensor.astype(np.float32) for tensor in cnn.initial_model(3).tensors]

    def run(given: list[np.ndarray]) -> list[np.ndarray]:
        return plan.execute(images, labels, np.int64(6), lr, *given)

    updated = run(parameters)[2:]
    for index, parameter in enumerate(parameters):
        slope = parameter - updated[index]
        direction = rng.standard_normal(parameter.shape).astype(np.float32)
        direction /= np.linalg.norm(direction)
        step = np.float32(1e-2)
        losses = []
        for sign in (1, -1):
            moved = [
                p + sign * step * direction if i == index else p for i, p in enumerate(parameters)
            ]
            losses.append(float(run(moved)[0]))
        measured = (losses[0] - losses[1]) / (2 * float(step))
        assert measured == pytest.approx(float((slope * direction).sum()), abs=5e-3), index


def test_the_convolutional_network_learns_and_answers():
    rng = np.random.default_rng(0)
    labels = np.arange(128) % 10
    images = rng.random((128, 28, 28), np.float32) * np.float32(0.2)
    images[np.arange(128), 2 + labels * 2] = 1
    images = images.reshape(128, 784)
    plan = Plan.loads(cnn.training_plan().dumps())
    parameters = list(cnn.initial_model(1).tensors)
    losses = []
    for _ in range(25):
        loss, _, *parameters = plan.execute(
            images, np.eye(10, dtype=np.float32)[labels], 128, 0.2, *parameters
        )
        losses.append(float(loss))
    assert losses[-1] < losses[0] / 2
    probabilities, digits = cnn.inference_plan().execute(images, *parameters)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-5)
    assert (digits == labels).mean() > 0.7


def test_the_bandit_counts_likes_and_dislikes():
    alphas, betas = bandit.update_plan().execute(
        counts(1, 0, 2), counts(1, 3, 4), *bandit.initial_model().tensors
    )
    assert alphas.tolist() == [2, 1, 3]
    assert betas.tolist() == [1, 4, 3]


@pytest.mark.skipif(SHARED is None, reason=NO_SHARED)
def test_the_bandit_is_that_of_the_original_example():
    assert SHARED is not None
    original = Plan.loads((SHARED / "bin" / "js2007b_bandit_thompson_plan.pb").read_bytes())
    given = [counts(*row) for row in ([1, 0, 2], [1, 3, 4], [5, 6, 7], [8, 9, 1])]
    for ours, theirs in zip(
        bandit.update_plan().execute(*given), original.execute(*given), strict=True
    ):
        np.testing.assert_array_equal(ours, theirs)
