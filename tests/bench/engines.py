"""Every engine that a training step is timed on, in one way to ask them."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Protocol

from playwright.async_api import Error as PageError

from tests.bench import measures
from tests.bench.models import Spec, TorchSteps, batch_of
from tests.bench.page import BenchPage

NAMES = {
    "python:relaxed_simd": "syft_web, relaxed SIMD",
    "python:simd128": "syft_web, SIMD128",
    "python:numpy": "syft_web, plain numpy",
    "tfjs:wasm": "TensorFlow.js wasm",
    "tfjs:webgl": "TensorFlow.js webgl",
    "tfjs:cpu": "TensorFlow.js cpu",
    "jax": "jax-js wasm",
    "native": "native: syft_web, numpy",
    "native:recorded": "native: PySyft's own plan",
    "torch": "native: torch",
}
"""Engines, and what they are called in the table. The native ones run outside the browser."""

RECORDED = Path("bin") / "js2007b_mnist_plan.pb"
"""A plan for the step of the perceptron that PySyft itself recorded."""


class Unable(Exception):  # noqa: N818  # it is an outcome, and its text says why
    """An engine cannot run a case."""


class Engine(Protocol):
    """One engine with one case."""

    async def losses(self, count: int) -> list[float]:
        """The losses of the next steps."""

    async def seconds(self, count: int) -> float:
        """Seconds of one step, on the average of some."""


class PageEngine:
    """An engine of the page."""

    def __init__(self, page: BenchPage, engine: str, case: str) -> None:
        self.page = page
        self.engine = engine
        self.case = case

    async def prepare(self) -> PageEngine:
        """Bring the case to the engine."""
        await self.page.call("prepare", self.engine, self.case)
        return self

    async def losses(self, count: int) -> list[float]:
        """See `Engine`."""
        return list(await self.page.call("visit", self.engine, self.case, "losses", count))

    async def seconds(self, count: int) -> float:
        """See `Engine`."""
        return float(await self.page.call("visit", self.engine, self.case, "time", count))


class NativeEngine:
    """An engine of this process: torch, or a plan on this machine's own Python."""

    def __init__(self, steps: measures.PlanSteps | TorchSteps) -> None:
        self.steps = steps

    async def losses(self, count: int) -> list[float]:
        """See `Engine`."""
        return [self.steps.step() for _ in range(count)]

    async def seconds(self, count: int) -> float:
        """See `Engine`."""
        start = time.perf_counter()
        for _ in range(count):
            self.steps.step()
        return (time.perf_counter() - start) / count


async def make(
    engine: str, spec: Spec, folder: Path, page: BenchPage | None, fixtures: Path | None
) -> Engine:
    """An engine that is ready for a case.

    Args:
        engine: A key of `NAMES`.
        spec: The case.
        folder: Where it was written.
        page: The page, None when there is no browser.
        fixtures: Recordings of the original systems, if they are at hand.

    Raises:
        Unable: It cannot run that case; says why.
    """
    if engine == "torch":
        return NativeEngine(TorchSteps(spec, *batch_of(spec)))
    if engine.startswith("native"):
        case = measures.Case(folder)
        if engine == "native":
            return NativeEngine(measures.PlanSteps(case))
        if spec.kind != "mlp" or fixtures is None:
            raise Unable("")
        return NativeEngine(measures.PlanSteps(case, (fixtures / RECORDED).read_bytes()))
    if page is None:
        raise Unable("no browser")
    try:
        return await PageEngine(page, engine, spec.name).prepare()
    except PageError as error:
        raise Unable(brief(error)) from error


def brief(error: Exception) -> str:
    """The line of an error that says most: the last of a Python traceback, else the first."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    python = [line for line in lines if ":" in line and "Error" in line.split(":")[0]]
    text = (python or lines or [type(error).__name__])[-1 if "Traceback" in str(error) else 0]
    return text.removeprefix("Page.evaluate: ").removeprefix("Error: ")[:160]
