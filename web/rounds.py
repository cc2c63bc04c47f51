"""Drive pages of the demo through whole training cycles, and measure what came of it.

Every worker is a page of a real Chromium in a browser context of its own, so it has its
own Python, its own storage and its own share of the training images. The pages train by
themselves; this module only says when, through ``window.syftDemo`` of the MNIST page.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx
import numpy as np
from playwright.async_api import Browser, Error, Page, async_playwright

from syft_web import Plan, State, data
from syft_web.plan.signature import Signature
from web import chromium

__all__ = ["Cycle", "Grader", "Results", "RoundError", "open_pages", "run_rounds"]

JOIN = "() => window.syftDemo.joinOnce()"

CYCLE_SECONDS = 300.0
"""A cycle takes a few seconds; one that takes this long hangs."""

CHECKPOINT_SECONDS = 60.0
"""How long the grid may take to aggregate after the last report."""


class RoundError(Exception):
    """A cycle did not come to its end."""


@dataclass(frozen=True)
class Cycle:
    """One cycle that was aggregated.

    Attributes:
        losses: Mean loss over its updates, of each worker.
        test_accuracy: Accuracy of the new checkpoint on the test images.
    """

    losses: list[float]
    test_accuracy: float


@dataclass
class Results:
    """What the demo writes as JSON."""

    initial_accuracy: float
    cycles: list[Cycle] = field(default_factory=list)
    seconds: float = 0.0

    def to_json(self) -> str:
        """The results as JSON text."""
        return json.dumps(
            {
                "initial_accuracy": self.initial_accuracy,
                "cycles": [vars(cycle) for cycle in self.cycles],
                "seconds": round(self.seconds, 2),
            },
            indent=1,
        )


class Grader:
    """Grades the grid's checkpoints on the test images, natively.

    Args:
        grid_url: HTTP address of the grid.
        name: Name of the hosted model.
        version: Its version.
        inference: Plan that takes images (B, 784) float32 and the parameters, and gives
            scores (B, 10). If it says itself what its inputs are, in any order.
        test: Test images; batches of images (B, 784) float32 and one-hot labels (B, 10).
    """

    def __init__(
        self,
        grid_url: str,
        name: str,
        version: str,
        inference: Plan,
        test: data.ArrayDataset,
    ) -> None:
        self._url = f"{grid_url}/model-centric/retrieve-model"
        self._query = {"name": name, "version": version}
        self._inference = inference
        self._test = test

    async def grade(self, number: int) -> float:
        """Accuracy of a checkpoint, 1 being the initial model; waits until it is there.

        Raises:
            RoundError: The grid does not make it.
        """
        deadline = time.monotonic() + CHECKPOINT_SECONDS
        async with httpx.AsyncClient() as client:
            while True:
                answer = await client.get(
                    self._url, params={**self._query, "checkpoint": str(number)}
                )
                if answer.status_code == httpx.codes.OK:
                    return self._accuracy(State.loads(answer.content).tensors)
                if time.monotonic() > deadline:
                    raise RoundError(
                        f"the grid made no checkpoint {number} within {CHECKPOINT_SECONDS:.0f} s; "
                        f"it says: {answer.status_code} {answer.text[:200]}"
                    )
                await asyncio.sleep(0.05)

    def _accuracy(self, parameters: Sequence[np.ndarray]) -> float:
        signature, right = Signature.of(self._inference), 0
        for images, labels in data.DataLoader(self._test, batch_size=1000, shuffle=False):
            if signature is None:
                arguments = [images, *parameters]
            else:
                arguments = signature.arguments(data=[images], model=parameters)
            scores = self._inference.execute(*arguments)[0]
            right += int((scores.argmax(axis=1) == labels.argmax(axis=1)).sum())
        return right / len(self._test)


class _Worker:
    """One page; remembers the last complaint of it, for the error message."""

    def __init__(self, number: int, page: Page) -> None:
        self.number = number
        self.page = page
        self.complaint = ""
        page.on("pageerror", lambda error: self._complain(str(error)))
        page.on("crash", lambda _: self._complain("the page crashed"))
        page.on(
            "console",
            lambda message: self._complain(message.text) if message.type == "error" else None,
        )

    def _complain(self, text: str) -> None:
        self.complaint = text

    async def join(self) -> float:
        """Take part in one cycle; gives the mean loss."""
        try:
            outcome = await asyncio.wait_for(self.page.evaluate(JOIN), CYCLE_SECONDS)
        except TimeoutError:
            state = "unknown"
            with contextlib.suppress(Error, TimeoutError):
                state = await asyncio.wait_for(
                    self.page.evaluate("document.documentElement.dataset.state"), 5
                )
            raise self._failed(f"no end after {CYCLE_SECONDS:.0f} s in state {state!r}") from None
        except Error as error:
            raise self._failed(error.message.splitlines()[0]) from error
        if outcome["status"] != "reported":
            raise self._failed(_why(outcome))
        loss = outcome["meanLoss"]
        if not isinstance(loss, int | float) or not np.isfinite(loss):
            raise self._failed(f"its loss is {loss}")
        return float(loss)

    def _failed(self, why: str) -> RoundError:
        said = f" (the page said: {self.complaint})" if self.complaint else ""
        return RoundError(f"worker {self.number}: {why}{said}")


def _why(outcome: dict[str, Any]) -> str:
    error = outcome.get("error")
    if error:
        return f"{error.get('code')}: {error.get('message')}"
    words = f"the grid's answer was {outcome['status']}"
    return words + ("; the training is over" if outcome.get("finished") else "")


@contextlib.asynccontextmanager
async def open_pages(addresses: Sequence[str]) -> AsyncIterator[list[_Worker]]:
    """Open each address in a browser context of its own.

    Raises:
        RoundError: There is no Chromium, it does not start, or a page does not load.
    """
    path = chromium.find()
    if path is None:
        raise RoundError(chromium.HELP)
    async with async_playwright() as playwright:
        try:
            # Signals are ours: a browser that ends by itself would look like a failed cycle.
            browser = await playwright.chromium.launch(
                executable_path=path,
                args=list(chromium.ARGUMENTS),
                handle_sigint=False,
                handle_sigterm=False,
                handle_sighup=False,
            )
        except Error as error:
            raise RoundError(f"{path} does not start: {error.message.splitlines()[0]}") from error
        try:
            yield [await _open(browser, n, url) for n, url in enumerate(addresses, start=1)]
        finally:
            with contextlib.suppress(Error):
                await browser.close()


async def _open(browser: Browser, number: int, url: str) -> _Worker:
    context = await browser.new_context(service_workers="block", bypass_csp=True)
    page = await context.new_page()
    worker = _Worker(number, page)
    try:
        await page.goto(url)
        await page.wait_for_function("() => window.syftDemo !== undefined", timeout=30_000)
    except Error as error:
        raise RoundError(f"worker {number}: {url} does not load: {error.message}") from error
    return worker


async def run_rounds(
    addresses: Sequence[str], cycles: int, grader: Grader, say: Callable[[str], None]
) -> Results:
    """Let all pages join cycle after cycle, and grade the checkpoint of each.

    Args:
        addresses: Address of the page of each worker.
        cycles: How many cycles.
        grader: Grades the checkpoints.
        say: Takes one line of text a cycle.

    Returns:
        The results; their accuracy is that of the test images.

    Raises:
        RoundError: A cycle did not come to its end.
    """
    began = time.monotonic()
    results = Results(await grader.grade(1))
    say(f"initial model: accuracy {results.initial_accuracy:.4f} on the test images")
    async with open_pages(addresses) as workers:
        for number in range(1, cycles + 1):
            losses = await _together([worker.join() for worker in workers])
            accuracy = await grader.grade(number + 1)
            results.cycles.append(Cycle(losses, accuracy))
            listed = "  ".join(f"{loss:.4f}" for loss in losses)
            say(f"cycle {number}: loss of each worker {listed}  test accuracy {accuracy:.4f}")
    results.seconds = time.monotonic() - began
    return results


async def _together(joins: Sequence[Any]) -> list[float]:
    """All at once; the first failure ends the others."""
    tasks = [asyncio.ensure_future(join) for join in joins]
    try:
        return list(await asyncio.gather(*tasks))
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
