"""Cases for aten operators: how they are written, and how they run here and in torch."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from syft_web.ops import table

Array = np.ndarray
ATEN = "torch.ops.aten."
PREFIXES = {"F.": "torch.nn.functional.", "T.": "torch."}


@dataclass(frozen=True)
class Case:
    """One call of ``torch.ops.aten.<name>``.

    Attributes:
        name: ``op.overload``; or ``F.f`` for ``torch.nn.functional.f``, ``T.f`` for ``torch.f``.
        args: Positional arguments; arrays become tensors.
        kwargs: Keyword arguments.
        tol: Relative and absolute tolerance of float32 results; float64 gets a thousandth.
        shape_only: The values are random: only shapes and dtypes are compared.
        only: Results to compare; the others are not defined. Empty means all.
    """

    name: str
    args: tuple[Any, ...]
    kwargs: dict[str, Any] = field(default_factory=dict)
    tol: float = 3e-6
    shape_only: bool = False
    only: tuple[int, ...] = ()

    @property
    def command(self) -> str:
        """As a plan writes it."""
        prefix = PREFIXES.get(self.name[:2])
        return ATEN + self.name if prefix is None else prefix + self.name[2:]

    def __str__(self) -> str:
        shapes = [
            "x".join(map(str, a.shape)) or "0d" if isinstance(a, Array) else str(a)[:20]
            for a in self.args
        ]
        return f"{self.name}-{'-'.join(shapes)}"[:90]


def case(
    name: str,
    *args: Any,
    tol: float = 3e-6,
    shape_only: bool = False,
    only: tuple[int, ...] = (),
    **kwargs: Any,
) -> Case:
    """Short for `Case`."""
    return Case(name, args, kwargs, tol, shape_only, only)


def r(*shape: int, at: float = 1.0, dtype: Any = np.float32, scale: float = 2.0) -> Array:
    """Different numbers around zero, always the same for a shape."""
    count = math.prod(shape)
    waves = np.sin(np.arange(1, count + 1) * 1.7 * at + 0.3 * at) * scale
    # Few digits keep the recorded examples short.
    return np.round(waves, 3).astype(dtype).reshape(shape)


def pos(*shape: int, at: float = 1.0) -> Array:
    """Different numbers between 0.1 and 0.9."""
    waves = np.abs(np.sin(np.arange(1, math.prod(shape) + 1) * 1.3 * at)) * 0.8 + 0.1
    return np.round(waves, 3).astype(np.float32).reshape(shape)


def ints(*shape: int, below: int = 5, dtype: Any = np.int64, at: int = 7) -> Array:
    """Ints from 0 to below - 1."""
    count = math.prod(shape)
    return (np.arange(count) * at % 11 % below).astype(dtype).reshape(shape)


def strided(a: Array) -> Array:
    """The same values in memory with gaps and reversed order of dimensions."""
    wide = np.zeros((*a.shape[::-1], 2), a.dtype)
    view = wide[..., 0].T
    view[...] = a
    return view


def mapped(value: Any, change: Any) -> Any:
    """Replace arrays, also inside lists."""
    if isinstance(value, Array | np.generic):
        return change(np.asarray(value))
    if isinstance(value, list):
        return [mapped(v, change) for v in value]
    return value


def ours(c: Case, change: Any = np.array) -> list[Any]:
    """The results of the op table, None where there is none."""
    op = table.lookup(c.command, method=False)
    assert op is not None, f"{c.name} is not in the op table"
    bound = op.bind(
        [mapped(a, change) for a in c.args], {k: mapped(v, change) for k, v in c.kwargs.items()}
    )
    with np.errstate(all="ignore"):
        found = bound.rule(*bound.values)
    return list(found) if isinstance(found, tuple | list) else [found]
