"""What each of jax's primitives is in commands of a plan."""

from __future__ import annotations

from syft_web.author.jax.rules import contract, elementwise, indexing, reducing, shapes, windows
from syft_web.author.jax.rules.base import Rule

__all__ = ["ELEMENTWISE", "MOVING", "RULES"]

RULES: dict[str, Rule] = {
    name: rule
    for module in (elementwise, shapes, reducing, contract, windows, indexing)
    for name, rule in module.RULES.items()
}
"""Rules by the names of the primitives."""

ELEMENTWISE = frozenset(elementwise.NAMES)
"""Primitives whose result at a place depends on their arguments at that place alone."""

MOVING = frozenset({*shapes.RULES, "sort", "gather", "select_n"})
"""Primitives that also take the numbers which jax gives to what it sorts."""
