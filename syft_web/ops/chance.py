"""The random numbers of plans (dropout, rand, manual_seed).

Training noise only: nothing that protects a person is drawn here.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

__all__ = ["drawing", "generator", "reseed"]

_current = np.random.default_rng()


def generator() -> np.random.Generator:
    """The generator that plans draw from."""
    return _current


def reseed(seed: int | None) -> None:
    """Start over from a seed, or from entropy when None."""
    global _current
    _current = np.random.default_rng(None if seed is None else seed & (2**64 - 1))


@contextmanager
def drawing(*words: int) -> Iterator[None]:
    """Within, plans draw numbers that depend on nothing but ``words``.

    What they drew from before goes on afterwards as if nothing had happened.

    Args:
        words: Integers of at least 0.
    """
    global _current
    before, _current = _current, np.random.default_rng(words)
    try:
        yield
    finally:
        _current = before
