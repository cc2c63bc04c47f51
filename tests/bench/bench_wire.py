"""How fast States and plans are read and written on CPython, beside Google's protobuf.

Google's library is in C here; in a browser that library does not exist (see ``pyodide``).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from syft_web.wire import syft_proto as pb
from tests.bench.measures import state_times, timed
from tests.bench.tables import milliseconds, ratio, show, table
from tests.conformance.proto.compiled import google
from tests.paths import SHARED


def state_table(found: dict[str, dict[str, float]]) -> str:
    """Times of States, one row for each direction and size."""
    rows = [["State, ms", "syft_web", "protobuf", "times as fast"]]
    for count, times in found.items():
        for step in ("encode", "decode"):
            theirs = times.get(f"their {step}")
            cells = [milliseconds(times[step]), milliseconds(theirs), ratio(theirs, times[step])]
            rows.append([f"{step} {int(count):,} float32", *cells])
    return table(rows)


def plans() -> dict[str, Any]:
    """Seconds to read and write the plan that PySyft recorded, ours and Google's."""
    if SHARED is None:
        return {}
    raw = (SHARED / "bin" / "js2007b_mnist_plan.pb").read_bytes()
    plan_class = google("Plan")
    plan, theirs = pb.decode(pb.Plan, raw), plan_class.FromString(raw)
    return {
        "bytes": len(raw),
        "decode": timed(lambda: pb.decode(pb.Plan, raw)),
        "encode": timed(lambda: pb.encode(plan)),
        "their decode": timed(lambda: plan_class.FromString(raw)),
        "their encode": timed(theirs.SerializeToString),
    }


def integers(count: int) -> dict[str, float]:
    """Seconds to write and read a packed array of large integers, the slowest kind."""
    values = np.random.default_rng(0).integers(-(2**40), 2**40, count)
    message = pb.TensorData(contents_int64=values)
    raw = pb.encode(message)
    return {
        "encode": timed(lambda: pb.encode(message), 3),
        "decode": timed(lambda: pb.decode(pb.TensorData, raw), 3),
    }


def main(quick: bool = False) -> dict[str, Any]:
    """Measure and print; gives the numbers."""
    counts = [1_000_000] if quick else [1_000_000, 10_000_000, 50_000_000]
    states = {str(count): state_times(count, google("State")) for count in counts}
    show(state_table(states))
    found = {"states": states, "plan": plans(), "int64": integers(1_000_000)}
    for name in ("plan", "int64"):
        if found[name]:
            times = [
                f"{step} {milliseconds(found[name][step])} ms" for step in ("encode", "decode")
            ]
            show(f"{name}: {', '.join(times)}")
    return found
