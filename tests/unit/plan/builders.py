"""Short ways to write a plan down in a test."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from syft_web.plan import Action, Placeholder, Plan, Ref, Role, State, StateEntry


def ref(value: Any) -> Any:
    """Texts that begin with ``$`` are references, also inside lists."""
    if isinstance(value, str) and value.startswith("$"):
        return Ref(value[1:])
    return [ref(v) for v in value] if isinstance(value, list) else value


def act(results: str, command: str, *args: Any, on: Any = None, **kwargs: Any) -> Action:
    """``act("z", "add", "$y", on="$x")`` is ``z = x.add(y)``; no results: ``""``."""
    return Action(
        command,
        ref(on),
        tuple(ref(a) for a in args),
        {key: ref(a) for key, a in kwargs.items()},
        tuple(results.split()),
    )


def role(
    inputs: str,
    actions: Sequence[Action],
    outputs: str,
    state: dict[str, np.ndarray] | None = None,
    shapes: dict[str, tuple[int, ...]] | None = None,
) -> Role:
    """A role whose ids are texts."""
    shapes = shapes or {}
    return Role(
        id="role",
        actions=tuple(actions),
        state=State(
            tuple(Placeholder(id) for id in state or {}),
            tuple(StateEntry(a, id=k) for k, a in enumerate((state or {}).values())),
        ),
        placeholders=tuple(Placeholder(id, expected_shape=shapes.get(id)) for id in inputs.split()),
        input_ids=tuple(inputs.split()),
        output_ids=tuple(outputs.split()),
    )


def plan(inputs: str, actions: Sequence[Action], outputs: str, **more: Any) -> Plan:
    """A checked plan of one torch role."""
    return Plan.from_role(role(inputs, actions, outputs, **more), name="test")


def f(*values: Any) -> np.ndarray:
    """A float32 array."""
    return np.array(values[0] if len(values) == 1 else values, np.float32)
