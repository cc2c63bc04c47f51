"""Calls that were written twice, and calls whose results nobody reads."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import replace
from typing import Any

import numpy as np

from syft_web.ops.row import Operand
from syft_web.plan.graph import Call, Graph
from syft_web.plan.passes.base import Liveness, Specs, reads, renamed
from syft_web.plan.passes.effects import is_pure

__all__ = ["dead", "repeated"]


def repeated(graph: Graph, specs: Specs) -> Graph:
    """Let the readers of a call that was made before read the first one's result.

    Never merged are calls that draw random numbers, and calls whose operands or results some
    call writes to.
    """
    live = Liveness(graph)
    names: dict[int, int] = {}
    first: dict[Hashable, Call] = {}
    kept: list[Call] = []
    for call in graph.calls:
        key = _key(call, names) if is_pure(call) else None
        if key is None or not live.stable(*call.outs, *reads(call.values)):
            kept.append(call)
            continue
        earlier = first.setdefault(key, call)
        if earlier is call:
            kept.append(call)
        else:
            names.update(zip(call.outs, earlier.outs, strict=True))
    return renamed(graph, kept, names)


def _key(call: Call, names: dict[int, int]) -> Hashable:
    parts = tuple(_frozen(value, names) for value in call.values)
    return id(call.row), id(call.rule), len(call.outs), parts


def _frozen(value: Any, names: dict[int, int]) -> Hashable:
    """The value such that equal ones mean the same in every bit."""
    if isinstance(value, Operand):
        return Operand, names.get(value.register, value.register), value.convert
    if isinstance(value, list):
        return tuple(_frozen(item, names) for item in value)
    if isinstance(value, np.ndarray):
        return id(value)
    return type(value), repr(value)


def dead(graph: Graph, specs: Specs) -> Graph:
    """Drop calls whose results nobody reads, unless they do something beside."""
    needed = set(graph.outputs)
    kept: list[Call] = []
    for call in reversed(graph.calls):
        if is_pure(call) and needed.isdisjoint(call.outs):
            continue
        kept.append(call)
        needed |= reads(call.values)
    if len(kept) == len(graph.calls):
        return graph
    return replace(graph, calls=tuple(reversed(kept)))
