"""Plans, states and protocols to and from bytes.

Protobuf is PySyft's own format (protocol.md sections 4.2, 4.5 and 4.6). What PySyft
always writes is always written; what may be missing may be missing.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from syft_web.errors import DecodeError, EncodeError
from syft_web.plan.limits import DEFAULT_LIMITS, Limits, require_actions
from syft_web.plan.state import State, StateEntry
from syft_web.plan.values import Action, Arg, Id, Placeholder, Ref
from syft_web.wire import bundle
from syft_web.wire import syft_proto as pb
from syft_web.wire.count import count_parts
from syft_web.wire.tensors import from_array, to_array, to_arrays

if TYPE_CHECKING:
    from syft_web.plan.plan import Plan, Protocol, Role

__all__ = [
    "plan_from_bytes",
    "plan_to_bytes",
    "protocol_from_bytes",
    "protocol_to_bytes",
    "state_from_bytes",
    "state_to_bytes",
]

Buffer = bytes | bytearray | memoryview

# Where actions lie in a Plan: in its role, and in the values of its map of roles.
_ACTIONS = ((2, 2), (10, 2, 2))


# -- plan ------------------------------------------------------------------------------


def plan_from_bytes(
    data: Buffer, framework: str | None = None, limits: Limits = DEFAULT_LIMITS
) -> Plan:
    """See `syft_web.plan.plan.Plan.loads`; the role is not checked here."""
    from syft_web.plan import packed
    from syft_web.plan.plan import Plan, choose_framework

    if bytes(data[: len(bundle.MAGIC)]) == bundle.MAGIC:
        return packed.plan_from_bundle(data, framework, limits)
    for path in _ACTIONS:
        require_actions(count_parts(data, path, limits.max_actions), limits)
    message = pb.decode(pb.Plan, data, max_messages=limits.max_parts, share=True)
    for each in (*message.roles.values(), message.role):
        require_actions(0 if each is None else len(each.actions), limits)
    roles = {
        name: _role_from(role, f"Plan.roles[{name!r}]") for name, role in message.roles.items()
    }
    base = message.base_framework or "torch"
    if message.role is not None and base not in roles:
        roles[base] = _role_from(message.role, "Plan.role")
    return Plan(
        id=_id(message.id, 0),
        name=message.name,
        roles=roles,
        base_framework=base,
        framework=choose_framework(roles, framework),
        tags=tuple(sorted(message.tags)),
        description=message.description,
        torchscript=bytes(message.torchscript),
        input_types=b"" if message.input_types is None else pb.encode(message.input_types),
        include_state=message.include_state,
        limits=limits,
    )


def plan_to_bytes(plan: Plan, format: str) -> bytes:
    """See `syft_web.plan.plan.Plan.dumps`."""
    from syft_web.plan import packed

    if format == "msgpack":
        return packed.plan_to_bundle(plan)
    if format != "protobuf":
        raise EncodeError(f"A plan's format is 'protobuf' or 'msgpack', not {format!r}.")
    roles = {name: _role_to(role) for name, role in plan.roles.items()}
    types = pb.decode(pb.NestedTypeWrapper, plan.input_types) if plan.input_types else None
    return pb.encode(
        pb.Plan(
            id=_to_id(plan.id),
            role=roles.get(plan.base_framework) or roles.get(plan.framework),
            include_state=plan.include_state,
            name=plan.name,
            tags=list(plan.tags),
            description=plan.description,
            torchscript=plan.torchscript,
            input_types=types,
            base_framework=plan.base_framework,
            roles=roles,
        )
    )


def protocol_from_bytes(data: Buffer) -> Protocol:
    """See `syft_web.plan.plan.Protocol.loads`."""
    from syft_web.plan.plan import Protocol

    message = pb.decode(pb.Protocol, data)
    return Protocol(
        id=_id(message.id, 0),
        name=message.name,
        roles={
            name: _role_from(role, f"Protocol.roles[{name!r}]")
            for name, role in message.roles.items()
        },
        tags=tuple(sorted(message.tags)),
        description=message.description,
    )


def protocol_to_bytes(protocol: Protocol) -> bytes:
    """See `syft_web.plan.plan.Protocol.dumps`."""
    return pb.encode(
        pb.Protocol(
            id=_to_id(protocol.id),
            name=protocol.name,
            roles={name: _role_to(role) for name, role in protocol.roles.items()},
            tags=list(protocol.tags),
            description=protocol.description,
        )
    )


# -- role and actions --------------------------------------------------------------------


def _role_from(message: pb.Role, path: str) -> Role:
    from syft_web.plan.plan import Role

    return Role(
        id=_id(message.id, 0),
        actions=tuple(
            _action_from(action, f"{path}.actions[{i}]") for i, action in enumerate(message.actions)
        ),
        state=State() if message.state is None else _state_from(message.state, f"{path}.state"),
        placeholders=tuple(
            _placeholder_from(p, f"{path}.placeholders[{i}]")
            for i, p in enumerate(message.placeholders)
        ),
        input_ids=_ids(message.input_placeholder_ids, f"{path}.input_placeholder_ids"),
        output_ids=_ids(message.output_placeholder_ids, f"{path}.output_placeholder_ids"),
        tags=tuple(sorted(message.tags)),
        description=message.description,
    )


def _role_to(role: Role) -> pb.Role:
    return pb.Role(
        id=_to_id(role.id),
        actions=[_action_to(action) for action in role.actions],
        state=_state_to(role.state),
        placeholders=[_placeholder_to(p) for p in _all_placeholders(role)],
        input_placeholder_ids=[_to_id(id) for id in role.input_ids],
        output_placeholder_ids=[_to_id(id) for id in role.output_ids],
        tags=list(role.tags),
        description=role.description,
    )


def _all_placeholders(role: Role) -> list[Placeholder]:
    """The listed placeholders, then bare ones for ids that are only used: PySyft wants all."""
    found = {p.id: p for p in role.placeholders}
    for placeholder in role.state.placeholders:
        found.setdefault(placeholder.id, placeholder)
    used = [*role.input_ids, *(id for a in role.actions for id in a.return_ids), *role.output_ids]
    for id in used:
        found.setdefault(id, Placeholder(id))
    return list(found.values())


def _action_from(message: pb.ComputationAction, path: str) -> Action:
    target: Arg = None
    if message.target_placeholder_id is not None:
        target = _ref(message.target_placeholder_id, f"{path}.target_placeholder_id")
    elif message.target_tensor is not None:
        target = to_array(message.target_tensor)
    elif message.target_id is not None or message.target_pointer is not None:
        raise DecodeError(
            f"{path} works on an object of another worker, which only data-centric "
            "PySyft can do. Record the plan with tensors as arguments.",
            path=path,
        )
    # Plans name their results in return_placeholder_ids; return_ids is what PySyft writes
    # outside plans, and it is taken where nothing else says what the results are called.
    placeholders = [r.id for r in message.return_placeholder_ids]
    return Action(
        command=message.command,
        target=target,
        args=tuple(_arg_from(a, f"{path}.args[{i}]") for i, a in enumerate(message.args)),
        kwargs={k: _arg_from(a, f"{path}.kwargs[{k!r}]") for k, a in message.kwargs.items()},
        return_ids=_ids(placeholders, f"{path}.return_placeholder_ids")
        or _ids(message.return_ids, f"{path}.return_ids"),
    )


def _action_to(action: Action) -> pb.ComputationAction:
    message = pb.ComputationAction(
        command=action.command,
        args=[_arg_to(a) for a in action.args],
        kwargs={key: _arg_to(a) for key, a in action.kwargs.items()},
        return_placeholder_ids=[pb.PlaceholderId(id=_to_id(id)) for id in action.return_ids],
    )
    target = action.target
    if isinstance(target, Ref):
        message.target_placeholder_id = pb.PlaceholderId(id=_to_id(target.id))
    elif isinstance(target, np.ndarray):
        message.target_tensor = from_array(target, 0)
    elif target is not None:
        raise EncodeError(
            f"The target of {action.command!r} is a {type(target).__name__}; only placeholders "
            "and tensors can be written. Put the constant into a tensor."
        )
    return message


def _arg_from(message: pb.Arg, path: str) -> Arg:
    """One argument; nothing set reads as None."""
    for plain in (message.arg_bool, message.arg_int, message.arg_float, message.arg_str):
        if plain is not None:
            return plain
    if message.arg_placeholder_id is not None:
        return _ref(message.arg_placeholder_id, path)
    if message.arg_list is not None:
        return [_arg_from(a, f"{path}[{i}]") for i, a in enumerate(message.arg_list.args)]
    if message.arg_tensor is not None:
        return to_array(message.arg_tensor)
    if message.arg_torch_param is not None:
        return to_array(message.arg_torch_param)
    if message.arg_shape is not None:
        return [int(n) for n in message.arg_shape.dims]
    if message.arg_placeholder is not None:
        return Ref(_needed(message.arg_placeholder.id, path))
    if message.arg_pointer_tensor is not None:
        raise DecodeError(
            f"{path} points to a tensor of another worker, which only data-centric PySyft "
            "can follow. Record the plan with tensors as arguments.",
            path=path,
        )
    return None


def _arg_to(value: Any) -> pb.Arg:
    if isinstance(value, np.generic):
        value = value.item()
    if value is None:
        return pb.Arg()
    if isinstance(value, bool):
        return pb.Arg(arg_bool=value)
    if isinstance(value, int):
        return pb.Arg(arg_int=value)
    if isinstance(value, float):
        return pb.Arg(arg_float=value)
    if isinstance(value, str):
        return pb.Arg(arg_str=value)
    if isinstance(value, Ref):
        return pb.Arg(arg_placeholder_id=pb.PlaceholderId(id=_to_id(value.id)))
    if isinstance(value, np.ndarray):
        return pb.Arg(arg_tensor=from_array(value, 0))
    if isinstance(value, list | tuple):
        return pb.Arg(arg_list=pb.ArgList(args=[_arg_to(v) for v in value]))
    raise EncodeError(
        f"A {type(value).__name__} cannot be an argument of an action. Use numbers, texts, "
        "tensors, references, or lists of these."
    )


# -- placeholders and ids ------------------------------------------------------------------


def _placeholder_from(message: pb.Placeholder, path: str, missing: Id | None = None) -> Placeholder:
    shape = message.expected_shape
    return Placeholder(
        id=_needed(message.id, path) if missing is None else _id(message.id, missing),
        tags=tuple(sorted(message.tags)),
        description=message.description,
        expected_shape=None if shape is None else tuple(int(n) for n in shape.dims),
    )


def _placeholder_to(placeholder: Placeholder) -> pb.Placeholder:
    shape = placeholder.expected_shape
    return pb.Placeholder(
        id=_to_id(placeholder.id),
        tags=list(placeholder.tags),
        description=placeholder.description,
        # PySyft leaves the shape of a scalar out.
        expected_shape=pb.Shape(dims=np.asarray(shape, np.int32)) if shape else None,
    )


def _id(message: pb.Id | None, missing: Id) -> Id:
    """The id, or `missing` when there is none."""
    if message is None:
        return missing
    if message.id_int is not None:
        return message.id_int
    return missing if message.id_str is None else message.id_str


def _needed(message: pb.Id | None, path: str) -> Id:
    if message is None or (message.id_int is None and message.id_str is None):
        raise DecodeError(f"{path} lacks its id, so nothing can refer to it.", path=path)
    return _id(message, 0)


def _ids(messages: Iterable[pb.Id | None], path: str) -> tuple[Id, ...]:
    return tuple(_needed(m, f"{path}[{i}]") for i, m in enumerate(messages))


def _ref(message: pb.PlaceholderId, path: str) -> Ref:
    return Ref(_needed(message.id, path))


def _to_id(id: Id) -> pb.Id:
    return pb.Id(id_str=id) if isinstance(id, str) else pb.Id(id_int=id)


# -- state -----------------------------------------------------------------------------------


def state_from_bytes(data: Buffer) -> State:
    """See `syft_web.plan.state.State.loads`."""
    return _state_from(pb.decode(pb.State, data), "State")


def state_to_bytes(state: State) -> bytes:
    """See `syft_web.plan.state.State.dumps`."""
    return pb.encode(_state_to(state))


def _state_from(message: pb.State, path: str) -> State:
    count = len(message.tensors)
    placeholders = message.placeholders or [pb.Placeholder() for _ in range(count)]
    if len(placeholders) != count:
        raise DecodeError(
            f"{path} has {len(placeholders)} placeholders and {count} tensors; "
            "there must be one placeholder per tensor.",
            path=path,
        )
    tensors = [_tensor_in(t, f"{path}.tensors[{i}]") for i, t in enumerate(message.tensors)]
    parts = zip(message.tensors, tensors, to_arrays(tensors), strict=True)
    return State(
        tuple(
            _placeholder_from(p, f"{path}.placeholders[{i}]", missing=i)
            for i, p in enumerate(placeholders)
        ),
        tuple(_entry_from(*three, missing=i) for i, three in enumerate(parts)),
    )


def _tensor_in(message: pb.StateTensor, path: str) -> pb.TorchTensor:
    param = message.torch_param
    tensor = message.torch_tensor if param is None else param.tensor
    if tensor is None:
        raise DecodeError(f"{path} holds no tensor.", path=path)
    return tensor


def _entry_from(
    message: pb.StateTensor, tensor: pb.TorchTensor, array: np.ndarray, missing: int
) -> StateEntry:
    param = message.torch_param
    return StateEntry(
        array=array,
        id=_id(tensor.id, missing),
        is_param=param is not None,
        requires_grad=param is not None and param.requires_grad,
        param_id=missing if param is None else _id(param.id, missing),
        tags=tuple(sorted(tensor.tags)),
        description=tensor.description,
    )


def _state_to(state: State) -> pb.State:
    return pb.State(
        placeholders=[_placeholder_to(p) for p in state.placeholders],
        tensors=[_entry_to(e) for e in state.entries],
    )


def _entry_to(entry: StateEntry) -> pb.StateTensor:
    tensor = from_array(entry.array, entry.id)
    tensor.tags = list(entry.tags)
    tensor.description = entry.description
    if not entry.is_param:
        return pb.StateTensor(torch_tensor=tensor)
    return pb.StateTensor(
        torch_param=pb.Parameter(
            id=_to_id(entry.param_id), tensor=tensor, requires_grad=entry.requires_grad
        )
    )
