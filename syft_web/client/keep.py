"""What is kept of a worker's cycles, so that a reload, a crash or a closed laptop loses nothing.

A `Keep` writes records into a `Storage`; each cycle has up to four::

    cycle/ID     who takes part where: grid, model, worker id, request key, ids of model and plans
    assets/ID    the bytes of model, plans and protocols as they came
    progress/ID  the trainer's checkpoint, written anew every few seconds
    diff/ID      the finished difference, until the grid has taken it

Every record is packed (`syft_web.wire.frames`) and carries the version of its layout. Records of
another version, or that cannot be read, are as good as none and are removed.
"""

from __future__ import annotations

import asyncio
import base64
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakKeyDictionary

from syft_web.client.checkpoint import PlanTrainerCheckpoint
from syft_web.errors import SyftError
from syft_web.host.storage import Hold, Storage
from syft_web.plan.state import State
from syft_web.wire.frames import pack_frame, read_packed
from syft_web.wire.messages import CycleAccepted

__all__ = ["Keep", "KeptDiff", "SavedCycle", "Turn"]

_log = logging.getLogger("syft_web.client")

_VERSION = 1
_KINDS = ("cycle", "assets", "progress", "diff")


@dataclass(frozen=True, slots=True)
class SavedCycle:
    """A cycle that this browser or folder still knows of; give it to `Job.resume`.

    Attributes:
        id: Names it among all that are kept.
        grid: Address of the grid.
        model_name: As the job was made with.
        model_version: As the job was made with.
        worker_id: Whom the grid knows.
        grant: What the grid gave: the request key and ids.
        saved_at: When the worker was accepted, in seconds since 1970.
        epoch: Epoch it stands in; None before the first saved progress.
        batch: First batch in it that has not been trained on; None likewise.
        finished: Whether training is over and only the report is left to be sent.
    """

    id: str
    grid: str
    model_name: str
    model_version: str | None
    worker_id: str
    grant: CycleAccepted = field(repr=False)
    saved_at: float
    epoch: int | None = None
    batch: int | None = None
    finished: bool = False


@dataclass(frozen=True, slots=True)
class KeptDiff:
    """A difference that the grid has not taken yet, as for `Job.report`."""

    diff: bytes = field(repr=False)
    num_samples: int | None = None
    metrics: Mapping[str, float] | None = None


class Turn:
    """The right to train a model, shared by the jobs of one tab or process."""

    def __init__(self) -> None:
        self.asking = asyncio.Lock()
        self.count = 0
        self.hold: Hold | None = None

    def end(self) -> None:
        """One job does not need it any more."""
        self.count -= 1
        if not self.count and self.hold is not None:
            self.hold.release()
            self.hold = None


_TURNS: WeakKeyDictionary[Storage, dict[str, Turn]] = WeakKeyDictionary()


class Keep:
    """Keeps cycles in a storage.

    Args:
        storage: Where, see `syft_web.host.open_storage`.
        grid: Address of the grid; cycles of other grids are not seen.
        now: Wall clock in seconds, e.g. ``host.now``.
    """

    def __init__(self, storage: Storage, grid: str, now: Callable[[], float]) -> None:
        self._storage = storage
        self._grid = grid
        self._now = now

    async def take_turn(self, model_name: str, on_wait: Callable[[], object]) -> Turn:
        """Become the one of all tabs and processes that trains a model; waits until it is free.

        Jobs that share this storage object share their turn, too.

        Args:
            model_name: The model.
            on_wait: Called when another has the turn.
        """
        turn = self._turns().setdefault(self._turn(model_name), Turn())
        async with turn.asking:
            if not turn.count:
                name = self._turn(model_name)
                hold = await self._storage.hold(name, wait=False)
                if hold is None:
                    on_wait()
                    hold = await self._storage.hold(name, wait=True)
                turn.hold = hold
            turn.count += 1
        return turn

    async def unclaimed(self) -> list[SavedCycle]:
        """Those of `saved` that nobody is at work on, in this tab or another."""
        saved = await self.saved()
        free = {name: await self._is_free(name) for name in {each.model_name for each in saved}}
        return [each for each in saved if free[each.model_name]]

    async def _is_free(self, model_name: str) -> bool:
        name = self._turn(model_name)
        turn = self._turns().get(name)
        if turn is not None and (turn.count or turn.asking.locked()):
            return False
        return not await self._storage.is_held(name)

    def _turn(self, model_name: str) -> str:
        return f"turn/{self._grid}/{model_name}"

    def _turns(self) -> dict[str, Turn]:
        return _TURNS.setdefault(self._storage, {})

    async def begin(
        self,
        model_name: str,
        model_version: str | None,
        worker_id: str,
        grant: CycleAccepted,
        assets: Mapping[str, bytes],
    ) -> str:
        """Keep a cycle that has just been joined; gives its id.

        Cycles of the same model that were left in the middle of training are forgotten: whoever
        wanted to resume one would have done so instead.
        """
        name = f"{self._grid}#{worker_id}"
        cycle = {
            "grid": self._grid,
            "model_name": model_name,
            "model_version": model_version,
            "worker_id": worker_id,
            "grant": grant.to_json(),
            "saved_at": self._now(),
        }
        old = [
            saved.id
            for saved in await self.saved()
            if saved.model_name == model_name and not saved.finished
        ]
        changes: dict[str, bytes | None] = {key: None for each in old for key in _keys(each)}
        changes[f"cycle/{name}"] = _pack(cycle)
        changes[f"assets/{name}"] = _pack({"bytes": dict(assets)})
        await self._storage.write(changes)
        return name

    async def progress(self, name: str, checkpoint: PlanTrainerCheckpoint) -> None:
        """Keep where training stands."""
        record = {
            "position": checkpoint.position(),
            "model": checkpoint.current_model.dumps(),
            "state": State.of(checkpoint.state).dumps() if checkpoint.state else b"",
        }
        await self._storage.write({f"progress/{name}": _pack(record)})

    async def diff(self, name: str, kept: KeptDiff) -> None:
        """Keep a finished difference; from now on only the report is left to be done."""
        metrics = None if kept.metrics is None else dict(kept.metrics)
        record = {"diff": kept.diff, "num_samples": kept.num_samples, "metrics": metrics}
        await self._storage.write(
            {f"diff/{name}": _pack(record), f"progress/{name}": None, f"assets/{name}": None}
        )

    async def forget(self, name: str) -> None:
        """Remove all that is kept of a cycle."""
        await self._storage.write(dict.fromkeys(_keys(name)))

    async def saved(self) -> list[SavedCycle]:
        """All cycles of this grid that are kept, the latest first."""
        found = []
        prefix = f"{self._grid}#"
        unsent = {key.partition("/")[2] for key in await self._storage.keys(f"diff/{prefix}")}
        for key in await self._storage.keys(f"cycle/{prefix}"):
            name = key.partition("/")[2]
            progress = await self._read("progress", name)
            try:
                found.append(
                    _saved(name, await self._read("cycle", name), progress, name in unsent)
                )
            except (SyftError, KeyError, TypeError) as error:
                _log.warning("A kept cycle cannot be read (%s) and is forgotten.", error)
                await self.forget(name)
        return sorted(found, key=lambda saved: saved.saved_at, reverse=True)

    async def assets(self, name: str) -> dict[str, bytes]:
        """Bytes of model, plans and protocols; empty when they are not kept."""
        record = await self._read("assets", name) or {}
        return dict(record.get("bytes", {}))

    async def checkpoint(self, name: str) -> PlanTrainerCheckpoint | None:
        """Where training stood; None when it is not kept, or cannot be read."""
        record = await self._read("progress", name)
        if record is None:
            return None
        tensors = {"currentModelBase64": record["model"]}
        if record["state"]:
            tensors["stateBase64"] = record["state"]
        encoded = {key: base64.b64encode(value).decode() for key, value in tensors.items()}
        return PlanTrainerCheckpoint.from_json({**record["position"], **encoded})

    async def unsent(self, name: str) -> KeptDiff | None:
        """The difference that waits for the grid; None when there is none."""
        record = await self._read("diff", name)
        if record is None:
            return None
        return KeptDiff(record["diff"], record["num_samples"], record["metrics"])

    async def _read(self, kind: str, name: str) -> dict[str, Any] | None:
        data = await self._storage.read(f"{kind}/{name}")
        if data is None:
            return None
        try:
            record = read_packed(data)
        except SyftError as error:
            _log.warning("A kept %s cannot be read: %s", kind, error)
            return None
        fits = isinstance(record, dict) and record.get("version") == _VERSION
        return record if fits else None


def _keys(name: str) -> list[str]:
    return [f"{kind}/{name}" for kind in _KINDS]


def _pack(record: Mapping[str, Any]) -> bytes:
    return pack_frame({"version": _VERSION, **record})


def _saved(
    name: str, cycle: dict[str, Any] | None, progress: dict[str, Any] | None, finished: bool
) -> SavedCycle:
    if cycle is None:
        raise TypeError("it is of another version, or broken")
    position = {} if progress is None else progress["position"]
    return SavedCycle(
        name,
        cycle["grid"],
        cycle["model_name"],
        cycle["model_version"],
        cycle["worker_id"],
        CycleAccepted.from_json(cycle["grant"]),
        float(cycle["saved_at"]),
        position.get("epoch"),
        position.get("batch"),
        finished,
    )
