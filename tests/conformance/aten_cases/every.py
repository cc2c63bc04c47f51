"""All cases."""

from __future__ import annotations

from tests.conformance.aten_cases import (
    convolving,
    creating,
    elementwise,
    losing,
    networking,
    reducing,
    shaping,
)

CASES = [
    *elementwise.CASES,
    *reducing.CASES,
    *shaping.CASES,
    *creating.CASES,
    *networking.CASES,
    *convolving.CASES,
    *losing.CASES,
]
