"""What every pass needs: who uses which register, which memory it may lie in, rewriting.

A pass is a function ``(graph, specs) -> graph``. It changes nothing it is given, makes no new
registers, and leaves alone whatever it does not know for certain. `specs` has one entry per
register.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from syft_web.ops.row import Operand
from syft_web.ops.spec import Spec, Unknown
from syft_web.plan.graph import Call, Graph

__all__ = [
    "OUTSIDE",
    "Liveness",
    "Pass",
    "Specs",
    "is_number",
    "joined",
    "mapped",
    "named",
    "reads",
    "register_of",
    "renamed",
    "same",
]

Specs = Sequence[Spec | Unknown]
Pass = Callable[[Graph, Specs], Graph]

OUTSIDE = -1
"""The memory of constants that stand in a call itself."""


class Liveness:
    """Where each register is defined and used, and which memory it may lie in.

    Attributes:
        calls: The graph's calls.
        defined: Index of the defining call by register; -1 for what is there before.
        uses: Indices of the calls that read it, by register.
        last: Index of the last such call; the number of calls for outputs, -1 for none.
        roots: The memory a register may lie in, each named by the register that began it.
        memory_last: Index of the last call that reads any register of a root.
        sharing: Registers by root.
        outside: Roots of inputs, state and constants.
        written: Roots that some recorded action writes to.
        placed: Registers whose value was put into another's memory, and that other.
    """

    def __init__(self, graph: Graph) -> None:
        count = len(graph.registers)
        self.calls = graph.calls
        self.defined = [-1] * count
        self.uses: list[list[int]] = [[] for _ in range(count)]
        self.roots: list[frozenset[int]] = [frozenset((r,)) for r in range(count)]
        self.outside = {OUTSIDE, *graph.inputs}
        self.outside.update(r for r, v in enumerate(graph.registers) if v is not None)
        self.written: set[int] = set()
        self.placed: dict[int, int] = {}
        for index, call in enumerate(graph.calls):
            self._add(index, call)
        self.last = [uses[-1] if uses else -1 for uses in self.uses]
        for register in graph.outputs:
            self.last[register] = len(graph.calls)
        self.memory_last: dict[int, int] = {}
        self.sharing: dict[int, list[int]] = {}
        for register, roots in enumerate(self.roots):
            for root in roots:
                self.sharing.setdefault(root, []).append(register)
                known = self.memory_last.get(root, -1)
                self.memory_last[root] = max(known, self.last[register])

    def _add(self, index: int, call: Call) -> None:
        read = reads(call.values)
        for register in read:
            self.uses[register].append(index)
        if call.in_place:
            roots = self._roots_of(call.values[call.target])
            # A row without names is the compiler's own: it writes where nobody else reads.
            if call.row.names:
                self.written |= roots
        elif call.row.view:
            roots = frozenset().union(*map(self._roots_of, call.values))
        else:
            roots = frozenset()
        for register in call.outs:
            self.defined[register] = index
            if roots:
                self.roots[register] = roots
        for register, take in zip(call.outs, call.takes, strict=False):
            if take >= 0:
                self.roots[register] = self._roots_of(call.values[take])
        if call.row.writes:
            for param, value in zip(call.row.params, call.values, strict=True):
                if param.name in call.row.writes:
                    self.written |= self._roots_of(value)

    def _roots_of(self, value: Any) -> frozenset[int]:
        if isinstance(value, Operand):
            return frozenset() if value.convert else self.roots[value.register]
        if isinstance(value, list):
            return frozenset().union(*map(self._roots_of, value))
        return frozenset((OUTSIDE,)) if isinstance(value, np.ndarray) else frozenset()

    def maker(self, register: int) -> Call | None:
        """The call that defines a register; None for what is there before the first."""
        index = self.defined[register]
        return self.calls[index] if index >= 0 else None

    def merge(self, register: int, target: int) -> None:
        """The register's value will lie in the memory of `target` (both have one root)."""
        (before,), (after,) = self.roots[register], self.roots[target]
        moved = self.sharing.pop(before)
        for one in moved:
            self.roots[one] = (self.roots[one] - {before}) | {after}
        self.sharing[after] += moved
        self.memory_last[after] = max(self.memory_last[after], self.memory_last.pop(before))
        self.placed[register] = target

    def stable(self, *registers: int) -> bool:
        """Nothing in the plan writes to the memory of these registers."""
        return all(self.written.isdisjoint(self.roots[r]) for r in registers)

    def only_use(self, register: int) -> int:
        """The index of the one call that reads it; -1 when there are others or it is an output."""
        uses = self.uses[register]
        return uses[0] if len(uses) == 1 and self.last[register] == uses[0] else -1


def reads(values: Iterable[Any]) -> set[int]:
    """The registers that some values stand for."""
    found: set[int] = set()
    for value in values:
        if isinstance(value, Operand):
            found.add(value.register)
        elif isinstance(value, list):
            found |= reads(value)
    return found


def named(text: str) -> frozenset[str]:
    """The names in a text, separated by spaces."""
    return frozenset(text.split())


def register_of(value: Any) -> int:
    """The register of a plain `Operand`, -1 for anything else."""
    return value.register if isinstance(value, Operand) and not value.convert else -1


def is_number(value: Any, wanted: float) -> bool:
    """Whether it is this Python number (signed zeros are told apart)."""
    return (
        isinstance(value, bool | int | float)
        and value == wanted
        and str(float(value)) == str(float(wanted))
    )


def same(a: Spec | Unknown, b: Spec | Unknown) -> bool:
    """Both are known, with the same shape and dtype."""
    return isinstance(a, Spec) and isinstance(b, Spec) and a.shape == b.shape and a.dtype == b.dtype


def mapped(value: Any, change: Callable[[Operand], Any]) -> Any:
    """A value with every `Operand` in it replaced, also inside lists."""
    if isinstance(value, Operand):
        return change(value)
    if isinstance(value, list):
        return [mapped(item, change) for item in value]
    return value


def renamed(graph: Graph, calls: Iterable[Call], names: Mapping[int, int]) -> Graph:
    """The graph with these calls, reading other registers in place of some.

    Args:
        graph: What to change.
        calls: Its new calls.
        names: Register to the register that stands for it (chains are followed).
    """
    if not names:
        return replace(graph, calls=tuple(calls))
    final = {register: _end(register, names) for register in names}

    def change(operand: Operand) -> Operand:
        found = final.get(operand.register)
        return operand if found is None else Operand(found, operand.convert)

    changed = [
        replace(call, values=tuple(mapped(v, change) for v in call.values))
        if not reads(call.values).isdisjoint(final)
        else call
        for call in calls
    ]
    outputs = tuple(final.get(r, r) for r in graph.outputs)
    return replace(graph, calls=tuple(changed), outputs=outputs)


def _end(register: int, names: Mapping[int, int]) -> int:
    while register in names:
        register = names[register]
    return register


def joined(*calls: Call) -> tuple[int, str]:
    """Action index and command of several calls made one: the first index, all commands."""
    return min(c.action for c in calls), " + ".join(c.command for c in calls)
