"""Tables for terminals."""

from __future__ import annotations

from collections.abc import Sequence

from syft_web.cli.asking import printable

__all__ = ["table"]


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Columns as wide as they must be, two blanks between; nothing for a missing value."""
    cells = [[printable("" if cell is None else str(cell)) for cell in row] for row in rows]
    lines = [[name.upper() for name in head], *cells]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )
