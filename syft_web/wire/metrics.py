"""What a worker may tell with its report beside the diff: an extension of our own grid.

Bounded, so that sums of what strangers say stay finite and the grid's pages stay readable.
"""

from __future__ import annotations

import math
import numbers
import re
from collections.abc import Mapping
from typing import Final

from syft_web.errors import MessageError

__all__ = ["MAX_METRICS", "MAX_SAMPLES", "as_metrics", "as_samples"]

MAX_SAMPLES: Final = 2**31 - 1
"""The most samples one worker may have trained on."""

MAX_METRICS: Final = 16
"""The most metrics of one report."""

_LARGEST = 1e100
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,63}")


def as_samples(value: object) -> int | None:
    """A number of samples, at least 1; None when there is none.

    Raises:
        MessageError: It is no such number.
    """
    if value is None:
        return None
    number = _number(value)
    if number is None or not 1 <= number <= MAX_SAMPLES or number != int(number):
        raise MessageError(
            f"num_samples must be a whole number from 1 to {MAX_SAMPLES}", key="num_samples"
        )
    return int(number)


def as_metrics(value: object) -> dict[str, float] | None:
    """Metrics by name, such as ``{"loss": 0.3, "accuracy": 0.9}``; None when there are none.

    Args:
        value: At most `MAX_METRICS` finite numbers of at most 1e100. A name is a letter or
            ``_`` and up to 63 more letters, digits and ``_ . -``.

    Raises:
        MessageError: Something in it is not so.
    """
    if value is None:
        return None
    if not isinstance(value, Mapping):
        raise MessageError("metrics must be an object of name -> number", key="metrics")
    if len(value) > MAX_METRICS:
        raise MessageError(f"metrics may have {MAX_METRICS} names at most", key="metrics")
    metrics: dict[str, float] = {}
    for name, item in value.items():
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise MessageError(
                "metrics: a name must begin with a letter or _ and go on with up to 63 letters, "
                "digits, _ . or -",
                key="metrics",
            )
        number = _number(item)
        if number is None or not abs(number) <= _LARGEST:
            raise MessageError(
                f"metrics.{name} must be a finite number of at most {_LARGEST:g}", key="metrics"
            )
        metrics[name] = number
    return metrics or None


def _number(value: object) -> float | None:
    # NumPy's numbers are Real too, so that a loss can be passed as it comes.
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None
