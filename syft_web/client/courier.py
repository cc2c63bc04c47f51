"""Sending kept differences when the grid is back."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

from syft_web.client.keep import Keep, KeptDiff, SavedCycle
from syft_web.client.protocol import JobProtocol
from syft_web.client.retry import Retry, is_passing
from syft_web.client.steps import Ask, Failed, Reported
from syft_web.client.transport import Transport
from syft_web.errors import SyftError

__all__ = ["Delivery", "deliver"]

_log = logging.getLogger("syft_web.client")


@dataclass(frozen=True, slots=True)
class Delivery:
    """What became of a kept difference.

    Attributes:
        saved: The cycle it belongs to.
        outcome: ``"reported"``; ``"refused"`` when the grid does not take it any more; or
            ``"waiting"`` when the grid cannot be reached: it stays kept.
        text: The same in words.
        reason: Why a reported difference does not count, if the grid says so.
    """

    saved: SavedCycle
    outcome: str
    text: str
    reason: str | None = None


async def deliver(
    keep: Keep,
    transport: Transport,
    retry: Retry,
    on_wait: Callable[[SavedCycle, float], object] | None = None,
) -> list[Delivery]:
    """Send every kept difference, again and again until the grid takes or refuses it.

    The worker id and request key are those of the cycle, so a report that had arrived already is
    counted once.

    Args:
        keep: Where they are kept.
        transport: The grid.
        retry: How long to go on trying; the waits have full jitter.
        on_wait: Told before each wait, with its seconds.

    Raises:
        HostError: The storage does not work.
    """
    return [
        await _send(keep, transport, retry, on_wait, saved, kept)
        for saved in await keep.unclaimed()
        if (kept := await keep.unsent(saved.id)) is not None
    ]


async def _send(
    keep: Keep,
    transport: Transport,
    retry: Retry,
    on_wait: Callable[[SavedCycle, float], object] | None,
    saved: SavedCycle,
    kept: KeptDiff,
) -> Delivery:
    host = transport.host
    waits = retry.waits(host.random_bytes, host.monotonic)
    protocol = JobProtocol(saved.model_name, saved.model_version)
    protocol.take_up(saved.worker_id, saved.grant)
    while True:
        ask = protocol.report(kept.diff, kept.num_samples, kept.metrics)
        outcome = await _answer(protocol, transport, ask)
        if isinstance(outcome, Reported):
            await keep.forget(saved.id)
            _log.info("A kept difference of %s has been reported.", saved.model_name)
            return Delivery(saved, "reported", "The kept work has been handed in.", outcome.reason)
        if not is_passing(outcome):
            await keep.forget(saved.id)
            _log.warning("The grid does not take a kept difference: %s", outcome)
            return Delivery(saved, "refused", f"The grid does not take the kept work: {outcome}")
        wait = next(waits, None)
        if wait is None:
            return Delivery(saved, "waiting", f"The work is kept and not handed in yet: {outcome}")
        if on_wait:
            on_wait(saved, wait)
        await host.sleep(wait)


async def _answer(protocol: JobProtocol, transport: Transport, ask: Ask) -> Reported | SyftError:
    try:
        outcome = protocol.receive(await transport.ask(ask))
    except SyftError as error:
        outcome = protocol.fail(error)
    except BaseException:
        protocol.abandon()
        raise
    if isinstance(outcome, Failed):
        return outcome.error
    assert isinstance(outcome, Reported)  # A report has no other ends.
    return outcome
