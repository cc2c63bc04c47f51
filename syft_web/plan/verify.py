"""Checks a whole plan before any data is touched: shapes, dtypes, memory and work.

`Plan.verify` reports; `require` refuses, and is what a plan goes through before it runs.
Problems of the plan's own structure (unknown commands, undefined placeholders, wrong arguments)
are found earlier, when commands are resolved (`syft_web.plan.resolve`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn

import numpy as np

from syft_web.errors import (
    PlanInvalidError,
    PlanLimitError,
)
from syft_web.ops.infer.work import extent
from syft_web.ops.spec import UNKNOWN, Spec, Unknown
from syft_web.plan.arguments import Arguments
from syft_web.plan.failure import failure, reason_of
from syft_web.plan.graph import Call, Graph, operands
from syft_web.plan.infer import Inference, Problem, infer_graph
from syft_web.plan.limits import DEFAULT_LIMITS, Limits
from syft_web.plan.signature import Slot
from syft_web.plan.values import Placeholder

if TYPE_CHECKING:
    from syft_web.plan.plan import Plan

__all__ = ["Limits", "Report", "check_constants", "check_limits", "report", "require", "verify"]

_ENDLESS = 1 << 200  # larger ints make no float
_SHOWN = 20  # problems in a message
_MOST_TRIED = 64  # inputs whose dtype is guessed


@dataclass(frozen=True, slots=True)
class Report:
    """What is known of a plan before it runs.

    Attributes:
        problems: Everything that is wrong, in order of the actions.
        largest: Bytes of the largest value that an action makes.
        largest_action: Index of that action, -1 when no size is known.
        peak: Bytes of all values that are needed at the same time, at most, without
            arguments and state.
        flops: Floating-point operations, about.
        unknown: Actions with a result whose size is not known before the plan runs.
        inputs: The specs that were assumed for the inputs.
    """

    problems: tuple[Problem, ...]
    largest: int = 0
    largest_action: int = -1
    peak: int = 0
    flops: int = 0
    unknown: int = 0
    inputs: tuple[Spec | Unknown, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether there are no problems."""
        return not self.problems

    def __str__(self) -> str:
        head = "no problems" if self.ok else _counted(len(self.problems))
        lines = [
            f"{head}; largest value {_bytes(self.largest)}, peak {_bytes(self.peak)}, "
            f"{min(self.flops, _ENDLESS) / 1e6:.1f} MFLOP, {self.unknown} actions of unknown size"
        ]
        return "\n  ".join([*lines, *_listed(self.problems)])


def verify(
    graph: Graph,
    inputs: Sequence[Spec | Unknown] | None = None,
    limits: Limits = DEFAULT_LIMITS,
) -> Report:
    """Check a resolved role.

    Args:
        graph: What is checked.
        inputs: One spec per input. None: the shapes of the recording, where the plan has
            them; dtypes that it does not say are taken as float32, or int64 where only that
            fits.
        limits: Bounds on memory and work.
    """
    if inputs is None:
        inputs = _recorded(graph)
    inference = infer_graph(graph, inputs)
    memory = _Memory(graph, inference)
    problems = [problem for problem in inference.problems if not problem.limit]
    problems += check_limits(graph, inference, limits)
    problems.sort(key=lambda p: p.action if p.action >= 0 else len(graph.calls))
    return Report(
        problems=tuple(problems),
        largest=memory.largest,
        largest_action=memory.largest_action,
        peak=memory.peak,
        flops=sum(inference.work),
        unknown=memory.unknown,
        inputs=tuple(inputs),
    )


def report(plan: Plan, inputs: Sequence[Spec | Unknown] | None, limits: Limits) -> Report:
    """See `syft_web.plan.plan.Plan.verify`."""
    try:
        graph = plan.graph
    except PlanInvalidError as error:
        return Report(tuple(Problem(-1, "", text) for text in error.problems))
    return verify(graph, inputs, limits)


def require(
    graph: Graph, inputs: Sequence[Spec | Unknown], limits: Limits = DEFAULT_LIMITS
) -> Inference:
    """Infer a graph for real inputs, and refuse what cannot run.

    Args:
        graph: What is to run.
        inputs: The specs of the arguments.
        limits: Bounds on memory and work.

    Raises:
        PlanExecutionError: Operands of an action do not fit; names the first such action.
        PlanShapeError: The same, and arguments have other shapes than at recording time.
        PlanLimitError: It would need too much memory or work.
    """
    inference = infer_graph(graph, inputs)
    misfits = [problem for problem in inference.problems if not problem.limit]
    if misfits:
        _refuse_shapes(graph, inputs, misfits)
    _refuse_limits(graph, check_limits(graph, inference, limits))
    return inference


def check_constants(graph: Graph, limits: Limits = DEFAULT_LIMITS) -> None:
    """Refuse a plan that exceeds the limits whatever its arguments are.

    Raises:
        PlanLimitError: It does.
    """
    inference = infer_graph(graph, [UNKNOWN] * len(graph.inputs))
    _refuse_limits(graph, check_limits(graph, inference, limits))


def check_limits(graph: Graph, inference: Inference, limits: Limits) -> tuple[Problem, ...]:
    """What exceeds the limits: each single value and action, then the sums.

    Args:
        graph: The calls.
        inference: What `infer_graph` found for them.
        limits: The bounds.
    """
    refused = {problem.action: problem for problem in inference.problems if problem.limit}
    problems: list[Problem] = []
    excessive: set[int] = set()  # what comes of them is not reported again
    for call, work, scratch in zip(graph.calls, inference.work, inference.scratch, strict=True):
        if any(operand.register in excessive for operand in operands(call.values)):
            excessive.update(call.outs)
            continue
        if call.action in refused:
            problems.append(refused[call.action])
            continue
        for text in _too_large(call, inference, work, scratch, limits):
            problems.append(Problem(call.action, call.command, text))
            excessive.update(call.outs)
    memory = _Memory(graph, inference)
    if not problems and memory.peak > limits.max_total_bytes:
        call = graph.calls[memory.peak_call]
        text = (
            f"together with the values that are needed later {_bytes(memory.peak)} are "
            f"held here, more than the {_bytes(limits.max_total_bytes)} allowed"
        )
        problems.append(Problem(call.action, call.command, text))
    total = sum(inference.work)
    if not problems and total > limits.max_work:
        text = f"the plan {_too_much_work(total, limits)}"
        problems.append(Problem(-1, "", text))
    return tuple(problems)


def _too_large(
    call: Call, inference: Inference, work: int, scratch: int, limits: Limits
) -> Iterable[str]:
    for register in call.outs:
        spec = inference.specs[register]
        if isinstance(spec, Spec) and extent(spec) * spec.dtype.itemsize > limits.max_bytes:
            yield (
                f"its result {spec} would be larger than the {_bytes(limits.max_bytes)} that one "
                "value may have"
            )
            return
    if scratch > limits.max_bytes:
        yield (
            f"it would need {_bytes(scratch)} of temporary memory, "
            f"{_bytes(limits.max_bytes)} are allowed"
        )
    if work > limits.max_work:
        yield f"it {_too_much_work(work, limits)}"


def _too_much_work(work: int, limits: Limits) -> str:
    count = min(work, _ENDLESS)
    return f"needs about {count:.1e} operations, {limits.max_work:.1e} are allowed"


# -- memory -------------------------------------------------------------------------------------


class _Memory:
    """Which values are held at the same time; views share what they are views of.

    Attributes:
        largest: Bytes of the largest value.
        largest_action: The action that makes it.
        peak: Most bytes held at once.
        peak_call: Index of the call where that is.
        unknown: Calls with a result of unknown size.
    """

    def __init__(self, graph: Graph, inference: Inference) -> None:
        self.largest = 0
        self.largest_action = -1
        self.unknown = 0
        self._specs = inference.specs
        self._owner: dict[int, int] = {}  # register -> the register whose memory it uses
        last: dict[int, int] = {}
        made: list[list[tuple[int, int]]] = []
        for index, call in enumerate(graph.calls):
            for operand in operands(call.values):
                last[self._owner_of(operand.register)] = index
            made.append(self._made_by(call))
            last.update((register, index) for register, _ in made[-1])
        for register in graph.outputs:
            last[self._owner_of(register)] = len(graph.calls)
        self.peak, self.peak_call = _peak(made, last, inference.scratch)

    def _owner_of(self, register: int) -> int:
        return self._owner.get(register, register)

    def _made_by(self, call: Call) -> list[tuple[int, int]]:
        """The registers that get memory of their own, and how much."""
        source = call.values[call.target] if call.in_place else call.values
        shared = next(iter(operands(source)), None) if call.in_place or call.row.view else None
        made: list[tuple[int, int]] = []
        known = True
        for register in call.outs:
            spec = self._specs[register]
            if not isinstance(spec, Spec):
                known = False
                size = 0
            else:
                size = spec.nbytes
                if size > self.largest:
                    self.largest, self.largest_action = size, call.action
            if shared is not None and self._same_dtype(shared.register, spec):
                self._owner[register] = self._owner_of(shared.register)
            else:
                made.append((register, size))
        self.unknown += not known
        return made

    def _same_dtype(self, register: int, spec: Spec | Unknown | None) -> bool:
        base = self._specs[register]
        return not isinstance(spec, Spec) or not isinstance(base, Spec) or base.dtype == spec.dtype


def _peak(
    made: list[list[tuple[int, int]]], last: dict[int, int], scratch: Sequence[int]
) -> tuple[int, int]:
    """Most bytes held while a call runs, and that call's index."""
    freed: dict[int, int] = {}
    held = peak = where = 0
    for index, values in enumerate(made):
        for register, size in values:
            held += size
            end = last.get(register, index)
            freed[end] = freed.get(end, 0) + size
        if held + scratch[index] > peak:
            peak, where = held + scratch[index], index
        held -= freed.pop(index, 0)
    return peak, where


# -- inputs as they were recorded ---------------------------------------------------------------


def _recorded(graph: Graph) -> list[Spec | Unknown]:
    """Specs of the recording; unknown where the plan says no shape (or the input is a scalar)."""
    found = [_recorded_spec(p) for p in graph.placeholders]
    specs = [spec for spec, _ in found]
    open_ones = [i for i, (_, certain) in enumerate(found) if not certain]
    if len(open_ones) > _MOST_TRIED:
        return specs
    fewest = len(infer_graph(graph, specs).problems)
    for i in open_ones:
        if not fewest:
            break
        before = specs[i]
        assert isinstance(before, Spec)
        specs[i] = Spec(before.shape, np.dtype(np.int64))
        left = len(infer_graph(graph, specs).problems)
        if left < fewest:
            fewest = left
        else:
            specs[i] = before
    return specs


def _recorded_spec(placeholder: Placeholder) -> tuple[Spec | Unknown, bool]:
    """The spec of an input, and whether its dtype is certain (or nothing is known)."""
    try:
        slot = Slot.from_placeholder(placeholder)
    except PlanInvalidError:
        slot = None
    shape = placeholder.expected_shape
    if shape is None and slot is not None and slot.shape is not None and None not in slot.shape:
        shape = tuple(n or 0 for n in slot.shape)
    if shape is None or any(n < 0 for n in shape):
        return UNKNOWN, True
    said = slot.dtype if slot is not None else ""
    certain = bool(said) and np.dtype(said).kind in "biuf"
    return Spec(shape, np.dtype(said) if certain else np.dtype(np.float32)), certain


# -- refusing -------------------------------------------------------------------------------------


def _refuse_shapes(
    graph: Graph, inputs: Sequence[Spec | Unknown], problems: Sequence[Problem]
) -> NoReturn:
    first = problems[0]
    reason, _, operands = first.text.rpartition(" Operands: ")
    text = f"{reason_of(reason)} Operands: {operands}" if reason else reason_of(operands)
    if len(problems) > 1:
        text += f" ({len(problems) - 1} more actions do not fit.)"
    raise failure(
        Arguments(graph.name, graph.framework, graph.placeholders),
        [spec.shape if isinstance(spec, Spec) else None for spec in inputs],
        text,
        action=first.action,
        command=first.command,
        by_shape=True,
    )


def _refuse_limits(graph: Graph, problems: Sequence[Problem]) -> None:
    if not problems:
        return
    first = problems[0]
    raise PlanLimitError(
        f"Plan {graph.name!r} would need more than is allowed. If you trust it, allow more "
        f"(Limits). {_counted(len(problems))}:",
        _listed(problems),
        index=first.action if first.action >= 0 else None,
        command=first.command,
    )


def _listed(problems: Sequence[Problem]) -> list[str]:
    shown = [str(p) for p in problems[:_SHOWN]]
    if len(problems) > _SHOWN:
        shown.append(f"... and {len(problems) - _SHOWN} more")
    return shown


def _counted(count: int) -> str:
    return "1 problem" if count == 1 else f"{count} problems"


def _bytes(count: int) -> str:
    for unit, size in (("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)):
        if count >= size:
            return f"{min(count, _ENDLESS) / size:.1f} {unit}"
    return f"{count} B"
