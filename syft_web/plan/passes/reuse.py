"""Results written into an operand that is needed no more.

``lr * g`` needs no new array when nobody reads ``g`` afterwards, and neither does ``w - (lr * g)``.
This halves the peak of a training step, and saves the time in which new memory is touched for the
first time. Only memory that the plan itself has made is written to: never an input, the
state or a constant, nothing that somebody reads later, nothing read-only.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache, partial
from typing import Any

import numpy as np

from syft_web.ops.dtypes import FLOAT32, FLOAT64
from syft_web.ops.fused import ELEMENTWISE, Chain
from syft_web.ops.row import Row
from syft_web.ops.spec import Spec
from syft_web.plan.graph import Call, Graph
from syft_web.plan.passes.base import Liveness, Specs, named, reads, register_of

__all__ = ["OWN", "in_operands", "writable"]

OWN = frozenset(ELEMENTWISE) | named(
    """
    chain gemm gemm_add gemm_step matmul mm matMul linear addmm bmm sum mean softmax
    log_softmax sigmoid convolution conv2d threshold_backward
    """
)
"""Rows whose result is memory of its own that may be written to."""

_WHOLE_VIEWS = named(
    """
    reshape view view_as flatten t transpose permute squeeze unsqueeze _unsafe_view
    """
)
"""Views that hold every element of what they view, once, and may be written to."""


def writable(register: int, index: int, live: Liveness, specs: Specs) -> bool:
    """Whether the call at this index may write to the register's memory.

    The memory is the plan's own, all of it is in the register, and no call after this one reads
    it.
    """
    roots = live.roots[register]
    if len(roots) != 1:
        return False
    (root,) = roots
    if root in live.outside or root in live.written or live.memory_last[root] > index:
        return False
    maker = live.maker(root)
    if maker is None or maker.row.name not in OWN:
        return False
    own, whole = specs[register], specs[root]
    if not (isinstance(own, Spec) and isinstance(whole, Spec) and own.nbytes == whole.nbytes):
        return False
    return _whole(register, root, live)


def _whole(register: int, root: int, live: Liveness) -> bool:
    """Only views that keep every element stand between the register and its memory."""
    while register != root and register >= 0:
        if register in live.placed:
            register = live.placed[register]
            continue
        maker = live.maker(register)
        if maker is None:
            return False
        if maker.in_place:
            register = register_of(maker.values[maker.target])
        elif maker.row.name in _WHOLE_VIEWS and maker.values:
            register = register_of(maker.values[0])
        else:
            return False
    return register == root


def in_operands(graph: Graph, specs: Specs) -> Graph:
    """Call ufuncs straight for element-by-element calls, and write into an operand that dies."""
    live = Liveness(graph)
    calls: list[Call] = []
    for index, call in enumerate(graph.calls):
        if isinstance(call.rule, Chain):
            calls.append(_taking_over(index, call, call.rule, live, specs))
            continue
        direct = _direct(call, specs)
        if direct is None:
            calls.append(call)
            continue
        target = next(iter(_candidates(index, call, live, specs)), -1)
        calls.append(_called(call, *direct, target))
        if target >= 0:
            live.merge(call.outs[0], target)
    return replace(graph, calls=tuple(calls))


def _candidates(index: int, call: Call, live: Liveness, specs: Specs) -> list[int]:
    out = specs[call.outs[0]]
    read = reads(call.values)
    found: list[int] = []
    operands = call.values if isinstance(call.rule, Chain) else call.values[:2]
    for value in operands:
        register = register_of(value)
        if register < 0:
            continue
        spec = specs[register]
        if not isinstance(spec, Spec) or not isinstance(out, Spec):
            continue
        if spec.shape != out.shape or spec.dtype != out.dtype:
            continue
        if not writable(register, index, live, specs):
            continue
        # Another operand in the same memory, in another order, would be read while written.
        mine = live.roots[register]
        if all(r == register or mine.isdisjoint(live.roots[r]) for r in read):
            found.append(register)
    return found


def _taking_over(index: int, call: Call, chain: Chain, live: Liveness, specs: Specs) -> Call:
    """The chain with results in the memory of arrays that it is the last to read."""
    last_read = {i: at for at, (_, _, operands) in enumerate(chain.code) for i in operands}
    written = {out: at for at, (_, out, _) in enumerate(chain.code)}
    free = _candidates(index, call, live, specs)
    takes: list[int] = []
    for number, register in enumerate(call.outs):
        for place, value in enumerate(call.values[: chain.arrays]):
            target = register_of(value)
            if target in free and last_read[place] <= written[chain.arrays + number]:
                free.remove(target)
                live.merge(register, target)
                takes.append(place)
                break
        else:
            takes.append(-1)
    changed = replace(chain, takes=tuple(takes))
    return replace(call, rule=changed, takes=changed.takes)


def _direct(call: Call, specs: Specs) -> tuple[Callable[..., Any], list[Any]] | None:
    """The call as a function and its operands; None when it is no such, or dtypes are unsure."""
    kind = ELEMENTWISE.get(call.row.name)
    if kind is None or call.in_place or len(call.outs) != 1 or call.row.n_outputs != 1:
        return None
    out = specs[call.outs[0]]
    if not isinstance(out, Spec) or out.dtype not in (FLOAT32, FLOAT64) or not out.shape:
        return None
    if any(extra not in (None, 1, False) for extra in call.values[kind.operands :]):
        return None
    # TensorFlow.js makes float32 of a number first.
    tfjs = bool(call.row.names) and call.row.names[0].startswith("tf.")
    values: list[Any] = []
    casts = False
    for value in call.values[: kind.operands]:
        register = register_of(value)
        if register >= 0:
            spec = specs[register]
            if not isinstance(spec, Spec):
                return None
            casts = casts or spec.dtype != out.dtype
            values.append(value)
        elif isinstance(value, bool | int | float) and not (tfjs and out.dtype != FLOAT32):
            values.append(out.dtype.type(value))
        else:
            return None
    if casts and not kind.casts:
        return None
    if kind.swapped:
        values.reverse()
    return (_casting(kind.function, out.dtype) if casts else kind.function), values


@lru_cache(maxsize=256)
def _casting(function: Callable[..., Any], dtype: np.dtype[Any]) -> Callable[..., Any]:
    return partial(function, dtype=dtype, casting="unsafe")


@lru_cache(maxsize=256)
def _row(name: str, count: int, rule: Callable[..., Any], into: bool) -> Row:
    names = ", ".join(f"Value x{i}" for i in range(count))
    return Row(f"{name}({names}{', Tensor out' if into else ''})", (), rule)


def _called(call: Call, rule: Callable[..., Any], values: list[Any], target: int) -> Call:
    """The call as a ufunc, with the register `target` as its output unless that is -1."""
    into = target >= 0
    row = _row(call.row.name, len(values), rule, into)
    where = call.outs, into, call.action, call.command
    if not into:
        return Call(row, rule, tuple(values), *where)
    position = next(i for i, v in enumerate(values) if register_of(v) == target)
    return Call(row, rule, (*values, values[position]), *where, target=position)
