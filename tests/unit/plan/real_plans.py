"""Real plans with arguments, to measure on what passes do."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pytest

from examples.mnist.plan import initial_model, training_plan
from syft_web.ops.spec import Spec
from syft_web.plan import Plan, State
from syft_web.plan.compile import known
from syft_web.plan.graph import Graph
from syft_web.plan.infer import infer_graph
from syft_web.plan.lower import lower
from syft_web.plan.memory import peak_of
from syft_web.plan.passes.base import Pass, Specs
from tests.paths import DATA, SHARED


@dataclass(frozen=True)
class Case:
    """A plan and arguments for it."""

    plan: Plan
    args: list[np.ndarray]

    @property
    def graph(self) -> Graph:
        """As recorded."""
        return self.plan.graph

    @cached_property
    def specs(self) -> Specs:
        """Of all registers."""
        return known(infer_graph(self.graph, [Spec(a.shape, a.dtype) for a in self.args]))

    def peak(self, graph: Graph) -> int:
        """Bytes that the graph's values need at one time."""
        peak = peak_of(graph, self.specs)
        assert peak.certain
        return peak.size

    def run(self, graph: Graph) -> list[np.ndarray]:
        """Results of a graph of this plan."""
        return lower(graph).run(self.args)

    def after(self, *passes: Pass) -> Graph:
        """The graph after some passes."""
        graph = self.graph
        for rewrite in passes:
            graph = rewrite(graph, self.specs)
        return graph


def recorded(name: str, framework: str | None = None) -> Case:
    """A plan that PySyft 0.2.9 wrote."""
    plan = Plan.loads((DATA / f"{name}.pb").read_bytes(), framework)
    arrays = np.load(DATA / f"{name}.npz")
    return Case(plan, [arrays[f"in{i}"] for i in range(len(plan.inputs))])


def syft_js(framework: str) -> Case:
    """The MNIST plan of syft.js at batch 64; skips where the fixtures are not."""
    if SHARED is None:
        pytest.skip("the shared fixtures are not here")
    folder = SHARED / "bin"
    plan = Plan.loads((folder / "js2007b_mnist_plan.pb").read_bytes(), framework)
    params = State.loads((folder / "js2007b_mnist_model_params.pb").read_bytes()).tensors
    x, y = State.loads((folder / "js2007b_mnist_batch_data.pb").read_bytes()).tensors
    return Case(plan, [x, y, np.asarray(64, np.float32), np.asarray(0.005, np.float32), *params])


def mnist_example(batch: int = 64, framework: str = "torch") -> Case:
    """The training step of examples/mnist."""
    plan = Plan.loads(training_plan().dumps(), framework)
    rng = np.random.default_rng(0)
    x = rng.random((batch, 784), np.float32)
    y = np.eye(10, dtype=np.float32)[rng.integers(0, 10, batch)]
    numbers = [np.asarray(batch, np.float32), np.asarray(0.1, np.float32)]
    return Case(plan, [x, y, *numbers, *initial_model().tensors])


def same_bits(a: list[np.ndarray], b: list[np.ndarray]) -> bool:
    """Equal in shape, dtype and every bit."""
    return len(a) == len(b) and all(
        x.shape == y.shape and x.dtype == y.dtype and x.tobytes() == y.tobytes()
        for x, y in zip(a, b, strict=True)
    )
