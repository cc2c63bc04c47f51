"""Matrix products that take what comes after them into themselves.

* ``(a @ b).t()`` becomes ``b.t() @ a.t()``: a product in the order in which it is read on.
* ``a @ b + bias`` and ``relu(a @ b + bias)`` are made without temporaries.
* ``g + a @ b``, where g is needed no more, is added into g without the whole product.

Turning an operand costs nothing: products are made of any strides. Only matrices of one
float dtype are fused. The values are those of the actions up to rounding (the order in
which a product is summed up may differ).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from syft_web.ops.fused import GEMM, GEMM_ADD
from syft_web.ops.row import Operand
from syft_web.ops.spec import Spec
from syft_web.plan.graph import Call, Graph
from syft_web.plan.passes.base import Liveness, Specs, joined, register_of, same
from syft_web.plan.passes.reuse import writable

__all__ = ["Product", "accumulate", "fuse_products", "product_of"]


@dataclass(frozen=True, slots=True)
class Product:
    """The operands of a product of two matrices: registers, and whether each is turned."""

    a: int
    b: int
    bias: int = -1
    turn_a: bool = False
    turn_b: bool = False


def product_of(call: Call, specs: Specs) -> Product | None:
    """The product a call makes, None when it makes none that can be fused."""
    reader = _READERS.get(call.row.name)
    if reader is None or call.in_place or len(call.outs) != 1:
        return None
    found = reader(call.values)
    if found is None or found.a < 0 or found.b < 0:
        return None
    a, b, out = specs[found.a], specs[found.b], specs[call.outs[0]]
    if not (isinstance(a, Spec) and isinstance(b, Spec) and isinstance(out, Spec)):
        return None
    alike = a.ndim == b.ndim == out.ndim == 2 and a.dtype == b.dtype == out.dtype
    if not alike or out.dtype.kind != "f":
        return None
    if found.bias >= 0 and not _is_bias(specs, found.bias, out):
        return None
    return found


def _is_bias(specs: Specs, register: int, out: Spec) -> bool:
    spec = specs[register]
    wanted = ((out.shape[1],), (1, out.shape[1]))
    return isinstance(spec, Spec) and spec.dtype == out.dtype and spec.shape in wanted


def _two(values: tuple[Any, ...]) -> Product | None:
    return Product(register_of(values[0]), register_of(values[1]))


def _two_flags(values: tuple[Any, ...]) -> Product | None:
    flags = values[2] is True, values[3] is True
    return Product(register_of(values[0]), register_of(values[1]), -1, *flags)


def _linear(values: tuple[Any, ...]) -> Product | None:
    x, weight, bias = values
    if bias is not None and register_of(bias) < 0:
        return None
    return Product(register_of(x), register_of(weight), register_of(bias), False, True)


def _addmm(values: tuple[Any, ...]) -> Product | None:
    if len(values) != 5 or not isinstance(values[0], Operand) or values[3:] != (1, 1):
        return None
    bias = register_of(values[0])
    return None if bias < 0 else Product(register_of(values[1]), register_of(values[2]), bias)


def _gemm(values: tuple[Any, ...]) -> Product | None:
    a, b, bias, turn_a, turn_b, relu = values
    if relu:
        return None
    return Product(register_of(a), register_of(b), register_of(bias), turn_a, turn_b)


_READERS: dict[str, Callable[[tuple[Any, ...]], Product | None]] = {
    "matmul": _two,
    "mm": _two,
    "matMul": _two_flags,
    "linear": _linear,
    "addmm": _addmm,
    "gemm": _gemm,
}
_TURNS = {"t": (), "transpose": ((0, 1), (1, 0), (-1, -2), (-2, -1), (None,), ())}


def _call(product: Product, out: int, *calls: Call, relu: bool = False) -> Call:
    action, command = joined(*calls)
    bias = Operand(product.bias) if product.bias >= 0 else None
    values = (Operand(product.a), Operand(product.b), bias, product.turn_a, product.turn_b, relu)
    return Call(GEMM, GEMM.rule, values, (out,), False, action, command)


def fuse_products(graph: Graph, specs: Specs) -> Graph:
    """Take transposes, biases and relu into the products before them."""
    live = Liveness(graph)
    calls: list[Call | None] = list(graph.calls)
    for index, call in enumerate(graph.calls):
        product = product_of(call, specs)
        if product is None:
            continue
        grown = _grown(calls, index, product, live, specs)
        if grown is not None:
            fused, used = grown
            for position in used:
                calls[position] = None
            # Early, so that its operands can be let go early; but after the bias was made.
            bias = register_of(fused.values[2])
            made = live.defined[bias] if bias >= 0 else -1
            calls[next(position for position in used if position > made)] = fused
    return replace(graph, calls=tuple(c for c in calls if c is not None))


def _grown(
    calls: list[Call | None], index: int, product: Product, live: Liveness, specs: Specs
) -> tuple[Call, list[int]] | None:
    """The product with all that can be taken into it, and the positions of what it replaces."""
    first = calls[index]
    if first is None:
        return None
    parts, used, relu = [first], [index], False
    while True:
        out = parts[-1].outs[0]
        after = live.only_use(out)
        follower = calls[after] if after >= 0 else None
        if follower is None or not _may_move(product, follower, live, specs):
            break
        taken = _take(product, out, follower, live, specs)
        if taken is None:
            break
        product, relu = taken
        parts.append(follower)
        used.append(after)
        if relu:
            break
    if len(parts) == 1:
        return None
    return _call(product, parts[-1].outs[0], *parts, relu=relu), used


def _may_move(product: Product, follower: Call, live: Liveness, specs: Specs) -> bool:
    registers = [r for r in (product.a, product.b, product.bias) if r >= 0]
    return live.stable(*registers, *follower.outs) and not follower.in_place


def _take(
    product: Product, out: int, follower: Call, live: Liveness, specs: Specs
) -> tuple[Product, bool] | None:
    name, values = follower.row.name, follower.values
    if not same(specs[out], specs[follower.outs[0]]) and name not in _TURNS:
        return None
    if name in _TURNS and values[1:] in ((), *_TURNS[name]) and product.bias < 0:
        swapped = Product(product.b, product.a, -1, not product.turn_b, not product.turn_a)
        return (swapped, False) if _read_in_order(follower.outs[0], live) else None
    if name == "relu":
        return product, True
    spec = specs[out]
    if name == "add" and product.bias < 0 and isinstance(spec, Spec):
        if any(extra not in (None, 1) for extra in values[2:]):
            return None
        other = register_of(values[1] if register_of(values[0]) == out else values[0])
        if other >= 0 and other != out and _is_bias(specs, other, spec) and live.stable(other):
            return replace(product, bias=other), False
    return None


def _read_in_order(register: int, live: Liveness) -> bool:
    """Whether somebody beside other products reads it; for those a turned view is as good."""
    names = {live.calls[i].row.name for i in live.uses[register]}
    return live.last[register] >= len(live.calls) or not names <= set(_READERS)


def accumulate(graph: Graph, specs: Specs) -> Graph:
    """Add products into sums that are needed no more."""
    live = Liveness(graph)
    calls: list[Call | None] = list(graph.calls)
    for index, call in enumerate(graph.calls):
        found = _sum(index, call, graph, live, specs)
        if found is None:
            continue
        total, at, product = found
        maker = graph.calls[at]
        action, command = joined(maker, call)
        values = (
            Operand(total),
            Operand(product.a),
            Operand(product.b),
            product.turn_a,
            product.turn_b,
        )
        calls[at] = Call(GEMM_ADD, GEMM_ADD.rule, values, call.outs, True, action, command)
        calls[index] = None
    return replace(graph, calls=tuple(c for c in calls if c is not None))


def _sum(
    index: int, call: Call, graph: Graph, live: Liveness, specs: Specs
) -> tuple[int, int, Product] | None:
    """Register of the sum, position of the product, and the product, of ``sum + product``."""
    if call.row.name != "add" or call.in_place or call.row.n_outputs != 1:
        return None
    if any(extra not in (None, 1) for extra in call.values[2:]):
        return None
    first, second = register_of(call.values[0]), register_of(call.values[1])
    for total, made in ((first, second), (second, first)):
        if total < 0 or made < 0 or live.only_use(made) != index:
            continue
        at = live.defined[made]
        product = product_of(graph.calls[at], specs) if at >= 0 else None
        if product is None or product.bias >= 0 or not same(specs[total], specs[made]):
            continue
        # The sum is there before the product is made, and nobody reads it in between.
        untouched = all(
            not at <= use < index
            for root in live.roots[total]
            for register in live.sharing[root]
            for use in live.uses[register]
        )
        if live.defined[total] < at and untouched and writable(total, index, live, specs):
            return total, at, product
    return None
