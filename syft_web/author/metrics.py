"""Metrics given by the user, by name; the same for every framework that plans come from."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from syft_web.errors import CaptureError

__all__ = ["Metric", "Metrics", "by_name"]

Metric = Callable[..., Any]
Metrics = Sequence[str | Metric] | Mapping[str, Metric] | None


def by_name(metrics: Metrics, accuracy: Metric, *, classes: bool) -> dict[str, Metric]:
    """Each metric by name.

    Args:
        metrics: ``"accuracy"``, functions of (output, target) under their own names, or a
            mapping of names to functions. None is the accuracy where there are classes.
        accuracy: What ``"accuracy"`` stands for.
        classes: Whether the targets are classes.

    Raises:
        CaptureError: An unknown name, or two metrics of the same name.
    """
    if metrics is None:
        metrics = ("accuracy",) if classes else ()
    if isinstance(metrics, Mapping):
        return dict(metrics)
    found: dict[str, Metric] = {}
    for metric in (metrics,) if isinstance(metrics, str) else metrics:
        if metric == "accuracy":
            name, function = "accuracy", accuracy
        elif callable(metric):
            name, function = getattr(metric, "__name__", type(metric).__name__), metric
        else:
            raise CaptureError(
                f"There is no metric {metric!r}; give 'accuracy', or a function of output and "
                "target."
            )
        if name in found:
            raise CaptureError(
                f"Two metrics are called {name!r}; give a mapping of names to functions."
            )
        found[name] = function
    return found
