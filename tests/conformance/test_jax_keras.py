"""Keras 3 models on its JAX backend, captured, against Keras itself."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import pytest

from syft_web.errors import CaptureError
from tests.conformance.plan_training import run_plan

jax = pytest.importorskip("jax")
os.environ.setdefault("KERAS_BACKEND", "jax")
keras = pytest.importorskip("keras")
authored = pytest.importorskip("syft_web.author.jax")

if keras.backend.backend() != "jax":
    pytest.skip("Keras was imported with another backend", allow_module_level=True)

layers = keras.layers
LR = 0.05


def _mlp() -> list[Any]:
    return [layers.Input((20,)), layers.Dense(16, activation="relu"), layers.Dense(10)]


def _cnn() -> list[Any]:
    return [
        layers.Input((12, 12, 1)),
        layers.Conv2D(4, 3, padding="same", activation="relu"),
        layers.MaxPooling2D(2),
        layers.Conv2D(6, 3),
        layers.BatchNormalization(),
        layers.Activation("relu"),
        layers.AveragePooling2D(2),
        layers.Flatten(),
        layers.Dense(10),
    ]


def _separable() -> list[Any]:
    return [
        layers.Input((12, 12, 2)),
        layers.SeparableConv2D(4, 3),
        layers.LayerNormalization(),
        layers.Conv2DTranspose(3, 3, strides=2),
        layers.GlobalAveragePooling2D(),
        layers.Dense(10),
    ]


def _words(layer: Any) -> Any:
    return lambda: [
        layers.Input((6,), dtype="int32"),
        layers.Embedding(30, 8),
        layer(),
        layers.Dense(10),
    ]


CASES = {
    "mlp": (_mlp, (20,)),
    "cnn": (_cnn, (12, 12, 1)),
    "separable": (_separable, (12, 12, 2)),
    "embedding": (_words(layers.GlobalAveragePooling1D), None),
    "lstm": (_words(lambda: layers.LSTM(8)), None),
    "gru": (_words(lambda: layers.GRU(8)), None),
}


def _loss(output: Any, target: Any) -> Any:
    return keras.losses.SparseCategoricalCrossentropy(from_logits=True)(target, output)


def _batch(rng: np.random.Generator, rows: int, shape: Any) -> tuple[Any, Any]:
    if shape is None:
        x = rng.integers(0, 30, (rows, 6)).astype(np.int32)
    else:
        x = rng.normal(size=(rows, *shape)).astype(np.float32)
    return x, rng.integers(0, 10, rows)


@pytest.mark.parametrize("name", CASES)
def test_trains_as_keras_does(name: str) -> None:
    build, shape = CASES[name]
    keras.utils.set_random_seed(3)
    model = authored.keras_model(keras.Sequential(build()))
    rng = np.random.default_rng(5)
    plan = authored.training_plan(
        model.train, model.params, _loss, authored.sgd(LR), *_batch(rng, 8, shape),
        state=model.state,
    )  # fmt: skip
    step = jax.jit(
        jax.value_and_grad(
            lambda p, s, x, y: (lambda o, new: (_loss(o, y), new))(*model.train(p, s, x)),
            has_aux=True,
        )
    )
    for rows in (2, 5):
        batches = [_batch(rng, rows, shape) for _ in range(3)]
        hosted = authored.model_state(model.params, model.state)
        run = run_plan(plan, hosted, [([x], [y]) for x, y in batches], lr=LR)
        params, state, losses = model.params, model.state, []
        for x, y in batches:
            (value, state), grads = step(params, state, x, y)
            params = jax.tree.map(lambda p, g: p - np.float32(LR) * g, params, grads)
            losses.append(float(value))
        np.testing.assert_allclose(run.losses, losses, rtol=0, atol=2e-6)
        for path, value in run.tensors.items():
            other = params[path] if path in params else state[path]
            np.testing.assert_allclose(value, other, rtol=0, atol=1e-6, err_msg=path)


def test_dropout_draws_the_workers_own_numbers_and_inference_none() -> None:
    keras.utils.set_random_seed(3)
    stack = [layers.Input((20,)), layers.Dropout(0.5), layers.Dense(10)]
    model = authored.keras_model(keras.Sequential(stack))
    x, y = _batch(np.random.default_rng(5), 8, (20,))
    plan = authored.training_plan(
        model.train, model.params, _loss, authored.sgd(0.0), x, y, state=model.state
    )
    assert any(action.command == "torch.rand" for action in plan.role.actions)
    hosted = authored.model_state(model.params, model.state)
    assert len(hosted.tensors) == 2  # the seed stays here
    run = run_plan(plan, hosted, [([x], [y])] * 3, lr=0.0)
    assert len(set(run.losses)) == 3
    infer = authored.inference_plan(model.infer, model.params, x, state=model.state)
    (answer,) = infer.execute(x, *hosted.tensors)
    wanted, _ = model.infer(model.params, model.state, x)
    np.testing.assert_allclose(answer, wanted, rtol=0, atol=2e-6)


def test_a_model_without_variables_is_refused() -> None:
    with pytest.raises(CaptureError, match="no variables yet"):
        authored.keras_model(keras.Sequential([layers.Dense(3)]))
