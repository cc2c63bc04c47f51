"""Optimizers as pure functions: a few of our own, and optax's.

An optimizer here is what optax calls a gradient transformation, an object with
``init(params) -> state`` and ``update(grads, state, params) -> (updates, state)``; or a function
of hyperparameters that makes one, so that they can be inputs of the plan::

    training_plan(..., sgd(lr=0.1, momentum=0.9), ...)
    training_plan(..., optax.adam(1e-3), ...)  # the learning rate is a constant
    training_plan(..., optax.adam, ..., hyperparameters={"learning_rate": 1e-3})
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from syft_web.errors import CaptureError

__all__ = ["Optimizer", "adam", "as_optimizer", "sgd"]

Tree = Any
"""Arrays in nested dicts, lists and tuples."""


class Transformation(NamedTuple):
    """What optax calls a gradient transformation."""

    init: Callable[[Tree], Tree]
    update: Callable[[Tree, Tree, Tree], tuple[Tree, Tree]]


@dataclass(frozen=True, slots=True)
class Optimizer:
    """An optimizer with hyperparameters that are inputs of the plan.

    Attributes:
        make: Hyperparameters by name -> the transformation.
        hyperparameters: Those that are inputs, with their present values.
    """

    make: Callable[..., Any]
    hyperparameters: Mapping[str, float]


def sgd(
    lr: float = 0.01, *, momentum: float = 0.0, nesterov: bool = False, weight_decay: float = 0.0
) -> Optimizer:
    """Gradient descent as ``torch.optim.SGD`` does it; ``lr`` is an input of the plan.

    Args:
        lr: Learning rate.
        momentum: Share of the last step's direction that is kept.
        nesterov: Whether to look one step ahead; needs momentum.
        weight_decay: Factor of the L2 penalty.
    """
    return Optimizer(lambda lr: _sgd(lr, momentum, nesterov, weight_decay), {"lr": float(lr)})


def adam(
    lr: float = 1e-3,
    *,
    betas: tuple[float, float] = (0.9, 0.999),
    eps: float = 1e-8,
    weight_decay: float = 0.0,
) -> Optimizer:
    """Adam with decoupled weight decay, as ``torch.optim.AdamW`` does it; ``lr`` is an input.

    Args:
        lr: Learning rate.
        betas: Decay of the running means of the gradient and of its square.
        eps: Added to the root, for stability.
        weight_decay: The share of each parameter, times ``lr``, that each step takes away.
    """
    return Optimizer(lambda lr: _adam(lr, betas, eps, weight_decay), {"lr": float(lr)})


def as_optimizer(optimizer: Any, hyperparameters: Mapping[str, float] | None) -> Optimizer:
    """What the user gave as an `Optimizer`.

    Args:
        optimizer: One of ours, a gradient transformation, or a function that makes one.
        hyperparameters: Arguments of that function which are inputs of the plan.

    Raises:
        CaptureError: It is something else.
    """
    if isinstance(optimizer, Optimizer):
        if hyperparameters is None:
            return optimizer
        return Optimizer(optimizer.make, {**optimizer.hyperparameters, **hyperparameters})
    if hasattr(optimizer, "init") and hasattr(optimizer, "update"):
        if hyperparameters:
            raise CaptureError(
                "The optimizer is made already, so its hyperparameters are constants. Give the "
                "function that makes it instead, e.g. optax.adam, or lambda lr: optax.sgd(lr)."
            )
        return Optimizer(lambda: optimizer, {})
    if callable(optimizer):
        return Optimizer(optimizer, dict(hyperparameters or {}))
    raise CaptureError(
        f"The optimizer is a {type(optimizer).__name__}; give sgd(...) or adam(...) of this "
        "package, a gradient transformation of optax, or a function that makes one."
    )


def _sgd(lr: Any, momentum: float, nesterov: bool, weight_decay: float) -> Transformation:
    def init(params: Tree) -> Tree:
        return jax.tree.map(jnp.zeros_like, params) if momentum else ()

    def update(grads: Tree, state: Tree, params: Tree) -> tuple[Tree, Tree]:
        if weight_decay:
            grads = jax.tree.map(lambda g, p: g + weight_decay * p, grads, params)
        if momentum:
            state = jax.tree.map(lambda m, g: momentum * m + g, state, grads)
            grads = jax.tree.map(lambda g, m: g + momentum * m, grads, state) if nesterov else state
        return jax.tree.map(lambda g: -(lr * g).astype(g.dtype), grads), state

    return Transformation(init, update)


def _adam(lr: Any, betas: tuple[float, float], eps: float, weight_decay: float) -> Transformation:
    one, two = betas

    def init(params: Tree) -> Tree:
        zeros = jax.tree.map(jnp.zeros_like, params)
        return {"step": jnp.zeros((), jnp.float32), "mean": zeros, "square": zeros}

    def update(grads: Tree, state: Tree, params: Tree) -> tuple[Tree, Tree]:
        step = state["step"] + 1
        mean = jax.tree.map(lambda m, g: one * m + (1 - one) * g, state["mean"], grads)
        square = jax.tree.map(lambda s, g: two * s + (1 - two) * g * g, state["square"], grads)
        # With all digits of float32: 1 - beta ** step would lose most in the first steps.
        rate = lr / -jnp.expm1(step * math.log(one)) if one else lr
        root = jnp.sqrt(-jnp.expm1(step * math.log(two))) if two else 1.0

        def change(m: Any, s: Any, p: Any) -> Any:
            moved = -(rate * m / (jnp.sqrt(s) / root + eps))
            decayed = moved - lr * weight_decay * p if weight_decay else moved
            return decayed.astype(p.dtype)

        updates = jax.tree.map(change, mean, square, params)
        return updates, {"step": step, "mean": mean, "square": square}

    return Transformation(init, update)
