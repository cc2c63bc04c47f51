"""Examples recorded from PyTorch 2.13: what its own operators gave, in ``recorded.json.gz``.

``python -m tests.conformance.record_aten`` writes the file anew.
"""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np

from tests.unit.ops.examples.base import Example

FILE = Path(__file__).with_name("recorded.json.gz")


def decoded(value: Any) -> Any:
    """Arrays are written as ``{"dtype": ..., "shape": ..., "data": [...]}``."""
    if isinstance(value, dict):
        return np.array(value["data"], value["dtype"]).reshape(value["shape"])
    if isinstance(value, list):
        return [decoded(v) for v in value]
    return value


def _shapes_only(wanted: list[Any]) -> Any:
    """A check for results that are random."""

    def check(results: list[np.ndarray]) -> None:
        for got, want in zip(results, wanted, strict=False):  # a plan asks for one result
            assert (got.shape, got.dtype) == (want.shape, want.dtype)

    return check


def _first_only(wanted: np.ndarray, tol: float) -> Any:
    """A check for results of which only the first is defined."""

    def check(results: list[np.ndarray]) -> None:
        np.testing.assert_allclose(results[0], wanted, tol, tol)

    return check


def _example(entry: dict[str, Any]) -> Example:
    want: Any = decoded(entry["want"])
    if entry["random"]:
        want = _shapes_only(want)
    elif entry["first"]:
        want = _first_only(want[0], entry["tol"])
    elif len(want) == 1 and not entry["list"]:
        want = want[0]
    kwargs = {key: decoded(v) for key, v in entry["kwargs"].items()}
    command, tol = entry["command"], entry["tol"]
    return Example(
        command, tuple(decoded(entry["args"])), kwargs, want, False, None, tol, tol, command
    )


EXAMPLES = [_example(entry) for entry in json.loads(gzip.decompress(FILE.read_bytes()))]
