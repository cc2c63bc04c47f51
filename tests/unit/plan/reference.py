"""A plain interpreter of roles, to compare the compiled programs with.

It keeps one array per placeholder and calls the op table's rules action by action. Nothing is
resolved beforehand, merged, freed or reused.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from syft_web.ops import table
from syft_web.plan import Ref, Role
from syft_web.plan.values import Id


def interpret(role: Role, *args: np.ndarray, framework: str = "torch") -> list[np.ndarray]:
    """Copies of the results."""
    values: dict[Id, Any] = {id: np.array(a) for id, a in zip(role.input_ids, args, strict=True)}
    for placeholder, entry in zip(role.state.placeholders, role.state.entries, strict=True):
        values[placeholder.id] = np.array(entry.array)
    with np.errstate(all="ignore"):
        for action in role.actions:
            given = [_of(a, values) for a in action.args]
            kwargs = {key: _of(a, values) for key, a in action.kwargs.items()}
            if action.target is not None:
                given.insert(0, _of(action.target, values))
            op = table.lookup(action.command, method=action.target is not None,
                              framework=framework)  # fmt: skip
            assert op is not None
            bound = op.bind(given, kwargs)
            result = bound.rule(*bound.values)
            several = bound.row.n_outputs != 1
            if not bound.in_place and any(result is value for value in values.values()):
                result = result.view()  # another tensor in the same memory
            if bound.in_place and bound.row.rebinds:
                target = bound.values[0]
                for id in [id for id, value in values.items() if value is target]:
                    values[id] = result
            for id, value in zip(action.return_ids, result if several else [result], strict=False):
                values[id] = value
    return [np.array(values[id]) for id in role.output_ids]


def _of(value: Any, values: dict[Id, Any]) -> Any:
    if isinstance(value, Ref):
        return values[value.id]
    return [_of(v, values) for v in value] if isinstance(value, list) else value
