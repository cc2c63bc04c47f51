"""Training steps of every model on every engine, in one Chromium in one run.

The engines take turns, round after round, so that whatever else the machine does hits all of
them; the medians are compared. The losses of the first steps have to agree.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import tempfile
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from playwright.async_api import Error as PageError

from syft_web.errors import SyftError
from tests.bench import engines
from tests.bench.engines import NAMES, Engine, Unable
from tests.bench.models import SPECS, Spec, write
from tests.bench.page import (
    NODE_MODULES,
    BenchPage,
    BenchServer,
    npm_packages,
    open_browser,
    open_page,
)
from tests.bench.tables import milliseconds, ratio, show, table
from tests.paths import SHARED
from web.site import build

CHECKED = 2
"""Steps whose losses are compared; the second one's is that of changed parameters."""

SLOW = 1.0
"""Seconds of a step from which two measurements are enough."""

TOLERANCE = 2e-3
"""How far losses may be apart, in parts of the loss: float32 summed in another order."""

TFJS = ("tfjs:wasm", "tfjs:webgl", "tfjs:cpu")
RATIOS = (*TFJS, "jax", "torch", "native")


@dataclass
class Result:
    """What one engine did with one case.

    Attributes:
        times: Seconds of a step, one for each round.
        losses: Of the first steps.
        reason: Why there is nothing, else empty.
    """

    times: list[float] = field(default_factory=list)
    losses: list[float] = field(default_factory=list)
    reason: str = ""

    @property
    def seconds(self) -> float | None:
        """The median."""
        return median(self.times) if self.times else None


@dataclass(frozen=True)
class Effort:
    """How long to measure: rounds, and seconds of each engine's turn."""

    rounds: int = 5
    turn: float = 0.25


async def measure(
    spec: Spec, folder: Path, page: BenchPage | None, names: Iterable[str], effort: Effort
) -> dict[str, Result]:
    """Time a case on some engines, in turns."""
    results = {name: Result() for name in names}
    ready: dict[str, tuple[Engine, int]] = {}
    for name, result in results.items():
        try:
            engine = await engines.make(name, spec, folder, page, SHARED)
            result.losses = await engine.losses(CHECKED)
            once = await engine.seconds(1)
        except Unable as error:
            result.reason = str(error)
        except (PageError, SyftError) as error:
            result.reason = engines.brief(error)
        else:
            ready[name] = engine, max(1, int(effort.turn / max(once, 1e-5)))
            if once > SLOW:
                result.times.append(once)  # it was no warm-up any more
    for _ in range(effort.rounds):
        for name, (engine, count) in ready.items():
            times = results[name].times
            if len(times) < 2 or median(times) < SLOW:
                times.append(await engine.seconds(count))
    _compare_losses(results)
    return results


def _compare_losses(results: dict[str, Result]) -> None:
    """An engine with other losses than most has computed something else: it has no result."""
    found = [result.losses for result in results.values() if result.losses]
    middle = [median(step) for step in zip(*found, strict=True)]
    for result in results.values():
        pairs = list(zip(result.losses, middle, strict=False))
        if not all(math.isclose(a, b, rel_tol=TOLERANCE, abs_tol=1e-4) for a, b in pairs):
            said = " ".join(f"{a:.4f}" for a in result.losses)
            result.reason = f"other losses: {said} for " + " ".join(f"{b:.4f}" for b in middle)
            result.times = []


@contextlib.asynccontextmanager
async def prepared_page(made: Path) -> AsyncIterator[tuple[BenchPage | None, dict[str, str]]]:
    """The page with Pyodide and the npm engines, and why some of these are not there."""
    missing: dict[str, str] = {}
    reason = await asyncio.to_thread(npm_packages)
    site = await asyncio.to_thread(build)
    async with contextlib.AsyncExitStack() as stack:
        try:
            browser = await stack.enter_async_context(open_browser())
        except RuntimeError as error:
            yield None, dict.fromkeys([n for n in NAMES if ":" in n], str(error))
            return
        server = stack.enter_context(BenchServer(site, NODE_MODULES, made))
        page = await stack.enter_async_context(open_page(browser, server.url))
        await page.call("bootPython")
        for keys, function in ((TFJS, "loadTfjs"), (("jax",), "loadJax")):
            try:
                said = reason or await page.call(function)
            except PageError as error:
                said = engines.brief(error)
            if said:
                missing |= dict.fromkeys(keys, said)
        yield page, missing


async def run(names: Iterable[str], effort: Effort, report: Any = show) -> dict[str, Any]:
    """Time the named cases on all engines; what was found, by case and engine."""
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as made:
        async with prepared_page(Path(made)) as (page, missing):
            for engine, reason in missing.items():
                report(f"{NAMES[engine]}: {reason}")
            for name in names:
                folder = Path(made) / name
                await asyncio.to_thread(write, SPECS[name], folder)
                wanted = [engine for engine in NAMES if engine not in missing]
                results = await measure(SPECS[name], folder, page, wanted, effort)
                report("\n" + _table(name, results))
                found[name] = {
                    engine: {
                        "seconds": r.seconds,
                        "times": r.times,
                        "losses": r.losses,
                        "reason": r.reason,
                    }
                    for engine, r in results.items()
                }
    return found


def _table(name: str, results: dict[str, Result]) -> str:
    """A case's engines: median and least time of a step, the median as a part of others'."""
    rows = [["engine", "ms", "best", *(f"/ {_short(other)}" for other in RATIOS)]]
    reasons = []
    for engine, result in results.items():
        if result.seconds is None:
            if result.reason:
                reasons.append(f"  {NAMES[engine]}: {result.reason}")
            continue
        others = [results[o].seconds if o in results else None for o in RATIOS]
        cells = [ratio(result.seconds, other) for other in others]
        times = [milliseconds(result.seconds), milliseconds(min(result.times))]
        rows.append([NAMES[engine], *times, *cells])
    return "\n".join([table(rows, f"{name}: one training step"), *reasons])


def _short(engine: str) -> str:
    return {"jax": "jax-js", "native": "native numpy"}.get(engine, engine.replace(":", " "))


def main(quick: bool = False) -> dict[str, Any]:
    """Time everything and print the tables; gives the numbers."""
    effort = Effort(2, 0.1) if quick else Effort()
    names = ["mlp1", "mlp64", "lenet64"] if quick else list(SPECS)
    return asyncio.run(run(names, effort))
