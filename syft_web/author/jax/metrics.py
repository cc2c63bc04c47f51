"""Loss and metrics given by the user, as functions of (output, targets)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp

from syft_web.author.metrics import Metric, Metrics, by_name
from syft_web.errors import CaptureError

__all__ = ["Metric", "Metrics", "named_metrics", "single"]


def named_metrics(metrics: Metrics, targets: Sequence[Any]) -> dict[str, Metric]:
    """Each metric by name.

    Args:
        metrics: ``"accuracy"``, functions of (output, *targets) under their own names, or a
            mapping of names to functions. None is the accuracy where targets are integers.
        targets: The example targets.

    Raises:
        CaptureError: An unknown name, or two metrics of the same name.
    """
    classes = len(targets) == 1 and targets[0].dtype.kind in "iub"
    return by_name(metrics, _accuracy, classes=classes)


def single(value: Any, what: str) -> Any:
    """The value, if it is an array with one element; without dimensions.

    Raises:
        CaptureError: It is something else.
    """
    shape = getattr(value, "shape", None)
    if shape is None and isinstance(value, int | float):
        return jnp.asarray(value)
    if shape is None or any(not isinstance(n, int) or n != 1 for n in shape):
        raise CaptureError(
            f"{what} must be one number, an array without dimensions; got "
            f"{type(value).__name__ if shape is None else f'the shape {shape}'}. Where it is one "
            "number for each row, take its mean."
        )
    return jnp.reshape(value, ())


def _accuracy(output: Any, target: Any) -> Any:
    """The share of right answers: classes along the last dimension, or yes (> 0) and no."""
    if not hasattr(output, "ndim"):
        raise CaptureError(
            "'accuracy' needs a model with one output array; give a function of output and "
            "target instead, or metrics=()."
        )
    if output.ndim == target.ndim + 1:
        right = jnp.argmax(output, axis=-1) == target
    elif output.ndim == target.ndim and output.ndim > 1 and output.shape[-1] != 1:
        right = jnp.argmax(output, axis=-1) == jnp.argmax(target, axis=-1)
    elif output.ndim == target.ndim:
        right = (output > 0) == (target > 0.5)
    else:
        raise CaptureError(
            f"'accuracy' has no meaning for outputs of {output.ndim} dimensions and targets of "
            f"{target.ndim}. Give a function of output and target instead, or metrics=()."
        )
    return jnp.mean(right.astype(jnp.float32))
