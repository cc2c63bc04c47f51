"""Errors of the database in words that may be shown."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import SQLAlchemyError

from syft_web.errors import StoreError

__all__ = ["first_line", "translated"]

logger = logging.getLogger("syft_web.grid")


@contextmanager
def translated() -> Iterator[None]:
    """Turn what the database driver raises into a `StoreError`, and log it."""
    try:
        yield
    except SQLAlchemyError as error:
        logger.error("The database refused: %s", first_line(error))
        raise StoreError(
            "The grid's database is busy or cannot be written; try again in a moment."
        ) from error


def first_line(error: BaseException) -> str:
    """The first line of an error: what is wrong, without any data."""
    # Later lines carry the statement with its parameters, which may be people's data.
    cause = getattr(error, "orig", None) or error
    return str(cause).splitlines()[0] if str(cause) else type(cause).__name__
