"""Why something could not be captured, in words, with the user's own line."""

from __future__ import annotations

import linecache
import traceback
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import jax

from syft_web.errors import BatchSizeError, CaptureError, DataDependentError

__all__ = ["explain", "line_of", "unsupported_form"]

_JAX = str(Path(jax.__file__).parent)
_HERE = str(Path(__file__).parent)


def line_of(equation: Any) -> str:
    """The user's line that an equation of a jaxpr comes from; empty when it is not known."""
    trace = getattr(equation.source_info, "traceback", None)
    frames = getattr(trace, "frames", None) or ()
    return _line((f.file_name, f.line_num) for f in frames)


def explain(error: BaseException) -> CaptureError:
    """The error as one of ours, with the line that is to blame and a way out."""
    if isinstance(error, CaptureError):
        return error
    frames = reversed(traceback.extract_tb(error.__traceback__))
    where = _line((f.filename, f.lineno or 0) for f in frames)
    place = f"\n  at {where}" if where else ""
    kind, text = type(error).__name__, str(error)
    if "InconclusiveDimension" in kind or "symbolic dimension" in text.lower():
        return BatchSizeError(
            "The step depends on the number of rows in a way that is not the same for every "
            "batch. Write it so that it does not, or capture with dynamic_batch=False for one "
            f"batch size.{place}",
            where=where,
        )
    if isinstance(error, jax.errors.JAXTypeError):
        return DataDependentError(
            "The model, loss or metric looks at the values of arrays (an if or a loop on an "
            "array, float(), np.asarray(), .item(), a number of results that is not known "
            "before). A plan is the same for all data: use jnp.where, masks or jnp.clip instead, "
            f"and compute with arrays to the end.{place}",
            where=where,
        )
    first = text.strip().splitlines()[0] if text.strip() else kind
    return CaptureError(f"jax could not run the step on the examples: {first}{place}", where=where)


def unsupported_form(equation: Any, what: str) -> CaptureError:
    """The error for an equation of a known kind in a form that no command has."""
    where = line_of(equation)
    place = f"\n  at {where}" if where else ""
    return CaptureError(f"{equation.primitive.name}: {what}{place}", where=where)


def _line(frames: Iterable[tuple[str, int]]) -> str:
    """The innermost line that is neither jax's nor ours; best one of no installed package."""
    own = [(name, number) for name, number in frames if _is_users(name)]
    outside = [f for f in own if "site-packages" not in f[0]] or own
    if not outside:
        return ""
    name, number = outside[0]
    source = linecache.getline(name, number).strip()
    return f"{name}:{number}: {source}" if source else f"{name}:{number}"


def _is_users(filename: str) -> bool:
    return (
        not filename.startswith((_JAX, _HERE, "<"))
        and "importlib" not in filename
        and Path(filename).name not in ("contextlib.py", "functools.py", "runpy.py")
    )
