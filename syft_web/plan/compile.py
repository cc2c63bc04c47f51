"""Makes a `Graph` fast for arguments of certain shapes: `compile_graph`.

First the shapes and dtypes of all values are inferred, and a plan that cannot run is refused
before any data is touched. Then the passes of `syft_web.plan.passes` rewrite the graph one
after the other, and `syft_web.plan.lower` makes steps of it. `Programs` keeps what was
compiled, by the arguments' shapes and dtypes.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from threading import Lock

import numpy as np

from syft_web.ops.spec import UNKNOWN, Spec
from syft_web.plan.arguments import Arguments
from syft_web.plan.graph import Graph
from syft_web.plan.guard import guarded
from syft_web.plan.infer import Inference
from syft_web.plan.limits import DEFAULT_LIMITS, Limits
from syft_web.plan.lower import lower
from syft_web.plan.passes import PASSES
from syft_web.plan.passes.base import Pass, Specs
from syft_web.plan.program import Program
from syft_web.plan.verify import require

__all__ = ["Programs", "compile_graph", "known", "optimised"]

_KEPT = 8


def optimised(graph: Graph, specs: Specs, passes: Sequence[Pass] = PASSES) -> Graph:
    """The graph after all passes, in order.

    Args:
        graph: Resolved.
        specs: What is known of each register.
        passes: Each makes a graph of a graph.
    """
    for rewrite in passes:
        graph = rewrite(graph, specs)
    return graph


def compile_graph(
    graph: Graph,
    inputs: Sequence[Spec],
    *,
    limits: Limits = DEFAULT_LIMITS,
    passes: Sequence[Pass] = PASSES,
) -> Program:
    """The program for arguments of these shapes and dtypes.

    Args:
        graph: Resolved.
        inputs: One spec per input.
        limits: Bounds on memory and work.
        passes: What to do with it; none for a program that makes every action as recorded.

    Raises:
        PlanExecutionError: An action cannot work with these shapes or dtypes.
        PlanLimitError: It would need more memory or work than allowed.
    """
    inference = require(graph, tuple(inputs), limits)
    note = ", ".join(map(str, inputs))
    specs = known(inference)
    return lower(guarded(optimised(graph, specs, passes), specs, limits), note=note)


def known(inference: Inference) -> Specs:
    """What a pass is told of each register."""
    return [UNKNOWN if spec is None else spec for spec in inference.specs]


class Programs:
    """The programs of one graph, by the shapes and dtypes of the arguments; the last few are kept.

    Args:
        graph: What to compile.
        limits: Bounds on memory and work.
        kept: How many programs to keep.

    Attributes:
        arguments: How the arguments are read.
    """

    def __init__(self, graph: Graph, limits: Limits = DEFAULT_LIMITS, kept: int = _KEPT) -> None:
        self.arguments = Arguments(graph.name, graph.framework, graph.placeholders)
        self._graph = graph
        self._limits = limits
        self._kept = kept
        self._programs: OrderedDict[tuple[object, ...], Program] = OrderedDict()
        self._lock = Lock()

    def get(self, arrays: Sequence[np.ndarray]) -> Program:
        """The program for these arguments, compiled if it is not there.

        Raises:
            PlanExecutionError: As `compile_graph`, whose errors these are.
            PlanLimitError: The same.
        """
        key = tuple([(a.shape, a.dtype.num) for a in arrays])
        found = self._programs.get(key)
        if found is None:
            specs = [Spec(a.shape, a.dtype) for a in arrays]
            found = compile_graph(self._graph, specs, limits=self._limits)
        with self._lock:
            self._programs[key] = found
            self._programs.move_to_end(key)
            if len(self._programs) > self._kept:
                self._programs.popitem(last=False)
        return found

    def __len__(self) -> int:
        return len(self._programs)
