"""The build backend of the project: hatchling, and for a wheel the compiler of the kernels.

An editable install compiles nothing, so it is not made to download a compiler either.
"""

from __future__ import annotations

from typing import Any

from hatchling import build
from hatchling.build import *  # noqa: F403

__all__ = [*build.__all__, "COMPILER"]

COMPILER = "ziglang==0.17.1"
"""One version, so that everybody's wheel has the same bytes."""


def get_requires_for_build_wheel(  # type: ignore[no-redef]  # the one thing that differs
    config_settings: dict[str, Any] | None = None,
) -> list[str]:
    """What must be installed to build a wheel (PEP 517)."""
    return [*build.get_requires_for_build_wheel(config_settings), COMPILER]
