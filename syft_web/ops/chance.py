"""The random numbers of plans (dropout, rand, manual_seed).

Training noise only: nothing that protects a person is drawn here.
"""

from __future__ import annotations

import numpy as np

__all__ = ["generator", "reseed"]

_current = np.random.default_rng()


def generator() -> np.random.Generator:
    """The generator that plans draw from."""
    return _current


def reseed(seed: int | None) -> None:
    """Start over from a seed, or from entropy when None."""
    global _current
    _current = np.random.default_rng(None if seed is None else seed & (2**64 - 1))
