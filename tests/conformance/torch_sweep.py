"""Runs one command of the op table both here and in torch, and compares everything.

A case is a list of arguments written as a plan writes them. It is given to the command as
torch knows it (``torch.f``, ``torch.nn.functional.f``, ``Tensor.f``, ``torch.ops.aten.f``) and
to the row that the op table binds it to, there in several memory layouts.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Container, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from syft_web.ops import table
from syft_web.ops.row import BindError, Row

Array = np.ndarray


@dataclass(frozen=True)
class Case:
    """Arguments of one call, the target of a method first."""

    args: tuple[Any, ...]
    kwargs: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        shown = [described(a) for a in self.args]
        shown += [f"{key}={described(a)}" for key, a in self.kwargs.items()]
        return f"({', '.join(shown)})"


def call(*args: Any, **kwargs: Any) -> Case:
    """A case."""
    return Case(args, kwargs)


def described(value: Any) -> str:
    """An argument in a few words; small arrays with their values."""
    if isinstance(value, np.ndarray):
        numbers = f" {_numbers(value)}" if value.size <= 6 else ""
        return f"{value.dtype}{list(value.shape)}{numbers}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(described, value))}]"
    return repr(value)


def _numbers(values: Array) -> str:
    return f"({', '.join(f'{v:.9g}' for v in values.ravel().tolist())})"


@dataclass(frozen=True)
class Tolerance:
    """How far a float may be from torch's.

    Attributes:
        ulps: Units in the last place, relative to the value itself.
        scale: Below this size errors count as if the value had it. ``None`` means the largest
            number of the result: sums of many terms of mixed signs.
        signs: Whether -0.0 differs from 0.0.
    """

    ulps: float = 0.0
    scale: float | None = 0.0
    signs: bool = False

    def accepts(self, got: Array, want: Array) -> Array:
        """Which elements are near enough; nan equals nan."""
        if want.dtype.kind != "f":
            return np.asarray(got == want)
        with np.errstate(all="ignore"):
            same = np.asarray((got == want) | (np.isnan(got) & np.isnan(want)))
            if self.signs:
                same &= (np.signbit(got) == np.signbit(want)) | (want != 0)
            if self.ulps == 0 or same.all():
                return same
            size = np.abs(want.astype(np.float64))
            finite = size[np.isfinite(size)]
            least = self.scale
            if least is None:
                least = float(finite.max()) if finite.size else 0.0
            bound = np.maximum(size, least) * self.ulps * float(np.finfo(want.dtype).eps)
            # Below the normal range the last place has a fixed size.
            bound = np.maximum(bound, self.ulps * float(np.finfo(want.dtype).smallest_subnormal))
            away = np.abs(got.astype(np.float64) - want.astype(np.float64))
            return np.asarray(same | (np.isfinite(want) & (away <= bound)))


EXACT = Tolerance(signs=True)
UNSIGNED = Tolerance()
"""Exact but for the signs of zeros, where they depend on how torch was compiled."""


@dataclass
class Counts:
    """What happened to the cases of one command."""

    compared: int = 0
    refused: int = 0
    rows: set[int] = field(default_factory=set)
    problems: list[str] = field(default_factory=list)


def counterpart(name: str) -> Callable[..., Any] | None:
    """torch's function of this name, None when it has none."""
    if name.startswith("."):
        found = getattr(torch.Tensor, name[1:], None)
        if found is None or callable(found):
            return found
        return lambda self: getattr(self, name[1:])
    found = torch
    for part in name.split(".")[1:]:
        found = getattr(found, part, None)
        if found is None:
            return None
    return found if callable(found) else None


def _expanded(a: Array) -> bool:
    """Whether some elements lie on the same memory, as after expand."""
    return a.size > 1 and any(s == 0 and n > 1 for n, s in zip(a.shape, a.strides, strict=True))


def to_torch(value: Any) -> Any:
    """An argument as torch wants it; always memory of its own."""
    if isinstance(value, np.ndarray):
        if not _expanded(value):
            return torch.from_numpy(np.array(value, order="C"))
        one = value[tuple(slice(0, 1) if s == 0 else slice(None) for s in value.strides)]
        return torch.from_numpy(np.array(one, order="C")).expand(value.shape)
    if isinstance(value, list):
        return [to_torch(v) for v in value]
    if isinstance(value, str) and value.startswith("torch."):
        return getattr(torch, value[6:]) if not value.endswith("Tensor") else value
    return value


def from_torch(value: Any) -> list[Array]:
    """All results as arrays, in order."""
    if isinstance(value, torch.Tensor):
        return [value.detach().numpy()]
    if isinstance(value, torch.Size):
        return [np.asarray(value, np.int64)]
    if isinstance(value, list | tuple):
        return [a for v in value for a in from_torch(v)]
    return [np.asarray(value, {float: np.float32, int: np.int64}.get(type(value)))]


def strided(a: Array) -> Array:
    """The same values in memory with gaps and reversed order of dimensions."""
    wide = np.zeros((*a.shape[::-1], 2), a.dtype)
    view: Array = wide[..., 0].T
    view[...] = a
    return view


def backwards(a: Array) -> Array:
    """The same values in memory from the last to the first."""
    turned = np.empty(a.shape, a.dtype)[(slice(None, None, -1),) * a.ndim + (...,)]
    turned[...] = a
    return turned


LAYOUTS: dict[str, Callable[[Array], Array]] = {
    "contiguous": lambda a: np.array(a, order="C"),
    "strided": strided,
    "backwards": backwards,
}


def _laid_out(value: Any, change: Callable[[Array], Array]) -> Any:
    if isinstance(value, np.ndarray):
        return value if _expanded(value) else change(value)
    return [_laid_out(v, change) for v in value] if isinstance(value, list) else value


def arrays_in(*values: Any) -> Iterator[Array]:
    """The arrays among arguments."""
    for value in values:
        if isinstance(value, np.ndarray):
            yield value
        elif isinstance(value, list | tuple):
            yield from arrays_in(*value)


IS_SCATTERED = "a result is not contiguous; torch's is, so a view of it would not be a copy"
IS_COPY = "a result is a copy; torch's shares memory"
_MISSING_KERNEL = (
    "not implemented for",
    "not supported for",
    "is not supported on",
    "not support bool",
)
_SIGNATURE = (
    "Expected a value of type",
    "Unknown keyword argument",
    "is missing value for argument",
    "positional argument(s) but",
    "expected at most",
)
"""Words of the refusals of ``torch.ops``, which elsewhere are TypeErrors."""
"""Words of torch's refusals that speak of its own kernels, not of what the call means."""


@dataclass(frozen=True)
class Torch:
    """What torch made of a case: results, or the text of its refusal."""

    results: list[Array] | None
    target: Array | None
    shares: list[bool]
    contiguous: list[bool] = field(default_factory=list)
    refusal: str = ""
    meaningless: bool = False


def _off_schema(function: Any, args: list[Any]) -> bool:
    """Whether ``torch.ops`` would turn an argument into the type its schema wants."""
    schema = getattr(function, "_schema", None)
    for wanted, value in zip(schema.arguments if schema else (), args, strict=False):
        kind = str(wanted.type).removeprefix("Optional[").removesuffix("]")
        if kind == "bool" and not isinstance(value, bool | None):
            return True
        if kind in ("int", "number", "float", "SymInt") and isinstance(value, torch.Tensor):
            return True
        if ("int" in kind or "Int" in kind) and isinstance(value, bool):
            return True
    return False


def ask_torch(function: Callable[..., Any], case: Case) -> Torch:
    """Call torch; a call that its signature does not allow says nothing about meaning."""
    args = [to_torch(a) for a in case.args]
    kwargs = {key: to_torch(a) for key, a in case.kwargs.items()}
    given = [a for a in (*args, *kwargs.values()) if isinstance(a, torch.Tensor)]
    given += [a for v in args if isinstance(v, list) for a in v if isinstance(a, torch.Tensor)]
    if _off_schema(function, args):
        return Torch(None, None, [], [], "another overload", meaningless=True)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = function(*args, **kwargs)
    except (TypeError, NotImplementedError) as error:
        return Torch(None, None, [], [], str(error), meaningless=True)
    except (RuntimeError, ValueError, IndexError, AssertionError, ZeroDivisionError) as error:
        text = str(error)
        return Torch(None, None, [], [], text, any(w in text for w in _MISSING_KERNEL + _SIGNATURE))
    if found is None and args:  # __setitem__
        found = args[0]
    if found is NotImplemented:
        return Torch(None, None, [], [], "NotImplemented", meaningless=True)
    tensors = [found] if isinstance(found, torch.Tensor) else list(_tensors(found))
    memory = {a.untyped_storage().data_ptr() for a in given if a.numel()}
    shares = [bool(t.numel()) and t.untyped_storage().data_ptr() in memory for t in tensors]
    target = args[0].detach().numpy() if args and isinstance(args[0], torch.Tensor) else None
    return Torch(from_torch(found), target, shares, [t.is_contiguous() for t in tensors])


def _tensors(value: Any) -> Iterator[torch.Tensor]:
    if isinstance(value, torch.Tensor):
        yield value
    elif isinstance(value, list | tuple):
        for v in value:
            yield from _tensors(v)


def sweep(
    name: str,
    cases: list[Case],
    tolerance: Callable[[Case, Row], Tolerance],
    lenient: Callable[[Row, str], bool] = lambda row, refusal: False,
    copied: Container[str] = (),
) -> Counts:
    """Compare all cases of one command.

    Args:
        name: As in the op table.
        cases: What to call it with.
        tolerance: How exact a result must be.
        lenient: Whether a row may compute what torch refuses with these words.
        copied: Names of rows whose results may be copies where torch's are views.
    """
    counts = Counts()
    function = counterpart(name)
    assert function is not None, name
    op = table.lookup(name.removeprefix("."), method=name.startswith("."))
    assert op is not None, name
    for case in cases:
        if op.in_place and (not case.args or not _fit_for_writing(case.args[0])):
            continue
        truth = ask_torch(function, case)
        if truth.meaningless:
            continue
        for layout, change in LAYOUTS.items():
            problem = _compare(op, case, truth, layout, change, tolerance, lenient, counts)
            if problem == IS_COPY and op.rows[0].name in copied:
                problem = ""
            if problem:
                counts.problems.append(f"{name}{case}, {layout}: {problem}")
                break
    return counts


def _fit_for_writing(target: Any) -> bool:
    return isinstance(target, np.ndarray) and not _expanded(target)


def _compare(
    op: table.Op,
    case: Case,
    truth: Torch,
    layout: str,
    change: Callable[[Array], Array],
    tolerance: Callable[[Case, Row], Tolerance],
    lenient: Callable[[Row, str], bool],
    counts: Counts,
) -> str:
    args = [_laid_out(a, change) for a in case.args]
    kwargs = {key: _laid_out(a, change) for key, a in case.kwargs.items()}
    before = [a.copy() for a in arrays_in(args, *kwargs.values())]
    try:
        bound = op.bind(args, kwargs)
        with np.errstate(all="ignore"):
            found = bound.rule(*bound.values)
    except BindError as error:
        return "" if truth.results is None else f"does not bind: {error}"
    except Exception as error:
        if truth.results is None:
            counts.refused += 1
            return ""
        return f"refused ({type(error).__name__}: {error}); torch computes it"
    results = list(found) if isinstance(found, list | tuple) else [found]
    if truth.results is None:
        if lenient(bound.row, truth.refusal):
            return ""
        return f"computed ({described(results[0])}); torch refuses: {truth.refusal[:100]}"
    problem = _results(results, truth.results, tolerance(case, bound.row))
    if problem:
        return problem
    given = list(arrays_in(args, *kwargs.values()))
    if bound.in_place:
        problem = _in_place(given[0], results[0], truth, bound.row)
        given, before = given[1:], before[1:]
    else:
        problem = _sharing(results, given, truth, bound.row, layout == "contiguous")
    if not problem and not bound.row.writes:
        for a, kept in zip(given, before, strict=True):
            if not np.array_equal(a, kept, equal_nan=a.dtype.kind == "f"):
                problem = "changed an argument"
    counts.compared += 1
    counts.rows.add(id(bound.row))
    return problem


def _results(results: list[Array], wanted: list[Array], tolerance: Tolerance) -> str:
    if len(results) != len(wanted):
        return f"{len(results)} results, torch gives {len(wanted)}"
    for k, (got, want) in enumerate(zip(results, wanted, strict=True)):
        if type(got) is not np.ndarray:
            return f"result {k} is a {type(got).__name__}, no array"
        if got.dtype != want.dtype or got.shape != want.shape:
            return f"result {k}: {got.dtype}{got.shape}, torch gives {want.dtype}{want.shape}"
        good = tolerance.accepts(got, want)
        if not good.all():
            here, there = _numbers(got[~good][:5]), _numbers(want[~good][:5])
            return f"result {k}: {here} where torch gives {there}"
    return ""


def _in_place(target: Array, result: Array, truth: Torch, row: Row) -> str:
    if row.rebinds and result is not target:
        return "" if np.shares_memory(result, target) or not target.size else "lost the target"
    if result is not target:
        return "an in-place command gave another array than its target"
    assert truth.target is not None
    return "" if target.shape == truth.target.shape else "the target has another shape"


def _sharing(
    results: list[Array], given: list[Array], truth: Torch, row: Row, same_layout: bool
) -> str:
    """A view is a view exactly where torch makes one (of arguments with the same layout)."""
    for k, (got, shares) in enumerate(zip(results, truth.shares, strict=False)):
        found = any(np.shares_memory(got, a) for a in given)
        if found and not row.view:
            return f"result {k} lies in an argument's memory, but the row is no view"
        if not same_layout:
            continue
        if found != shares:
            return "a result shares memory; torch's is a copy" if found else IS_COPY
        if not shares and truth.contiguous[k] and not got.flags.c_contiguous:
            return IS_SCATTERED
    return ""
