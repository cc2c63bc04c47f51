"""Which values may share memory, so that in-place actions reach what they should, and no more.

Each register has roots: the memory its value may lie in. A view (``t``, ``reshape``)
has the roots of what it views; any other result is a root of its own. Inputs, state and
constants are external roots: memory that outlives the run.
"""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["Aliases"]


class Aliases:
    """Collects who views whom while the actions are walked through in order."""

    def __init__(self) -> None:
        self._roots: dict[int, frozenset[int]] = {}
        self._external: dict[int, int] = {}
        self._written: set[int] = set()
        self._next = 0

    def _new_root(self, register: int) -> int:
        root = self._next
        self._next += 1
        self._roots[register] = frozenset((root,))
        return root

    def fresh(self, register: int) -> None:
        """The register now holds memory of its own."""
        self._new_root(register)

    def external(self, register: int) -> None:
        """The register starts with memory that outlives the run."""
        self._external[self._new_root(register)] = register

    def view(self, register: int, sources: Sequence[int]) -> None:
        """The register may now share memory with any of the sources."""
        roots = frozenset().union(*(self._roots.get(s, frozenset()) for s in sources))
        self._roots[register] = roots

    def written(self, register: int) -> None:
        """An action writes into the register's memory."""
        self._written |= self._roots.get(register, frozenset())

    def copied_first(self) -> tuple[int, ...]:
        """External registers that some action writes to: the run works on a copy of them."""
        return tuple(r for root, r in sorted(self._external.items()) if root in self._written)

    def copied_last(self, outputs: Sequence[int]) -> tuple[bool, ...]:
        """For each output, whether it may share memory with the outside or an earlier output."""
        taken = {root for root in self._external if root not in self._written}
        flags: list[bool] = []
        for register in outputs:
            roots = self._roots.get(register, frozenset())
            flags.append(bool(roots & taken))
            taken |= roots
        return tuple(flags)
