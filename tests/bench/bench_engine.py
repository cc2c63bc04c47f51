"""How long the engine takes: run ``python -m tests.bench.bench_engine``.

Prints the interpreter's own cost per action on tiny arrays (the time of the same rules
called by hand is taken off), and the time of a plan's training step.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from syft_web.plan import Action, Placeholder, Plan, Ref, Role, State
from tests.paths import SHARED


def timed(function: Callable[[], Any], rounds: int = 9, least: float = 0.05) -> float:
    """Median seconds of one call over several rounds of at least `least` seconds."""
    count, took = 1, 0.0
    while took < least:
        start = time.perf_counter()
        for _ in range(count):
            function()
        took = time.perf_counter() - start
        if took < least:
            count *= 2
    times = [took / count]
    for _ in range(rounds - 1):
        start = time.perf_counter()
        for _ in range(count):
            function()
        times.append((time.perf_counter() - start) / count)
    return median(times)


def chain(length: int) -> Plan:
    """``x = x + x`` over and over."""
    actions = tuple(Action("add", Ref(i), (Ref(i),), {}, (i + 1,)) for i in range(length))
    role = Role(
        actions=actions, placeholders=(Placeholder(0),), input_ids=(0,), output_ids=(length,)
    )
    return Plan.from_role(role, name="chain")


def overhead() -> float:
    """Seconds per action beyond the rule itself."""
    length = 200
    plan, x = chain(length), np.ones(2, np.float32)
    rule = plan.program.steps[0].rule
    return (timed(lambda: plan.execute(x)) - length * timed(lambda: rule(x, x, 1))) / length


def mnist_step(fixtures: Path, role: str) -> float:
    """Seconds of one MNIST training step at batch 64."""
    binary = fixtures / "bin"
    plan = Plan.loads((binary / "js2007b_mnist_plan.pb").read_bytes(), framework=role)
    params = State.loads((binary / "js2007b_mnist_model_params.pb").read_bytes()).tensors
    x, y = State.loads((binary / "js2007b_mnist_batch_data.pb").read_bytes()).tensors
    return timed(lambda: plan.execute(x, y, 64.0, 0.005, params))


def main() -> None:
    """Print one line per measurement."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fixtures", type=Path, default=SHARED)
    options = parser.parse_args()
    print(f"overhead per action: {overhead() * 1e6:.2f} us")
    if options.fixtures is None:
        return
    for role in ("torch", "tfjs"):
        print(f"MNIST step, role {role}: {mnist_step(options.fixtures, role) * 1e3:.2f} ms")
    data = (options.fixtures / "bin" / "js2007b_mnist_plan.pb").read_bytes()
    print(f"plan load and check: {timed(lambda: Plan.loads(data)) * 1e3:.2f} ms")


if __name__ == "__main__":
    main()
