"""Where the command line has a grid's admin token from: a file, or the environment.

Never an argument: those are shown to everybody on the machine.
"""

from __future__ import annotations

import os
from pathlib import Path

from syft_web.errors import HostError

__all__ = ["VARIABLE", "read_token"]

VARIABLE = "SYFT_WEB_ADMIN_TOKEN"
"""Environment variable with the token."""


def read_token(file: Path | None) -> str | None:
    """The token in a file or, without one, in the environment; None when in neither.

    Raises:
        HostError: The file cannot be read, or there is nothing in it.
    """
    if file is None:
        return os.environ.get(VARIABLE, "").strip() or None
    try:
        token = file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no text"
        raise HostError(f"The admin token cannot be read from {file}: {why}") from error
    if not token:
        raise HostError(f"There is no admin token in {file}: the file is empty")
    return token
