"""Tables for people, from what the benchmarks measured."""

from __future__ import annotations

from collections.abc import Sequence


def table(rows: Sequence[Sequence[str]], title: str = "") -> str:
    """Rows under one another; the first is the head, the first column stands left."""
    widths = [max(len(row[i]) for row in rows if i < len(row)) for i in range(len(rows[0]))]
    lines = [title] if title else []
    for number, row in enumerate(rows):
        cells = [
            cell.ljust(width) if i == 0 else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=False))
        ]
        lines.append("  ".join(cells).rstrip())
        if number == 0:
            lines.append("  ".join("-" * width for width in widths))
    return "\n".join(lines)


def milliseconds(seconds: float | None) -> str:
    """Milliseconds with three digits that count."""
    if seconds is None:
        return "-"
    ms = seconds * 1e3
    return f"{ms:.0f}" if ms >= 100 else f"{ms:.1f}" if ms >= 10 else f"{ms:.2f}"


def ratio(part: float | None, whole: float | None) -> str:
    """How much of another time one takes, e.g. ``0.12x``."""
    if part is None or not whole:
        return "-"
    times = part / whole
    return f"{times:.2f}x" if times < 10 else f"{times:.0f}x"


def show(text: str) -> None:
    """Print at once, also into a pipe."""
    print(text, flush=True)


def overhead_line(found: dict[str, float]) -> str:
    """What an action costs beyond numpy, in one line."""
    action, numpy, rest = (found[key] * 1e6 for key in ("action", "numpy", "overhead"))
    return f"an action on tiny tensors: {action:.2f} us; numpy {numpy:.2f}, the plan {rest:.2f}\n"
