"""Pyodide's own numbers: start, products of matrices, overhead, plans and States, in Chromium."""

from __future__ import annotations

import asyncio
import gzip
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from google.protobuf import descriptor_pb2

from tests.bench import measures
from tests.bench.bench_wire import state_table
from tests.bench.engines import RECORDED
from tests.bench.models import SPECS, write
from tests.bench.page import (
    BenchPage,
    BenchServer,
    open_browser,
    open_page,
    protobuf_wheel,
)
from tests.bench.tables import milliseconds, overhead_line, ratio, show, table
from tests.conformance.proto.compiled import descriptors
from tests.paths import SHARED
from web.site import build

Show = Callable[[str], None]

CASE = "mlp64"


async def run(counts: list[int], report: Show = show) -> dict[str, Any]:
    """Everything that this benchmark measures.

    Args:
        counts: Elements of the States that are written and read.
        report: Takes each table.
    """
    site = await asyncio.to_thread(build)
    with tempfile.TemporaryDirectory() as scratch:
        made = Path(scratch) / "made"
        given = await asyncio.to_thread(prepare, made)
        with BenchServer(site, made, made) as server:
            async with (
                open_browser(Path(scratch) / "profile") as browser,
                open_page(browser, server.url) as page,
            ):
                found = {"start": await _start(page, site, report)}
                found |= await measure(page, given, counts, report)
    return found


async def measure(
    page: BenchPage, given: list[str], counts: list[int], report: Show = show, rounds: int = 5
) -> dict[str, Any]:
    """What is measured once Pyodide runs; see `run`.

    Args:
        page: The page, with Pyodide started.
        given: What `prepare` gave.
        counts: See `run`.
        report: See `run`.
        rounds: How often the short things are measured; their medians count.
    """
    await page.call("give", given)
    found: dict[str, Any] = {"kernels": await page.python("measures.kernel_info()")}
    report(f"kernels: {found['kernels']['active']}, {found['kernels']['reason']}\n")
    found["gemm"] = await _gemm(page, rounds, report)
    found["overhead"] = await page.python(f"measures.overhead({3 * rounds})")
    report(overhead_line(found["overhead"]))
    found["update"] = await page.python("measures.update_times()")
    report(update_line(found["update"]))
    found["plans"] = await _plans(page, report)
    found["states"] = await _states(page, counts, report)
    return found


def update_line(found: dict[str, float]) -> str:
    """A sentence about what `measures.update_times` found."""
    chain, others = found["chain"], found["six operations"]
    return (
        f"momentum on 78,400 parameters: {chain * 1e6:.0f} us as one chain, {others * 1e6:.0f} us "
        f"as six operations, ratio {chain / others:.2f}\n"
    )


def prepare(made: Path, *, google: bool = True) -> list[str]:
    """Write the case, and what else can be had: PySyft's own plan, Google's protobuf if wanted.

    Returns:
        Names of the files that Pyodide is to be given.
    """
    write(SPECS[CASE], made / CASE)
    files = {d.file.name: d.file for d in descriptors().values()}
    listed = descriptor_pb2.FileDescriptorSet()
    while files:  # what a file imports has to come before it
        ready = [n for n, f in files.items() if not any(d.name in files for d in f.dependencies)]
        for name in ready:
            files.pop(name).CopyToProto(listed.file.add())
    (made / "google.desc").write_bytes(listed.SerializeToString())
    wheel = protobuf_wheel() if google else None
    if wheel is not None:
        shutil.copy(wheel, made / "protobuf.whl")
    if SHARED is not None:
        shutil.copy(SHARED / RECORDED, made / "recorded.pb")
    there = [n for n in ("google.desc", "protobuf.whl", "recorded.pb") if (made / n).exists()]
    return [*there, *(f"{CASE}/{name}" for name in measures.FILES)]


KEEP = """async () => {
  const { keepOffline } = await import("/common/offline.js");
  return keepOffline({ busy: () => true });
}"""


async def _start(page: BenchPage, site: Path, report: Show) -> dict[str, Any]:
    """From opening a page to its first training step, by what the browser has of the site.

    Nothing, a full cache, or everything with the site's service worker, as from the second visit
    to a page on.
    """
    found: dict[str, Any] = {}
    for name in ("cold", "warm", "second visit"):
        await page.load()
        if name == "second visit":
            assert await page.page.evaluate(KEEP), "the service worker keeps nothing"
            await page.load()
        said = await page.call("start", CASE)
        files = [file for file in said["files"] if file[0].startswith("/pyodide/")]
        found[name] = {key: said[key] for key in ("boot", "import", "seconds")}
        found[name]["bytes"] = sum(size for _, size, _ in files)
        paths = [site / path.lstrip("/") for path, _, _ in files]
        found["bytes as gzip"] = sum(len(gzip.compress(p.read_bytes(), 6)) for p in paths)
    rows = [["start, seconds", "Pyodide and packages", "import", "to the first step", "MB"]]
    for name in ("cold", "warm", "second visit"):
        one = found[name]
        seconds = [f"{one[key]:.2f}" for key in ("boot", "import", "seconds")]
        rows.append([name, *seconds, f"{one['bytes'] / 1e6:.1f}"])
    report(table(rows) + f"\nas gzip: {found['bytes as gzip'] / 1e6:.1f} MB\n")
    return found


async def _gemm(page: BenchPage, rounds: int, report: Show) -> dict[str, Any]:
    found = await page.python(f"measures.gemm_speeds({2 * rounds})")
    plain = found["numpy"]
    rows = [["GFLOP/s", *measures.GEMMS, *(f"{name} / @" for name in measures.GEMMS)]]
    for build_name, speeds in found.items():
        if isinstance(speeds, str):
            report(f"{build_name}: {speeds}")
            continue
        cells = [f"{speeds[name]:.1f}" for name in measures.GEMMS]
        cells += [ratio(speeds[name], plain[name]) for name in measures.GEMMS]
        rows.append(["numpy's own @" if build_name == "numpy" else build_name, *cells])
    report(table(rows) + "\n")
    return dict(found)


async def _plans(page: BenchPage, report: Show) -> dict[str, Any]:
    found = await page.python(f"measures.case_plan_times('/made/{CASE}', '/made/recorded.pb')")
    report(plan_table(found))
    return dict(found)


def plan_table(found: dict[str, dict[str, float]]) -> str:
    """Times of plans, one row each."""
    names = list(next(iter(found.values())))
    rows = [["plan, ms", *names]]
    rows += [[plan, *(milliseconds(t) for t in times.values())] for plan, times in found.items()]
    return table(rows) + "\n"


async def _states(page: BenchPage, counts: list[int], report: Show) -> dict[str, Any]:
    """Ours at every size; Google's, which has no C here, only at the smallest."""
    google = "None"
    if await page.python("measures.exists('/made/protobuf.whl')"):
        await page.call("install", "/made/protobuf.whl")
        google = "measures.google_class(open('/made/google.desc', 'rb').read(), 'State')"
    found = {}
    for index, count in enumerate(counts):
        theirs = "None" if index else google
        found[str(count)] = await page.python(f"measures.state_times({count}, {theirs})")
    report(state_table(found))
    return found


def main(quick: bool = False) -> dict[str, Any]:
    """Measure and print; gives the numbers."""
    return asyncio.run(run([1_000_000] if quick else [1_000_000, 10_000_000, 50_000_000]))
