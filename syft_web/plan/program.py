"""A role made ready to run: a flat list of steps over numbered registers.

Everything that can be settled before the data is known is settled in
`syft_web.plan.resolve`: which rule a command means, where its arguments come from, when
a value is used for the last time, which inputs an in-place action would change.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np

from syft_web.errors import PlanArgumentError, PlanExecutionError, PlanShapeError
from syft_web.plan.values import Placeholder

__all__ = ["TFJS_NUMBERS", "TORCH_NUMBERS", "Program", "Step", "flatten_arguments"]

_BROADCAST = re.compile(r"operands could not be broadcast together", re.IGNORECASE)
_SHAPE = re.compile(r"\(([\d,]*)\)")
# What torch.tensor makes of a number (int64 on 32-bit platforms too).
TORCH_NUMBERS: dict[type, type] = {bool: np.bool_, int: np.int64, float: np.float32}
# TensorFlow.js knows no ints among plain numbers.
TFJS_NUMBERS: dict[type, type] = {bool: np.bool_, int: np.float32, float: np.float32}
_NAMED = 4  # arguments named in a message before "and n more"


@dataclass(frozen=True, slots=True)
class Step:
    """One call.

    Attributes:
        rule: What is called.
        sources: Registers of its positional arguments.
        out: Register of its single result; -1 when there are several.
        outs: Registers of several results, in order; empty when there is one.
        free: Registers that are not needed afterwards.
        action: Index of the action it belongs to.
        command: The action's command.
    """

    rule: Callable[..., Any]
    sources: tuple[int, ...]
    out: int
    outs: tuple[int, ...]
    free: tuple[int, ...]
    action: int
    command: str


@dataclass(frozen=True, slots=True)
class Program:
    """A runnable role. It keeps nothing between runs, so one program may run many times.

    Attributes:
        name: Name of the plan, for messages.
        steps: In order.
        registers: Start values: state, constants, None for the rest.
        inputs: Register of each argument.
        placeholders: The input placeholders, for messages.
        outputs: Register of each result.
        copy_in: Registers that are copied first, because an in-place action changes them.
        copy_out: For each result, whether it may share memory with something outside.
        numbers: The dtype of an argument that is a Python number.
    """

    name: str
    steps: tuple[Step, ...]
    registers: tuple[Any, ...]
    inputs: tuple[int, ...]
    placeholders: tuple[Placeholder, ...]
    outputs: tuple[int, ...]
    copy_in: tuple[int, ...]
    copy_out: tuple[bool, ...]
    numbers: Mapping[type, type]

    def run(self, args: Sequence[Any]) -> list[np.ndarray]:
        """Run with these arguments; see `syft_web.plan.plan.Plan.execute`.

        Raises:
            PlanArgumentError: Wrong number or kind of arguments.
            PlanExecutionError: An action failed.
        """
        arrays = self._arguments(args)
        registers = list(self.registers)
        for register, array in zip(self.inputs, arrays, strict=True):
            registers[register] = array
        for register in self.copy_in:
            registers[register] = np.array(registers[register])
        with np.errstate(all="ignore"):
            self._loop(registers, arrays)
        return [
            np.array(registers[register])
            if copy or not registers[register].flags.writeable
            else registers[register]
            for register, copy in zip(self.outputs, self.copy_out, strict=True)
        ]

    def _loop(self, registers: list[Any], arrays: list[np.ndarray]) -> None:
        step = None
        try:
            for step in self.steps:
                result = step.rule(*[registers[i] for i in step.sources])
                if step.out >= 0:
                    registers[step.out] = result
                else:
                    _spread(registers, step.outs, result)
                for i in step.free:
                    registers[i] = None
        except Exception as error:
            if step is None:
                raise
            self._fail(step, registers, arrays, error)

    def _arguments(self, args: Sequence[Any]) -> list[np.ndarray]:
        leaves = flatten_arguments(args)
        if len(leaves) != len(self.inputs):
            raise PlanArgumentError(
                f"Plan {self.name!r} takes {len(self.inputs)} arguments, "
                f"{len(leaves)} were given (lists, tuples and dicts count by their items). "
                "Give one array or number per input."
            )
        return [self._argument(i, leaf) for i, leaf in enumerate(leaves)]

    def _argument(self, position: int, value: Any) -> np.ndarray:
        kind = type(value)
        if kind is not np.ndarray:
            if kind in self.numbers:
                return self._number(position, value)
            if not isinstance(value, np.ndarray | np.generic):
                self._refuse(position, f"a {kind.__name__}")
            value = np.asarray(value)
        if value.dtype.kind not in "fiub" or value.dtype.itemsize > 8:
            self._refuse(position, f"an array of {value.dtype}")
        if not value.dtype.isnative or not value.flags.aligned:
            return np.array(value, value.dtype.newbyteorder("="))
        return np.asarray(value)

    def _number(self, position: int, value: bool | int | float) -> np.ndarray:
        """A number as the role's framework makes a tensor of it."""
        try:
            return np.asarray(value, self.numbers[type(value)])
        except OverflowError:
            self._refuse(position, "an int of more than 64 bits")

    def _refuse(self, position: int, what: str) -> NoReturn:
        raise PlanArgumentError(
            f"{self._input_name(position).capitalize()} of plan {self.name!r} is {what}. Give an "
            "array of bools, ints or floats (up to 64 bits), or a number."
        )

    def _input_name(self, position: int) -> str:
        placeholder = self.placeholders[position]
        return f"argument {position} (placeholder {placeholder.id})"

    def _fail(
        self, step: Step, registers: list[Any], arrays: list[np.ndarray], error: Exception
    ) -> NoReturn:
        reason = _reason(error)
        operands = ", ".join(_described(registers[i]) for i in step.sources) or "none"
        message = (
            f"Action {step.action} ({step.command}) of plan {self.name!r} failed: {reason} "
            f"Operands: {operands}."
        )
        suspects = self._unlike_recorded(arrays)
        kind = PlanExecutionError
        if suspects and isinstance(error, ValueError | IndexError):
            kind = PlanShapeError
            shown = "; ".join(suspects[:_NAMED])
            more = len(suspects) - _NAMED
            message += f" Check the shapes of the arguments: {shown}" + (
                f"; and {more} more." if more > 0 else "."
            )
        raise kind(message, index=step.action, command=step.command) from error

    def _unlike_recorded(self, arrays: list[np.ndarray]) -> list[str]:
        """Arguments whose shape differs from the recording, those beyond the batch size first."""
        worse: list[str] = []
        better: list[str] = []
        for i, (array, placeholder) in enumerate(zip(arrays, self.placeholders, strict=True)):
            recorded = placeholder.expected_shape
            if recorded is None or recorded == array.shape:
                continue
            text = (
                f"{self._input_name(i)} has shape {array.shape}, "
                f"at recording time it was {recorded}"
            )
            (better if array.shape[1:] == recorded[1:] and array.ndim else worse).append(text)
        return worse + better


def _spread(registers: list[Any], outs: tuple[int, ...], result: Any) -> None:
    """Put several results into their registers; extra results are dropped."""
    if len(result) < len(outs):
        raise ValueError(f"it gave {len(result)} results where {len(outs)} are expected.")
    for register, value in zip(outs, result, strict=False):
        registers[register] = value


def _reason(error: Exception) -> str:
    """The error in a sentence; numpy's broadcasting failure in the words of the original client."""
    text = str(error).strip() or type(error).__name__
    if _BROADCAST.search(text):
        shapes = [found.strip(",") for found in _SHAPE.findall(text)]
        return f"Operands could not be broadcast together with shapes {' and '.join(shapes)}."
    if isinstance(error, MemoryError):
        text = f"out of memory ({text})"
    return text if text.endswith((".", "!")) else text + "."


def _described(value: Any) -> str:
    """Type and shape of an operand, never its contents."""
    if isinstance(value, np.ndarray):
        return f"{value.dtype}[{','.join(map(str, value.shape))}]"
    if isinstance(value, list) and any(isinstance(v, np.ndarray) for v in value):
        return f"[{', '.join(map(_described, value))}]"
    return repr(value)


def flatten_arguments(args: Any) -> list[Any]:
    """The leaves of nested lists, tuples and dicts, depth first, dicts by sorted key.

    Raises:
        PlanArgumentError: A dict whose keys cannot be sorted, or a container that holds itself.
    """
    leaves: list[Any] = []
    _collect(args, leaves, 0)
    return leaves


def _collect(value: Any, leaves: list[Any], depth: int) -> None:
    if depth > 64:
        raise PlanArgumentError("The arguments are nested deeper than 64; flatten them.")
    if isinstance(value, list | tuple):
        for item in value:
            _collect(item, leaves, depth + 1)
    elif isinstance(value, Mapping):
        try:
            keys = sorted(value)
        except TypeError as error:
            raise PlanArgumentError(
                "A dict among the arguments has keys that cannot be sorted; use texts only."
            ) from error
        for key in keys:
            _collect(value[key], leaves, depth + 1)
    else:
        leaves.append(value)
