"""Where tests find their data."""

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DATA = Path(__file__).resolve().parent / "conformance" / "data"
_shared = ROOT.parent / "shared" / "fixtures"
SHARED: Path | None = _shared if _shared.is_dir() else None
"""Recordings and plans of the original systems; None where they are not beside the project."""

NO_SHARED = "the shared fixtures (../shared/fixtures) are not beside this checkout"
