"""One grid process on SQLite under the load of 500 workers with sockets of their own.

All sockets are open together, and `BUSY` workers have a message under way. Clients and server
share the machine. The memory is the server's largest resident set.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from tests.bench.tables import milliseconds, show, table
from tests.grid.load import MNIST, SMALL, Measured, Shapes, loaded_grid, size_of

MIB = 1024 * 1024

BUSY = 16
"""Workers that have a message under way at once; the others think."""


def main(quick: bool = False) -> dict[str, Any]:
    """Run, print the tables, return the numbers."""
    many = 60 if quick else 500
    with tempfile.TemporaryDirectory() as folder, loaded_grid(Path(folder)) as grid:
        idle = grid.peak()
        small = grid.train("small", SMALL, many, BUSY)
        _show("a model of 9 weights", small)
        mnist = grid.train("mnist", MNIST, many, BUSY)
        _show("the MNIST model, 311,650 weights", mnist)
        # One at a time, as many sockets, a server that is warm: so only the number differs.
        growth = {}
        for count in (10, many):
            run = grid.train(f"{count} diffs", MNIST, count, at_once=1, idle=many - count)
            growth[count] = run.growth
        beyond = (growth[many] - growth[10]) / size_of(MNIST)
    show(
        f"memory: {idle / MIB:.0f} MiB idle, {mnist.peak / MIB:.0f} MiB at most; one report at a "
        f"time, {many} diffs take {beyond:.2f} models more than 10\n"
    )
    return {
        "small": _numbers(small, SMALL),
        "mnist": _numbers(mnist, MNIST),
        "idle": idle,
        "growth_in_models": beyond,
    }


def _show(title: str, run: Measured) -> None:
    rows = [["message", "p50 ms", "p99 ms"]]
    for name in run.messages:
        rows.append([name, *(milliseconds(run.percentile(name, p)) for p in (50, 99))])
    rate = f"{run.workers} workers, {BUSY} busy at once: {run.workers / run.seconds:.1f} workers/s"
    show(table(rows, f"{title}; {rate}, peak {run.peak / MIB:.0f} MiB") + "\n")


def _numbers(run: Measured, shapes: Shapes) -> dict[str, Any]:
    return {
        "workers": run.workers,
        "seconds": run.seconds,
        "peak": run.peak,
        "model": size_of(shapes),
        "messages": {
            name: {"p50": run.percentile(name, 50), "p99": run.percentile(name, 99)}
            for name in run.messages
        },
    }
