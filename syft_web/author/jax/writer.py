"""Writes the actions of a Role one after the other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from syft_web.author.jax.values import Shape, Size, is_static
from syft_web.errors import BatchSizeError, CaptureError
from syft_web.plan.plan import Action, Arg, Id, Placeholder, Ref, Role, State
from syft_web.plan.signature import Slot
from syft_web.plan.state import StateEntry

__all__ = ["ROWS", "Writer"]

ROWS = "rows"
"""jax's name for the size of the batch."""

_RANDOM = {"torch.rand"}


class Writer:
    """A Role in the making. Equal actions on equal arguments are written once."""

    def __init__(self) -> None:
        self.next = 1
        self.actions: list[Action] = []
        self.placeholders: dict[Id, Placeholder] = {}
        self.input_ids: list[Id] = []
        self.held: list[tuple[Placeholder, StateEntry]] = []
        self._constants: dict[tuple[str, bytes], Ref] = {}
        self._known: dict[str, tuple[Ref, ...]] = {}
        self._batch: Ref | None = None

    def input(self, slot: Slot) -> Ref:
        """Add an input of the plan."""
        id = self._new()
        tags = (*slot.tags, f"#input-{len(self.input_ids)}")
        self.placeholders[id] = Placeholder(id, tuple(sorted(tags)), "", _expected(slot.shape))
        self.input_ids.append(id)
        if self._batch is None and slot.shape and slot.shape[0] is None:
            self._batch = Ref(id)
        return Ref(id)

    def emit(self, command: str, *args: Any, **kwargs: Any) -> Ref:
        """Add an action with one result; a command without a dot is a method of the first."""
        return self.emit_many(1, command, *args, **kwargs)[0]

    def emit_many(self, results: int, command: str, *args: Any, **kwargs: Any) -> tuple[Ref, ...]:
        """Add an action with several results."""
        key = f"{command}{args!r}{kwargs!r}"
        if command in _RANDOM or key not in self._known:
            refs = tuple(Ref(self._new()) for _ in range(results))
            method = "." not in command
            target, rest = (args[0], args[1:]) if method else (None, args)
            ids = tuple(ref.id for ref in refs)
            self.actions.append(Action(command, target, rest, kwargs, ids))
            self._known[key] = refs
        return self._known[key]

    def constant(self, array: np.ndarray) -> Ref:
        """A tensor in the plan's state; equal ones are kept once."""
        array = np.ascontiguousarray(array).reshape(array.shape)
        if array.dtype == np.uint32:  # jax numbers what it sorts with these
            array = array.astype(np.int64)
        key = (f"{array.dtype}{array.shape}", array.tobytes())
        if key not in self._constants:
            id = self._new()
            placeholder = Placeholder(id, (f"#state-{len(self.held)}",), "", array.shape or None)
            self.held.append((placeholder, StateEntry(array, id=id)))
            self._constants[key] = Ref(id)
        return self._constants[key]

    def initial(self, slot: Slot) -> None:
        """Keep the start value of a tensor that belongs to the worker."""
        id = self._new()
        tags = tuple(sorted((f"#state-{len(self.held)}", f"#initial:{slot.index}")))
        array = np.asarray(slot.initial)
        self.held.append((Placeholder(id, tags, "", array.shape or None), StateEntry(array, id=id)))

    def size(self, size: Size) -> int | Ref:
        """A size as an argument: a number, or what computes it from the batch."""
        if is_static(size):
            return int(size)
        if self._batch is None:
            raise CaptureError("No input has the size of the batch as its first dimension.")
        base, slope = _linear(size)
        rows = self.emit("torch.ops.aten.sym_size.int", self._batch, 0)
        if slope != 1:
            rows = self.emit("torch.ops.aten.mul.int", rows, slope)
        return self.emit("torch.ops.aten.add.int", rows, base) if base else rows

    def sizes(self, shape: Shape) -> list[Arg]:
        """A shape as an argument of reshape: one open size is -1."""
        open_ones = [n for n in shape if not is_static(n)]
        if len(open_ones) == 1 and 0 not in [n for n in shape if is_static(n)]:
            return [int(n) if is_static(n) else -1 for n in shape]
        return [self.size(n) for n in shape]

    def expand(self, ref: Ref, held: Shape, shape: Shape) -> Ref:
        """Repeat a tensor to a shape."""
        padded = (1,) * (len(shape) - len(held)) + tuple(held)
        sizes: list[Arg] = []
        for i, (have, want) in enumerate(zip(padded, shape, strict=True)):
            kept = i >= len(shape) - len(held) and not (is_static(have) and have == 1)
            sizes.append(-1 if kept else self.size(want))
        return self.emit("expand", ref, sizes)

    def role(self, outputs: Sequence[tuple[Slot, Ref]]) -> Role:
        """Everything that the outputs need."""
        output_ids = [self._output(slot, ref, i) for i, (slot, ref) in enumerate(outputs)]
        needed, actions = set(output_ids), []
        for action in reversed(self.actions):
            if needed.intersection(action.return_ids):
                needed.update(_ids([action.target, *action.args, *action.kwargs.values()]))
                actions.append(action)
        held = [
            (p, e)
            for p, e in self.held
            if p.id in needed or any(tag.startswith("#initial:") for tag in p.tags)
        ]
        return Role(
            actions=tuple(reversed(actions)),
            state=State(tuple(p for p, _ in held), tuple(e for _, e in held)),
            placeholders=tuple(self.placeholders.values()),
            input_ids=tuple(self.input_ids),
            output_ids=tuple(output_ids),
        )

    def _output(self, slot: Slot, ref: Ref, position: int) -> Id:
        """The id of an output; a fresh one, so that its tags speak of this output alone."""
        id = ref.id
        if id in self.placeholders or any(p.id == id for p, _ in self.held):
            id = self._new()
            self.actions.append(Action("torch.clone", None, (ref,), {}, (id,)))
        tags = (*slot.tags, f"#output-{position}")
        self.placeholders[id] = Placeholder(id, tuple(sorted(tags)), "", _expected(slot.shape))
        return id

    def _new(self) -> int:
        self.next += 1
        return self.next - 1


def _expected(shape: tuple[int | None, ...] | None) -> tuple[int, ...] | None:
    if not shape or None in shape:
        return None
    return tuple(n for n in shape if n is not None)


def _linear(size: Any) -> tuple[int, int]:
    """The size as ``base + slope * rows``."""
    at = [int(size._evaluate({ROWS: n})) for n in (1, 2, 3, 10, 32)]
    slope = at[1] - at[0]
    base = at[0] - slope
    if at != [base + slope * n for n in (1, 2, 3, 10, 32)]:
        raise BatchSizeError(
            f"A size is {size}, which grows with the number of rows in steps. Make it a multiple "
            "of the rows, or capture with dynamic_batch=False for one batch size."
        )
    return base, slope


def _ids(values: Sequence[Arg]) -> list[Id]:
    found: list[Id] = []
    for value in values:
        if isinstance(value, Ref):
            found.append(value.id)
        elif isinstance(value, list):
            found += _ids(value)
    return found
