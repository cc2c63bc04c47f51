"""Which values may share memory, so that in-place actions reach what they should, and no more.

Each register has roots: the memory its value may lie in. A view (``t``, ``reshape``)
has the roots of what it views; any other result is a root of its own. Inputs, state and
constants are external roots: memory that outlives the run.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from syft_web.ops.spec import Spec, Unknown
from syft_web.plan.graph import Graph
from syft_web.plan.passes.base import Liveness

__all__ = ["Aliases", "Peak", "peak_of"]


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

    def is_written(self, register: int) -> bool:
        """Whether an action so far writes into memory the register may lie in."""
        return not self._written.isdisjoint(self._roots.get(register, ()))

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


@dataclass(frozen=True, slots=True)
class Peak:
    """The most memory that a graph's own values need at one time.

    Attributes:
        size: Bytes, without inputs, state and what an op needs for itself.
        call: Index of the call where that is, -1 when there is none.
        values: Number of arrays held then.
        certain: Whether the size of every value is known.
    """

    size: int
    call: int
    values: int
    certain: bool


def peak_of(graph: Graph, specs: Sequence[Spec | Unknown]) -> Peak:
    """How much memory the values of a graph need, views counted once.

    Args:
        graph: Resolved or compiled.
        specs: What is known of each register.
    """
    live = Liveness(graph)
    ends: dict[int, list[int]] = {}
    held = best = where = count = most = 0
    certain = True
    for index, call in enumerate(graph.calls):
        for register in call.outs:
            roots = live.roots[register]
            if register not in roots:
                continue  # a view
            spec = specs[register]
            certain = certain and isinstance(spec, Spec)
            size = spec.nbytes if isinstance(spec, Spec) else 0
            held, count = held + size, count + 1
            end = max(live.memory_last[register], index)
            ends.setdefault(end, []).append(size)
        if held > best:
            best, where, most = held, index, count
        for size in ends.pop(index, ()):
            held, count = held - size, count - 1
    return Peak(best, where if graph.calls else -1, most, certain)
