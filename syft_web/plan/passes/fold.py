"""Constants computed once, when the plan is compiled, instead of in every run.

Folded are sizes that follow from the shapes (``x.size(0)``, ``x.numel()``), and calls
that depend on nothing but constants and state. Only small results are kept: a
``torch.zeros(1000, 1000)`` costs less to make than to store.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from syft_web.ops.row import Operand
from syft_web.ops.spec import Spec
from syft_web.plan.graph import Call, Graph, operands
from syft_web.plan.passes.base import Liveness, Specs, mapped
from syft_web.plan.passes.effects import is_pure

__all__ = ["LARGEST", "fold"]

LARGEST = 4096
"""Bytes of the largest result that is kept."""


def fold(graph: Graph, specs: Specs) -> Graph:
    """Replace such calls by registers that hold their value from the start."""
    live = Liveness(graph)
    registers = list(graph.registers)
    folded: set[int] = set()
    kept: list[Call] = []
    for call in graph.calls:
        known = _Known(registers, live, specs)
        call = known.in_numbers(call)
        values = known.results(call)
        if values is None:
            kept.append(call)
            continue
        for register, value in zip(call.outs, values, strict=False):
            registers[register] = value
            folded.add(register)
    if len(kept) == len(graph.calls) and all(
        a is b for a, b in zip(kept, graph.calls, strict=True)
    ):
        return graph
    return replace(graph, calls=tuple(kept), registers=tuple(registers))


class _Known:
    """What is certain before the first run."""

    def __init__(self, registers: list[Any], live: Liveness, specs: Specs) -> None:
        self.registers = registers
        self.live = live
        self.specs = specs

    def in_numbers(self, call: Call) -> Call:
        """The call with known numbers in place of 0-d arrays that would be unpacked."""
        if not any(o.convert for o in operands(call.values)):
            return call

        def change(operand: Operand) -> Any:
            number = self._number(operand) if operand.convert else None
            return operand if number is None else number

        return replace(call, values=tuple(mapped(v, change) for v in call.values))

    def _number(self, operand: Operand) -> bool | int | float | None:
        """The Python number, where it is one of the kind that is wanted."""
        spec, array = self.specs[operand.register], self.registers[operand.register]
        if not self.live.stable(operand.register):
            return None
        value = spec.value if isinstance(spec, Spec) else None
        if value is None and isinstance(array, np.ndarray) and array.size == 1:
            value = array.item()
        if value is None or (operand.convert == "int" and not isinstance(value, int)):
            return None
        return _NUMBERS[operand.convert](value)

    def results(self, call: Call) -> list[np.ndarray] | None:
        """What the call gives, or None when that has to wait."""
        if not is_pure(call) or not call.outs or not self.live.stable(*call.outs):
            return None
        sizes = [self.specs[r] for r in call.outs]
        if not all(isinstance(s, Spec) and s.nbytes <= LARGEST for s in sizes):
            return None
        if all(isinstance(s, Spec) and s.value is not None for s in sizes):
            return [np.asarray(s.value, s.dtype) for s in sizes if isinstance(s, Spec)]
        used = list(operands(call.values))
        if any(self.registers[o.register] is None for o in used) or call.row.view:
            return None
        if not self.live.stable(*(o.register for o in used)) or any(o.convert for o in used):
            return None
        try:
            with np.errstate(all="ignore"):
                result = call.rule(*(self._array(v) for v in call.values))
        except Exception:  # it will fail again when the plan runs, and be reported there
            return None
        found = [result] if call.row.n_outputs == 1 else list(result)
        fits = len(found) >= len(call.outs) and all(isinstance(a, np.ndarray) for a in found)
        return found if fits else None

    def _array(self, value: Any) -> Any:
        return mapped(value, lambda operand: self.registers[operand.register])


_NUMBERS: dict[str, Callable[[Any], bool | int | float]] = {
    "int": int,
    "float": float,
    "bool": bool,
    "number": lambda value: value,
}
