"""Every row of the op table that torch has too, against torch: values, dtypes, shapes, views.

The commands come from the table itself, so one without calls here fails. Floats may differ
from torch's by the rounding stated beside the calls in `torch_cases`; the rest is exact.
"""

from __future__ import annotations

import re
import warnings
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from syft_web.ops import table  # noqa: E402
from syft_web.ops.row import Row  # noqa: E402
from tests.conformance.torch_cases import exceptions  # noqa: E402
from tests.conformance.torch_cases.every import CASES, TOLERANCES  # noqa: E402
from tests.conformance.torch_sweep import (  # noqa: E402
    EXACT,
    Case,
    Counts,
    Tolerance,
    counterpart,
    sweep,
)

ATEN = "torch.ops.aten."

NAMES = [n for n in table.all_names() if not n.startswith("tf.")]
MOST = 40  # calls of a name that is not the first of its row


def rows_of(name: str) -> tuple[Row, ...]:
    op = table.lookup(name.removeprefix("."), method=name.startswith("."))
    assert op is not None
    return op.rows


def cases_of(name: str) -> list[Case]:
    return [
        c for kind in dict.fromkeys(row.name for row in rows_of(name)) for c in CASES.get(kind, ())
    ]


SWEPT = [
    n for n in NAMES if n not in exceptions.UNSWEPT and counterpart(n) is not None and cases_of(n)
]


def tolerance(case: Case, row: Row) -> Tolerance:
    return TOLERANCES.get(row.name, EXACT)


def lenient(row: Row, refusal: str) -> bool:
    return exceptions.lenient(row.name, refusal)


def run(name: str, cases: list[Case]) -> Counts:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return sweep(name, cases, tolerance, lenient, exceptions.COPIED)


def first_of_its_kind(name: str) -> bool:
    """Whether it gets all calls: other names of a row, and its aten forms, get some."""
    names = rows_of(name)[0].names
    return name == names[0] or name == next((n for n in names if n.endswith("_")), "")


def reached_otherwise(name: str, row: Row) -> bool:
    """Whether a row needs no call under this name: it is declared so, or not swept at all."""
    return (name, row.name) in exceptions.UNREACHED or row.name not in CASES


@pytest.mark.parametrize("name", SWEPT)
def test_command(name: str) -> None:
    cases = cases_of(name)
    some = cases if first_of_its_kind(name) else cases[:: len(cases) // MOST + 1]
    counts = run(name, some)
    if some is not cases and len(counts.rows) < len(rows_of(name)):
        counts = run(name, cases)
    shown = "\n".join(counts.problems[:40])
    assert not counts.problems, f"{len(counts.problems)} of {len(cases)} calls differ:\n{shown}"
    if name.startswith(ATEN):  # each has a test of its own in test_torch_aten
        return
    missed = [row for row in rows_of(name) if id(row) not in counts.rows]
    missed = [str(row) for row in missed if not reached_otherwise(name, row)]
    assert not missed, f"no call reached {missed}"


def words_of_other_files() -> set[str]:
    """Names that the other comparisons with torch call."""
    here = Path(__file__).parent
    files = [*here.glob("test_torch_*.py"), *(here / "aten_cases").glob("*.py")]
    texts = [f.read_text() for f in files if f.name != Path(__file__).name]
    return {word for text in texts for word in re.findall(r"\w+", text)}


def test_every_row_is_compared_somewhere() -> None:
    elsewhere, missing = words_of_other_files(), set()
    for name in NAMES:
        if name in exceptions.UNSWEPT or name.startswith(ATEN):  # those: test_torch_aten
            continue
        for row in rows_of(name):
            if row.name in CASES or row.name in exceptions.WITHOUT or row.name in elsewhere:
                continue
            if not any(n.removeprefix(ATEN).split(".")[-1] in elsewhere for n in row.names):
                missing.add(row.name)
    assert not missing, f"add calls in torch_cases, or a reason to exceptions: {sorted(missing)}"


def test_no_exception_is_left_over() -> None:
    rows = {row.name for name in NAMES for row in rows_of(name)}
    for declared in (exceptions.WITHOUT, exceptions.COPIED, exceptions.NOT_AS_IN_1_4, CASES):
        assert sorted(set(declared) - rows) == []
    assert not set(exceptions.UNSWEPT) - set(NAMES)
    assert not {r for known in exceptions.LENIENT for r in known.rows} - rows
