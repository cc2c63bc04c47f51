"""A role as readable text, one action a line.

Inputs are ``in0``, ``in1``, ...; state ``state0``, ...; outputs ``out0``, ...; everything
else ``v0``, ``v1``, ... in order of appearance::

    v0 = in0.__matmul__(in1)
    out0 = v0.__add__(in2)
    return out0
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from syft_web.plan.values import Action, Arg, Id, Ref

if TYPE_CHECKING:
    from syft_web.plan.plan import Role

__all__ = ["listing"]


def listing(role: Role) -> str:
    """The role's actions as text, ending with its ``return`` line and a newline."""
    names = _names(role)
    lines = [_line(action, names) for action in role.actions]
    lines.append(f"return {', '.join(names[id] for id in role.output_ids)}".rstrip())
    return "\n".join(lines) + "\n"


def _names(role: Role) -> dict[Id, str]:
    names: dict[Id, str] = {}
    for i, id in enumerate(role.input_ids):
        names.setdefault(id, f"in{i}")
    for i, placeholder in enumerate(role.state.placeholders):
        names.setdefault(placeholder.id, f"state{i}")
    for i, id in enumerate(role.output_ids):
        names.setdefault(id, f"out{i}")
    count = 0
    for action in role.actions:
        for id in action.return_ids:
            if id not in names:
                names[id] = f"v{count}"
                count += 1
    return names


def _line(action: Action, names: dict[Id, str]) -> str:
    args = [_text(a, names) for a in action.args]
    args += [f"{key}={_text(a, names)}" for key, a in action.kwargs.items()]
    call = f"{action.command}({', '.join(args)})"
    if action.target is not None:
        call = f"{_text(action.target, names)}.{call}"
    results = ", ".join(names[id] for id in action.return_ids)
    return f"{results} = {call}" if results else call


def _text(value: Arg, names: dict[Id, str]) -> str:
    if isinstance(value, Ref):
        return names.get(value.id, f"undefined({value.id!r})")
    if isinstance(value, list | tuple):
        return f"[{', '.join(_text(v, names) for v in value)}]"
    if isinstance(value, np.ndarray):
        return f"tensor({value.dtype}[{','.join(map(str, value.shape))}])"
    return repr(value)
