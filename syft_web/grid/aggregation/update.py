"""From a step to the next checkpoint: parameters, and their bytes."""

from __future__ import annotations

import secrets
from dataclasses import replace

import numpy as np

from syft_web.errors import AggregationError
from syft_web.grid.aggregation.reports import Tensors
from syft_web.plan import State

__all__ = ["new_parameters", "require_shapes", "state_bytes"]


def require_shapes(parameters: Tensors, average: Tensors) -> None:
    """Refuse an average that does not fit the model.

    Raises:
        AggregationError: It has other shapes, or another number of tensors.
    """
    if len(average) != len(parameters):
        raise AggregationError(
            f"The averaging plan gave {len(average)} tensors for {len(parameters)} parameters."
        )
    for index, (old, step) in enumerate(zip(parameters, average, strict=True)):
        if step.shape != old.shape:
            raise AggregationError(
                f"The averaging plan gave shape {step.shape} for parameter {index} "
                f"of shape {old.shape}."
            )


def new_parameters(parameters: Tensors, step: Tensors) -> list[np.ndarray]:
    """Parameters minus step, in the parameters' shapes and dtypes.

    A diff is original minus trained, so subtracting moves the model towards what was learned.

    Args:
        parameters: Of the newest checkpoint.
        step: The averaged diff, or what a server optimizer has made of it.

    Raises:
        AggregationError: The step has other shapes, or the result is not finite.
    """
    require_shapes(parameters, step)
    updated: list[np.ndarray] = []
    for index, (old, change) in enumerate(zip(parameters, step, strict=True)):
        new = _minus(old, change)
        if new is None:
            raise AggregationError(
                f"Parameter {index} would no longer be a finite {old.dtype}: the reports are "
                "too large to be averaged."
            )
        updated.append(new)
    return updated


def state_bytes(tensors: Tensors) -> bytes:
    """A checkpoint as PyGrid writes it: fresh ids, no tags, shapes told, plain tensors."""
    state = State.of(tensors)
    return replace(
        state,
        placeholders=tuple(replace(p, id=_fresh_id(), tags=()) for p in state.placeholders),
        entries=tuple(replace(e, id=_fresh_id()) for e in state.entries),
    ).dumps()


def _minus(old: np.ndarray, step: np.ndarray) -> np.ndarray | None:
    """``old - step`` in the dtype of ``old``, None where that cannot hold it."""
    if old.dtype.kind in "iu":
        return _whole_minus(old, step)
    with np.errstate(over="ignore", invalid="ignore"):
        new = (old - step).astype(old.dtype, copy=False)
    return new if np.isfinite(new).all() else None


def _whole_minus(old: np.ndarray, step: np.ndarray) -> np.ndarray | None:
    # Counters stay whole numbers. They are subtracted as such: a float64 would round large ones.
    step = np.rint(step)
    if not (np.abs(step) < 2.0 ** min(8 * old.dtype.itemsize, 63)).all():
        return None
    with np.errstate(over="ignore"):
        new = old - step.astype(np.int64).astype(old.dtype)
    # A result that has wrapped around lies on the other side of where it came from.
    return new if (np.sign(step) == (old > new) * 1.0 - (old < new)).all() else None


def _fresh_id() -> int:
    return secrets.randbelow(10**11)
