"""A captured graph as a Role of a plan."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import torch
from torch import SymInt, Tensor
from torch.fx import GraphModule, Node

from syft_web.author.torch.commands import Call, choose, operation_name
from syft_web.errors import CaptureError
from syft_web.plan.plan import Action, Arg, Id, Placeholder, Ref, Role, State
from syft_web.plan.signature import Slot
from syft_web.plan.state import StateEntry

__all__ = ["dtype_name", "reject_own_tensors", "to_numpy", "to_role", "unsupported"]


def to_role(
    graph: GraphModule,
    inputs: Sequence[Slot],
    outputs: Sequence[Slot],
    examples: Sequence[tuple[int, ...]],
    *,
    describe: bool = False,
) -> Role:
    """Write a graph as a role.

    Args:
        graph: Cleaned up; every operation of it must be supported.
        inputs: What each input is.
        outputs: What each output is.
        examples: The shape that each input had.
        describe: Whether to write down the shape of every value, at the example's batch size.

    Returns:
        Ids count from 1, inputs first. The graph's constants are in its state.
    """
    return _Writer(graph, inputs, outputs, examples, describe).role()


def unsupported(graph: GraphModule) -> dict[Any, int]:
    """The operations of a graph that no plan can hold, and how often each occurs."""
    found: dict[Any, int] = {}
    for node in graph.graph.nodes:
        if node.op == "call_function" and node.target is not _GETITEM:
            args, kwargs = _arguments(node, lambda _: Ref(0))
            if choose(_operation(node), args, kwargs) is None:
                found[node.target] = found.get(node.target, 0) + 1
    return found


def reject_own_tensors(graph: GraphModule, own: Iterable[Tensor]) -> None:
    """Refuse a graph that holds a parameter or buffer of the model as a constant.

    That happens where a module keeps a second reference to one of them. The plan would
    work with its value at capture for ever.

    Raises:
        CaptureError: It does.
    """
    memory = {tensor.data_ptr() for tensor in own if tensor.numel()}
    for node in graph.graph.nodes:
        if node.op == "get_attr" and _attribute(graph, node.target).data_ptr() in memory:
            raise CaptureError(
                "The module reaches one of its own parameters or buffers in another way than as "
                "its attribute (a closure, a list, a second reference), so that its present value "
                "would stay in the plan for ever. Reach it as an attribute of the module."
            )


def to_numpy(tensor: Tensor) -> np.ndarray:
    """The values of a tensor as an array of their own.

    Raises:
        CaptureError: numpy has no such dtype.
    """
    if tensor.is_meta:
        raise CaptureError(
            "The model is on the device 'meta', where tensors have no values. Fill it first "
            "(model.to_empty(device='cpu') and its start values)."
        )
    plain = tensor.detach().cpu()
    if plain.is_conj():
        plain = plain.resolve_conj()
    dtype_name(plain.dtype)
    return np.array(plain.contiguous().numpy())


def dtype_name(dtype: torch.dtype) -> str:
    """The name that numpy has for a dtype.

    Raises:
        CaptureError: numpy has no such dtype.
    """
    name = str(dtype).removeprefix("torch.")
    if name not in _DTYPES:
        raise CaptureError(
            f"A plan cannot hold tensors of {dtype}. Use float32, float64, an integer type or bool "
            "(model.float() converts a model)."
        )
    return name


_DTYPES = {
    "bool", "uint8", "int8", "int16", "int32", "int64", "float16", "float32", "float64",
}  # fmt: skip
_GETITEM = operator.getitem


class _Writer:
    """Walks through the nodes once, in order."""

    def __init__(
        self,
        graph: GraphModule,
        inputs: Sequence[Slot],
        outputs: Sequence[Slot],
        examples: Sequence[tuple[int, ...]],
        describe: bool,
    ) -> None:
        self.graph = graph
        self.describe = describe
        self.inputs, self.outputs, self.examples = inputs, outputs, examples
        self.ids: dict[Node, Id] = {}
        self.parts: dict[tuple[Node, int], Id] = {}
        self.next = 1
        self.actions: list[Action] = []
        self.placeholders: dict[Id, Placeholder] = {}
        self.held: list[tuple[Placeholder, StateEntry]] = []
        self.constants: dict[tuple[str, bytes], Id] = {}

    def role(self) -> Role:
        """Everything, in the graph's order."""
        input_ids: list[Id] = []
        output_ids: list[Id] = []
        results = self._results_that_change()
        changing = {slot.name for slot, _ in results if slot.kind == "buffer"}
        slots = iter(zip(self.inputs, self.examples, strict=True))
        initial: list[Slot] = []
        for node in self.graph.graph.nodes:
            if node.op == "placeholder":
                slot, shape = next(slots)
                if slot.initial is not None and slot.name not in changing:
                    self.ids[node] = self._constant(slot.initial)
                    continue
                initial += [slot] if slot.initial is not None else []
                input_ids.append(self._input(node, slot, shape, len(input_ids)))
            elif node.op == "get_attr":
                self.ids[node] = self._constant(to_numpy(_attribute(self.graph, node.target)))
            elif node.op == "call_function":
                self._call(node)
        for position, (slot, node) in enumerate(results):
            output_ids.append(self._output(node, slot, position))
        for slot in initial:
            self._initial(slot)
        return Role(
            actions=tuple(self.actions),
            state=State(tuple(p for p, _ in self.held), tuple(e for _, e in self.held)),
            placeholders=tuple(self.placeholders.values()),
            input_ids=tuple(input_ids),
            output_ids=tuple(output_ids),
        )

    def _new(self) -> Id:
        self.next += 1
        return self.next - 1

    def _results_that_change(self) -> list[tuple[Slot, Any]]:
        """The outputs, without buffers that are handed through."""
        nodes = list(self.graph.graph.nodes)
        inputs = [node for node in nodes if node.op == "placeholder"]
        own = {(s.kind, s.index): n for s, n in zip(self.inputs, inputs, strict=True)}
        pairs = zip(self.outputs, nodes[-1].args[0], strict=True)
        return [
            (slot, node)
            for slot, node in pairs
            if slot.kind != "buffer" or own[slot.kind, slot.index] is not node
        ]

    def _input(self, node: Node, slot: Slot, shape: tuple[int, ...], position: int) -> Id:
        id = self.ids[node] = self._new()
        tags = (*slot.tags, f"#input-{position}")
        self.placeholders[id] = Placeholder(id, tuple(sorted(tags)), "", shape or None)
        return id

    def _output(self, node: Any, slot: Slot, position: int) -> Id:
        """The id of an output; a fresh one, so that its tags speak of this output alone."""
        if isinstance(node, Node):
            id = self._id(node)
            shape = _plain_shape(node.meta.get("val"))
        else:
            raise CaptureError(
                f"Output {position} ({slot.name!r}) is {node!r}, not a tensor that "
                "depends on the inputs. Return tensors only."
            )
        known = self.placeholders.get(id)
        if (known and known.tags) or any(p.id == id for p, _ in self.held):
            source, id = id, self._new()
            self.actions.append(Action("torch.clone", None, (Ref(source),), {}, (id,)))
        tags = (*slot.tags, f"#output-{position}")
        self.placeholders[id] = Placeholder(id, tuple(sorted(tags)), "", shape)
        return id

    def _constant(self, array: np.ndarray) -> Id:
        """A tensor in the plan's state; equal ones are kept once."""
        key = (f"{array.dtype}{array.shape}", array.tobytes())
        if key not in self.constants:
            id = self.constants[key] = self._new()
            placeholder = Placeholder(id, (f"#state-{len(self.held)}",), "", array.shape or None)
            self.held.append((placeholder, StateEntry(array, id=id)))
        return self.constants[key]

    def _initial(self, slot: Slot) -> None:
        id = self._new()
        tags = tuple(sorted((f"#state-{len(self.held)}", f"#initial:{slot.index}")))
        array = np.asarray(slot.initial)
        self.held.append((Placeholder(id, tags, "", array.shape or None), StateEntry(array, id=id)))

    def _call(self, node: Node) -> None:
        if node.target is _GETITEM:
            return  # the part has its id from the action that gives it
        args, kwargs = _arguments(node, lambda n: Ref(self._id(n)))
        if _is_double(node):
            args, kwargs = self._exact(args), {k: self._exact(v) for k, v in kwargs.items()}
        call = choose(_operation(node), args, kwargs)
        if call is None:  # the caller has asked `unsupported` before
            raise CaptureError(f"{operation_name(node.target)} is in no row of the op table.")
        self.actions.append(_action(call, self._results(node)))

    def _results(self, node: Any) -> tuple[Id, ...]:
        value = node.meta.get("val")
        if not isinstance(value, tuple | list):
            id = self.ids[node] = self._new()
            if self.describe and (shape := _hinted_shape(value)):
                self.placeholders[id] = Placeholder(id, expected_shape=shape)
            return (id,)
        read = {user.args[1] for user in node.users if user.target is _GETITEM}
        # Results after the last that is read need no name.
        count = max(read, default=-1) + 1 if read else 1
        for i in range(count):
            self.parts[node, i] = self._new()
        return tuple(self.parts[node, i] for i in range(count))

    def _id(self, node: Any) -> Id:
        if node.target is _GETITEM and node.op == "call_function":
            return self.parts[node.args[0], node.args[1]]
        return self.ids[node]

    def _exact(self, value: Any) -> Any:
        """Numbers that float32 cannot hold, as float64 tensors: protobuf has float32 only."""
        if isinstance(value, tuple | list):
            return type(value)(self._exact(v) for v in value)
        if isinstance(value, float) and float(np.float32(value)) != value and value == value:
            return Ref(self._constant(np.array(value, np.float64)))
        return value


_INT_OVERLOADS = {
    operator.add: torch.ops.aten.add.int,
    operator.sub: torch.ops.aten.sub.int,
    operator.mul: torch.ops.aten.mul.int,
    operator.floordiv: torch.ops.aten.floordiv.int,
    operator.mod: torch.ops.aten.remainder.int,
    operator.neg: torch.ops.aten.neg.int,
}


def _operation(node: Node) -> Any:
    """What a node does; arithmetic of sizes as torch's own operations on integers."""
    if node.target in _INT_OVERLOADS:
        values = [n.meta.get("val") if isinstance(n, Node) else n for n in node.args]
        if all(isinstance(v, int | SymInt) for v in values):
            return _INT_OVERLOADS[node.target]
    return node.target


def _action(call: Call, returned: tuple[Id, ...]) -> Action:
    if call.method:
        return Action(call.command, call.args[0], call.args[1:], dict(call.kwargs), returned)
    return Action(call.command, None, call.args, dict(call.kwargs), returned)


def _arguments(node: Node, refer: Any) -> tuple[list[Arg], dict[str, Arg]]:
    def arg(value: Any) -> Arg:
        if isinstance(value, Node):
            reference: Ref = refer(value)
            return reference
        if isinstance(value, tuple | list):
            return [arg(v) for v in value]
        if isinstance(value, torch.dtype):
            return dtype_name(value)
        if value is None or isinstance(value, bool | int | float | str):
            return value
        if isinstance(value, SymInt):
            raise CaptureError(
                f"{operation_name(node.target)} is given a size that nothing computes."
            )
        return str(value)  # a device or a layout, which is left out later

    return [arg(a) for a in node.args], {k: arg(v) for k, v in node.kwargs.items()}


def _attribute(graph: GraphModule, name: str) -> Tensor:
    value: Any = graph
    for part in name.split("."):
        value = getattr(value, part)
    if not isinstance(value, Tensor):
        raise CaptureError(f"The graph holds a {type(value).__name__}, which is no tensor.")
    return value


def _is_double(node: Node) -> bool:
    value = node.meta.get("val")
    values = value if isinstance(value, tuple | list) else [value]
    return any(isinstance(v, Tensor) and v.dtype == torch.float64 for v in values)


def _hinted_shape(value: Any) -> tuple[int, ...]:
    """The shape at the example's batch size."""
    if not isinstance(value, Tensor):
        return ()
    return tuple(int(n.node.hint) if isinstance(n, SymInt) else n for n in value.shape)


def _plain_shape(value: Any) -> tuple[int, ...] | None:
    """The shape while capturing; None for a scalar, and where a size is not known."""
    if not isinstance(value, Tensor) or not value.dim():
        return None
    if any(isinstance(n, SymInt) for n in value.shape):
        return None
    return tuple(value.shape)
