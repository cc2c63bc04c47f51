"""The error of an action that failed, or that is certain to fail with these arguments."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from syft_web.errors import PlanExecutionError, PlanShapeError
from syft_web.plan.arguments import Arguments

__all__ = ["described", "failure", "reason_of"]

_BROADCAST = re.compile(r"operands could not be broadcast together", re.IGNORECASE)
_SHAPE = re.compile(r"\(([\d,]*)\)")
_NAMED = 4  # arguments named in a message before "and n more"


def failure(
    arguments: Arguments,
    shapes: Sequence[tuple[int, ...] | None],
    text: str,
    *,
    action: int,
    command: str,
    by_shape: bool,
) -> PlanExecutionError:
    """The error to raise.

    Args:
        arguments: Of the plan.
        shapes: Of the arguments given; None for one that is not known.
        text: Reason and operands, in sentences.
        action: Index of the action.
        command: Its command.
        by_shape: Whether an argument's shape may be to blame; then those that differ from the
            recording are named.
    """
    message = f"Action {action} ({command}) of plan {arguments.name!r} failed: {text}"
    suspects = _unlike_recorded(arguments, shapes) if by_shape else []
    kind = PlanExecutionError
    if suspects:
        kind = PlanShapeError
        shown = "; ".join(suspects[:_NAMED])
        more = len(suspects) - _NAMED
        message += f" Check the shapes of the arguments: {shown}" + (
            f"; and {more} more." if more > 0 else "."
        )
    return kind(message, index=action, command=command)


def _unlike_recorded(arguments: Arguments, shapes: Sequence[tuple[int, ...] | None]) -> list[str]:
    """Arguments whose shape differs from the recording, those beyond the batch size first."""
    worse: list[str] = []
    better: list[str] = []
    for i, (shape, placeholder) in enumerate(zip(shapes, arguments.placeholders, strict=True)):
        recorded = placeholder.expected_shape
        if shape is None or recorded is None or recorded == shape:
            continue
        text = f"{arguments.input_name(i)} has shape {shape}, at recording time it was {recorded}"
        (better if shape[1:] == recorded[1:] and shape else worse).append(text)
    return worse + better


def reason_of(error: Exception | str) -> str:
    """The error in a sentence; numpy's broadcasting failure in the words of the original client."""
    text = str(error).strip() or type(error).__name__
    if _BROADCAST.search(text):
        shapes = [found.strip(",") for found in _SHAPE.findall(text)]
        if not shapes:  # in these words already
            return text[0].upper() + text[1:].rstrip(".") + "."
        return f"Operands could not be broadcast together with shapes {' and '.join(shapes)}."
    if isinstance(error, MemoryError):
        text = f"out of memory ({text})"
    return text if text.endswith((".", "!")) else text + "."


def described(value: Any) -> str:
    """Type and shape of an operand, never its contents."""
    if isinstance(value, np.ndarray):
        return f"{value.dtype}[{','.join(map(str, value.shape))}]"
    if isinstance(value, list) and any(isinstance(v, np.ndarray) for v in value):
        return f"[{', '.join(map(described, value))}]"
    return repr(value)
