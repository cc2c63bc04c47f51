"""Turns a role into a `Program`, and finds everything that is wrong with it on the way.

Nothing here touches data. Each command is looked up once in the op table, its arguments
are bound to the op's signature once, and placeholders become numbered registers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from syft_web.errors import PlanInvalidError, UnknownCommandError
from syft_web.ops import table
from syft_web.ops.row import BindError, Operand
from syft_web.plan.memory import Aliases
from syft_web.plan.program import TFJS_NUMBERS, TORCH_NUMBERS, Program, Step
from syft_web.plan.values import Action, Arg, Id, Ref

if TYPE_CHECKING:
    from syft_web.plan.plan import Role

__all__ = ["build_program"]

_UNDEFINED = -1
_SHOWN = 100  # problems listed in a message; the rest is counted
_MAX_DEPTH = 32


def build_program(role: Role, framework: str, name: str) -> Program:
    """Check a role and make it ready to run.

    Args:
        role: What to run.
        framework: Whose command names it uses.
        name: Name of the plan, for messages.

    Raises:
        UnknownCommandError: A command is in no row of the op table.
        PlanInvalidError: Anything else that is wrong. Both list every problem found.
    """
    builder = _Builder(role, framework)
    builder.declare()
    for index, action in enumerate(role.actions):
        builder.add(index, action)
    builder.finish()
    builder.raise_problems(name)
    return builder.program(name)


class _Builder:
    """Walks through the actions once, in order."""

    def __init__(self, role: Role, framework: str) -> None:
        self.role = role
        self.framework = framework
        self.problems: list[str] = []
        self.unknown: tuple[int, str] | None = None
        self.registers: list[Any] = []
        self.by_id: dict[Id, int] = {}
        self.constants: dict[tuple[type, Any], int] = {}
        self.steps: list[Step] = []
        self.aliases = Aliases()
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
            self.aliases.external(self._register_of(id))
        state = role.state
        if len(state.placeholders) != len(state.entries):
            self.problems.append(
                f"the state has {len(state.placeholders)} placeholders "
                f"and {len(state.entries)} tensors"
            )
        for placeholder, entry in zip(state.placeholders, state.entries, strict=False):
            if placeholder.id in self.by_id:
                self.problems.append(
                    f"state placeholder {_shown(placeholder.id)} is also an input or listed twice"
                )
            register = self._register_of(placeholder.id)
            self.registers[register] = np.require(entry.array, requirements="A")
            self.aliases.external(register)

    def _new_register(self, value: Any = None) -> int:
        self.registers.append(value)
        return len(self.registers) - 1

    def _register_of(self, id: Id) -> int:
        found = self.by_id.get(id)
        if found is None:
            found = self.by_id[id] = self._new_register()
        return found

    # -- actions ---------------------------------------------------------------------

    def add(self, index: int, action: Action) -> None:
        """Resolve one action into one step (and small ones that unpack or pack values)."""
        where = f"action {index} ({_shown(action.command)})"
        operands = _Operands(self.by_id, where, self.problems)
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
                self._register_of(id)
            return
        self._emit(index, action, bound, where)

    def _unknown_command(self, index: int, command: str, where: str) -> None:
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
        sources = [self._source(value, index, action.command) for value in bound.values]
        row, ids = bound.row, action.return_ids
        count = row.n_outputs
        if count is not None and len(ids) > count:
            self.problems.append(
                f"{where}: gives {count} result{'s' if count > 1 else ''}, {len(ids)} are expected"
            )
            return
        results = [self._register_of(id) for id in ids]
        rule = bound.rule
        if bound.in_place and row.rebinds:
            # The target itself now means the result.
            results = [*results, sources[0]]
            rule = _repeated(rule, len(results))
        elif count == 1 and not results:
            results = [self._new_register()]
        single = count == 1 and len(results) == 1
        self._alias(bound, sources, results)
        self.steps.append(
            Step(
                rule,
                tuple(sources),
                results[0] if single else -1,
                () if single else tuple(results),
                (),
                index,
                action.command,
            )
        )

    def _alias(self, bound: table.Bound, sources: list[int], results: list[int]) -> None:
        row = bound.row
        if bound.in_place:
            self.aliases.written(sources[0])
            for register in results:
                self.aliases.view(register, sources[:1])
        else:
            for register in results:
                self.aliases.view(register, sources) if row.view else self.aliases.fresh(register)
        for param, source in zip(row.params, sources, strict=True):
            if param.name in row.writes:
                self.aliases.written(source)

    def _source(self, value: Any, index: int, command: str) -> int:
        """The register that holds an argument when its step runs."""
        if isinstance(value, Operand):
            if not value.convert:
                return value.register
            register = self._new_register()
            self.aliases.fresh(register)
            rule = _CONVERSIONS[value.convert]
            self.steps.append(Step(rule, (value.register,), register, (), (), index, command))
            return register
        if isinstance(value, list) and _holds_operand(value):
            parts: list[int] = []
            template = self._template(value, parts, index, command)
            register = self._new_register()
            self.aliases.view(register, parts)
            rule = _packer(template)
            self.steps.append(Step(rule, tuple(parts), register, (), (), index, command))
            return register
        return self._constant(value)

    def _template(self, value: list[Any], parts: list[int], index: int, command: str) -> Any:
        """A nested list with positions in `parts` in place of the values."""
        out: list[Any] = []
        for item in value:
            if isinstance(item, list):
                out.append(self._template(item, parts, index, command))
            else:
                parts.append(self._source(item, index, command))
                out.append(len(parts) - 1)
        return out

    def _constant(self, value: Any) -> int:
        if value is None or isinstance(value, bool | int | float | str):
            key = (type(value), value)
            found = self.constants.get(key)
            # 0.0 == -0.0, so a float zero is not shared.
            if found is None or value == 0:
                found = self.constants[key] = self._new_register(value)
            return found
        register = self._new_register(value)
        if isinstance(value, np.ndarray):
            self.aliases.external(register)
        return register

    # -- after the last action ---------------------------------------------------------

    def finish(self) -> None:
        """Outputs must have been defined."""
        for position, id in enumerate(self.role.output_ids):
            register = self.by_id.get(id, _UNDEFINED)
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

    def program(self, name: str) -> Program:
        """The finished program."""
        return Program(
            name=name,
            steps=_with_last_uses(self.steps, frozenset(self.outputs)),
            registers=tuple(self.registers),
            inputs=tuple(self.by_id[id] for id in self.role.input_ids),
            placeholders=self.role.inputs,
            outputs=tuple(self.outputs),
            copy_in=self.aliases.copied_first(),
            copy_out=self.aliases.copied_last(self.outputs),
            numbers=TFJS_NUMBERS if self.framework == "tfjs" else TORCH_NUMBERS,
        )


class _Operands:
    """Replaces references by registers, and notes those that refer to nothing."""

    def __init__(self, by_id: dict[Id, int], where: str, problems: list[str]) -> None:
        self.by_id = by_id
        self.where = where
        self.problems = problems
        self.undefined = False

    def of(self, value: Arg, what: str, depth: int = 0) -> Any:
        """An argument as `syft_web.ops` wants it."""
        if isinstance(value, Ref):
            register = self.by_id.get(value.id, _UNDEFINED)
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


def _with_last_uses(steps: list[Step], kept: frozenset[int]) -> tuple[Step, ...]:
    """Let each step forget the values that no later step reads."""
    seen = set(kept)
    reversed_steps: list[Step] = []
    for step in reversed(steps):
        touched = {*step.sources, *step.outs, *((step.out,) if step.out >= 0 else ())}
        free = tuple(sorted(touched - seen))
        seen |= touched
        reversed_steps.append(
            Step(step.rule, step.sources, step.out, step.outs, free, step.action, step.command)
        )
    return tuple(reversed(reversed_steps))


def _duplicates(ids: Iterator[Id]) -> list[Id]:
    seen: set[Id] = set()
    twice: dict[Id, None] = {}
    for id in ids:
        if id in seen:
            twice[id] = None
        seen.add(id)
    return list(twice)


def _holds_operand(value: list[Any]) -> bool:
    return any(
        isinstance(v, Operand | np.ndarray) or (isinstance(v, list) and _holds_operand(v))
        for v in value
    )


def _packer(template: list[Any]) -> Callable[..., Any]:
    def pack(*values: Any) -> Any:
        return _filled(template, values)

    return pack


def _filled(template: list[Any], values: tuple[Any, ...]) -> list[Any]:
    return [_filled(t, values) if isinstance(t, list) else values[t] for t in template]


def _repeated(rule: Callable[..., Any], times: int) -> Callable[..., Any]:
    """The same result several times (for the target and for its result placeholder)."""

    def apply(*values: Any) -> Any:
        return (rule(*values),) * times

    return apply


def _as_int(value: np.ndarray) -> int:
    number = value.item()
    if not isinstance(number, int):
        raise TypeError(f"an int is wanted here, not an element of {value.dtype}")
    return number


_CONVERSIONS: dict[str, Callable[[Any], Any]] = {
    "number": lambda value: value.item(),
    "int": _as_int,
    "float": lambda value: float(value.item()),
    "bool": lambda value: bool(value.item()),
}


def _shown(value: Id) -> str:
    """An id or command from outside, short and on one line."""
    text = str(value) if isinstance(value, int) else repr(value)
    return text if len(text) <= 80 else text[:77] + "..."


def _problems(count: int) -> str:
    return "Problem" if count == 1 else f"{count} problems"
