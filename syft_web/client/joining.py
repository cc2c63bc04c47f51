"""Asking again and again until a cycle takes the worker: waits, countdowns, limits."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable

from syft_web.client.retry import Retry, is_passing
from syft_web.client.steps import Accepted, Countdown, Rejected
from syft_web.errors import SyftError
from syft_web.host import Host

__all__ = ["count_down", "join"]

_log = logging.getLogger("syft_web.client")

_SPREAD = 0.1
"""Workers told the same time come back spread over this part of it, ..."""
_SPREAD_SECONDS = 10.0
"""... but at most over so many seconds."""


async def join(
    request: Callable[[], Awaitable[Accepted | Rejected]],
    host: Host,
    retry: Retry,
    on_rejected: Callable[[Rejected], Awaitable[None]],
    on_countdown: Callable[[Countdown], object],
) -> Accepted | Rejected:
    """Ask until accepted, or until training of the model has finished.

    A rejection is waited out as long as the grid says. A grid that cannot be reached is asked
    again as ``retry`` says; every answer begins its tries anew.

    Args:
        request: `Job.request`.
        host: Clock and randomness.
        retry: For a grid that cannot be reached.
        on_rejected: Told each rejection that is waited out.
        on_countdown: Told about every second of a wait.

    Returns:
        `Accepted`, or a `Rejected` that is ``finished``.

    Raises:
        SyftError: As `Job.request`; also when the grid was out of reach for too long.
    """
    waits = retry.waits(host.random_bytes, host.monotonic)
    while True:
        try:
            outcome = await request()
        except SyftError as error:
            wait = next(waits, None) if is_passing(error) else None
            if wait is None:
                raise
            _log.info("The grid is out of reach (%s); again in %.1f s.", error.code, wait)
            await count_down(host, wait, "The grid cannot be reached.", on_countdown)
            continue
        if isinstance(outcome, Accepted) or outcome.timeout is None:
            return outcome
        waits = retry.waits(host.random_bytes, host.monotonic)
        await on_rejected(outcome)
        share = int.from_bytes(host.random_bytes(4), "big") / 2**32
        spread = min(_SPREAD * outcome.timeout, _SPREAD_SECONDS) * share
        why = "The grid has no place for this worker yet."
        await count_down(host, outcome.timeout + spread, why, on_countdown)


async def count_down(
    host: Host, seconds: float, why: str, on_countdown: Callable[[Countdown], object]
) -> None:
    """Wait, telling about every second how long it still is.

    It goes by the wall clock: time that a laptop slept counts.
    """
    end = host.now() + seconds
    while (left := end - host.now()) > 0:
        # A clock that was set back must not make the wait longer than it was.
        left = min(left, seconds)
        on_countdown(Countdown(left, why))
        await host.sleep(min(1.0, left))
