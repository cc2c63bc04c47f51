"""Optimizers, state, random numbers, and what cannot be captured from jax."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from syft_web.client.derived import derive_specs
from syft_web.errors import BatchSizeError, CaptureError, DataDependentError, UnsupportedOpError
from syft_web.plan.signature import Signature
from tests.conformance.plan_training import run_plan

jax = pytest.importorskip("jax")
authored = pytest.importorskip("syft_web.author.jax")
optax = pytest.importorskip("optax")

jnp = jax.numpy
RNG = np.random.default_rng(2)
X = RNG.normal(size=(8, 4)).astype(np.float32)
Y = RNG.normal(size=(8, 1)).astype(np.float32)
PARAMS = {"w": RNG.normal(size=(4, 1)).astype(np.float32), "b": np.zeros(1, np.float32)}


def apply(params: Any, x: Any) -> Any:
    return x @ params["w"] + params["b"]


def loss(output: Any, target: Any) -> Any:
    return jnp.mean((output - target) ** 2)


def capture(model: Any = apply, cost: Any = loss, optimizer: Any = None, **rest: Any) -> Any:
    rule = optimizer or authored.sgd(0.1)
    return authored.training_plan(model, PARAMS, cost, rule, X, Y, **rest)


def by_optax(rule: Any) -> dict[str, Any]:
    params, state = PARAMS, rule.init(PARAMS)
    for _ in range(5):
        grads = jax.grad(lambda p: loss(apply(p, X), Y))(params)
        updates, state = rule.update(grads, state, params)
        params = optax.apply_updates(params, updates)
    return params


OPTIMIZERS = {
    "sgd": (authored.sgd(0.1), optax.sgd(0.1)),
    "momentum": (authored.sgd(0.1, momentum=0.9), optax.sgd(0.1, momentum=0.9)),
    "nesterov": (
        authored.sgd(0.1, momentum=0.9, nesterov=True),
        optax.sgd(0.1, momentum=0.9, nesterov=True),
    ),
    "decay": (
        authored.sgd(0.1, weight_decay=0.1),
        optax.chain(optax.add_decayed_weights(0.1), optax.sgd(0.1)),
    ),
    "adam": (authored.adam(0.01), optax.adam(0.01)),
    "adamw": (authored.adam(0.01, weight_decay=0.1), optax.adamw(0.01, weight_decay=0.1)),
    "optax_adam": (optax.adam(0.01), optax.adam(0.01)),
    "optax_chain": (
        optax.chain(optax.clip_by_global_norm(0.5), optax.rmsprop(0.01, momentum=0.5)),
        optax.chain(optax.clip_by_global_norm(0.5), optax.rmsprop(0.01, momentum=0.5)),
    ),
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_optimizers_are_those_of_optax(name: str) -> None:
    rule, other = OPTIMIZERS[name]
    plan = capture(optimizer=rule)
    lr = 0.01 if "adam" in name else 0.1
    run = run_plan(plan, authored.model_state(PARAMS), [([X], [Y])] * 5, lr=lr)
    for key, value in by_optax(other).items():
        np.testing.assert_allclose(run.tensors[key], value, rtol=0, atol=3e-6)


def test_hyperparameters_of_an_optax_function_are_inputs() -> None:
    plan = capture(optimizer=optax.sgd, hyperparameters={"learning_rate": 0.5})
    signature = Signature.of(plan)
    assert signature is not None
    assert signature.config_keys == ("learning_rate",)
    hosted = authored.model_state(PARAMS)
    run = run_plan(plan, hosted, [([X], [Y])] * 5, learning_rate=0.1)
    np.testing.assert_allclose(run.tensors["w"], by_optax(optax.sgd(0.1))["w"], rtol=0, atol=1e-6)


def test_a_worker_needs_no_specs_and_reports_no_optimizer_state() -> None:
    plan = capture(optimizer=authored.sgd(0.1, momentum=0.9))
    inputs, outputs = derive_specs(plan, has_target=True)
    assert len(inputs) == len(plan.inputs) == 7
    assert len(outputs) == len(plan.outputs) == 5
    assert len(authored.model_state(PARAMS).tensors) == 2


def counted(params: Any, state: Any, x: Any) -> tuple[Any, Any]:
    mean = 0.9 * state["mean"] + 0.1 * x.mean(0)
    return apply(params, x - mean), {"mean": mean, "steps": state["steps"] + 1}


STATE = {"mean": np.ones(4, np.float32), "steps": np.zeros((), np.int32)}


@pytest.mark.parametrize("buffers", ["model", "worker"])
def test_state_is_carried_on(buffers: str) -> None:
    plan = capture(counted, state=STATE, buffers=buffers)
    hosted = authored.model_state(PARAMS, STATE, buffers=buffers)
    assert len(hosted.tensors) == (4 if buffers == "model" else 2)
    run = run_plan(plan, hosted, [([X], [Y])] * 3, lr=0.1)
    mean = np.ones(4, np.float32)
    for _ in range(3):
        mean = np.float32(0.9) * mean + np.float32(0.1) * X.mean(0)
    np.testing.assert_allclose(run.tensors["mean"], mean, rtol=0, atol=1e-6)
    assert run.tensors["steps"] == 3


def test_random_numbers_are_drawn_anew_in_each_step() -> None:
    def noisy(params: Any, x: Any, *, rng: Any) -> Any:
        one, two = jax.random.split(rng)
        kept = jax.random.bernoulli(one, 0.5, x.shape)
        return apply(params, jnp.where(kept, 2 * x, 0) + jax.random.normal(two, x.shape))

    plan = capture(noisy, optimizer=authored.sgd(0.0), random=True)
    many = np.ones((4000, 4), np.float32)
    hosted = authored.model_state({"w": np.full((4, 1), 0.25, np.float32), "b": PARAMS["b"]})
    run = run_plan(plan, hosted, [([many], [np.ones((4000, 1), np.float32)])] * 2, lr=0.0)
    assert run.losses[0] != run.losses[1]
    # Of each of the four the variance is 1 (kept or not) and 1 (the noise), times 1/16.
    np.testing.assert_allclose(run.losses, 0.5, rtol=0.15)


def test_one_batch_size() -> None:
    plan = capture(dynamic_batch=False)
    assert run_plan(plan, authored.model_state(PARAMS), [([X], [Y])], lr=0.1).losses


def test_an_if_on_values_names_the_line() -> None:
    def model(params: Any, x: Any) -> Any:
        return apply(params, x) if x.sum() > 0 else x  # the line

    with pytest.raises(DataDependentError, match=r"jnp\.where") as caught:
        capture(model)
    assert "# the line" in caught.value.where


def test_a_number_of_rows_that_is_looked_at_names_the_line() -> None:
    def model(params: Any, x: Any) -> Any:
        return apply(params, x) * (2 if x.shape[0] > 4 else 1)  # the line

    with pytest.raises(BatchSizeError, match="dynamic_batch=False") as caught:
        capture(model)
    assert "# the line" in caught.value.where


def test_an_unknown_primitive_names_itself_and_the_line() -> None:
    def model(params: Any, x: Any) -> Any:
        return apply(params, jax.scipy.special.i0e(x))  # the line

    with pytest.raises(UnsupportedOpError, match="bessel_i0e") as caught:
        capture(model)
    assert "bessel_i0e" in caught.value.operations
    assert "# the line" in caught.value.where


def test_raw_bits_of_a_key_are_refused() -> None:
    def model(params: Any, x: Any, *, rng: Any) -> Any:
        return apply(params, x) * jax.random.bits(rng, (1,)).astype(jnp.float32)  # the line

    with pytest.raises(CaptureError, match=r"jax\.random\.uniform") as caught:
        capture(model, random=True)
    assert "# the line" in caught.value.where


def test_a_loop_until_the_data_says_so_is_refused() -> None:
    def model(params: Any, x: Any) -> Any:
        start = jax.lax.stop_gradient(x)
        end = jax.lax.while_loop(lambda v: v.sum() < 9, lambda v: v * 2, start)  # the line
        return apply(params, end)

    with pytest.raises(DataDependentError, match="while loop") as caught:
        capture(model)
    assert "# the line" in caught.value.where


def test_parameters_from_elsewhere_are_refused() -> None:
    own = jax.tree.map(jnp.asarray, PARAMS)

    def model(params: Any, x: Any) -> Any:
        return x @ own["w"] + params["b"]

    with pytest.raises(CaptureError, match="another way"):
        authored.training_plan(model, own, loss, authored.sgd(0.1), X, Y)


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"cost": lambda o, y: (o - y) ** 2}, "one number"),
        ({"metrics": ("precision",)}, "no metric 'precision'"),
        ({"optimizer": "sgd"}, "The optimizer is a str"),
        ({"optimizer": optax.sgd}, "could not be made"),
        ({"optimizer": optax.sgd(0.1), "hyperparameters": {"lr": 1}}, "made already"),
        ({"state": {"mean": np.ones(4, np.float32)}, "model": counted}, "could not run the step"),
        ({"state": STATE, "model": lambda p, s, x: apply(p, x)}, "new state"),
    ],
)
def test_mistakes_are_explained(change: dict[str, Any], match: str) -> None:
    with pytest.raises(CaptureError, match=match):
        capture(**change)


def test_integer_parameters_are_refused() -> None:
    with pytest.raises(CaptureError, match="no gradients"):
        authored.model_state({"w": np.zeros(3, np.int32)})
