"""Writing down where a training stands, every few seconds."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any

from syft_web.client.keep import Keep
from syft_web.client.trainer import PlanTrainer
from syft_web.errors import SyftError

__all__ = ["AUTOSAVE_SECONDS", "Autosave"]

_log = logging.getLogger("syft_web.client")

AUTOSAVE_SECONDS = 2.0
"""At most so much training is lost, where saving is quick."""

_SHARE = 20
"""Saving takes at most one part in so many of the time."""


class Autosave:
    """Saves a trainer's checkpoints under a kept cycle.

    One save is under way at a time. It is due after `AUTOSAVE_SECONDS`, later where saves are
    slow, and at once when training stops or pauses. That nothing can be saved is logged, and no
    reason to end the training.

    Args:
        keep: Where to.
        name: Id of the cycle.
        trainer: Whose progress.
        monotonic: A clock in seconds.
        seconds: Least time between two saves.
    """

    def __init__(
        self,
        keep: Keep,
        name: str,
        trainer: PlanTrainer,
        monotonic: Callable[[], float],
        seconds: float = AUTOSAVE_SECONDS,
    ) -> None:
        self._keep = keep
        self._name = name
        self._trainer = trainer
        self._monotonic = monotonic
        self._seconds = seconds
        self._due = monotonic() + seconds
        self._saving = asyncio.Lock()
        self._closed = False
        trainer.on("batchEnd", self._after_batch)
        for event in ("stop", "pause", "end"):
            trainer.on(event, lambda _event: self.save())

    async def save(self) -> None:
        """Save where training stands now, after a save that is under way."""
        async with self._saving:
            if self._closed:
                return
            began = self._monotonic()
            try:
                await self._keep.progress(self._name, self._trainer.checkpoint)
            except SyftError as error:
                _log.warning("Progress could not be saved: %s", error)
            ended = self._monotonic()
            self._due = ended + max(self._seconds, _SHARE * (ended - began))

    def discard(self) -> None:
        """Begin no further save."""
        self._closed = True

    async def close(self) -> None:
        """Save no more; returns when nothing is under way."""
        async with self._saving:
            self._closed = True

    def _after_batch(self, _event: object) -> Coroutine[Any, Any, None] | None:
        if self._monotonic() < self._due or self._saving.locked():
            return None
        self._due = self._monotonic() + self._seconds
        return self.save()
