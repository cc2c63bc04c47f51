"""Turns a `Graph` into the flat steps of a `Program`.

Constants get registers, lists that hold values get a small step that packs them, 0-d arrays
that stand for Python numbers one that unpacks them; each step forgets what no later
step reads; and it is settled what has to be copied so that nobody outside sees a change.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from syft_web.ops.row import Operand
from syft_web.plan.arguments import Arguments
from syft_web.plan.graph import Call, Graph
from syft_web.plan.memory import Aliases
from syft_web.plan.program import Program, Step

__all__ = ["lower"]


def lower(graph: Graph, *, note: str = "") -> Program:
    """The program that makes the graph's calls in their order.

    Args:
        graph: What to run; every register is written once.
        note: What was compiled for, for listings.
    """
    lowering = _Lowering(graph)
    for call in graph.calls:
        lowering.add(call)
    return Program(
        arguments=Arguments(graph.name, graph.framework, graph.placeholders),
        steps=_with_last_uses(lowering.steps, lowering.kept()),
        registers=tuple(lowering.registers),
        inputs=graph.inputs,
        outputs=graph.outputs,
        copy_in=lowering.aliases.copied_first(),
        copy_out=lowering.aliases.copied_last(graph.outputs),
        note=note,
    )


class _Lowering:
    """Walks through the calls once, in order."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.registers: list[Any] = list(graph.registers)
        self.constants: dict[tuple[type, Any], int] = {}
        self.converted: dict[tuple[int, str], int] = {}
        self.steps: list[Step] = []
        self.aliases = Aliases()
        for register in graph.inputs:
            self.aliases.external(register)
        for register, value in enumerate(graph.registers):
            if value is not None:
                self.aliases.external(register)

    def kept(self) -> frozenset[int]:
        """Registers that are never let go: results, and what lives longer than the run."""
        constants = (r for r, value in enumerate(self.registers) if value is not None)
        return frozenset((*self.graph.outputs, *constants, *self.constants.values()))

    def _new_register(self, value: Any = None) -> int:
        self.registers.append(value)
        return len(self.registers) - 1

    def add(self, call: Call) -> None:
        """One step, and small ones that unpack or pack its values."""
        sources = [self._source(value, call) for value in call.values]
        single = call.row.n_outputs == 1 and len(call.outs) == 1
        self._alias(call, sources)
        name = call.row.name
        out = call.outs[0] if single else -1
        self._step(call.rule, sources, call, out, call.outs, name, call.in_place)

    def _step(
        self,
        rule: Callable[..., Any],
        sources: Sequence[int],
        call: Call,
        out: int,
        outs: tuple[int, ...] = (),
        name: str = "",
        in_place: bool = False,
    ) -> None:
        several = () if out >= 0 else outs
        where = call.action, call.command
        self.steps.append(Step(rule, tuple(sources), out, several, (), *where, name, in_place))

    def _alias(self, call: Call, sources: list[int]) -> None:
        row = call.row
        if call.in_place:
            written = sources[call.target]
            self.aliases.written(written)
            for register in call.outs:
                self.aliases.view(register, (written,))
        else:
            for register in call.outs:
                self.aliases.view(register, sources) if row.view else self.aliases.fresh(register)
        if row.writes:
            for param, source in zip(row.params, sources, strict=True):
                if param.name in row.writes:
                    self.aliases.written(source)

    def _source(self, value: Any, call: Call) -> int:
        """The register that holds an argument when its step runs."""
        if isinstance(value, Operand):
            return self._converted(value, call) if value.convert else value.register
        if isinstance(value, list) and _holds_operand(value):
            parts: list[int] = []
            template = self._template(value, parts, call)
            register = self._new_register()
            self.aliases.view(register, parts)
            self._step(_packer(template), parts, call, register)
            return register
        return self._constant(value)

    def _converted(self, value: Operand, call: Call) -> int:
        """A Python number out of a 0-d array, unpacked again after each change of the array."""
        key = (value.register, value.convert)
        found = self.converted.get(key)
        if found is None or self.aliases.is_written(value.register):
            found = self.converted[key] = self._new_register()
            self.aliases.fresh(found)
            self._step(_CONVERSIONS[value.convert], (value.register,), call, found)
        return found

    def _template(self, value: list[Any], parts: list[int], call: Call) -> Any:
        """A nested list with positions in `parts` in place of the values."""
        out: list[Any] = []
        for item in value:
            if isinstance(item, list):
                out.append(self._template(item, parts, call))
            else:
                parts.append(self._source(item, call))
                out.append(len(parts) - 1)
        return out

    def _constant(self, value: Any) -> int:
        if value is None or isinstance(value, bool | int | float | str):
            key = (type(value), value)
            found = self.constants.get(key)
            # 0.0 == -0.0, so a float zero is not shared.
            if found is None or value == 0:
                found = self.constants[key] = self._new_register(value)
            return found
        register = self._new_register(value)
        if isinstance(value, np.ndarray):
            self.aliases.external(register)
        return register


def _with_last_uses(steps: list[Step], kept: frozenset[int]) -> tuple[Step, ...]:
    """Let each step forget the values that no later step reads."""
    seen = set(kept)
    reversed_steps: list[Step] = []
    for step in reversed(steps):
        touched = {*step.sources, *step.outs, *((step.out,) if step.out >= 0 else ())}
        free = tuple(sorted(touched - seen))
        seen |= touched
        reversed_steps.append(replace(step, free=free))
    return tuple(reversed(reversed_steps))


def _holds_operand(value: list[Any]) -> bool:
    return any(
        isinstance(v, Operand | np.ndarray) or (isinstance(v, list) and _holds_operand(v))
        for v in value
    )


def _packer(template: list[Any]) -> Callable[..., Any]:
    def pack(*values: Any) -> Any:
        return _filled(template, values)

    return pack


def _filled(template: list[Any], values: tuple[Any, ...]) -> list[Any]:
    return [_filled(t, values) if isinstance(t, list) else values[t] for t in template]


def _as_int(value: np.ndarray) -> int:
    number = value.item()
    if not isinstance(number, int):
        raise TypeError(f"an int is wanted here, not an element of {value.dtype}")
    return number


_CONVERSIONS: dict[str, Callable[[Any], Any]] = {
    "number": lambda value: value.item(),
    "int": _as_int,
    "float": lambda value: float(value.item()),
    "bool": lambda value: bool(value.item()),
}
