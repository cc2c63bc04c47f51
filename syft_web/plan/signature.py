"""What the inputs and outputs of a plan are: `Signature`.

A Plan is a function of unnamed tensors. A plan made by `syft_web.author.torch` says in its
placeholders' tags what each is, so that it can be trained without hand-written specs. The
tags are plain texts, survive every format, and mean nothing to other programs:

=====================  ==================================================================
``#kind:model_param``  what it is, one of `INPUT_KINDS` or `OUTPUT_KINDS`
``#name:0.weight``     its name: of the parameter, the metric, the key in the client config
``#index:3``           its position among those of its kind
``#model:3``           its position in the hosted model, if it belongs to it
``#dtype:float32``     dtype of its elements
``#shape:*,784``       its shape; ``*`` is the size of the batch, ``scalar`` has no dimensions
``#fill:0.1``          all its elements before the first step, where not 0
=====================  ==================================================================

Of the kinds, ``optimizer_state`` belongs to the worker alone: it starts anew with each cycle
and is never reported. A ``buffer`` (running statistics) belongs to the model or to the worker,
as the author chose; one of the worker starts from a tensor that travels in the plan's state,
tagged ``#initial:`` and the buffer's index.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from syft_web.errors import PlanInvalidError
from syft_web.plan.values import Placeholder

if TYPE_CHECKING:
    from syft_web.plan.plan import Plan, Role

__all__ = ["INPUT_KINDS", "OUTPUT_KINDS", "STATEFUL_KINDS", "Signature", "Slot"]

INPUT_KINDS = (
    "data",
    "target",
    "batch_size",
    "client_config",
    "model_param",
    "buffer",
    "optimizer_state",
)
"""What an input can be."""

OUTPUT_KINDS = ("loss", "metric", "value", "model_param", "buffer", "optimizer_state")
"""What an output can be; ``value`` is a result of inference."""

STATEFUL_KINDS = ("model_param", "buffer", "optimizer_state")
"""Kinds whose outputs are the inputs of the next step."""

_LARGEST = 2**31 - 1


@dataclass(frozen=True, slots=True, eq=False)
class Slot:
    """One input or output.

    Attributes:
        kind: One of `INPUT_KINDS` or `OUTPUT_KINDS`.
        name: Its name; for ``client_config`` the key, e.g. ``"lr"``.
        index: Position among those of its kind, from 0.
        model_index: Position in the hosted model; None when it does not belong to it.
        shape: One entry per dimension, None for the batch's; None when it is not said.
        dtype: Name of the numpy dtype, empty when it is not said.
        fill: Every element before the first step.
        initial: The value before the first step where one travels with the plan.
    """

    kind: str
    name: str = ""
    index: int = 0
    model_index: int | None = None
    shape: tuple[int | None, ...] | None = None
    dtype: str = ""
    fill: float = 0.0
    initial: np.ndarray | None = None

    @property
    def tags(self) -> tuple[str, ...]:
        """The tags that say this, sorted."""
        tags = [f"#kind:{self.kind}", f"#name:{self.name}", f"#index:{self.index}"]
        if self.model_index is not None:
            tags.append(f"#model:{self.model_index}")
        if self.dtype:
            tags.append(f"#dtype:{self.dtype}")
        if self.shape is not None:
            sizes = ",".join("*" if n is None else str(n) for n in self.shape)
            tags.append(f"#shape:{sizes or 'scalar'}")
        if self.fill:
            tags.append(f"#fill:{self.fill!r}")
        return tuple(sorted(tags))

    @classmethod
    def from_placeholder(cls, placeholder: Placeholder) -> Slot | None:
        """Read a placeholder's tags; None when it has no kind.

        Raises:
            PlanInvalidError: A tag that cannot be read.
        """
        said = _said(placeholder.tags)
        if "kind" not in said:
            return None
        try:
            return cls(
                kind=said["kind"],
                name=said.get("name", ""),
                index=_number(said.get("index", "0")),
                model_index=_number(said["model"]) if "model" in said else None,
                shape=_shape(said["shape"]) if "shape" in said else None,
                dtype=_dtype(said.get("dtype", "")),
                fill=float(said.get("fill", 0)),
            )
        except (TypeError, ValueError) as error:
            raise PlanInvalidError(
                f"The tags of placeholder {placeholder.id!r} cannot be read as a signature "
                f"({error}). Make the plan again."
            ) from error

    def start(self) -> np.ndarray:
        """Its value before the first step: `initial`, or an array of `fill`.

        Raises:
            PlanInvalidError: The plan does not say enough for that.
        """
        if self.initial is not None:
            return np.array(self.initial)
        if self.shape is None or None in self.shape or not self.dtype:
            raise PlanInvalidError(
                f"The plan does not say how {self.kind} {self.name!r} starts; it needs a shape "
                "and a dtype. Make the plan again."
            )
        return np.full(tuple(n or 0 for n in self.shape), self.fill, self.dtype)


@dataclass(frozen=True, slots=True)
class Signature:
    """What each input and each output of a plan is, in order.

    Attributes:
        inputs: One slot per input of the plan.
        outputs: One slot per output of the plan.
    """

    inputs: tuple[Slot, ...]
    outputs: tuple[Slot, ...]

    @classmethod
    def of(cls, plan: Plan) -> Signature | None:
        """The signature of the role that runs; None when the plan says nothing.

        Raises:
            PlanInvalidError: It says something, but not for every input and output, or
                something that contradicts itself.
        """
        return cls.of_role(plan.role)

    @classmethod
    def of_role(cls, role: Role) -> Signature | None:
        """As `of`, for one role."""
        described = {p.id: p for p in (*role.placeholders, *role.state.placeholders)}
        sides = []
        for ids in (role.input_ids, role.output_ids):
            found = [Slot.from_placeholder(described.get(id, Placeholder(id))) for id in ids]
            sides.append(found)
        if not any(slot for side in sides for slot in side):
            return None
        problems: list[str] = []
        inputs = _checked("input", sides[0], INPUT_KINDS, problems)
        outputs = _checked("output", sides[1], OUTPUT_KINDS, problems)
        known = {(slot.kind, slot.index) for slot in inputs}
        for slot in outputs:
            if slot.kind in STATEFUL_KINDS and (slot.kind, slot.index) not in known:
                problems.append(f"output {slot.kind} {slot.index} ({slot.name!r}) is no input")
        if problems:
            raise PlanInvalidError(
                "The plan's signature contradicts itself; make the plan again, or give specs by "
                "hand:",
                problems,
            )
        return cls(_with_initial(inputs, role), outputs)

    @property
    def feedback(self) -> dict[int, int]:
        """Position of each output that is an input of the next step -> that input's position."""
        places = {(slot.kind, slot.index): i for i, slot in enumerate(self.inputs)}
        return {
            i: places[slot.kind, slot.index]
            for i, slot in enumerate(self.outputs)
            if slot.kind in STATEFUL_KINDS
        }

    @property
    def model_size(self) -> int:
        """How many tensors the hosted model must have at least."""
        return max((s.model_index + 1 for s in self.inputs if s.model_index is not None), default=0)

    @property
    def config_keys(self) -> tuple[str, ...]:
        """Keys that the client config must have, in order of the inputs."""
        return tuple(slot.name for slot in self.inputs if slot.kind == "client_config")

    def positions(self, kind: str, *, output: bool = False) -> tuple[int, ...]:
        """Positions of all inputs (or outputs) of a kind, in order."""
        slots = self.outputs if output else self.inputs
        return tuple(i for i, slot in enumerate(slots) if slot.kind == kind)

    def arguments(
        self,
        *,
        data: Sequence[Any] = (),
        targets: Sequence[Any] = (),
        batch_size: int | None = None,
        config: Mapping[str, Any] | None = None,
        model: Sequence[np.ndarray] = (),
    ) -> list[Any]:
        """The plan's arguments for a first step.

        Args:
            data: The batch's arrays, in order.
            targets: The batch's targets, in order.
            batch_size: Rows of the batch; by default those of the first array.
            config: The client config.
            model: Tensors of the hosted model.

        Raises:
            PlanInvalidError: Something that the plan wants is not there.
        """
        rows = len(data[0]) if batch_size is None and data and np.ndim(data[0]) else batch_size
        sources: dict[str, Sequence[Any]] = {"data": data, "target": targets}
        return [_argument(s, sources, rows, config or {}, model) for s in self.inputs]


def _argument(
    slot: Slot,
    sources: Mapping[str, Sequence[Any]],
    rows: int | None,
    config: Mapping[str, Any],
    model: Sequence[np.ndarray],
) -> Any:
    try:
        if slot.model_index is not None:
            return model[slot.model_index]
        if slot.kind in sources:
            return sources[slot.kind][slot.index]
        if slot.kind == "client_config":
            return np.asarray(config[slot.name], slot.dtype or np.float32)
    except (IndexError, KeyError):
        raise PlanInvalidError(
            f"The plan wants {slot.kind} {slot.index} ({slot.name!r}), which was not given."
        ) from None
    if slot.kind == "batch_size":
        return np.asarray(0 if rows is None else rows, slot.dtype or np.float32)
    return slot.start()


def _said(tags: Iterable[str]) -> dict[str, str]:
    pairs = (tag[1:].partition(":") for tag in tags if tag.startswith("#"))
    return {key: value for key, colon, value in pairs if colon}


def _number(text: str) -> int:
    number = int(text)
    if not 0 <= number <= _LARGEST:
        raise ValueError(f"{number} is no position")
    return number


def _dtype(text: str) -> str:
    if text and (np.dtype(text).kind not in "fiub" or np.dtype(text).itemsize > 8):
        raise ValueError(f"{text!r} is no dtype of a plan's tensors")
    return np.dtype(text).name if text else ""


def _shape(text: str) -> tuple[int | None, ...]:
    if text == "scalar":
        return ()
    return tuple(None if part == "*" else _number(part) for part in text.split(","))


def _checked(
    side: str, found: Sequence[Slot | None], kinds: tuple[str, ...], problems: list[str]
) -> tuple[Slot, ...]:
    """The slots of one side; what is wrong with them goes to `problems`."""
    slots: list[Slot] = []
    seen: set[tuple[str, int]] = set()
    for i, slot in enumerate(found):
        if slot is None:
            problems.append(f"{side} {i} has no kind")
            continue
        if slot.kind not in kinds:
            problems.append(f"{side} {i} is of the unknown kind {slot.kind!r}")
        if slot.kind == "model_param" and slot.model_index is None:
            problems.append(f"{side} {i}, a model_param, has no position in the model")
        if (slot.kind, slot.index) in seen:
            problems.append(f"two {side}s are {slot.kind} {slot.index}")
        seen.add((slot.kind, slot.index))
        slots.append(slot)
    return tuple(slots)


def _with_initial(slots: tuple[Slot, ...], role: Role) -> tuple[Slot, ...]:
    """The slots, each with the tensor that the plan's state holds for it."""
    held = {
        said["initial"]: entry.array
        for placeholder, entry in zip(role.state.placeholders, role.state.entries, strict=False)
        if "initial" in (said := _said(placeholder.tags))
    }
    if not held:
        return slots
    return tuple(
        Slot(s.kind, s.name, s.index, s.model_index, s.shape, s.dtype, s.fill, held[str(s.index)])
        if s.kind == "buffer" and str(s.index) in held
        else s
        for s in slots
    )
