"""A Keras 3 model as a function of parameters and state."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from syft_web.errors import CaptureError

__all__ = ["KerasModel", "keras_model"]


@dataclass(frozen=True, slots=True)
class KerasModel:
    """What `training_plan` and `inference_plan` want of a Keras model.

    Attributes:
        train: ``(params, state, *inputs) -> (output, new state)`` in training mode.
        infer: The same in inference mode.
        params: The trainable variables by path.
        state: The other variables by path: running statistics, seeds.
    """

    train: Callable[..., tuple[Any, Any]]
    infer: Callable[..., tuple[Any, Any]]
    params: dict[str, Any]
    state: dict[str, Any]


def keras_model(model: Any) -> KerasModel:
    """Take a built Keras model apart.

    Args:
        model: A model of Keras 3 on the JAX backend (``KERAS_BACKEND=jax``), which has its
            variables already. It is not changed.

    Raises:
        CaptureError: It has no variables yet, or they are not jax's.
    """
    if not hasattr(model, "stateless_call"):
        raise CaptureError(
            f"A {type(model).__name__} is no model of Keras 3 (it has no stateless_call)."
        )
    if not model.built:
        raise CaptureError("The Keras model has no variables yet. Call it once, or build it.")
    trained, others = model.trainable_variables, model.non_trainable_variables
    params, state = _by_path(trained), _by_path(others)

    def call(training: bool) -> Callable[..., tuple[Any, Any]]:
        def apply(params: Any, state: Any, *inputs: Any) -> tuple[Any, Any]:
            given = inputs[0] if len(inputs) == 1 else list(inputs)
            output, changed = model.stateless_call(
                [params[v.path] for v in trained],
                [state[v.path] for v in others],
                given,
                training=training,
            )
            return output, {v.path: a for v, a in zip(others, changed, strict=True)}

        return apply

    return KerasModel(call(True), call(False), params, state)


def _by_path(variables: Sequence[Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for variable in variables:
        value = variable.value
        if not type(value).__module__.startswith("jax"):
            raise CaptureError(
                "The Keras model's variables are not jax's. Set KERAS_BACKEND=jax before Keras is "
                "imported; a model on the torch backend is captured by syft_web.author.torch."
            )
        found[variable.path] = value
    if len(found) != len(variables):
        raise CaptureError("Two variables of the Keras model have the same path; name its layers.")
    return found
