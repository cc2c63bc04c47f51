"""What a plan is called with, made into a list of arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np

from syft_web.errors import PlanArgumentError
from syft_web.plan.values import Placeholder

__all__ = ["Arguments", "flatten_arguments"]

# What torch.tensor makes of a number (int64 on 32-bit platforms too).
_TORCH_NUMBERS: dict[type, type] = {bool: np.bool_, int: np.int64, float: np.float32}
# TensorFlow.js knows no ints among plain numbers.
_TFJS_NUMBERS: dict[type, type] = {bool: np.bool_, int: np.float32, float: np.float32}


@dataclass(frozen=True, slots=True)
class Arguments:
    """How the arguments of one plan are read.

    Attributes:
        name: Name of the plan, for messages.
        framework: Whose idea of a number's dtype holds.
        placeholders: The inputs, in order.
    """

    name: str
    framework: str
    placeholders: tuple[Placeholder, ...]

    def arrays(self, args: Sequence[Any]) -> list[np.ndarray]:
        """One array per input, in native byte order and aligned; not copied where possible.

        Raises:
            PlanArgumentError: Wrong number or kind of arguments.
        """
        leaves = flatten_arguments(args)
        if len(leaves) != len(self.placeholders):
            raise PlanArgumentError(
                f"Plan {self.name!r} takes {len(self.placeholders)} arguments, "
                f"{len(leaves)} were given (lists, tuples and dicts count by their items). "
                "Give one array or number per input."
            )
        return [self._array(i, leaf) for i, leaf in enumerate(leaves)]

    def input_name(self, position: int) -> str:
        """An input in words."""
        return f"argument {position} (placeholder {self.placeholders[position].id})"

    def _array(self, position: int, value: Any) -> np.ndarray:
        kind = type(value)
        if kind is not np.ndarray:
            numbers = _TFJS_NUMBERS if self.framework == "tfjs" else _TORCH_NUMBERS
            if kind in numbers:
                return self._number(position, value, numbers[kind])
            if not isinstance(value, np.ndarray | np.generic):
                self._refuse(position, f"a {kind.__name__}")
            value = np.asarray(value)
        if value.dtype.kind not in "fiub" or value.dtype.itemsize > 8:
            self._refuse(position, f"an array of {value.dtype}")
        if not value.dtype.isnative or not value.flags.aligned:
            return np.array(value, value.dtype.newbyteorder("="))
        return np.asarray(value)

    def _number(self, position: int, value: bool | int | float, dtype: type) -> np.ndarray:
        """A number as the role's framework makes a tensor of it."""
        try:
            return np.asarray(value, dtype)
        except OverflowError:
            self._refuse(position, "an int of more than 64 bits")

    def _refuse(self, position: int, what: str) -> NoReturn:
        raise PlanArgumentError(
            f"{self.input_name(position).capitalize()} of plan {self.name!r} is {what}. Give an "
            "array of bools, ints or floats (up to 64 bits), or a number."
        )


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
