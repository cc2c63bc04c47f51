"""A role made ready to run: a flat list of steps over numbered registers.

Everything that can be settled before the data is known is settled in
`syft_web.plan.compile`: which rule a command means, where its arguments come from, when
a value is used for the last time, which inputs an in-place action would change.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from operator import itemgetter
from typing import Any

import numpy as np

from syft_web.errors import PlanLimitError, PlanStoppedError
from syft_web.ops.bounds import TooLargeError
from syft_web.plan.arguments import Arguments
from syft_web.plan.failure import described, failure, reason_of

__all__ = ["Program", "Step"]

_Code = tuple[Callable[..., Any], Callable[[list[Any]], Sequence[Any]], int, tuple[int, ...], int]


@dataclass(frozen=True, slots=True)
class Step:
    """One call.

    Attributes:
        rule: What is called.
        sources: Registers of its positional arguments.
        out: Register of its single result; -1 when there are several.
        outs: Registers of several results, in order; empty when there is one.
        free: Registers that are not needed afterwards.
        action: Index of the action it belongs to, the first of several.
        command: The action's command; those of several actions joined by ``" + "``.
        name: Name of the op table's row, or of the rule that stands for several.
        in_place: The result is written into an operand.
    """

    rule: Callable[..., Any]
    sources: tuple[int, ...]
    out: int
    outs: tuple[int, ...]
    free: tuple[int, ...]
    action: int
    command: str
    name: str = ""
    in_place: bool = False


@dataclass(frozen=True)
class Program:
    """A runnable role. It keeps nothing between runs: one program may run many times at once.

    Attributes:
        arguments: How the arguments are read.
        steps: In order.
        registers: Start values: state, constants, None for the rest.
        inputs: Register of each argument.
        outputs: Register of each result.
        copy_in: Registers that are copied first, because an in-place action changes them.
        copy_out: For each result, whether it may share memory with something outside.
        note: What it was compiled for; empty when it fits any arguments.
    """

    arguments: Arguments
    steps: tuple[Step, ...]
    registers: tuple[Any, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    copy_in: tuple[int, ...]
    copy_out: tuple[bool, ...]
    note: str = ""

    def run(
        self, args: Sequence[Any], *, should_stop: Callable[[], bool] | None = None
    ) -> list[np.ndarray]:
        """Run with these arguments; see `syft_web.plan.plan.Plan.execute`.

        Raises:
            PlanArgumentError: Wrong number or kind of arguments.
            PlanExecutionError: An action failed.
            PlanStoppedError: `should_stop` said so.
        """
        return self.run_arrays(self.arguments.arrays(args), should_stop=should_stop)

    def run_arrays(
        self, arrays: Sequence[np.ndarray], *, should_stop: Callable[[], bool] | None = None
    ) -> list[np.ndarray]:
        """Run with arrays as `Arguments.arrays` gives them.

        Args:
            arrays: One per input.
            should_stop: Asked before each step; when it says True the run ends there.

        Raises:
            PlanExecutionError: An action failed.
            PlanLimitError: The data ask for an array that is larger than allowed.
            PlanStoppedError: `should_stop` said so.
        """
        registers = list(self.registers)
        for register, array in zip(self.inputs, arrays, strict=True):
            registers[register] = array
        for register in self.copy_in:
            registers[register] = np.array(registers[register])
        with np.errstate(all="ignore"):
            if should_stop is None:
                self._loop(self._code, registers, arrays)
            else:
                self._careful(registers, arrays, should_stop)
        return [
            np.array(registers[register])
            if copy or not registers[register].flags.writeable
            else registers[register]
            for register, copy in zip(self.outputs, self.copy_out, strict=True)
        ]

    @cached_property
    def _code(self) -> list[_Code]:
        """The steps as the loop wants them."""
        return [
            (step.rule, _getter(step.sources), step.out, step.free, index)
            for index, step in enumerate(self.steps)
        ]

    def _loop(self, code: list[_Code], registers: list[Any], arrays: Sequence[np.ndarray]) -> None:
        index = -1
        try:
            for rule, get, out, free, index in code:
                result = rule(*get(registers))
                if out >= 0:
                    registers[out] = result
                else:
                    _spread(registers, self.steps[index].outs, result)
                for register in free:
                    registers[register] = None
        except Exception as error:
            if index < 0:
                raise
            step = self.steps[index]
            operands = ", ".join(described(registers[i]) for i in step.sources) or "none"
            if isinstance(error, TooLargeError):
                raise PlanLimitError(
                    f"Action {step.action} ({step.command}) of plan {self.arguments.name!r} was "
                    f"refused: {reason_of(error)} Operands: {operands}. If you trust the plan, "
                    "allow more (Limits).",
                    index=step.action,
                    command=step.command,
                ) from error
            raise failure(
                self.arguments,
                [array.shape for array in arrays],
                f"{reason_of(error)} Operands: {operands}.",
                action=step.action,
                command=step.command,
                by_shape=isinstance(error, ValueError | IndexError),
            ) from error

    def _careful(
        self,
        registers: list[Any],
        arrays: Sequence[np.ndarray],
        should_stop: Callable[[], bool],
    ) -> None:
        """Step by step, asking in between."""
        for code, step in zip(self._code, self.steps, strict=True):
            if should_stop():
                raise PlanStoppedError(
                    f"Plan {self.arguments.name!r} was stopped before action {step.action} "
                    f"({step.command}), as asked. Run it again for its results."
                )
            self._loop([code], registers, arrays)


def _getter(sources: tuple[int, ...]) -> Callable[[list[Any]], Sequence[Any]]:
    """Takes the values of some registers, as fast as Python can."""
    if len(sources) >= 2:
        return itemgetter(*sources)
    start = sources[0] if sources else 0
    return itemgetter(slice(start, start + len(sources)))


def _spread(registers: list[Any], outs: tuple[int, ...], result: Any) -> None:
    """Put several results into their registers; extra results are dropped."""
    if len(result) < len(outs):
        raise ValueError(f"it gave {len(result)} results where {len(outs)} are expected.")
    for register, value in zip(outs, result, strict=False):
        registers[register] = value
