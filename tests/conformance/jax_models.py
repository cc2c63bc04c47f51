"""Small models in jax, each with its loss and data."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

__all__ = ["MODELS", "Case"]

SIDE, CLASSES, WORDS, STEPS, WIDTH = 12, 10, 30, 6, 16

Arrays = Any


@dataclass(frozen=True)
class Case:
    """One model and how it is trained.

    Attributes:
        params: Makes its parameters.
        apply: (params, x) -> output.
        loss: (output, target) -> one number.
        data: Makes inputs and targets of so many rows.
    """

    params: Callable[[np.random.Generator], Any]
    apply: Callable[..., Any]
    loss: Callable[..., Any]
    data: Callable[[np.random.Generator, int], tuple[Arrays, Arrays]]

    def start(self) -> Any:
        """The parameters, always the same."""
        return self.params(np.random.default_rng(7))

    def batches(self, rows: int, count: int) -> Iterator[tuple[Arrays, Arrays]]:
        """Batches of so many rows, always the same."""
        rng = np.random.default_rng(1000 + rows)
        for _ in range(count):
            yield self.data(rng, rows)


def _normal(rng: np.random.Generator, *shape: int) -> np.ndarray:
    wide = float(np.prod(shape[:-1])) if len(shape) > 1 else 100.0
    return (rng.normal(size=shape) / np.sqrt(wide)).astype(np.float32)


def _dense(*sizes: int) -> Callable[[np.random.Generator], Any]:
    return lambda rng: [
        {"w": _normal(rng, a, b), "b": _normal(rng, b)} for a, b in itertools.pairwise(sizes)
    ]


def _mlp(params: Any, x: Any) -> Any:
    *hidden, last = params
    for layer in hidden:
        x = jax.nn.relu(x @ layer["w"] + layer["b"])
    return x @ last["w"] + last["b"]


def _one_hot(output: Any, target: Any) -> Any:
    return -jnp.mean(jnp.sum(target * jax.nn.log_softmax(output), axis=-1))


def _labels(output: Any, target: Any) -> Any:
    rows = jnp.arange(target.shape[0])
    return -jnp.mean(jax.nn.log_softmax(output)[rows, target])


def _along(output: Any, target: Any) -> Any:
    picked = jnp.take_along_axis(jax.nn.log_softmax(output), target[:, None], axis=1)
    return -picked.mean()


def _squares(output: Any, target: Any) -> Any:
    return jnp.mean((output - target) ** 2)


def _flat(rng: np.random.Generator, rows: int) -> tuple[Any, Any]:
    x = rng.normal(size=(rows, 20)).astype(np.float32)
    return x, rng.integers(0, CLASSES, rows).astype(np.int32)


def _flat_one_hot(rng: np.random.Generator, rows: int) -> tuple[Any, Any]:
    x, y = _flat(rng, rows)
    return x, np.eye(CLASSES, dtype=np.float32)[y]


def _images(rng: np.random.Generator, rows: int) -> tuple[Any, Any]:
    x = rng.normal(size=(rows, SIDE, SIDE, 1)).astype(np.float32)
    return x, rng.integers(0, CLASSES, rows)


def _points(rng: np.random.Generator, rows: int) -> tuple[Any, Any]:
    x = rng.normal(size=(rows, 3)).astype(np.float32)
    return x, (x.sum(1, keepdims=True) + 1).astype(np.float32)


def _words(rng: np.random.Generator, rows: int) -> tuple[Any, Any]:
    return rng.integers(0, WORDS, (rows, STEPS)), rng.integers(0, CLASSES, rows)


def _conv(x: Any, w: Any, stride: int = 1, padding: str = "VALID", groups: int = 1) -> Any:
    return lax.conv_general_dilated(
        x, w, (stride, stride), padding, dimension_numbers=("NHWC", "HWIO", "NHWC"),
        feature_group_count=groups,
    )  # fmt: skip


def _max_pool(x: Any, size: int = 2, step: int = 2, padding: str = "VALID") -> Any:
    window, steps = (1, size, size, 1), (1, step, step, 1)
    return lax.reduce_window(x, -jnp.inf, lax.max, window, steps, padding)


def _avg_pool(x: Any, size: int = 2, padding: str = "VALID") -> Any:
    window = (1, size, size, 1)
    return lax.reduce_window(x, 0.0, lax.add, window, window, padding) / size**2


def _lenet_params(rng: np.random.Generator) -> Any:
    return {
        "conv1": _normal(rng, 5, 5, 1, 4),
        "bias1": _normal(rng, 4),
        "conv2": _normal(rng, 3, 3, 4, 6),
        "dense": _dense(6 * 2 * 2, 20, CLASSES)(rng),
    }


def _lenet(params: Any, x: Any) -> Any:
    x = jnp.tanh(_conv(x, params["conv1"], padding="SAME") + params["bias1"])
    x = _max_pool(x)
    x = _max_pool(jax.nn.relu(_conv(x, params["conv2"])))
    return _mlp(params["dense"], x.reshape(x.shape[0], -1))


def _strided_params(rng: np.random.Generator) -> Any:
    return {
        "conv1": _normal(rng, 3, 3, 1, 4),
        "deep": _normal(rng, 3, 3, 1, 8),
        "point": _normal(rng, 1, 1, 8, 6),
        "dense": _dense(6, CLASSES)(rng),
    }


def _strided(params: Any, x: Any) -> Any:
    """Strides, a depthwise convolution, padded and overlapping pools, a mean over the image."""
    x = jax.nn.gelu(_conv(x, params["conv1"], 2, "SAME"))
    x = _conv(x, params["deep"], padding="SAME", groups=4)
    x = _avg_pool(jax.nn.silu(x))
    x = _max_pool(_conv(x, params["point"]), 3, 2, "SAME")
    return _mlp(params["dense"], x.mean(axis=(1, 2)))


def _embedding_params(rng: np.random.Generator) -> Any:
    return {"table": _normal(rng, WORDS, WIDTH) * 3, "dense": _dense(WIDTH, CLASSES)(rng)}


def _embedding(params: Any, x: Any) -> Any:
    return _mlp(params["dense"], jnp.take(params["table"], x, axis=0).mean(axis=1))


def _recurrent_params(rng: np.random.Generator) -> Any:
    return {
        "table": _normal(rng, WORDS, WIDTH) * 3,
        "in": _normal(rng, WIDTH, WIDTH),
        "own": _normal(rng, WIDTH, WIDTH),
        "dense": _dense(WIDTH, CLASSES)(rng),
    }


def _recurrent(params: Any, x: Any) -> Any:
    """A loop of known length, written out."""

    def step(h: Any, word: Any) -> tuple[Any, None]:
        return jnp.tanh(word @ params["in"] + h @ params["own"]), None

    words = params["table"][x].transpose(1, 0, 2)
    last, _ = lax.scan(step, jnp.zeros((x.shape[0], WIDTH)), words)
    return _mlp(params["dense"], last)


def _attention_params(rng: np.random.Generator) -> Any:
    names = ("query", "key", "value")
    return {
        "table": _normal(rng, WORDS, WIDTH) * 3,
        **{name: _normal(rng, WIDTH, 2, WIDTH // 2) for name in names},
        "scale": np.ones(WIDTH, np.float32),
        "dense": _dense(WIDTH, CLASSES)(rng),
    }


def _attention(params: Any, x: Any) -> Any:
    """Causal attention with two heads, and layer normalisation."""
    words = params["table"][x]
    q, k, v = (
        jnp.einsum("bsd,dhe->bhse", words, params[name]) for name in ("query", "key", "value")
    )
    scores = jnp.einsum("bhse,bhte->bhst", q, k) / np.sqrt(WIDTH / 2)
    mask = jnp.tril(jnp.ones((STEPS, STEPS), bool))
    weights = jax.nn.softmax(jnp.where(mask, scores, -1e9), axis=-1)
    out = jnp.einsum("bhst,bhte->bshe", weights, v).reshape(x.shape[0], STEPS, WIDTH) + words
    centred = out - out.mean(axis=-1, keepdims=True)
    out = params["scale"] * centred * lax.rsqrt((centred**2).mean(axis=-1, keepdims=True) + 1e-5)
    return _mlp(params["dense"], out[:, -1])


MODELS = {
    "mlp_one_hot": Case(_dense(20, WIDTH, CLASSES), _mlp, _one_hot, _flat_one_hot),
    "mlp_labels": Case(_dense(20, WIDTH, CLASSES), _mlp, _labels, _flat),
    "linear_regression": Case(_dense(3, 1), _mlp, _squares, _points),
    "lenet_max_pool": Case(_lenet_params, _lenet, _along, _images),
    "cnn_avg_pool": Case(_strided_params, _strided, _along, _images),
    "embedding": Case(_embedding_params, _embedding, _along, _words),
    "recurrent": Case(_recurrent_params, _recurrent, _labels, _words),
    "attention": Case(_attention_params, _attention, _along, _words),
}
