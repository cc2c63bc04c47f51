"""Element-by-element calls on arrays of one shape, made one call that passes over memory once.

Calls belong together where one reads what the other makes. A group is done where its last
call stood: everything it needs is there by then, and it ends before the first call outside
that reads one of its values. Results are unchanged (see `syft_web.kernels.chain`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

import numpy as np

from syft_web.ops.dtypes import FLOAT32
from syft_web.ops.fused import CHAIN_PLACES, CHAIN_SIZE, CHAINED, ELEMENTWISE, Chain
from syft_web.ops.row import Operand, Row
from syft_web.ops.spec import Spec
from syft_web.plan.graph import Call, Graph
from syft_web.plan.passes.base import Liveness, Specs, is_number, reads, register_of, same

__all__ = ["chains"]

_LENGTH = 48
"""Operations in one chain; a step of Adam for one parameter has some fourteen."""


@dataclass(frozen=True, slots=True)
class _Operation:
    """One call as a chain does it.

    Attributes:
        name: Among the chain's operations.
        arrays: Registers of operands, in order, with None where a number stands.
        numbers: The numbers: registers of one element, or constants.
    """

    name: str
    arrays: tuple[int | None, ...]
    numbers: tuple[Operand | float | None, ...]


@dataclass(eq=False, slots=True)
class _Group:
    """Calls that belong together."""

    shape: tuple[int, ...]
    calls: dict[int, _Operation] = field(default_factory=dict)
    made: set[int] = field(default_factory=set)
    read: set[int] = field(default_factory=set)


def chains(graph: Graph, specs: Specs) -> Graph:
    """Make chains of calls that work element by element."""
    live = Liveness(graph)
    grouping = _Grouping(graph, specs, live)
    for index, call in enumerate(graph.calls):
        grouping.add(index, call)
    calls: list[Call | None] = list(graph.calls)
    for group in grouping.groups:
        if len(group.calls) > 1:
            last = max(group.calls)
            chained = _chained(group, graph, live)
            if chained is None:
                continue
            for index in group.calls:
                calls[index] = None
            calls[last] = chained
    return replace(graph, calls=tuple(call for call in calls if call is not None))


class _Grouping:
    """Walks through the calls once and collects the groups."""

    def __init__(self, graph: Graph, specs: Specs, live: Liveness) -> None:
        self.graph, self.specs, self.live = graph, specs, live
        self.groups: list[_Group] = []
        self._open: dict[int, _Group] = {}
        """By the registers they make."""

    def add(self, index: int, call: Call) -> None:
        """See what the next call means for the groups so far."""
        read = reads(call.values)
        touched = {id(g): g for r in read if (g := self._open.get(r)) is not None}
        operation = _operation(call, self.specs, self.live)
        if operation is None:
            for group in [*touched.values(), *self._overwritten(call)]:
                self._close(group)
            return
        shape = self.specs[call.outs[0]].shape  # type: ignore[union-attr]
        groups = list(touched.values())
        if any(g.shape != shape for g in groups) or not _fits(groups, operation):
            for group in groups:
                self._close(group)
            groups = []
        group = self._merged(groups, shape)
        group.calls[index] = operation
        group.made.add(call.outs[0])
        group.read |= read
        self._open[call.outs[0]] = group

    def _overwritten(self, call: Call) -> list[_Group]:
        """Groups whose values lie in memory that the call writes to."""
        if not call.in_place and not call.row.writes:
            return []
        roots = frozenset().union(*(self.live.roots[r] for r in reads(call.values)))
        return [
            group
            for group in {id(g): g for g in self._open.values()}.values()
            if any(not roots.isdisjoint(self.live.roots[r]) for r in group.read | group.made)
        ]

    def _merged(self, groups: Sequence[_Group], shape: tuple[int, ...]) -> _Group:
        if not groups:
            group = _Group(shape)
            self.groups.append(group)
            return group
        first, *others = groups
        for other in others:
            first.calls |= other.calls
            first.made |= other.made
            first.read |= other.read
            self.groups.remove(other)
            for register in other.made:
                self._open[register] = first
        return first

    def _close(self, group: _Group) -> None:
        for register in group.made:
            self._open.pop(register, None)


def _fits(groups: Sequence[_Group], operation: _Operation) -> bool:
    """Whether the kernel has places for all of it, however its values are used."""
    operations = [op for group in groups for op in group.calls.values()] + [operation]
    if len(operations) > _LENGTH:
        return False
    made = {r for group in groups for r in group.made}
    arrays = {r for op in operations for r in op.arrays if r is not None and r not in made}
    numbers = {_key(n) for op in operations for n in op.numbers if n is not None}
    most_arrays, most_others = CHAIN_PLACES
    made_here = len(operations)
    return len(arrays) + made_here <= most_arrays and len(numbers) + made_here <= most_others


def _key(number: Operand | float | None) -> tuple[str, Any]:
    if isinstance(number, Operand):
        return "register", number.register
    return "constant", np.float32(number).tobytes()


# -- one call -----------------------------------------------------------------------------------


def _operation(call: Call, specs: Specs, live: Liveness) -> _Operation | None:
    """The call as one of a chain's operations; None where it is no such."""
    kind = ELEMENTWISE.get(call.row.name)
    if kind is None or call.in_place or len(call.outs) != 1 or call.row.n_outputs != 1:
        return None
    out = specs[call.outs[0]]
    if not isinstance(out, Spec) or out.dtype != FLOAT32 or out.size < CHAIN_SIZE:
        return None
    name = _NAMES.get(call.row.name, call.row.name)
    operands = list(call.values[: kind.operands])
    if name == "threshold_backward":
        if not is_number(operands.pop(), 0.0):
            return None
    elif any(extra not in (None, 1, False) for extra in call.values[kind.operands :]):
        return None
    if name == "square":
        name, operands = "mul", operands * 2
    elif name == "reciprocal":
        name, operands = "div", [1.0, *operands]
    elif kind.swapped:
        operands.reverse()
    if name not in CHAINED:
        return None
    arrays: list[int | None] = []
    numbers: list[Operand | float | None] = []
    for value in operands:
        array = _array(value, out, specs)
        arrays.append(array)
        numbers.append(_number(value, specs) if array is None else None)
        if array is None and numbers[-1] is None:
            return None
    if all(a is None for a in arrays) or not live.stable(*reads(operands)):
        return None
    return _Operation(name, tuple(arrays), tuple(numbers))


_NAMES = {"rsub": "sub", "rtruediv": "div"}


def _array(value: Any, out: Spec, specs: Specs) -> int | None:
    register = register_of(value)
    return register if register >= 0 and same(specs[register], out) else None


def _number(value: Any, specs: Specs) -> Operand | float | None:
    """A number of the plan, or an array of one element that does not widen the result."""
    if isinstance(value, bool | int | float):
        return float(value)
    register = register_of(value)
    spec = specs[register] if register >= 0 else None
    if isinstance(spec, Spec) and spec.size == 1 and spec.dtype == FLOAT32 and spec.ndim <= 1:
        return Operand(register)
    return None


# -- one chain ----------------------------------------------------------------------------------


def _chained(group: _Group, graph: Graph, live: Liveness) -> Call | None:
    """The call that does what those of a group do; None where nobody needs any of it."""
    indices = sorted(group.calls)
    calls = [graph.calls[i] for i in indices]
    inside = set(indices)
    results = [
        call.outs[0]
        for call in calls
        if live.last[call.outs[0]] == len(graph.calls)
        or not inside.issuperset(live.uses[call.outs[0]])
    ]
    return _Writer(group, results, calls).call() if results else None


class _Writer:
    """Numbers the values of a chain and gives places to those in between."""

    def __init__(self, group: _Group, results: list[int], calls: list[Call]) -> None:
        self.results, self.calls = results, calls
        self.operations = [group.calls[i] for i in sorted(group.calls)]
        found = [r for op in self.operations for r in op.arrays if r is not None]
        self.arrays = [r for r in dict.fromkeys(found) if r not in group.made]
        self.constants: dict[tuple[str, Any], float] = {}
        self.numbers: dict[tuple[str, Any], Operand] = {}
        for number in (n for op in self.operations for n in op.numbers if n is not None):
            if isinstance(number, Operand):
                self.numbers[_key(number)] = number
            else:
                self.constants[_key(number)] = number
        self.between = 0

    def call(self) -> Call:
        """The chain as a call."""
        code = self._code()
        chain = Chain(
            len(self.arrays), len(self.results), tuple(self.constants.values()),
            len(self.numbers), self.between, code, (-1,) * len(self.results),
        )  # fmt: skip
        row = _row(len(self.arrays) + len(self.numbers), len(self.results))
        values = (*map(Operand, self.arrays), *self.numbers.values())
        commands = [call.command for call in self.calls]
        names = " + ".join(commands[:2]) + (f" + {len(commands) - 2} more" * (len(commands) > 2))
        return Call(row, chain, values, tuple(self.results), False, self.calls[0].action, names)

    def _code(self) -> tuple[tuple[str, int, tuple[int, ...]], ...]:
        arrays = {r: i for i, r in enumerate([*self.arrays, *self.results])}
        numbers = {key: len(arrays) + i for i, key in enumerate([*self.constants, *self.numbers])}
        first = len(arrays) + len(numbers)
        last_read = {
            r: i for i, op in enumerate(self.operations) for r in op.arrays if r is not None
        }
        places: dict[int, int] = {}
        free: list[int] = []
        code = []
        for index, (op, call) in enumerate(zip(self.operations, self.calls, strict=True)):
            operands = tuple(
                numbers[_key(number)] if array is None
                else arrays.get(array, places.get(array, -1))
                for array, number in zip(op.arrays, op.numbers, strict=True)
            )  # fmt: skip
            read = {r for r in op.arrays if r is not None}
            free += [places[r] for r in read if last_read[r] == index and r in places]
            out = call.outs[0]
            if out in arrays:
                target = arrays[out]
            else:
                if not free:
                    free.append(first + self.between)
                    self.between += 1
                target = places[out] = free.pop()
            code.append((op.name, target, operands))
        return tuple(code)


@lru_cache(maxsize=256)
def _row(count: int, results: int) -> Row:
    names = ", ".join(f"Tensor x{i}" for i in range(count))
    outs = ", ".join(["Tensor"] * results)
    return Row(f"chain({names}) -> {outs}", (), Chain, kernel="chain")
