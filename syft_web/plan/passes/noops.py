"""Calls that give back what they were given: copies, casts to the same dtype, ``x * 1``.

Only what is exact for every value is taken out. So ``x * 0`` stays (nan and infinities
give nan), and ``x + 0``, which PySyft's autograd writes by the dozen, turns -0.0 into 0.0: it
goes only where there are no signed zeros to turn, or where all readers compare.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np

from syft_web.ops.row import Operand, Row
from syft_web.ops.spec import Spec, Unknown
from syft_web.plan.graph import Call, Graph
from syft_web.plan.passes.base import Liveness, Specs, is_number, named, register_of, renamed, same

__all__ = ["casts", "noops"]

_CASTS = """
to type_as cast bool byte char short int long half float double alias requires_grad_ detach
_to_copy to_copy clone contiguous real conj positive resolve_conj item
"""
_SHAPES = (
    "reshape view view_as flatten expand expand_as broadcast_to squeeze unflatten _unsafe_view"
)
_SAME_WHEN_EQUAL = named(_CASTS) | named(_SHAPES)
"""Rows whose result is their first operand when it has the same shape and dtype."""

_COPIES = named("clone contiguous _to_copy to_copy positive conj")
"""Of these, those that may give other memory."""

_REORDERING = named(
    """
    t transpose permute movedim expand expand_as broadcast_to flip
    """
)
"""Views whose memory is in another order than their elements."""

_COMPARING = named(
    """
    eq ne lt le gt ge equal notEqual less lessEqual greater greaterEqual isnan isinf
    isfinite argmax argmin argMax argMin
    """
)
"""Rows for which -0.0 and 0.0 are the same."""

_TO_INTS = named("bool byte char short int long")
_FROM_INTS = named("to to_copy type_as cast float double half _to_copy")

_NEVER_NEGATIVE_ZERO = named("exp abs square softmax softplus sigmoid")
"""Rows of floats whose result is never -0.0. (`max(-0.0, 0.0)` of relu may be.)"""


def casts(graph: Graph, specs: Specs) -> Graph:
    """Say of casts that change the dtype that their result is memory of its own."""
    calls = [
        replace(call, row=_owning(call.row))
        if call.row.view and call.row.name in _FROM_INTS | _TO_INTS and _changes(call, specs)
        else call
        for call in graph.calls
    ]
    return replace(graph, calls=tuple(calls))


def _changes(call: Call, specs: Specs) -> bool:
    operand = register_of(call.values[0])
    if operand < 0 or len(call.outs) != 1:
        return False
    before, after = specs[operand], specs[call.outs[0]]
    return isinstance(before, Spec) and isinstance(after, Spec) and before.dtype != after.dtype


@lru_cache(maxsize=256)
def _owning(row: Row) -> Row:
    return replace(row, view=False)


def noops(graph: Graph, specs: Specs) -> Graph:
    """Let readers of such calls read the operand instead."""
    live = Liveness(graph)
    # In order, so that what is read through another no-op is known by its real producer.
    names: dict[int, int] = {}
    look = _Look(graph, specs, live, names)
    kept: list[Call] = []
    for call in graph.calls:
        operand = look.replacement(call)
        if operand < 0:
            kept.append(call)
        else:
            names[call.outs[0]] = operand
    return renamed(graph, kept, names)


class _Look:
    """Looks at one call after the other, knowing what was replaced before."""

    def __init__(self, graph: Graph, specs: Specs, live: Liveness, names: dict[int, int]) -> None:
        self.calls = graph.calls
        self.specs = specs
        self.live = live
        self.names = names

    def final(self, value: Any) -> int:
        register = register_of(value)
        return self.names.get(register, register)

    def maker(self, register: int) -> Call | None:
        """The call that makes a register; None for what is there before the first."""
        index = self.live.defined[register]
        return self.calls[index] if index >= 0 else None

    def replacement(self, call: Call) -> int:
        """The register that holds the call's result already, or -1."""
        if call.in_place or len(call.outs) != 1 or call.row.n_outputs != 1 or call.row.writes:
            return -1
        name, out = call.row.name, call.outs[0]
        if name in _SAME_WHEN_EQUAL:
            return self._identity(call, name, out)
        if name in ("t", "transpose"):
            return self._twice_turned(call)
        rule = _ARITHMETIC.get(name)
        if rule is None:
            return -1
        operand = self.final(rule(self, call))
        if operand < 0 or not same(self.specs[operand], self.specs[out]):
            return -1
        return operand if self.live.stable(operand, out) else -1

    def _identity(self, call: Call, name: str, out: int) -> int:
        operand = self.final(call.values[0])
        if operand < 0 or not same(self.specs[operand], self.specs[out]):
            return -1
        if name in _COPIES:
            # A copy also puts a turned matrix in order, which later steps are faster with.
            if not self.live.stable(operand, out) or self._reordered(operand):
                return -1
        elif not call.row.view and not self.live.stable(operand, out):
            return -1
        return operand

    def _reordered(self, register: int) -> bool:
        maker = self.maker(register)
        while maker is not None and maker.row.view:
            if maker.row.name in _REORDERING:
                return True
            if not maker.values or register_of(maker.values[0]) < 0:
                return True
            maker = self.maker(self.final(maker.values[0]))
        return False

    def _twice_turned(self, call: Call) -> int:
        """``x.t().t()`` is x."""
        operand = self.final(call.values[0])
        maker = self.maker(operand) if operand >= 0 else None
        if maker is None or maker.in_place or maker.row.name != call.row.name:
            return -1
        # Compared by what the rest of the arguments say, so the same dimensions are swapped.
        if maker.row.params != call.row.params or maker.values[1:] != call.values[1:]:
            return -1
        source, spec = self.final(maker.values[0]), self.specs[call.outs[0]]
        if source < 0 or not isinstance(spec, Spec) or (len(call.values) == 2 and call.values[1]):
            return -1
        return source if same(self.specs[source], spec) else -1

    def signless(self, register: int) -> bool:
        """Whether the register holds no -0.0, or nobody can tell it from 0.0."""
        spec = self.specs[register]
        return isinstance(spec, Spec) and (spec.dtype.kind != "f" or self._never_negative(register))

    def _never_negative(self, register: int) -> bool:
        maker = self.maker(register)
        if maker is None or maker.in_place:
            return False
        name = maker.row.name
        if name in _NEVER_NEGATIVE_ZERO or (name == "add" and _adds_zero(maker)):
            return True
        if name not in _SAME_WHEN_EQUAL and name not in _REORDERING:
            return False
        source = self.final(maker.values[0])
        if source < 0:
            return False
        before, after = self.specs[source], self.specs[register]
        # Among floats a cast may turn a tiny negative number into -0.0.
        alike = isinstance(before, Spec) and isinstance(after, Spec) and before.dtype == after.dtype
        return self.signless(source) and (alike or (name in _FROM_INTS and _integral(before)))

    def only_compared(self, register: int) -> bool:
        """Every reader gives the same for -0.0 and 0.0."""
        uses = self.live.uses[register]
        return (
            bool(uses)
            and self.live.last[register] < len(self.calls)
            and all(self.calls[i].row.name in _COMPARING for i in uses)
        )


def _integral(spec: Spec | Unknown) -> bool:
    return isinstance(spec, Spec) and spec.dtype.kind != "f"


def _plain(call: Call) -> bool:
    """No ``alpha`` or rounding mode that would make it something else."""
    return all(extra in (None, 1) for extra in call.values[2:])


def _adds_zero(call: Call) -> bool:
    return _plain(call) and (is_number(call.values[1], 0) or is_number(call.values[0], 0))


def _add(look: _Look, call: Call) -> Any:
    if not _plain(call):
        return None
    for a, b in ((call.values[0], call.values[1]), (call.values[1], call.values[0])):
        if is_number(b, -0.0):
            return a
        register = look.final(a)
        if is_number(b, 0) and register >= 0:
            fine = look.signless(register) or look.only_compared(call.outs[0])
            return a if fine else None
    return None


def _sub(_: _Look, call: Call) -> Any:
    return call.values[0] if _plain(call) and is_number(call.values[1], 0) else None


def _mul(_: _Look, call: Call) -> Any:
    for a, b in ((call.values[0], call.values[1]), (call.values[1], call.values[0])):
        if _is_one(b):
            return a
    return None


def _div(_: _Look, call: Call) -> Any:
    return call.values[0] if _plain(call) and _is_one(call.values[1]) else None


def _power(_: _Look, call: Call) -> Any:
    return call.values[0] if _is_one(call.values[1]) else None


def _dropout(_: _Look, call: Call) -> Any:
    given = dict(zip((p.name for p in call.row.params), call.values, strict=True))
    training = given.get("training", given.get("train"))
    return call.values[0] if training is False or is_number(given.get("p"), 0) else None


def _is_one(value: Any) -> bool:
    if isinstance(value, np.ndarray) and value.ndim == 0:
        value = value.item()
    return not isinstance(value, Operand | bool) and is_number(value, 1)


_ARITHMETIC: dict[str, Callable[[_Look, Call], Any]] = {
    "add": _add,
    "sub": _sub,
    "mul": _mul,
    "div": _div,
    "pow": _power,
    "dropout": _dropout,
}
