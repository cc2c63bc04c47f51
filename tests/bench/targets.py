"""What the engine is meant to reach, held against what was measured.

The numbers are ratios wherever that is possible: they hold on other machines too.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.bench.tables import table


@dataclass(frozen=True)
class Target:
    """One thing to reach.

    Attributes:
        what: In words.
        bound: The number to stay below, or with `least` to reach.
        measured: Takes it from the numbers of all benchmarks; a KeyError or TypeError means
            that it was not measured.
        unit: Of the number.
        least: Whether more is better.
    """

    what: str
    bound: float
    measured: Callable[[dict[str, Any]], float]
    unit: str = "x"
    least: bool = False


def _step(case: str, other: str) -> Callable[[dict[str, Any]], float]:
    """Time of a step with our best kernels as a part of another engine's."""

    def part(found: dict[str, Any]) -> float:
        engines = found["training"][case]
        ours = engines["python:relaxed_simd"]["seconds"] or engines["python:simd128"]["seconds"]
        return float(ours / engines[other]["seconds"])

    return part


def _others(found: dict[str, Any]) -> float:
    """The model where we do worst: our time as a part of the best other engine's in the page."""
    parts = []
    for engines in found["training"].values():
        times = {name: one["seconds"] for name, one in engines.items() if one["seconds"]}
        others = [t for name, t in times.items() if name.startswith(("tfjs:", "jax"))]
        ours = [t for name, t in times.items() if name.startswith("python:")]
        parts.append(min(ours) / min(others))
    return max(parts)


def _gemm(found: dict[str, Any]) -> float:
    """How many times as fast as numpy's own ``@`` the best kernels are, at their worst."""
    gemm = found["pyodide"]["gemm"]
    best = gemm["simd128"] if isinstance(gemm["relaxed_simd"], str) else gemm["relaxed_simd"]
    return min(speed / gemm["numpy"][size] for size, speed in best.items())


def _decode(found: dict[str, Any]) -> float:
    times = found["wire"]["states"]["10000000"]
    return float(times["their decode"] / times["decode"])


TARGETS = (
    Target("MNIST step at 64 / TensorFlow.js wasm", 0.15, _step("mlp64", "tfjs:wasm")),
    Target("MNIST step at 64 / native torch", 2.5, _step("mlp64", "torch")),
    Target("LeNet step at 64 / TensorFlow.js webgl", 0.1, _step("lenet64", "tfjs:webgl")),
    Target("LeNet step at 64 / TensorFlow.js cpu", 0.04, _step("lenet64", "tfjs:cpu")),
    Target("LeNet step at 64 / native numpy", 3, _step("lenet64", "native")),
    Target("every step / the best other engine of a page", 1, _others),
    Target("products at the MNIST sizes / numpy's own", 15, _gemm, least=True),
    Target(
        "plan's part of a tiny action in Pyodide",
        5,
        lambda found: found["pyodide"]["overhead"]["overhead"] * 1e6,
        "us",
    ),
    Target("State of 40 MB: decoding / protobuf's C", 5, _decode, least=True),
    Target("memory of an MNIST step", 1.5, lambda f: f["engine"]["peak"]["mlp64"] / 1e6, "MB"),
    Target("memory of a LeNet step", 6, lambda f: f["engine"]["peak"]["lenet64"] / 1e6, "MB"),
    Target("grid: 500 diffs beyond 10", 2, lambda f: f["grid"]["growth_in_models"], "models"),
)


def summary(found: dict[str, Any]) -> str:
    """All targets that something was measured for, and whether they are reached."""
    rows = [["target", "wanted", "measured", ""]]
    for target in TARGETS:
        try:
            number = target.measured(found)
        except (KeyError, TypeError, ValueError):
            continue
        good = number >= target.bound if target.least else number <= target.bound
        sign = ">=" if target.least else "<="
        wanted = f"{sign} {target.bound:g} {target.unit}"
        rows.append([target.what, wanted, f"{number:.3g} {target.unit}", "yes" if good else "NO"])
    return table(rows) if len(rows) > 1 else ""
