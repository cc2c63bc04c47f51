"""JavaScript that tests run in a page; it lies in the folder ``scripts``."""

from __future__ import annotations

from pathlib import Path

__all__ = ["script"]

_FOLDER = Path(__file__).resolve().parent / "scripts"


def script(name: str) -> str:
    """The function in a file, without the comment before it, as ``page.evaluate`` takes it."""
    text = (_FOLDER / f"{name}.js").read_text()
    return text[text.index("async (") :].rstrip().rstrip(";")
