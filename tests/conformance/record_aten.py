"""Writes the unit tests' examples of rows that only aten commands have, as torch runs them.

Run it with ``python -m tests.conformance.record_aten`` after a row or a case was added.
"""

from __future__ import annotations

import gzip
import json
from typing import Any

import numpy as np

from syft_web.ops import table
from tests.conformance.aten_cases.every import CASES
from tests.conformance.aten_cases.support import Case, mapped, ours
from tests.conformance.test_torch_aten import as_array, theirs
from tests.unit.ops.examples import recorded
from tests.unit.ops.examples.recorded import FILE
from tests.unit.ops.test_examples import EXAMPLES

_LIMIT = 100  # elements of an array of an example, where there is a choice
_MOST = 600


def encoded(value: Any) -> Any:
    """As `tests.unit.ops.examples.recorded.decoded` reads it."""
    if isinstance(value, np.ndarray):
        numbers = value.reshape(-1).tolist()
        if value.dtype == np.float32:
            numbers = [float(f"{n:.7g}") for n in numbers]
        return {"dtype": value.dtype.name, "shape": list(value.shape), "data": numbers}
    if isinstance(value, list | tuple):
        return [encoded(v) for v in value]
    return value


def _size(c: Case) -> float:
    """Elements of the largest array; infinite where the numbers are no JSON."""
    sizes: list[int] = [0]
    mapped([*c.args, *c.kwargs.values()], lambda a: sizes.append(a.size))
    infinite = any(isinstance(a, float) and a == float("inf") for a in c.args)
    return float("inf") if infinite else max(sizes)


def _entry(c: Case) -> dict[str, Any] | None:
    found = theirs(c)
    if any(f is None for f in found):
        return None
    return {
        "command": c.command,
        "args": encoded(c.args),
        "kwargs": {k: encoded(v) for k, v in c.kwargs.items()},
        "want": [encoded(_result(f, got)) for f, got in zip(found, ours(c), strict=True)],
        "first": c.only == (0,),
        "list": len(found) > 1,
        "random": c.shape_only,
        "tol": c.tol,
    }


def _result(value: Any, got: np.ndarray) -> np.ndarray:
    """As an array; a Python number has no dtype, so it gets ours."""
    return np.array(as_array(value), None if hasattr(value, "dtype") else got.dtype)


def _covered() -> set[int]:
    """Rows that have an example elsewhere."""
    rows = set()
    for ex in EXAMPLES:
        if any(ex is r for r in recorded.EXAMPLES) or ex.tfjs:
            continue
        op = table.lookup(ex.command.removeprefix("."), method=ex.command.startswith("."))
        assert op is not None
        rows.add(id(op.bind(mapped(list(ex.args), np.asarray), ex.kwargs).row))
    return rows


def main() -> None:
    """Record the first fitting case of each row that has no other example."""
    seen = _covered()
    entries = []
    # In their order, but large ones last: they are taken where there is nothing smaller.
    for c in sorted(CASES, key=lambda c: max(_size(c), _LIMIT)):
        op = table.lookup(c.command, method=False)
        if op is None or _size(c) > _MOST:
            continue
        row = op.bind(mapped(list(c.args), np.asarray), c.kwargs).row
        if id(row) in seen:
            continue
        entry = _entry(c)
        if entry is not None:
            seen.add(id(row))
            entries.append(entry)
    text = "[\n" + ",\n".join(json.dumps(e) for e in entries) + "\n]\n"
    FILE.write_bytes(gzip.compress(text.encode(), mtime=0))
    print(f"{len(entries)} examples")


if __name__ == "__main__":
    main()
