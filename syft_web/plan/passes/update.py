"""Steps of gradient descent whose gradient is a product of matrices.

``w - lr * (d.t() @ x)`` passes over an array of the size of ``w`` three times. Here the product
is taken off a copy of ``w`` while it is made: the gradient itself never exists. Each element
is rounded as often as before, so a step differs by the last bit of few elements. (Taking
several products off one after the other would round each element more often: a sum of products
is left as it is.)
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from syft_web.ops.fused import GEMM_STEP
from syft_web.ops.row import Operand
from syft_web.ops.spec import Spec
from syft_web.plan.graph import Call, Graph
from syft_web.plan.passes.base import Liveness, Specs, joined, register_of, same
from syft_web.plan.passes.fuse import Product, product_of

__all__ = ["descend"]


@dataclass(frozen=True, slots=True)
class _Step:
    """``weights - rate * product``.

    Attributes:
        weights: Register.
        rate: A number, or an `Operand` of one element.
        product: What is multiplied.
        made: Index of the call that makes the product.
        scaled: Index of the multiplication by the rate.
    """

    weights: int
    rate: Any
    product: Product
    made: int
    scaled: int


def descend(graph: Graph, specs: Specs) -> Graph:
    """Take products off the weights as they are made."""
    live = Liveness(graph)
    calls: list[Call | None] = list(graph.calls)
    for index, call in enumerate(graph.calls):
        step = _step(index, call, live, specs)
        if step is None:
            continue
        action, command = joined(graph.calls[step.made], graph.calls[step.scaled], call)
        product = step.product
        operands = (Operand(step.weights), step.rate, Operand(product.a), Operand(product.b))
        values = (*operands, product.turn_a, product.turn_b)
        calls[step.made] = Call(
            GEMM_STEP, GEMM_STEP.rule, values, call.outs, False, action, command
        )
        calls[step.scaled] = calls[index] = None
    return replace(graph, calls=tuple(c for c in calls if c is not None))


def _step(index: int, call: Call, live: Liveness, specs: Specs) -> _Step | None:
    if call.row.name != "sub" or call.in_place or any(v not in (None, 1) for v in call.values[2:]):
        return None
    weights, scaled = register_of(call.values[0]), register_of(call.values[1])
    if weights < 0 or scaled < 0 or live.only_use(scaled) != index:
        return None
    at, maker = live.defined[scaled], live.maker(scaled)
    if maker is None or maker.row.name != "mul" or maker.in_place or len(maker.values) != 2:
        return None
    for rate, gradient in (maker.values, maker.values[::-1]):
        register = register_of(gradient)
        if register < 0 or live.only_use(register) != at or not _is_rate(rate, register, specs):
            continue
        if not same(specs[weights], specs[register]) or not same(specs[scaled], specs[register]):
            continue
        made, source = live.defined[register], live.maker(register)
        product = None if source is None else product_of(source, specs)
        if product is not None and product.bias < 0 and _there_before(made, weights, rate, live):
            return _Step(weights, rate, product, made, at)
    return None


def _is_rate(value: Any, gradient: int, specs: Specs) -> bool:
    if isinstance(value, bool):
        return False
    if isinstance(value, int | float):
        return True
    register = register_of(value)
    spec, wanted = specs[register] if register >= 0 else None, specs[gradient]
    if not isinstance(spec, Spec) or not isinstance(wanted, Spec):
        return False
    return spec.size == 1 and spec.ndim <= 2 and spec.dtype == wanted.dtype


def _there_before(made: int, weights: int, rate: Any, live: Liveness) -> bool:
    """Weights and rate exist before the product is made, and nothing writes to them."""
    needed = [weights, *([rate.register] if isinstance(rate, Operand) else [])]
    return all(live.defined[r] < made for r in needed) and live.stable(*needed)
