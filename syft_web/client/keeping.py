"""What a job does with a `Keep`: its turn, its records, the way back into its cycle."""

from __future__ import annotations

import logging
import weakref
from collections.abc import Callable, Mapping

from syft_web.client.autosave import Autosave
from syft_web.client.keep import Keep, KeptDiff, SavedCycle, Turn
from syft_web.client.steps import Fetch
from syft_web.client.trainer import PlanTrainer
from syft_web.client.transport import Transport
from syft_web.errors import GridError, HostError
from syft_web.wire.messages import CycleAccepted

__all__ = ["Keeping", "is_open"]

_log = logging.getLogger("syft_web.client")

_FOR_NOW = {408, 425, 429}
"""Statuses below 500 that say nothing about the cycle."""


class Keeping:
    """One job's part in a `Keep`.

    Where the storage fails, training goes on without it: a warning is logged.

    Args:
        keep: Where cycles are kept.
        model_name: As the job was made with.
        model_version: As the job was made with.
    """

    def __init__(self, keep: Keep, model_name: str, model_version: str | None) -> None:
        self._keep = keep
        self._model = model_name, model_version
        self._name = ""
        self._autosave: Autosave | None = None
        self._end_turn: Callable[[], object] | None = None

    async def take_turn(self, on_wait: Callable[[], object]) -> None:
        """Wait until no other tab or process trains the model; see `Keep.take_turn`."""
        if self._end_turn is not None:
            return
        try:
            turn: Turn = await self._keep.take_turn(self._model[0], on_wait)
        except HostError as error:
            _log.warning("Several tabs may train at once: %s", error)
            return
        # Also when the job is dropped in the middle of a cycle.
        self._end_turn = weakref.finalize(self, turn.end)

    def end_turn(self) -> None:
        """Let another tab or process train."""
        if self._end_turn is not None:
            self._end_turn()
            self._end_turn = None

    async def begin(
        self, worker_id: str, grant: CycleAccepted, assets: Mapping[str, bytes]
    ) -> None:
        """Keep the cycle that has just been joined."""
        self._name = ""
        try:
            self._name = await self._keep.begin(*self._model, worker_id, grant, assets)
        except HostError as error:
            _log.warning("A reload will lose this cycle: %s", error)

    def go_on_with(self, saved: SavedCycle) -> None:
        """Keep under a cycle that is resumed."""
        self._name = saved.id

    def watch(self, trainer: PlanTrainer, monotonic: Callable[[], float]) -> None:
        """Save the progress of a trainer from now on."""
        if self._autosave is not None:
            self._autosave.discard()
        if self._name:
            self._autosave = Autosave(self._keep, self._name, trainer, monotonic)

    async def finish(self, kept: KeptDiff) -> None:
        """Keep a finished difference."""
        if not self._name:
            return
        if self._autosave is not None:
            await self._autosave.close()
        try:
            await self._keep.diff(self._name, kept)
        except HostError as error:
            _log.warning("A reload will lose this work: %s", error)

    async def forget(self) -> None:
        """The cycle is over for this worker."""
        if not self._name:
            return
        if self._autosave is not None:
            await self._autosave.close()
        try:
            await self._keep.forget(self._name)
        except HostError as error:
            _log.warning("What was kept could not be removed: %s", error)
        self._name = ""


async def is_open(transport: Transport, fetch: Fetch) -> bool | None:
    """Whether a cycle still gives its model to a worker; None when the grid does not say.

    Only the head of the answer is asked for, so no model travels.

    Args:
        transport: The grid.
        fetch: The request for the model.
    """
    route = transport.address.route(fetch.path, fetch.query)
    try:
        async with transport.host.exchange(
            "HEAD", route, timeouts=transport.options.timeouts
        ) as answer:
            status = answer.status
    except GridError:
        return None
    if 200 <= status < 300:
        return True
    return False if 400 <= status < 500 and status not in _FOR_NOW else None
