"""Why something could not be captured, in words, with the user's own line."""

from __future__ import annotations

import linecache
import sys
import traceback
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any

import torch
from torch.fx.experimental.symbolic_shapes import ShapeEnv

from syft_web.errors import BatchSizeError, CaptureError, DataDependentError

__all__ = ["WatchedSizes", "check_batch_size", "explain", "user_line"]

_TORCH = str(Path(torch.__file__).parent)
_HERE = str(Path(__file__).parent)
_SIZES = (*range(1, 34), 63, 64, 65, 100, 127, 128, 129, 1000, 1024, 4096)
"""Batch sizes for which an assumption must hold, to count as none."""


def user_line(frame: FrameType | None = None) -> str:
    """The innermost line of the present stack that is neither torch's nor ours; or nothing."""
    frame = frame or sys._getframe(1)
    while frame is not None:
        name = frame.f_code.co_filename
        if _is_users(name):
            return _line(name, frame.f_lineno)
        frame = frame.f_back
    return ""


def explain(error: BaseException) -> CaptureError:
    """The error as one of ours, with the line that is to blame and a way out."""
    if isinstance(error, CaptureError):
        return error
    # Where no line of the user runs inside the step, the one that asks for the capture.
    where = _blamed(error.__traceback__) or user_line()
    place = f"\n  at {where}" if where else ""
    kind = type(error).__name__
    text = str(error)
    if _depends_on_data(kind, text):
        return DataDependentError(
            "The model, loss or metric looks at the values of tensors (an if or a loop on a "
            "tensor, .item(), float(), .numpy(), .tolist(), a number of results that is not "
            "known before). A plan is the same for all data: use torch.where, masks or clamp "
            f"instead, and compute with tensors to the end.{place}",
            where=where,
        )
    if "_orig_mod" in text or "dynamo" in text.lower() or "torch.compile" in text:
        return CaptureError(
            "A module made by torch.compile cannot be captured. Give the module that it was made "
            f"of: model._orig_mod.{place}",
            where=where,
        )
    if "concrete integers" in text or "with symbolic sizes" in text:
        return BatchSizeError(
            "torch cannot do a part of this step while the batch size is open. Capture with "
            f"dynamic_batch=False for one batch size, or write that part otherwise.{place}",
            where=where,
        )
    first = text.strip().splitlines()[0] if text.strip() else kind
    return CaptureError(
        f"torch could not run the step on the examples: {first}{place}", where=where
    )


def _depends_on_data(kind: str, text: str) -> bool:
    return (
        "DataDependent" in kind
        or "DynamicOutputShape" in kind
        or "_local_scalar_dense" in text
        or "data-dependent" in text.lower()
        or "Cannot access data pointer" in text
        or ".numpy() is not supported" in text
        or ("can't convert" in text.lower() and "numpy" in text)
        or "call numpy()" in text.lower()
    )


class WatchedSizes(ShapeEnv):
    """Torch's record of what it assumes about sizes, with the user's line for each assumption.

    Attributes:
        assumed: (assumption, line of the user, whether it is torch's choice of a kernel).
    """

    def __init__(self) -> None:
        # A number that is taken out of a tensor is refused at the line that does it.
        super().__init__(allow_scalar_outputs=False)
        self.assumed: list[tuple[Any, str, bool]] = []

    def evaluate_expr(self, *args: Any, **kwargs: Any) -> Any:
        """Called by torch wherever it must know whether something holds for a size."""
        known = len(self.guards)
        result = super().evaluate_expr(*args, **kwargs)
        for guard in self.guards[known:]:
            self.assumed.append((guard.expr, user_line(), _in_convolution()))
        return result


def check_batch_size(sizes: WatchedSizes) -> None:
    """Refuse a graph that was specialised on the size of the example batch.

    Assumptions that hold for every size are none; torch's choice among equal kernels of
    convolution does not change the result.

    Raises:
        BatchSizeError: The step would be another for another size of the batch.
    """
    for expr, where, choice in sizes.assumed:
        if choice or _always_true(expr):
            continue
        raise BatchSizeError(
            f"The step was captured for some batch sizes only: {_said(expr)} was taken for "
            "granted, because it holds for the example. Write it so that it does not depend on "
            "the number of rows, or capture with dynamic_batch=False for this one batch size."
            + (f"\n  at {where}" if where else ""),
            where=where,
        )


def _always_true(expr: Any) -> bool:
    # All batches of one step have the same number of rows: one value for all symbols.
    return all(bool(expr.subs(dict.fromkeys(expr.free_symbols, n))) for n in _SIZES)


def _in_convolution() -> bool:
    frame: FrameType | None = sys._getframe(2)
    while frame is not None:
        code = frame.f_code
        if code.co_name == "conv" and Path(code.co_filename).name == "fake_impls.py":
            return True
        frame = frame.f_back
    return False


def _said(expr: Any) -> str:
    text = str(expr)
    for symbol in expr.free_symbols:
        text = text.replace(str(symbol), "rows")
    return text


def _blamed(tb: TracebackType | None) -> str:
    """The innermost line of a traceback that is the user's."""
    own = [f for f in traceback.extract_tb(tb) if _is_users(f.filename)]
    return _line(own[-1].filename, own[-1].lineno or 0) if own else ""


def _is_users(filename: str) -> bool:
    return (
        not filename.startswith((_TORCH, _HERE, "<"))
        and "importlib" not in filename
        and Path(filename).name not in ("contextlib.py", "functools.py")
    )


def _line(filename: str, number: int) -> str:
    source = linecache.getline(filename, number).strip()
    return f"{filename}:{number}: {source}" if source else f"{filename}:{number}"
