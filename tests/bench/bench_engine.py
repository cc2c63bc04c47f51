"""The engine on CPython: its own cost per action, plans made ready, and memory of a step."""

from __future__ import annotations

import tempfile
import tracemalloc
from pathlib import Path
from typing import Any

from tests.bench import measures
from tests.bench.bench_pyodide import plan_table
from tests.bench.engines import RECORDED
from tests.bench.models import SPECS, write
from tests.bench.tables import overhead_line, show, table
from tests.paths import SHARED

MEMORY = ("mlp64", "lenet64", "resnet32", "encoder16", "lstm32")


def peak(steps: measures.PlanSteps) -> int:
    """Most bytes that a step holds at any time beyond its inputs, results among them."""
    steps.plan.execute(*steps.arguments)
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    tracemalloc.reset_peak()
    steps.plan.execute(*steps.arguments)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return most - before


def main(quick: bool = False) -> dict[str, Any]:
    """Measure and print; gives the numbers."""
    found: dict[str, Any] = {"overhead": measures.overhead()}
    show(overhead_line(found["overhead"]))
    with tempfile.TemporaryDirectory() as made:
        names = MEMORY[:2] if quick else MEMORY
        for name in names:
            write(SPECS[name], Path(made) / name)
        recorded = SHARED / RECORDED if SHARED else ""
        found["plans"] = measures.case_plan_times(Path(made) / "mlp64", recorded)
        show(plan_table(found["plans"]))
        cases = {name: measures.Case(Path(made) / name) for name in names}
        found["peak"] = {name: peak(measures.PlanSteps(case)) for name, case in cases.items()}
        rows = [["peak beyond inputs", "MB"]]
        rows += [[name, f"{most / 1e6:.2f}"] for name, most in found["peak"].items()]
        show(table(rows))
    return found
