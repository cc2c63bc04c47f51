"""All calls of the sweep, by the name in a row's signature."""

from __future__ import annotations

from tests.conformance.torch_cases import (
    indexing,
    linear,
    network,
    newer,
    pointwise,
    reducing,
    shaping,
    vision,
)
from tests.conformance.torch_sweep import Case, Tolerance

CASES: dict[str, list[Case]] = {}
TOLERANCES: dict[str, Tolerance] = {}
for _module in (pointwise, reducing, shaping, indexing, linear, network, vision, newer):
    for _name, _cases in _module.CASES.items():
        CASES.setdefault(_name, []).extend(_cases)
    TOLERANCES.update(_module.TOLERANCES)
