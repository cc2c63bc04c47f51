"""Turns a role into a `Graph`, and finds everything that is wrong with it on the way.

Nothing here touches data. Each command is looked up once in the op table, its arguments
are bound to the op's signature once, and placeholders become numbered registers.

Every register is written exactly once. A placeholder names a tensor, and an action that
changes the tensor in place gives it a new register, so later readers read the register
that the change gave; a tensor keeps all its names.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from syft_web.errors import PlanInvalidError, UnknownCommandError
from syft_web.ops import table
from syft_web.ops.row import BindError, Operand
from syft_web.plan.graph import Call, Graph
from syft_web.plan.values import Action, Arg, Id, Ref

if TYPE_CHECKING:
    from syft_web.plan.plan import Role

__all__ = ["resolve"]

_UNDEFINED = -1
_SHOWN = 100  # problems listed in a message; the rest is counted
_MAX_DEPTH = 32


def resolve(role: Role, framework: str, name: str) -> Graph:
    """Check a role and resolve its commands.

    Args:
        role: What to run.
        framework: Whose command names it uses.
        name: Name of the plan, for messages.

    Raises:
        UnknownCommandError: A command is in no row of the op table.
        PlanInvalidError: Anything else that is wrong. Both list every problem found.
    """
    resolver = _Resolver(role, framework)
    resolver.declare()
    for index, action in enumerate(role.actions):
        resolver.add(index, action)
    resolver.finish()
    resolver.raise_problems(name)
    return resolver.graph(name)


class _Resolver:
    """Walks through the actions once, in order."""

    def __init__(self, role: Role, framework: str) -> None:
        self.role = role
        self.framework = framework
        self.problems: list[str] = []
        self.unknown: tuple[int, str] | None = None
        self.registers: list[Any] = []
        self.names = _Names()
        self.calls: list[Call] = []
        self.inputs: list[int] = []
        self.outputs: list[int] = []

    # -- what is there before the first action ---------------------------------------

    def declare(self) -> None:
        """Registers for inputs and state; ids that contradict each other."""
        role = self.role
        for id in _duplicates(p.id for p in role.placeholders):
            self.problems.append(f"placeholder {_shown(id)} is listed twice")
        for id in _duplicates(iter(role.input_ids)):
            self.problems.append(f"input placeholder {_shown(id)} is listed twice")
        for id in role.input_ids:
            self.inputs.append(self._define(id))
        state = role.state
        if len(state.placeholders) != len(state.entries):
            self.problems.append(
                f"the state has {len(state.placeholders)} placeholders "
                f"and {len(state.entries)} tensors"
            )
        for placeholder, entry in zip(state.placeholders, state.entries, strict=False):
            if self.names.register(placeholder.id) != _UNDEFINED:
                self.problems.append(
                    f"state placeholder {_shown(placeholder.id)} is also an input or listed twice"
                )
            self._define(placeholder.id, np.require(entry.array, requirements="A"))

    def _new_register(self, value: Any = None) -> int:
        self.registers.append(value)
        return len(self.registers) - 1

    def _define(self, id: Id, value: Any = None) -> int:
        register = self._new_register(value)
        self.names.define(id, register)
        return register

    # -- actions ---------------------------------------------------------------------

    def add(self, index: int, action: Action) -> None:
        """Resolve one action into one call."""
        where = f"action {index} ({_shown(action.command)})"
        operands = _Operands(self.names, where, self.problems)
        method = action.target is not None
        args = [operands.of(a, f"argument {i}") for i, a in enumerate(action.args)]
        if method:
            args.insert(0, operands.of(action.target, "the target"))
        kwargs = {key: operands.of(a, f"argument {key!r}") for key, a in action.kwargs.items()}
        op = table.lookup(action.command, method=method, framework=self.framework)
        if op is None:
            self._unknown_command(index, action.command, where)
        for id in _duplicates(iter(action.return_ids)):
            self.problems.append(f"{where}: result placeholder {_shown(id)} is listed twice")
        bound = None if op is None else self._bind(op, args, kwargs, where)
        if bound is None or operands.undefined:
            for id in action.return_ids:  # known from here on, so that one problem stays one
                self._define(id)
            return
        self._emit(index, action, bound, where)

    def _unknown_command(self, index: int, command: str, where: str) -> None:
        reason = table.reason_excluded(command, framework=self.framework)
        if reason is not None:
            self.problems.append(f"{where}: not supported: {reason}")
        else:
            # Looking for similar names takes milliseconds: not for thousands of actions.
            looked_up = len(self.problems) < _SHOWN
            near = table.nearest(command, framework=self.framework) if looked_up else []
            hint = f"; nearest known: {', '.join(near)}" if near else ""
            self.problems.append(f"{where}: unknown command{hint}")
        if self.unknown is None:
            self.unknown = (index, command)

    def _bind(
        self, op: table.Op, args: list[Any], kwargs: dict[str, Any], where: str
    ) -> table.Bound | None:
        try:
            return op.bind(args, kwargs)
        except BindError as error:
            reason = str(error)
        if self.framework == "tfjs" and kwargs:
            # syft.js appends keyword arguments positionally (protocol.md section 2.6).
            try:
                return op.bind([*args, *kwargs.values()], {})
            except BindError as error:
                reason = str(error)
        self.problems.append(f"{where}: {reason}")
        return None

    def _emit(self, index: int, action: Action, bound: table.Bound, where: str) -> None:
        row, ids = bound.row, action.return_ids
        count = row.n_outputs
        if count is not None and len(ids) > count:
            self.problems.append(
                f"{where}: gives {count} result{'s' if count > 1 else ''}, {len(ids)} are expected"
            )
            return
        if bound.in_place:
            outs: tuple[int, ...] = (self._changed(bound.values[0], ids),)
        else:
            outs = tuple(self._define(id) for id in ids)
            if count == 1 and not outs:
                outs = (self._new_register(),)
        # A view under the target's name (``t_``) changes no memory.
        writes = bound.in_place and not (row.view and row.rebinds)
        values = tuple(bound.values)
        self.calls.append(Call(row, bound.rule, values, outs, writes, index, action.command))

    def _changed(self, target: Any, ids: tuple[Id, ...]) -> int:
        """The register of a tensor after an in-place action; its results are that tensor."""
        register = self._new_register()
        if isinstance(target, Operand):
            self.names.change(target.register, register, ids)
        else:  # a constant in the plan
            for id in ids:
                self.names.define(id, register)
        return register

    # -- after the last action ---------------------------------------------------------

    def finish(self) -> None:
        """Outputs must have been defined."""
        for position, id in enumerate(self.role.output_ids):
            register = self.names.register(id)
            if register == _UNDEFINED:
                self.problems.append(
                    f"output {position} (placeholder {_shown(id)}) is never defined"
                )
            self.outputs.append(register)

    def raise_problems(self, name: str) -> None:
        """Raise if there are any."""
        if not self.problems:
            return
        count = len(self.problems)
        shown = self.problems[:_SHOWN]
        if count > _SHOWN:
            shown.append(f"... and {count - _SHOWN} more")
        if self.unknown is not None:
            index, command = self.unknown
            raise UnknownCommandError(
                f"Plan {name!r} cannot run: action {index} uses the command {_shown(command)}, "
                f"which is not supported. {_problems(count)}:",
                shown,
                index=index,
                command=command,
            )
        raise PlanInvalidError(f"Plan {name!r} contradicts itself. {_problems(count)}:", shown)

    def graph(self, name: str) -> Graph:
        """The finished graph."""
        return Graph(
            name=name,
            framework=self.framework,
            calls=tuple(self.calls),
            registers=tuple(self.registers),
            inputs=tuple(self.inputs),
            placeholders=self.role.inputs,
            outputs=tuple(self.outputs),
        )


class _Names:
    """Which tensor each placeholder names, and in which register each tensor is now."""

    def __init__(self) -> None:
        self._tensor_of: dict[Id, int] = {}
        self._register_of: list[int] = []  # by tensor
        self._held: dict[int, int] = {}  # register -> tensor

    def define(self, id: Id, register: int) -> None:
        """The placeholder now names a new tensor (or the one in this register)."""
        tensor = self._held.setdefault(register, len(self._register_of))
        if tensor == len(self._register_of):
            self._register_of.append(register)
        self._tensor_of[id] = tensor

    def change(self, before: int, after: int, ids: tuple[Id, ...]) -> None:
        """A tensor moves to another register; `ids` are further names of it."""
        tensor = self._held.pop(before, -1)
        if tensor < 0:
            for id in ids:
                self.define(id, after)
            return
        self._held[after] = tensor
        self._register_of[tensor] = after
        for id in ids:
            self._tensor_of[id] = tensor

    def register(self, id: Id) -> int:
        """Where the placeholder's tensor is now; -1 for one that names nothing."""
        tensor = self._tensor_of.get(id, _UNDEFINED)
        return _UNDEFINED if tensor == _UNDEFINED else self._register_of[tensor]


class _Operands:
    """Replaces references by registers, and notes those that refer to nothing."""

    def __init__(self, names: _Names, where: str, problems: list[str]) -> None:
        self.names = names
        self.where = where
        self.problems = problems
        self.undefined = False

    def of(self, value: Arg, what: str, depth: int = 0) -> Any:
        """An argument as `syft_web.ops` wants it."""
        if isinstance(value, Ref):
            register = self.names.register(value.id)
            if register == _UNDEFINED:
                self.undefined = True
                self.problems.append(
                    f"{self.where}: {what} refers to placeholder {_shown(value.id)}, which is not "
                    "defined before it (undefined placeholder)"
                )
            return Operand(register)
        if isinstance(value, list | tuple):
            if depth >= _MAX_DEPTH:
                self.undefined = True
                self.problems.append(f"{self.where}: {what} is nested too deeply")
                return None
            return [self.of(v, f"{what}[{i}]", depth + 1) for i, v in enumerate(value)]
        if isinstance(value, np.generic):
            return value.item()
        return value


def _duplicates(ids: Iterator[Id]) -> list[Id]:
    seen: set[Id] = set()
    twice: dict[Id, None] = {}
    for id in ids:
        if id in seen:
            twice[id] = None
        seen.add(id)
    return list(twice)


def _shown(value: Id) -> str:
    """An id or command from outside, short and on one line."""
    text = str(value) if isinstance(value, int) else repr(value)
    return text if len(text) <= 80 else text[:77] + "..."


def _problems(count: int) -> str:
    return "Problem" if count == 1 else f"{count} problems"
