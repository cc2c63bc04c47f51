"""The Plans of examples/mnist: gradients, the original fixture plan, both roles."""

import numpy as np
import pytest

from examples.mnist import config, data, plan
from syft_web.author.tracing import trace
from syft_web.client.specs import check_specs
from syft_web.errors import DataError
from syft_web.plan.plan import Plan, State
from tests.paths import NO_SHARED, SHARED

RNG = np.random.default_rng(4)
X = RNG.random((5, plan.PIXELS), dtype=np.float32)
Y = np.eye(plan.CLASSES, dtype=np.float32)[[3, 1, 4, 1, 5]]
PARAMS = plan.initial_model(1).tensors


def test_training_plan_survives_its_formats_and_names_its_inputs():
    original = plan.training_plan()
    assert len(original.inputs) == 8
    for format in ("protobuf", "msgpack"):
        again = Plan.loads(original.dumps(format))
        assert set(again.roles) == {"torch", "tfjs"}
        for one, other in zip(
            original.execute(X, Y, 5, 0.1, *PARAMS),
            again.execute(X, Y, 5, 0.1, *PARAMS),
            strict=True,
        ):
            np.testing.assert_array_equal(one, other)


def test_it_is_small():
    plan_bytes = plan.training_plan().dumps()
    assert len(plan_bytes) < 12_000
    assert len(plan.training_plan().role.actions) < 50


def test_specs_fit_the_plan():
    check_specs(
        plan.training_plan(),
        4,
        config.INPUTS,
        config.OUTPUTS,
        client_config=config.client_config(),
        has_target=False,
    )


def test_both_roles_agree():
    original = plan.training_plan()
    tfjs = Plan.loads(original.dumps(), framework="tfjs")
    args = (X, Y, 5, 0.1, *PARAMS)
    for one, other in zip(original.execute(*args), tfjs.execute(*args), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)


def test_gradients_are_those_of_finite_differences_in_float64():
    """Central differences of the loss, parameter by parameter, on a few random entries."""
    x, y = X.astype(np.float64), Y.astype(np.float64)
    params = [p.astype(np.float64) for p in PARAMS]
    step = trace(plan.training_step, x, y, 5, np.float64(1), *params)

    def loss(changed):
        return float(step.execute(x, y, 5, np.float64(1), *changed)[0])

    new = step.execute(x, y, 5, np.float64(1), *params)[2:]
    assert all(p.dtype == np.float64 for p in new)
    for which, (before, after) in enumerate(zip(params, new, strict=True)):
        gradient = before - after  # the learning rate is 1
        for flat in RNG.integers(before.size, size=4):
            place, delta = np.unravel_index(flat, before.shape), 1e-5
            ends = []
            for sign in (1, -1):
                changed = [p.copy() for p in params]
                changed[which][place] += sign * delta
                ends.append(loss(changed))
            slope = (ends[0] - ends[1]) / (2 * delta)
            assert gradient[place] == pytest.approx(slope, rel=1e-6, abs=1e-9)


def test_loss_stays_finite_where_exp_would_overflow():
    params = [p * np.float32(1000) for p in PARAMS]
    results = plan.training_plan().execute(X, Y, 5, 0.1, *params)
    assert all(np.isfinite(result).all() for result in results)


def test_batch_size_may_come_as_a_number_or_as_one_element():
    numbers = plan.training_plan().execute(X, Y, 5, 0.1, *PARAMS)
    arrays = plan.training_plan().execute(X, Y, np.array([5]), np.float32([0.1]), *PARAMS)
    assert (numbers[0].shape, arrays[0].shape) == ((), (1,))
    for one, other in zip(numbers[2:], arrays[2:], strict=True):
        np.testing.assert_array_equal(one, other, strict=True)


def test_inference_agrees_with_the_training_plan_on_what_is_right():
    probabilities, digits = plan.inference_plan().execute(X, *PARAMS)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-5)
    np.testing.assert_array_equal(digits, probabilities.argmax(axis=1))
    accuracy = plan.training_plan().execute(X, Y, 5, 0.1, *PARAMS)[1]
    assert accuracy == pytest.approx(np.mean(digits == Y.argmax(axis=1)))


def test_initial_model_depends_on_the_seed_alone():
    one, same, other = (plan.initial_model(seed).tensors for seed in (1, 1, 2))
    assert [p.shape for p in one] == list(plan.SHAPES)
    assert all(p.dtype == np.float32 for p in one)
    assert all(np.array_equal(a, b) for a, b in zip(one, same, strict=True))
    assert not np.array_equal(one[0], other[0])


@pytest.mark.skipif(SHARED is None, reason=NO_SHARED)
def test_five_steps_give_what_the_original_plan_gives():
    """Ours has 45 actions, the one recorded in 2020 has 95; the parameters must agree."""
    original = Plan.loads((SHARED / "bin" / "js2007b_mnist_plan.pb").read_bytes())
    model = State.loads((SHARED / "bin" / "js2007b_mnist_model_params.pb").read_bytes())
    x, y = State.loads((SHARED / "bin" / "js2007b_mnist_batch_data.pb").read_bytes()).tensors
    ours, theirs = model.tensors, model.tensors
    training = plan.training_plan()
    for _ in range(5):
        our_loss, our_accuracy, *ours = training.execute(x, y, 64, 0.005, *ours)
        their_loss, their_accuracy, *theirs = original.execute(x, y, 64, 0.005, *theirs)
        assert our_loss == pytest.approx(float(their_loss), abs=1e-6)
        assert our_accuracy == their_accuracy
        for one, other in zip(ours, theirs, strict=True):
            np.testing.assert_allclose(one, other, atol=1e-6)


def idx_bytes(shape, body):
    return bytes([0, 0, 8, len(shape)]) + np.array(shape, ">u4").tobytes() + bytes(body)


def test_data_are_read_as_the_plan_wants_them(tmp_path):
    (tmp_path / "t10k-images-idx3-ubyte").write_bytes(idx_bytes((3, 28, 28), [51] * 3 * 784))
    (tmp_path / "t10k-labels-idx1-ubyte").write_bytes(idx_bytes((3,), [7, 2, 1]))
    images, labels = data.load(tmp_path, "t10k").take(np.array([2, 0]))
    np.testing.assert_array_equal(images, np.full((2, 784), 0.2, np.float32), strict=True)
    np.testing.assert_array_equal(labels, np.eye(10, dtype=np.float32)[[1, 7]], strict=True)


def test_data_that_are_not_there_or_not_images(tmp_path):
    with pytest.raises(DataError, match="train-images"):
        data.load(tmp_path)
    (tmp_path / "train-images-idx3-ubyte").write_bytes(idx_bytes((3,), [7, 2, 1]))
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(idx_bytes((3,), [7, 2, 1]))
    with pytest.raises(DataError, match=r"expected images \(N, 28, 28\).*\(3,\)"):
        data.load(tmp_path)
