"""The benchmarks' page runs, with tiny sizes: nothing here is about time."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from tests.bench import bench_pyodide, bench_training, measures
from tests.bench.models import LeNet, Mlp, Spec, write
from tests.bench.page import NODE_MODULES, BenchPage, BenchServer, open_page
from tests.browser.conftest import Problems

SPECS = [Spec("mlp", Mlp, (784,), 2), Spec("lenet", LeNet, (1, 28, 28), 2)]
HERE = ("python:auto", "python:numpy", "native", "torch")
TFJS = ("tfjs:cpu", "tfjs:wasm")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def page(
    browser: Browser, site: Path, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[tuple[BenchPage, Path]]:
    """The page with Pyodide, and the folder of its cases."""
    made = tmp_path_factory.mktemp("made")
    with BenchServer(site, NODE_MODULES, made) as server:
        async with open_page(browser, server.url) as opened:
            problems = Problems()
            problems.watch(opened.page)
            await opened.call("bootPython")
            yield opened, made
            assert not problems


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.name)
async def test_engines_agree(spec: Spec, page: tuple[BenchPage, Path]) -> None:
    opened, made = page
    folder = made / spec.name
    write(spec, folder)
    effort = bench_training.Effort(rounds=1, turn=0.001)
    results = await bench_training.measure(spec, folder, opened, HERE, effort)
    for name, result in results.items():
        assert not result.reason, name
        assert len(result.losses) == bench_training.CHECKED
        assert result.seconds > 0


async def test_tensorflow_agrees(page: tuple[BenchPage, Path]) -> None:
    if not (NODE_MODULES / "@tensorflow").is_dir():
        pytest.skip("TensorFlow.js is installed by './build.sh bench'")
    opened, made = page
    assert await opened.call("loadTfjs") == ""
    write(SPECS[0], made / "mlp2")
    effort = bench_training.Effort(rounds=1, turn=0.001)
    names = ("native", *TFJS)
    results = await bench_training.measure(SPECS[0], made / "mlp2", opened, names, effort)
    assert not any(result.reason for result in results.values())


async def test_what_pyodide_measures(page: tuple[BenchPage, Path]) -> None:
    opened, made = page
    given = bench_pyodide.prepare(made, google=False)
    lines: list[str] = []
    found = await bench_pyodide.measure(opened, given, [1000], lines.append, rounds=1)
    assert set(found["gemm"]["numpy"]) == set(measures.GEMMS)
    assert found["overhead"]["action"] > 0
    assert found["states"]["1000"]["decode"] > 0
    assert all(time > 0 for times in found["plans"].values() for time in times.values())
    assert lines
