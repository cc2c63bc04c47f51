"""A plan as this project's own compact container (`syft_web.wire.bundle`).

Half the size of the protobuf (PySyft writes the main role twice), and None can be an
argument. References are written as ``{"ref": id}``, everything else as itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from syft_web.errors import DecodeError, EncodeError
from syft_web.plan.limits import DEFAULT_LIMITS, Limits, require_actions
from syft_web.plan.state import State, StateEntry
from syft_web.plan.values import Action, Placeholder, Ref
from syft_web.wire import bundle

if TYPE_CHECKING:
    from syft_web.plan.plan import Plan, Role

__all__ = ["plan_from_bundle", "plan_to_bundle"]

_ITEMS = 2  # values in a container for each message of the original format
_KIND = "plan"


def plan_to_bundle(plan: Plan) -> bytes:
    """The plan as a container.

    Raises:
        EncodeError: An argument of a type that has no place in it.
    """
    return bundle.pack(
        _KIND,
        {
            "id": plan.id,
            "name": plan.name,
            "base_framework": plan.base_framework,
            "tags": list(plan.tags),
            "description": plan.description,
            "torchscript": plan.torchscript,
            "input_types": plan.input_types,
            "include_state": plan.include_state,
            "roles": {name: _role_out(role) for name, role in plan.roles.items()},
        },
    )


def plan_from_bundle(
    data: bytes | bytearray | memoryview, framework: str | None, limits: Limits = DEFAULT_LIMITS
) -> Plan:
    """The plan of a container; arrays are read-only views of `data`.

    Raises:
        DecodeError: The container holds something else, or lacks a part.
        PlanInvalidError: The plan lacks that framework.
        PlanLimitError: It is larger than the limits.
    """
    from syft_web.plan.plan import Plan, choose_framework

    value = bundle.unpack(data, _KIND, max_items=limits.max_parts * _ITEMS)
    try:
        require_actions(sum(len(r["actions"]) for r in value["roles"].values()), limits)
        roles = {str(name): _role_in(role) for name, role in value["roles"].items()}
        plan = {
            "id": value["id"],
            "name": str(value["name"]),
            "base_framework": str(value["base_framework"]),
            "tags": tuple(value["tags"]),
            "description": str(value["description"]),
            "torchscript": bytes(value["torchscript"]),
            "input_types": bytes(value["input_types"]),
            "include_state": bool(value["include_state"]),
        }
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        raise DecodeError(
            f"The container's plan lacks a part or has one of another kind ({error!r}).", path=_KIND
        ) from error
    return Plan(**plan, roles=roles, framework=choose_framework(roles, framework), limits=limits)


def _role_out(role: Role) -> dict[str, Any]:
    return {
        "id": role.id,
        "actions": [
            [
                action.command,
                _arg_out(action.target),
                [_arg_out(a) for a in action.args],
                {key: _arg_out(a) for key, a in action.kwargs.items()},
                list(action.return_ids),
            ]
            for action in role.actions
        ],
        "state": [
            [_placeholder_out(p), _entry_out(e)]
            for p, e in zip(role.state.placeholders, role.state.entries, strict=True)
        ],
        "placeholders": [_placeholder_out(p) for p in role.placeholders],
        "inputs": list(role.input_ids),
        "outputs": list(role.output_ids),
        "tags": list(role.tags),
        "description": role.description,
    }


def _role_in(value: dict[str, Any]) -> Role:
    from syft_web.plan.plan import Role

    pairs = value["state"]
    return Role(
        id=value["id"],
        actions=tuple(_action_in(*parts) for parts in value["actions"]),
        state=State(
            tuple(_placeholder_in(p) for p, _ in pairs), tuple(_entry_in(e) for _, e in pairs)
        ),
        placeholders=tuple(_placeholder_in(p) for p in value["placeholders"]),
        input_ids=tuple(map(_id_in, value["inputs"])),
        output_ids=tuple(map(_id_in, value["outputs"])),
        tags=tuple(value["tags"]),
        description=str(value["description"]),
    )


def _action_in(
    command: str, target: Any, args: list[Any], kwargs: dict[str, Any], return_ids: list[Any]
) -> Action:
    if not isinstance(command, str):
        raise TypeError("a command is a text")
    return Action(
        command=command,
        target=_arg_in(target),
        args=tuple(_arg_in(a) for a in args),
        kwargs={str(key): _arg_in(a) for key, a in kwargs.items()},
        return_ids=tuple(map(_id_in, return_ids)),
    )


def _id_in(value: Any) -> int | str:
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise TypeError("an id is an int or a text")
    return value


def _arg_out(value: Any) -> Any:
    if isinstance(value, Ref):
        return {"ref": value.id}
    if isinstance(value, list | tuple):
        return [_arg_out(v) for v in value]
    if isinstance(value, np.generic):
        return value.item()
    if value is None or isinstance(value, bool | int | float | str | np.ndarray):
        return value
    raise EncodeError(
        f"A {type(value).__name__} cannot be an argument of an action. Use numbers, texts, "
        "tensors, references, or lists of these."
    )


def _arg_in(value: Any) -> Any:
    if isinstance(value, dict):
        return Ref(_id_in(value["ref"]))
    if isinstance(value, list):
        return [_arg_in(v) for v in value]
    return value


def _placeholder_out(p: Placeholder) -> list[Any]:
    shape = None if p.expected_shape is None else list(p.expected_shape)
    return [p.id, list(p.tags), p.description, shape]


def _placeholder_in(value: list[Any]) -> Placeholder:
    id, tags, description, shape = value
    return Placeholder(
        _id_in(id), tuple(tags), str(description), None if shape is None else tuple(map(int, shape))
    )


def _entry_out(e: StateEntry) -> list[Any]:
    return [e.array, e.id, e.is_param, e.requires_grad, e.param_id, list(e.tags), e.description]


def _entry_in(value: list[Any]) -> StateEntry:
    array, id, is_param, requires_grad, param_id, tags, description = value
    if not isinstance(array, np.ndarray):
        raise TypeError("a state entry is an array")
    return StateEntry(
        array,
        _id_in(id),
        bool(is_param),
        bool(requires_grad),
        _id_in(param_id),
        tuple(tags),
        str(description),
    )
