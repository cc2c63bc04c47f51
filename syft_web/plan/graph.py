"""A role whose commands are resolved: the form on which checking and compiling work.

`syft_web.plan.resolve` makes a `Graph` from a `Role`; `syft_web.plan.verify` checks it,
`syft_web.plan.compile` rewrites it and turns it into a `Program`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from syft_web.ops.row import Operand, Row
from syft_web.plan.values import Placeholder

__all__ = ["Call", "Graph", "operands"]


@dataclass(frozen=True, slots=True)
class Call:
    """One op applied to values: an action, resolved.

    Attributes:
        row: The row of the op table that fitted.
        rule: What is called, positionally, with `values`.
        values: One per parameter of the row: constants, `Operand`s, nested lists of both.
        outs: Registers of the results, in order.
        in_place: The value at `target` is written to, and is the result.
        action: Index of the action; of the first of several that were made one.
        command: The action's command; several are joined by ``" + "``.
        target: Which of `values` an in-place call writes to.
        takes: For each result, which of `values` dies and gives it its memory, -1 for none;
            empty where all results have new memory.
    """

    row: Row
    rule: Callable[..., Any]
    values: tuple[Any, ...]
    outs: tuple[int, ...]
    in_place: bool
    action: int
    command: str
    target: int = 0
    takes: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Graph:
    """A resolved role. Each register is written by at most one call.

    An in-place call gives its target a new register; views taken before share its memory.

    Attributes:
        name: Name of the plan, for messages.
        framework: Whose commands it was written in.
        calls: In order.
        registers: Start values: arrays of the state, None for the rest.
        inputs: Register of each argument.
        placeholders: The input placeholders, for messages.
        outputs: Register of each result.
    """

    name: str
    framework: str
    calls: tuple[Call, ...]
    registers: tuple[Any, ...]
    inputs: tuple[int, ...]
    placeholders: tuple[Placeholder, ...]
    outputs: tuple[int, ...]


def operands(value: Any) -> Iterator[Operand]:
    """Every `Operand` in a value, also inside nested lists."""
    if isinstance(value, Operand):
        yield value
    elif isinstance(value, list | tuple):
        for item in value:
            yield from operands(item)
