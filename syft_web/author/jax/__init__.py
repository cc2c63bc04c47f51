"""Plans from jax, and from Keras 3 on its JAX backend.

::

    from syft_web.author.jax import inference_plan, model_state, sgd, training_plan

    def apply(params, x): ...
    def loss(output, target): ...

    plan = training_plan(apply, params, loss, sgd(lr=0.1), x, y)
    await host_training(url, "mnist", "1.0", model_state(params), {"training_plan": plan}, ...)

The step, gradient and optimizer included, is recorded by jax itself as a jaxpr at an open batch
size (`capture`) and written in the commands that plans from torch have (`translate`, `rules`).
The result is the same as that of `syft_web.author.torch`: the plan says what its inputs and
outputs are (`syft_web.plan.signature`), parameters and state are the hosted model, optimizer
state is the worker's own.

`keras_model` takes a Keras model apart into the function, parameters and state that the others
want. Optimizers are `sgd` and `adam`, or any gradient transformation of optax.

Needs jax 0.6 or later (the extra ``jax``), and is never imported in a browser.
"""

from __future__ import annotations

from syft_web.author.jax.keras import KerasModel, keras_model
from syft_web.author.jax.optimizers import Optimizer, adam, sgd
from syft_web.author.jax.plans import inference_plan, model_state, training_plan

__all__ = [
    "KerasModel",
    "Optimizer",
    "adam",
    "inference_plan",
    "keras_model",
    "model_state",
    "sgd",
    "training_plan",
]
