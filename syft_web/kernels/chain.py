"""Several element-by-element operations in one pass over memory: `Chain`.

A step of Adam is fourteen operations on arrays of one shape. One after the other, each reads and
writes whole arrays; here all of them are done on a block that stays in the cache, and what lies in
between never becomes an array. Each operation rounds as it does alone, so the result is the same
to the last bit, apart from exp, tanh and sigmoid, whose kernels differ from numpy's by rounding.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from syft_web.kernels.common import FLOAT32, Array, dense
from syft_web.kernels.limits import CHAIN_BLOCK
from syft_web.kernels.load import address, current

__all__ = ["OPERATIONS", "Chain"]

OWN = 24
"""Numbers and values in between that the kernel has place for."""

ARRAYS = 24
"""Arrays that it has place for, results included."""


def _threshold(x: Any, limit: Any, out: Array) -> Array:
    """`x` where `limit` is not below or at zero, so also where it is nan, else 0."""
    low = np.asarray(limit <= 0)
    np.copyto(out, x)
    np.copyto(out, np.float32(0), where=low)
    return out


def _sigmoid(x: Any, out: Array) -> Array:
    np.negative(x, out)
    np.exp(out, out)
    np.add(1, out, out)
    return np.reciprocal(out, out)


OPERATIONS: dict[str, tuple[int, Callable[..., Any]]] = {
    "add": (0, np.add),
    "sub": (1, np.subtract),
    "mul": (2, np.multiply),
    "div": (3, np.true_divide),
    "neg": (4, np.negative),
    "sqrt": (5, np.sqrt),
    "abs": (6, np.absolute),
    "exp": (7, np.exp),
    "tanh": (8, np.tanh),
    "sigmoid": (9, _sigmoid),
    "relu": (10, lambda x, out: np.maximum(x, np.float32(0), out=out)),
    "threshold_backward": (11, _threshold),
}
"""What a chain can do: the number in the C source, and the same in numpy with ``out`` last."""


@dataclass(frozen=True)
class Chain:
    """Element-by-element operations on float32 arrays of one shape.

    Values are numbered: first the arrays given, then the results, the constants, the numbers
    given (arrays of one element), then what lies in between.

    Attributes:
        arrays: How many arrays are given.
        results: How many results there are.
        constants: Numbers that are the same in every call.
        numbers: How many numbers are given.
        between: How many values lie in between; a place may be used several times.
        code: Each operation: its name, where its result goes, and its operands, one or two.
        takes: For each result, the number of the given array whose memory it takes over (which
            no later operation reads), or -1 for new memory.
    """

    arrays: int
    results: int
    constants: tuple[float, ...]
    numbers: int
    between: int
    code: tuple[tuple[str, int, tuple[int, ...]], ...]
    takes: tuple[int, ...]

    def __call__(self, *values: Array) -> Any:
        """The results, in order; one alone, not in a tuple.

        Args:
            values: The arrays, all float32 of one shape, and then the numbers, float32 with one
                element each.
        """
        given, numbers = values[: self.arrays], values[self.arrays :]
        kernels = current()
        run = self._in_numpy if kernels is None else self._in_kernel
        found = run(given, numbers)
        return found[0] if self.results == 1 else found

    def _new(self, given: Sequence[Array]) -> list[Array]:
        """Memory for the results."""
        shape = given[0].shape
        return [
            given[take]
            if take >= 0 and given[take].flags.c_contiguous
            else np.empty(shape, FLOAT32)
            for take in self.takes
        ]

    # -- the kernel --

    @cached_property
    def _block(self) -> _Block:
        """What the kernel reads beside the arrays. Pages have one thread, so one is enough."""
        known = len(self.constants) + self.numbers
        head = (self.arrays + self.results, known, self.between, len(self.code))
        steps = [
            (OPERATIONS[name][0], out, operands[0], operands[-1])
            for name, out, operands in self.code
        ]
        return _Block(
            np.array([*head, *(n for step in steps for n in step)], np.int32),
            np.array([*self.constants, *[0] * self.numbers], np.float32),
            np.zeros(self.arrays + self.results, np.uint32),
        )

    def _in_kernel(self, given: Sequence[Array], numbers: Sequence[Array]) -> tuple[Array, ...]:
        results, block = self._new(given), self._block
        for place, number in enumerate(numbers, len(self.constants)):
            block.numbers[place] = number.item()
        values = [*map(dense, given), *results]
        block.pack(block.places.data, 0, *map(address, values))
        kernels = current()
        assert kernels is not None
        kernels["chain"](*block.addresses, given[0].size)
        return tuple(results)

    # -- numpy --

    @cached_property
    def _steps(self) -> list[tuple[Callable[..., Any], tuple[int, ...]]]:
        """Functions, and the places of their operands and result."""
        return [(OPERATIONS[name][1], (*operands, out)) for name, out, operands in self.code]

    @cached_property
    def _constants(self) -> list[Any]:
        return [np.float32(x) for x in self.constants]

    def _in_numpy(self, given: Sequence[Array], numbers: Sequence[Array]) -> tuple[Array, ...]:
        results = self._new(given)
        known = [*self._constants, *(x.reshape(()) for x in numbers)]
        size = given[0].size
        if size <= CHAIN_BLOCK or not all(x.flags.c_contiguous for x in given):
            # An array that is not in order is read whole, and only then written over.
            between = [np.empty_like(results[0]) for _ in range(self.between)]
            self._run([*given, *results, *known, *between])
            return tuple(results)
        flat = [x.reshape(-1) for x in (*given, *results)]
        between = [np.empty(CHAIN_BLOCK, FLOAT32) for _ in range(self.between)]
        for start in range(0, size, CHAIN_BLOCK):
            count = min(CHAIN_BLOCK, size - start)
            part = [x[start : start + count] for x in flat]
            self._run([*part, *known, *(x[:count] for x in between)])
        return tuple(results)

    def _run(self, values: list[Array]) -> None:
        for function, places in self._steps:
            function(*[values[i] for i in places])


class _Block:
    """What is told to the kernel: its program, numbers, and where the arrays lie.

    Args:
        code: As the C source says.
        numbers: Constants, and places for the others.
        places: One for each array.
    """

    __slots__ = ("addresses", "code", "numbers", "pack", "places")

    def __init__(self, code: Array, numbers: Array, places: Array) -> None:
        self.code, self.numbers, self.places = code, numbers, places
        self.pack = struct.Struct(f"<{places.size}I").pack_into
        self.addresses = address(code), address(places), address(numbers)
