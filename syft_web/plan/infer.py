"""Shapes and dtypes of every value of a graph, and the work of every call, before any data.

Works through the calls once, in order. A call whose operands do not fit is a problem; its
results are then unknown, and an unknown value makes no further problems.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from syft_web.ops.bounds import TooLargeError
from syft_web.ops.infer import result_specs
from syft_web.ops.infer.common import fits
from syft_web.ops.infer.scratch import scratch_of
from syft_web.ops.infer.work import work_of
from syft_web.ops.inplace import CATEGORY
from syft_web.ops.row import Operand
from syft_web.ops.spec import UNKNOWN, Spec, Unknown, spec_of
from syft_web.plan.graph import Call, Graph

__all__ = ["Inference", "Problem", "infer_graph"]

_SHOWN_OPERANDS = 8


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that is wrong with one action.

    Attributes:
        action: Index of the action, -1 when none is to blame.
        command: Its command.
        text: What is wrong, in plain words.
        limit: It is no contradiction; it would only need too much.
    """

    action: int
    command: str
    text: str
    limit: bool = False

    def __str__(self) -> str:
        if self.action < 0:
            return self.text
        command = repr(self.command)
        shown = command if len(command) <= 80 else command[:77] + "..."
        return f"action {self.action} ({shown}): {self.text}"


@dataclass(frozen=True, slots=True)
class Inference:
    """What is known of a graph's values.

    Attributes:
        specs: One per register; None where no array is held, or no call has written yet.
        problems: Calls whose operands do not fit, in order.
        work: Floating-point operations of each call, about; 0 where nothing is known.
        scratch: Bytes that each call needs beside its results, at most; 0 where not known.
    """

    specs: tuple[Spec | Unknown | None, ...]
    problems: tuple[Problem, ...]
    work: tuple[int, ...]
    scratch: tuple[int, ...]


def infer_graph(graph: Graph, inputs: Sequence[Spec | Unknown]) -> Inference:
    """Find the spec of every register.

    Args:
        graph: The calls, each writing registers of its own.
        inputs: One spec per input; `UNKNOWN` where nothing is known.
    """
    walk = _Walk(graph, inputs)
    for call in graph.calls:
        walk.add(call)
    return Inference(tuple(walk.specs), tuple(walk.problems), tuple(walk.work), tuple(walk.scratch))


class _MisfitError(Exception):
    """An argument that cannot be what the rule wants."""


class _Walk:
    def __init__(self, graph: Graph, inputs: Sequence[Spec | Unknown]) -> None:
        self.specs: list[Spec | Unknown | None] = [
            spec_of(value) if isinstance(value, np.ndarray) else None for value in graph.registers
        ]
        for register, spec in zip(graph.inputs, inputs, strict=True):
            self.specs[register] = spec
        self.problems: list[Problem] = []
        self.work: list[int] = []
        self.scratch: list[int] = []
        self.valued: list[int] = []  # registers whose spec carries a number

    def add(self, call: Call) -> None:
        """Infer one call's results."""
        work = scratch = 0
        results: tuple[Spec | Unknown, ...] = (UNKNOWN,)
        try:
            values = [self._known(value) for value in call.values]
            results = result_specs(call.row, values)
            work = work_of(call.row, values, results)
            scratch = scratch_of(call.row, values, results)
            if call.in_place and not call.row.rebinds:
                results = (_written(values[call.target], results[0]),)
        except (ValueError, _MisfitError) as error:
            self._problem(call, str(error), limit=isinstance(error, TooLargeError))
            target = call.values[call.target] if call.in_place else None
            if isinstance(target, Operand):
                results = (self._spec(target.register),)
        self.work.append(work)
        self.scratch.append(scratch)
        if self._may_change_a_number(call):
            self._forget_numbers()
            results = tuple(_without_value(r) for r in results)
        self._store(call, results)

    def _problem(self, call: Call, text: str, *, limit: bool = False) -> None:
        found: list[str] = []
        for value in call.values:
            if isinstance(value, Operand):
                found.append(str(self._spec(value.register)))
            elif isinstance(value, list):
                found += [str(self._spec(v.register)) for v in value if isinstance(v, Operand)]
        more = f", and {len(found) - _SHOWN_OPERANDS} more" if len(found) > _SHOWN_OPERANDS else ""
        operands = ", ".join(found[:_SHOWN_OPERANDS]) or "none"
        text = text.strip().rstrip(".") or "the operands do not fit"
        self.problems.append(
            Problem(call.action, call.command, f"{text}. Operands: {operands}{more}.", limit)
        )

    # -- what a rule is given ---------------------------------------------------------------

    def _spec(self, register: int) -> Spec | Unknown:
        spec = self.specs[register]
        return UNKNOWN if spec is None else spec

    def _known(self, value: Any) -> Any:
        if isinstance(value, Operand):
            spec = self._spec(value.register)
            return _as_number(spec, value.convert) if value.convert else spec
        if isinstance(value, np.ndarray):
            return Spec(value.shape, value.dtype, value.item() if value.ndim == 0 else None)
        if isinstance(value, list | tuple):
            return [self._known(v) for v in value]
        return value

    # -- what comes out -----------------------------------------------------------------------

    def _store(self, call: Call, results: tuple[Spec | Unknown, ...]) -> None:
        if len(results) < len(call.outs):
            if any(isinstance(r, Spec) for r in results):
                text = f"it gave {len(results)} results where {len(call.outs)} are expected"
                self._problem(call, text)
            results = (UNKNOWN,) * len(call.outs)
        for register, spec in zip(call.outs, results, strict=False):
            self.specs[register] = spec
            if isinstance(spec, Spec) and spec.value is not None:
                self.valued.append(register)

    def _may_change_a_number(self, call: Call) -> bool:
        """Whether an array of one element may be written to, under whatever name."""
        changed = [call.values[call.target]] if call.in_place else []
        if call.row.writes:
            pairs = zip(call.row.params, call.values, strict=True)
            changed += [value for param, value in pairs if param.name in call.row.writes]
        for value in changed:
            spec = self._spec(value.register) if isinstance(value, Operand) else None
            if isinstance(spec, Unknown) or (spec is not None and spec.size <= 1):
                return True
        return False

    def _forget_numbers(self) -> None:
        for register in self.valued:
            self.specs[register] = _without_value(self._spec(register))
        self.valued.clear()


def _without_value(spec: Spec | Unknown) -> Spec | Unknown:
    if isinstance(spec, Unknown) or spec.value is None:
        return spec
    return Spec(spec.shape, spec.dtype)


def _as_number(spec: Spec | Unknown, convert: str) -> Any:
    """The Python number that a 0-d array stands for; its spec where the number is not known."""
    if isinstance(spec, Unknown):
        return spec
    if spec.size != 1:
        raise _MisfitError(f"a number is wanted, not a tensor of shape {spec.shape}")
    if convert == "int" and spec.dtype.kind == "f":
        raise _MisfitError(f"an int is wanted, not an element of {spec.dtype}")
    if spec.value is None:
        return spec
    return {"float": float, "bool": bool}.get(convert, lambda value: value)(spec.value)


def _written(target: Any, result: Spec | Unknown) -> Spec | Unknown:
    """What an in-place action leaves: the target keeps its shape and dtype."""
    if isinstance(target, Unknown):
        return target
    spec = Spec(target.shape, target.dtype)
    if isinstance(result, Unknown):
        return spec
    if not fits(result.shape, target.shape):
        raise _MisfitError(
            f"the result of shape {result.shape} does not fit in place into the target of shape "
            f"{target.shape}"
        )
    if CATEGORY[result.dtype.kind] > CATEGORY[target.dtype.kind]:
        raise _MisfitError(
            f"the result type {result.dtype} cannot be stored in place in a target of type "
            f"{target.dtype}"
        )
    return spec
