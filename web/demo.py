"""``./build.sh demo``: a grid, hosted models, and pages that train them.

Without options it hosts two MNIST models and the bandit of the second demo, opens the page in a
browser and serves until Ctrl-C. With
``--headless`` it drives pages of a real Chromium through whole cycles, prints a line for
each, and ends; its exit status is 0 only if every cycle was aggregated.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import signal
import sys
import webbrowser
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from examples.bandit import plan as bandit
from examples.mnist import cnn
from examples.mnist.config import NAME, VERSION, client_config, server_config
from examples.mnist.data import load
from examples.mnist.plan import inference_plan, initial_model, training_plan
from syft_web.author import Bundle, host_training
from syft_web.errors import GridRefusedError, SyftError
from syft_web.grid import Server
from web import fetch, wheel
from web.rounds import Grader, RoundError, run_rounds
from web.serve import SiteServer
from web.site import build

__all__ = ["main"]

SEED = 1
"""Of the initial model, so that every run begins alike."""


def _by_hand() -> Bundle:
    plans = {"training_plan": training_plan(), "inference_plan": inference_plan()}
    return Bundle(NAME, VERSION, initial_model(SEED), plans, client_config())


def _mlp() -> Bundle:
    from examples import mnist_mlp

    return mnist_mlp.bundle()


def _cnn() -> Bundle:
    from examples import mnist_cnn

    return mnist_cnn.bundle()


def _conv() -> Bundle:
    return cnn.bundle(SEED)


MODELS: dict[str, Callable[[], Bundle]] = {
    NAME: _by_hand,
    cnn.NAME: _conv,
    "mnist_mlp": _mlp,
    "mnist_cnn": _cnn,
}
"""What can be trained; the last two are written in PyTorch and need it."""

SERVED = (NAME, cnn.NAME)
"""The models that people can choose between."""


def main(arguments: list[str] | None = None) -> int:
    """Run the demo; gives the exit status."""
    options = _parse(arguments)
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    try:
        return asyncio.run(_until_stopped(options))
    except (RoundError, SyftError, fetch.FetchError, wheel.WheelError, OSError) as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="./build.sh demo", description="A grid, a hosted MNIST model and its page."
    )
    parser.add_argument(
        "--model",
        choices=MODELS,
        default=NAME,
        help="what is trained: a perceptron or a convolutional network, written without PyTorch "
        "(mnist, mnist_conv) or with it (mnist_mlp, mnist_cnn)",
    )
    parser.add_argument("--headless", action="store_true", help="drive Chromium pages, then end")
    parser.add_argument(
        "--workers", type=_positive, help="reports a cycle waits for (headless: 3, otherwise: 1)"
    )
    parser.add_argument("--cycles", type=_positive, help="cycles (headless: 5, otherwise: no end)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="headless: write the results")
    parser.add_argument("--port", type=_port, default=0, help="port of the site (default: any)")
    parser.add_argument(
        "--grid-port", type=_port, default=0, help="port of the grid (default: any)"
    )
    parser.add_argument(
        "--database",
        metavar="URL",
        help="where the grid keeps its state, e.g. sqlite:///grid.db (default: temporary)",
    )
    parser.add_argument(
        "--open",
        action=argparse.BooleanOptionalAction,
        default=None,
        help="open the page in a browser (default: where there is a display)",
    )
    options = parser.parse_args(arguments)
    if options.json and not options.headless:
        parser.error("--json goes with --headless")
    options.workers = options.workers or (3 if options.headless else 1)
    options.cycles = options.cycles or (5 if options.headless else 0)
    return options


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return value


def _port(text: str) -> int:
    value = int(text)
    if not 0 <= value <= 65535:
        raise argparse.ArgumentTypeError("must be 0 to 65535")
    return value


async def _until_stopped(options: argparse.Namespace) -> int:
    """Run, and end in good order on Ctrl-C and SIGTERM."""
    task = asyncio.ensure_future(_run(options))
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, task.cancel)
    try:
        return await task
    except asyncio.CancelledError:
        print("\nstopped")
        return 130 if options.headless else 0


async def _run(options: argparse.Namespace) -> int:
    site = await asyncio.to_thread(build)
    names = [options.model, *(name for name in SERVED if name != options.model)]
    bundles = [await asyncio.to_thread(MODELS[name]) for name in names[: _many(options)]]
    with (
        Server(port=options.grid_port, database=options.database) as grid,
        SiteServer(site, port=options.port) as pages,
    ):
        rules = server_config(options.workers, options.cycles)
        for bundle in bundles:
            await _host(grid.ws_url, bundle, options, rules)
        addresses = [
            _address(pages.url, grid.ws_url, bundles, shard, options)
            for shard in range(options.workers)
        ]
        if options.headless:
            return await _headless(options, grid.url, bundles[0], site, addresses)
        await _host(grid.ws_url, bandit.bundle(), options, server_config(workers=1, cycles=0))
        other = f"{pages.url}/bandit/?{urlencode({'grid': grid.ws_url}, safe=':/')}"
        return await _serve(options, grid.ws_url, addresses, other)


def _many(options: argparse.Namespace) -> int:
    """How many models: nobody chooses where programs drive the pages."""
    return 1 if options.headless else len(MODELS)


async def _host(
    ws_url: str, bundle: Bundle, options: argparse.Namespace, rules: Mapping[str, Any]
) -> None:
    try:
        await host_training(
            ws_url,
            bundle.name,
            bundle.version,
            bundle.model,
            bundle.plans,
            bundle.client_config,
            rules,
        )
    except GridRefusedError as error:
        # A database of an earlier run: its training goes on, with its own settings.
        if options.headless or options.database is None or "already exists" not in error.text:
            raise
        name = f"{bundle.name} {bundle.version}"
        print(f"{name} is in this database already; its training goes on")


def _address(
    site: str, grid: str, bundles: Sequence[Bundle], shard: int, options: argparse.Namespace
) -> str:
    first = bundles[0]
    query: dict[str, str | int] = {"grid": grid, "model": first.name, "version": first.version}
    if len(bundles) > 1:
        query["models"] = ",".join(sorted(bundle.name for bundle in bundles))
    query |= {"shard": shard, "shards": options.workers}
    if not options.headless:
        query["keep"] = 1
    return f"{site}/mnist/?{urlencode(query, safe=':/,')}"


async def _headless(
    options: argparse.Namespace, grid_url: str, bundle: Bundle, site: Path, addresses: list[str]
) -> int:
    test = load(site / "data" / "mnist", "t10k")
    grader = Grader(grid_url, bundle.name, bundle.version, bundle.plans["inference_plan"], test)
    results = await run_rounds(
        addresses, options.cycles, grader, lambda line: print(line, flush=True)
    )
    print(f"{len(results.cycles)} cycles of {options.workers} workers: {results.seconds:.1f} s")
    if options.json:
        options.json.write_text(results.to_json() + "\n")
    return 0


async def _serve(options: argparse.Namespace, ws_url: str, addresses: list[str], other: str) -> int:
    print(f"grid: {ws_url}")
    for number, address in enumerate(addresses, start=1):
        print(f"page of worker {number}: {address}" if len(addresses) > 1 else f"page: {address}")
    print(f"second demo, which version is liked best: {other}")
    print("Ctrl-C stops.", flush=True)
    if options.open or (options.open is None and _has_display()):
        for address in addresses:
            await asyncio.to_thread(webbrowser.open, address)
    await asyncio.Event().wait()
    return 0


def _has_display() -> bool:
    if sys.platform in ("darwin", "win32"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


if __name__ == "__main__":
    raise SystemExit(main())
