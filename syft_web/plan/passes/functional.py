"""In-place actions made ordinary ones where nobody can tell the difference.

torch's autograd adds gradients up with ``add_``. As long as such actions write to memory, no
other pass may touch what shares it. Where no view of the target is read afterwards, the action
is the same as one that gives a new array; `syft_web.plan.passes.reuse` then finds out again
whether it can be written into the target.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from syft_web.ops.infer import result_specs
from syft_web.ops.row import Operand
from syft_web.ops.spec import Spec, Unknown
from syft_web.plan.graph import Call, Graph
from syft_web.plan.passes.base import Liveness, Specs, mapped, named, register_of, renamed, same

__all__ = ["functional"]


_ONCE = named(
    """
    reshape view view_as flatten unflatten t transpose permute movedim squeeze unsqueeze
    select narrow slice split split_with_sizes chunk unbind getitem diagonal alias detach to
    type_as bool byte char short int long half float double cast contiguous requires_grad_
    dropout expandDims
    """
)
"""Views in which each element of what they view is at most once."""


def functional(graph: Graph, specs: Specs) -> Graph:
    """Replace in-place calls whose writing nobody sees."""
    if not any(call.in_place for call in graph.calls):
        return graph
    # After one is replaced, less memory is shared: a later one may then be free as well.
    for _ in range(8):
        live = Liveness(graph)
        calls = [
            _pure(call) if call.in_place and _free(i, call, live, specs) else call
            for i, call in enumerate(graph.calls)
        ]
        if all(a is b for a, b in zip(calls, graph.calls, strict=True)):
            break
        graph = renamed(graph, calls, {})
    return graph


def _pure(call: Call) -> Call:
    return replace(call, rule=call.row.rule, in_place=False)


def _free(index: int, call: Call, live: Liveness, specs: Specs) -> bool:
    target = register_of(call.values[call.target])
    if target < 0 or call.row.rebinds or call.row.writes or call.target:
        return False
    if _repeats(target, live):
        return False
    try:
        natural = result_specs(call.row, [_spec_value(v, specs) for v in call.values])
    except ValueError:
        return False
    if len(natural) != 1 or not same(natural[0], specs[target]):
        return False
    return not any(
        live.defined[register] < index < live.last[register]
        for root in live.roots[target]
        for register in live.sharing[root]
    )


def _repeats(register: int, live: Liveness) -> bool:
    """Whether the value may hold an element twice; such a target is refused when it runs."""
    maker = live.maker(register)
    while maker is not None and maker.row.view:
        if maker.row.name not in _ONCE or not maker.values:
            return True
        register = register_of(maker.values[0])
        if register < 0:
            return False
        maker = live.maker(register)
    return False


def _spec_value(value: Any, specs: Specs) -> Any:
    def spec(operand: Operand) -> Spec | Unknown | bool | int | float:
        found = specs[operand.register]
        if operand.convert and isinstance(found, Spec) and found.value is not None:
            return found.value
        return found

    return mapped(value, spec)
