"""What becomes of a plan when it is compiled, in words and numbers: `explain`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from statistics import median
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np

from syft_web.ops.spec import UNKNOWN, Spec, Unknown
from syft_web.plan.compile import known
from syft_web.plan.graph import Graph
from syft_web.plan.infer import Inference
from syft_web.plan.lower import lower
from syft_web.plan.memory import Peak, peak_of
from syft_web.plan.passes import PASSES
from syft_web.plan.passes.base import Specs
from syft_web.plan.program import Program, Step
from syft_web.plan.verify import require, verify

if TYPE_CHECKING:
    from syft_web.plan.plan import Plan

__all__ = ["Explanation", "OpCost", "Stage", "explain"]

_ROUNDS = 7


@dataclass(frozen=True, slots=True)
class Stage:
    """The plan after one rewriting.

    Attributes:
        name: Name of the pass; ``"recorded"`` before the first.
        calls: Number of calls.
        peak: Memory its values need.
    """

    name: str
    calls: int
    peak: Peak


@dataclass(frozen=True, slots=True)
class OpCost:
    """What all actions or steps of one kind cost together.

    Attributes:
        name: The command, or the name of the step's rule.
        count: How many there are.
        flops: Floating-point operations, about.
        seconds: Time they take; None where it was not measured.
    """

    name: str
    count: int
    flops: int = 0
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Explanation:
    """See `explain`. As a text it is what ``syft-web inspect`` prints.

    Attributes:
        name: Name of the plan.
        framework: The role.
        inputs: What was assumed of the arguments.
        stages: The plan as recorded, then after each pass.
        program: The compiled program.
        specs: What is known of the program's registers.
        costs: Work by command, most first.
        times: Time by rule of the compiled program, most first; empty when not measured.
        step_times: Seconds of each step; empty when not measured.
    """

    name: str
    framework: str
    inputs: tuple[Spec | Unknown, ...]
    stages: tuple[Stage, ...]
    program: Program
    specs: Specs
    costs: tuple[OpCost, ...]
    times: tuple[OpCost, ...] = ()
    step_times: tuple[float, ...] = ()

    @property
    def flops(self) -> int:
        """Floating-point operations of one run, about."""
        return sum(cost.flops for cost in self.costs)

    @property
    def peak(self) -> Peak:
        """Memory that the compiled program's values need."""
        return self.stages[-1].peak

    def __str__(self) -> str:
        lines = [
            f"Plan {self.name!r}, role {self.framework}, "
            f"for {', '.join(map(str, self.inputs)) or 'no inputs'}",
            "",
            *_table(("pass", "calls", "peak bytes", "arrays then"), map(_stage_cells, self.stages)),
            "",
            f"{len(self.program.steps)} steps, {self.flops / 1e6:.1f} MFLOP, values need "
            f"{_megabytes(self.peak)} beyond the arguments",
            *self._step_lines(),
            "",
            *_table(("command", "actions", "MFLOP"), map(_cost_cells, self.costs)),
        ]
        if self.times:
            total = sum(self.step_times)
            lines += [
                "",
                f"One run takes {total * 1e3:.3f} ms, step by step, with random arguments",
                *_table(
                    ("op", "steps", "ms", "share"), (_time_cells(t, total) for t in self.times)
                ),
            ]
        return "\n".join(lines) + "\n"

    def _step_lines(self) -> list[str]:
        rows = []
        for index, step in enumerate(self.program.steps):
            took = f"{self.step_times[index] * 1e6:.1f} us" if self.step_times else ""
            rows.append((*self._step_cells(step), took))
        return _table(("action", "command", "result", "", "frees", "time"), rows)

    def _step_cells(self, step: Step) -> tuple[str, ...]:
        outs = step.outs or (step.out,)
        names = ", ".join(f"r{r}" for r in outs)
        specs = ", ".join(str(self.specs[r]) for r in outs if r < len(self.specs))
        sources = ", ".join(map(self._source, step.sources))
        called = step.name or "number"
        done = step.command if called in step.command else f"{step.command} = {called}"
        free = " ".join(f"r{r}" for r in step.free)
        how = "in place" if step.in_place else ""
        return str(step.action), f"{names} = {done}({sources})", specs, how, free

    def _source(self, register: int) -> str:
        if register in self.program.inputs:
            return f"in{self.program.inputs.index(register)}"
        value = self.program.registers[register]
        if isinstance(value, np.ndarray):
            return f"const {value.dtype}[{','.join(map(str, value.shape))}]"
        written = register < len(self.specs) and value is None
        return f"r{register}" if written or self._made(register) else repr(value)

    def _made(self, register: int) -> bool:
        """Whether some step writes the register."""
        return any(register == s.out or register in s.outs for s in self.program.steps)


def explain(
    plan: Plan,
    inputs: Sequence[Spec | Unknown] | None = None,
    *,
    batch: int | None = None,
    time: bool = False,
) -> Explanation:
    """Compile a plan and say what became of it.

    Args:
        plan: The plan; the role that runs is meant.
        inputs: One `Spec` per input. None: the shapes of the recording; where the plan has
            none, a float32 number.
        batch: Rows of the batch in place of those of the recording: the first dimension of
            the first input, and of all inputs that had the same there.
        time: Run it with random arguments and measure each step.

    Raises:
        PlanExecutionError: It cannot run with these shapes.
    """
    graph = plan.graph
    found = list(verify(graph).inputs if inputs is None else inputs)
    found = [Spec((), np.dtype(np.float32)) if isinstance(s, Unknown) else s for s in found]
    if batch is not None:
        found = _with_batch(found, batch)
    inference = require(graph, found, plan.limits)
    specs = known(inference)
    stages = [Stage("recorded", len(graph.calls), peak_of(graph, specs))]
    compiled = graph
    for rewrite in PASSES:
        compiled = rewrite(compiled, specs)
        stages.append(Stage(rewrite.__name__, len(compiled.calls), peak_of(compiled, specs)))
    program = lower(compiled, note=", ".join(map(str, found)))
    told = Explanation(
        name=plan.name,
        framework=plan.framework,
        inputs=tuple(found),
        stages=tuple(stages),
        program=program,
        specs=specs,
        costs=_costs(graph, inference),
    )
    if not time:
        return told
    seconds = _measured(program, [_random(s) for s in found if isinstance(s, Spec)])
    return replace(told, times=_times(program, seconds), step_times=seconds)


def _with_batch(inputs: Sequence[Spec | Unknown], batch: int) -> list[Spec | Unknown]:
    first = inputs[0] if inputs else UNKNOWN
    if not isinstance(first, Spec) or not first.shape:
        return list(inputs)
    rows = first.shape[0]
    return [
        Spec((batch, *s.shape[1:]), s.dtype)
        if isinstance(s, Spec) and s.shape and s.shape[0] == rows
        else s
        for s in inputs
    ]


def _costs(graph: Graph, inference: Inference) -> tuple[OpCost, ...]:
    counts: dict[str, tuple[int, int]] = {}
    for call, work in zip(graph.calls, inference.work, strict=True):
        count, flops = counts.get(call.command, (0, 0))
        counts[call.command] = count + 1, flops + work
    costs = [OpCost(name, count, flops) for name, (count, flops) in counts.items()]
    return tuple(sorted(costs, key=lambda cost: (-cost.flops, -cost.count)))


# -- time ---------------------------------------------------------------------------------------


def _random(spec: Spec) -> np.ndarray:
    """Small numbers; whole ones are 0 or 1, which are indices and labels of nearly everything."""
    rng = np.random.default_rng(0)
    if spec.dtype.kind == "f":
        return np.asarray(rng.random(spec.shape), spec.dtype)
    return np.asarray(rng.integers(0, 2, spec.shape), spec.dtype)


def _measured(program: Program, arrays: Sequence[np.ndarray]) -> tuple[float, ...]:
    """Seconds of each step, the median of several runs."""
    rounds: list[list[float]] = []
    for _ in range(_ROUNDS):
        marks: list[float] = []

        def mark(marks: list[float] = marks) -> bool:
            marks.append(perf_counter())
            return False

        program.run_arrays(arrays, should_stop=mark)
        marks.append(perf_counter())
        rounds.append([b - a for a, b in pairwise(marks)])
    return tuple(median(step) for step in zip(*rounds, strict=True))


def _times(program: Program, seconds: Sequence[float]) -> tuple[OpCost, ...]:
    counts: dict[str, tuple[int, float]] = {}
    for step, took in zip(program.steps, seconds, strict=True):
        name = step.name or "number"
        count, total = counts.get(name, (0, 0.0))
        counts[name] = count + 1, total + took
    times = [OpCost(name, count, seconds=total) for name, (count, total) in counts.items()]
    return tuple(sorted(times, key=lambda cost: -(cost.seconds or 0)))


# -- text ---------------------------------------------------------------------------------------


def _stage_cells(stage: Stage) -> tuple[str, ...]:
    size = f"{stage.peak.size}" + ("" if stage.peak.certain else " or more")
    return stage.name, str(stage.calls), size, str(stage.peak.values)


def _cost_cells(cost: OpCost) -> tuple[str, ...]:
    return cost.name, str(cost.count), f"{cost.flops / 1e6:.3f}"


def _time_cells(cost: OpCost, total: float) -> tuple[str, ...]:
    took = cost.seconds or 0.0
    share = took / total if total else 0.0
    return cost.name, str(cost.count), f"{took * 1e3:.3f}", f"{share:.0%}"


def _megabytes(peak: Peak) -> str:
    return f"{peak.size / 1e6:.3f} MB" + ("" if peak.certain else " or more")


def _table(head: Sequence[str], rows: Any) -> list[str]:
    """Lines of columns that are as wide as need be."""
    cells = [tuple(head), *rows]
    widths = [max(len(row[i]) for row in cells) for i in range(len(head))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in cells
    ]
