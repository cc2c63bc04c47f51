"""Record a Plan from a Python function, without torch.

The function is called once, with placeholders in place of tensors. They have
torch's operators, method names and shapes, and `torch` here is a look-alike of the
module with its functions; whatever is done with them is written down as an action::

    from syft_web.author.tracing import torch, trace

    def step(x, w):
        h = torch.relu(x @ w)
        return h.sum(dim=1, keepdim=True)

    plan = trace(step, np.zeros((64, 784), "f4"), np.zeros((784, 10), "f4"))

The names are those of the op table (`syft_web.ops.table`), and every operation is
also worked out on the example arguments. So an unknown name, a wrong shape or a
wrong dtype shows at the line that has it.

Instead of an example, an input can be described by a `Slot`, which also says what it is; the
plan then carries a `Signature`, and whoever trains with it writes no specs::

    @plan(Slot("data", "x", shape=(None, 784), dtype="float32"), ..., outputs=[Slot("loss"), ...])
    def training_plan(x, y, lr, w): ...

What depends on the *values* of tensors cannot be recorded: ``if x > 0``,
``float(x)``, ``for row in x``. Numbers taken from ``x.shape`` become constants: a plan
that should run at any batch size takes the batch size as an argument.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from typing import Any

import numpy as np

from syft_web.author.traced import Traced, unknown, where
from syft_web.errors import TracingError
from syft_web.ops.row import BindError
from syft_web.ops.table import all_names, lookup
from syft_web.plan.plan import Action, Arg, Id, Placeholder, Plan, Ref, Role, State
from syft_web.plan.signature import Signature, Slot

__all__ = ["Slot", "Traced", "plan", "torch", "trace"]

_ROWS = 2
"""Size, in the recording, of a dimension that a `Slot` leaves open."""


def trace(
    function: Callable[..., Any],
    *example_args: Any,
    name: str | None = None,
    state: State | Sequence[np.ndarray] = (),
    description: str = "",
    outputs: Sequence[Slot] = (),
) -> Plan:
    """Record what a function does as a Plan.

    Args:
        function: Takes as many arguments as there are examples, and returns a
            `Traced` or a list, tuple or dict (nested if need be) of such.
        example_args: Arrays, numbers, `Slot`s, or lists, tuples and dicts of them. Shapes
            and dtypes count, values do not. Nested ones are flattened depth-first, dicts
            by sorted key: one plan input for each leaf.
        name: Name of the plan; the function's own by default.
        state: Tensors that travel with the plan. If there are any, the function gets
            them as a tuple, in a keyword argument ``state``.
        description: Free text.
        outputs: What each output is, where the inputs are given as `Slot`s: one for each.

    Returns:
        A plan with a ``torch`` role, with an output for each leaf of the result.

    Raises:
        TracingError: The function does something that no plan can hold.
        PlanInvalidError: The slots contradict each other.
    """
    recorder = _Recorder()
    token = _RECORDER.set(recorder)
    try:
        inputs: list[Traced] = []
        args = [
            _map_leaves(arg, lambda leaf: _input(recorder, leaf, inputs)) for arg in example_args
        ]
        tensors = state.tensors if isinstance(state, State) else list(state)
        held = tuple(recorder.new(np.array(tensor)) for tensor in tensors)
        result = function(*args, **({"state": held} if held else {}))
        returned: list[Traced] = []
        _map_leaves(result, lambda leaf: _output(recorder, leaf, returned))
    finally:
        _RECORDER.reset(token)
    if not returned:
        raise TracingError(f"{function!r} returns no tensor; a plan needs at least one output.")
    returned = recorder.describe(returned, outputs)
    made = Plan.from_role(
        recorder.role(inputs, returned, held, tensors),
        name=getattr(function, "__name__", "plan") if name is None else name,
        description=description,
        include_state=bool(held),
    )
    Signature.of(made)
    return made


def plan(*example_args: Any, **options: Any) -> Callable[[Callable[..., Any]], Plan]:
    """`trace` as a decorator: the function's name becomes that of its plan.

    Args:
        example_args: As for `trace`.
        options: As for `trace`: ``name``, ``state``, ``description``, ``outputs``.
    """

    def record(function: Callable[..., Any]) -> Plan:
        return trace(function, *example_args, **options)

    return record


class _Namespace:
    """``torch`` or a part of it: attributes are functions of the op table."""

    def __init__(self, path: str) -> None:
        self._path = path

    def __getattr__(self, name: str) -> Any:
        path = f"{self._path}.{name}"
        if path in _PARTS:
            return _Namespace(path)
        if not name.startswith("__") and lookup(f"{path}.default", method=False) is not None:
            path = f"{path}.default"
        if name.startswith("__") or lookup(path, method=False) is None:
            raise AttributeError(unknown(path, path))
        return lambda *args, **kwargs: _recorder(path).call(path, None, args, kwargs)

    def __dir__(self) -> list[str]:
        """Every function of this part, so that an editor or a notebook can offer them."""
        start = f"{self._path}."
        names = (n.removeprefix(start) for n in (*all_names(), *_PARTS) if n.startswith(start))
        return sorted({name for name in names if "." not in name})

    def __repr__(self) -> str:
        return f"<{self._path} while recording>"


_PARTS = ("torch.nn", "torch.nn.functional", "torch.functional", "torch.ops", "torch.ops.aten")

torch: Any = _Namespace("torch")
"""The functions of torch that the op table knows, for use in functions given to `trace`."""


class _Recorder:
    """Writes down what is done with the tensors of one function."""

    def __init__(self) -> None:
        self.actions: list[Action] = []
        self.placeholders: list[Placeholder] = []
        self.slots: dict[Id, Slot] = {}

    def new(self, value: np.ndarray) -> Traced:
        """A tensor with a placeholder of its own; ids count from 1."""
        id = len(self.placeholders) + 1
        self.placeholders.append(Placeholder(id, expected_shape=value.shape or None))
        return Traced(self, id, value)

    def describe(self, returned: Sequence[Traced], slots: Sequence[Slot]) -> list[Traced]:
        """Say what the outputs are; one that is an input too gets a placeholder of its own."""
        if not slots:
            return list(returned)
        if len(slots) != len(returned):
            raise TracingError(
                f"The function returns {len(returned)} tensors, and {len(slots)} outputs are "
                "described; give one Slot for each."
            )
        described: list[Traced] = []
        for slot, traced in zip(slots, returned, strict=True):
            own = traced if traced._id not in self.slots else self.call("clone", traced, (), {})
            self.slots[own._id] = slot
            described.append(own)
        return described

    def call(
        self, command: str, target: Traced | None, args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> Any:
        """Record one operation and work it out on the examples.

        Returns:
            Its result: one `Traced`, or a tuple of several.
        """
        op = lookup(command, method=target is not None)
        if op is None:
            raise TracingError(f"{unknown(command, command)}{where()}")
        recorded = [self._arg(arg, command) for arg in args]
        named = {key: self._arg(value, command) for key, value in kwargs.items()}
        operands = [self._value(arg) for arg in args]
        if target is not None:
            operands.insert(0, target._value)
        try:
            bound = op.bind(operands, {key: self._value(value) for key, value in kwargs.items()})
            with np.errstate(all="ignore"):
                result = bound.rule(*bound.values)
        except BindError as error:
            raise TracingError(f"{command}: {error}{where()}.") from error
        except Exception as error:
            shapes = ", ".join(_outline(operand) for operand in operands)
            raise TracingError(f"{command}({shapes}): {error}{where()}.") from error
        returned = self._results(result, bound.in_place, target, args)
        self.actions.append(
            Action(
                command,
                None if target is None else Ref(target._id),
                tuple(recorded),
                named,
                tuple(traced._id for traced in returned),
            )
        )
        return returned[0] if not isinstance(result, tuple | list) else tuple(returned)

    def _results(
        self, result: Any, in_place: bool, target: Traced | None, args: Sequence[Any]
    ) -> list[Traced]:
        if in_place:
            changed: Traced = args[0] if target is None else target
            changed._value = np.asarray(result)
            return [changed]
        values = result if isinstance(result, tuple | list) else [result]
        return [self.new(np.asarray(value)) for value in values]

    def _arg(self, value: Any, command: str) -> Arg:
        """A value as an action holds it."""
        if isinstance(value, Traced):
            if value._recorder is not self:
                raise TracingError(
                    f"{command}: a tensor of another recording is used here{where()}."
                )
            return Ref(value._id)
        if isinstance(value, list | tuple):
            return [self._arg(item, command) for item in value]
        plain = _constant(value)
        if plain is None or isinstance(plain, bool | int | float | str | np.ndarray):
            return plain
        raise TracingError(
            f"{command}: {type(value).__name__} cannot stand in a plan{where()}; give tensors, "
            "numbers, texts, arrays, or lists of them."
        )

    def _value(self, value: Any) -> Any:
        """A value as the op's rule takes it."""
        if isinstance(value, Traced):
            return value._value
        if isinstance(value, list | tuple):
            return [self._value(item) for item in value]
        return _constant(value)

    def role(
        self,
        inputs: Sequence[Traced],
        outputs: Sequence[Traced],
        held: Sequence[Traced],
        tensors: Sequence[np.ndarray],
    ) -> Role:
        """What was recorded, without the actions that nothing depends on."""
        actions = _needed(self.actions, {traced._id for traced in outputs})
        tags: dict[Id, list[str]] = {}
        for kind, members in (("input", inputs), ("output", outputs), ("state", held)):
            for position, traced in enumerate(members):
                tags.setdefault(traced._id, []).append(f"#{kind}-{position}")
        for id, slot in self.slots.items():
            tags[id] += slot.tags
        used = {id for action in actions for id in (*_refs(action), *action.return_ids)}
        placeholders = {
            p.id: Placeholder(p.id, tuple(sorted(tags.get(p.id, ()))), "", p.expected_shape)
            for p in self.placeholders
            if p.id in used or p.id in tags
        }
        state = State.of(tensors)
        return Role(
            actions=actions,
            state=State(tuple(placeholders[t._id] for t in held), state.entries),
            placeholders=tuple(placeholders.values()),
            input_ids=tuple(traced._id for traced in inputs),
            output_ids=tuple(traced._id for traced in outputs),
        )


_RECORDER: ContextVar[_Recorder | None] = ContextVar("syft_web_recorder", default=None)


def _recorder(command: str) -> _Recorder:
    recorder = _RECORDER.get()
    if recorder is None:
        raise TracingError(f"{command} works only inside a function that is given to trace().")
    return recorder


def _needed(actions: Sequence[Action], wanted: set[Id]) -> tuple[Action, ...]:
    """The actions that the wanted ids depend on; in-place ones stay, as views may see them."""
    kept: list[Action] = []
    wanted = set(wanted)
    for action in reversed(actions):
        op = lookup(action.command, method=action.target is not None)
        lasting = (op is not None and op.in_place) or action.command.endswith("manual_seed")
        if lasting or not wanted.isdisjoint(action.return_ids):
            kept.append(action)
            wanted.update(_refs(action))
    return tuple(reversed(kept))


def _refs(value: Any) -> list[Id]:
    """Every placeholder that an action, or an argument of one, refers to."""
    if isinstance(value, Ref):
        return [value.id]
    if isinstance(value, Action):
        return _refs([value.target, *value.args, *value.kwargs.values()])
    return [id for item in value for id in _refs(item)] if isinstance(value, list) else []


def _map_leaves(value: Any, leaf: Callable[[Any], Any]) -> Any:
    """Apply to every leaf of nested lists, tuples and dicts (by sorted key)."""
    if isinstance(value, Mapping):
        return {key: _map_leaves(value[key], leaf) for key in sorted(value)}
    if isinstance(value, list | tuple):
        return type(value)(_map_leaves(item, leaf) for item in value)
    return leaf(value)


def _input(recorder: _Recorder, example: Any, inputs: list[Traced]) -> Traced:
    if isinstance(example, Slot):
        inputs.append(recorder.new(_stand_in(example)))
        recorder.slots[inputs[-1]._id] = example
        return inputs[-1]
    if not isinstance(example, np.ndarray | np.generic | bool | int | float):
        raise TracingError(
            f"An example argument holds {type(example).__name__}; give arrays, numbers, Slots, or "
            "lists, tuples and dicts of them."
        )
    # Without dimensions, a Python float counts as float32: what a plan's caller may pass.
    value = np.array(example, np.float32 if type(example) is float else None)
    inputs.append(recorder.new(value.astype(np.int64) if type(example) is int else value))
    return inputs[-1]


def _stand_in(slot: Slot) -> np.ndarray:
    """An array such as the slot describes; without a shape it is a number."""
    shape = tuple(_ROWS if size is None else size for size in slot.shape or ())
    return np.ones(shape, slot.dtype or np.float32)


def _output(recorder: _Recorder, result: Any, outputs: list[Traced]) -> None:
    if not isinstance(result, Traced) or result._recorder is not recorder:
        raise TracingError(
            f"The function returned {type(result).__name__}; return tensors that it computed, "
            "or lists, tuples and dicts of them."
        )
    outputs.append(result)


def _constant(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return value.copy()  # the caller may change it later
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.dtype) or (isinstance(value, type) and issubclass(value, np.generic)):
        return np.dtype(value).name
    return value


def _outline(operand: Any) -> str:
    if isinstance(operand, np.ndarray):
        return f"{operand.dtype}{list(operand.shape)}"
    return "[...]" if isinstance(operand, list) else repr(operand)
