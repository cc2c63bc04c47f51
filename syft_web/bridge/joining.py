"""The commands around a cycle: joining it, going back into it, reporting, what is kept."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import asdict
from typing import Any

from syft_web.bridge.core import Emit, Value
from syft_web.bridge.narrow import Message, buffer, get, maybe
from syft_web.bridge.training import TrainingCommands
from syft_web.client import Accepted, Job, Progress, Rejected, Syft
from syft_web.client.courier import Delivery
from syft_web.client.keep import SavedCycle
from syft_web.client.steps import Countdown
from syft_web.client.trainer import PlanTrainer
from syft_web.errors import PlanInvalidError
from syft_web.host import Host, Storage
from syft_web.plan.plan import Plan
from syft_web.plan.signature import Signature

__all__ = ["JoiningCommands"]

_log = logging.getLogger("syft_web.bridge")

_STAGES = {
    "turn": "Waiting: another tab trains this model",
    "authenticate": "Introducing this worker to the grid",
    "speed-test": "Measuring the connection's speed",
    "cycle-request": "Asking for a training cycle",
    "download": "Downloading the {asset}",
    "report": "Sending the difference",
}


class JoiningCommands(TrainingCommands):
    """Everything that speaks with a grid.

    Args:
        emit: Gets every event, in order.
        host: Where it runs.
        storage: Where cycles are kept; None keeps nothing.
    """

    def __init__(self, emit: Emit, host: Host, storage: Storage | None) -> None:
        super().__init__(emit, host)
        self._storage = storage
        self._listening: dict[int, int] = {}  # job handle -> command that drives it
        self._unwanted: set[int] = set()  # commands that the page has cancelled

    async def _do_open(self, key: int, message: Message) -> Value:
        keep = self._storage if message.get("keep", True) else None
        url, verbose = get(message, "url", str), bool(message.get("verbose"))
        syft = Syft(url, verbose=verbose, host=self._host, keep=keep)
        return {"syft": self._objects.add(syft)}

    async def _do_job(self, key: int, message: Message) -> Value:
        syft = get(message, "syft", int)
        job = self._objects.get(syft, Syft).new_job(
            get(message, "modelName", str),
            maybe(message, "modelVersion", str),
            maybe(message, "authToken", str),
        )
        handle = self._objects.add(job, owner=syft)
        job.on("progress", lambda progress: self._tell_progress(handle, progress))
        job.on("rejected", lambda rejected: self._tell(handle, "rejected", _rejected(rejected)))
        job.on("countdown", lambda waits: self._tell(handle, "countdown", _countdown(waits)))
        return {"job": handle}

    async def _do_request(self, key: int, message: Message) -> Value:
        job = self._listen(key, message)
        return self._outcome(get(message, "job", int), await job.request())

    async def _do_join(self, key: int, message: Message) -> Value:
        job = self._listen(key, message)
        return self._outcome(get(message, "job", int), await job.join())

    async def _do_resume(self, key: int, message: Message) -> Value:
        saved = self._objects.get(get(message, "saved", int), SavedCycle)
        job = self._listen(key, message)
        return self._outcome(get(message, "job", int), await job.resume(saved))

    def _listen(self, key: int, message: Message) -> Job:
        """The job of a command that its events shall belong to."""
        handle = get(message, "job", int)
        job = self._objects.get(handle, Job)
        self._listening[handle] = key
        return job

    def _outcome(self, handle: int, outcome: Accepted | Rejected) -> Value:
        if isinstance(outcome, Rejected):
            return {"outcome": "rejected", **_rejected(outcome)}
        plans = [
            {
                "name": name,
                "inputs": len(plan.inputs),
                "outputs": len(plan.outputs),
                "signature": _signature(plan),
            }
            for name, plan in outcome.plans.items()
        ]
        return {
            "outcome": "accepted",
            "model": self._add_model(outcome.model, handle),
            "plans": plans,
            "protocols": list(outcome.protocols),
            "clientConfig": outcome.client_config,
        }

    async def _do_report(self, key: int, message: Message) -> Value:
        handle = get(message, "job", int)
        diff = bytes(buffer(message, "diff"))
        self._listening[handle] = key
        job = self._objects.get(handle, Job)
        try:
            await job.report(
                diff, maybe(message, "numSamples", int), maybe(message, "metrics", dict)
            )
        except asyncio.CancelledError:
            # Whoever stopped it does not want to see it sent later.
            if key in self._unwanted:
                await job.discard()
            raise
        return {"bytes": len(diff)}

    async def _do_leave(self, key: int, message: Message) -> Value:
        self._objects.get(get(message, "job", int), Job).leave()
        return {"left": True}

    def _tell_progress(self, job: int, progress: Progress) -> None:
        text = _STAGES.get(progress.stage, progress.stage).format(asset=progress.asset)
        self._tell(job, "progress", {**asdict(progress), "text": text})

    def _tell(self, job: int, event: str, values: Value) -> None:
        """Pass a job's event on under the command that it belongs to."""
        key = self._listening.get(job)
        if key is not None:  # Else it was released while it was at work.
            self._send(key, event, **values)

    # What is kept

    async def _do_discard(self, key: int, message: Message) -> Value:
        await self._objects.get(get(message, "job", int), Job).discard()
        return {"discarded": True}

    async def _do_resumable(self, key: int, message: Message) -> Value:
        handle = get(message, "syft", int)
        found = await self._objects.get(handle, Syft).resumable()
        return {"cycles": [self._saved(saved, handle) for saved in found]}

    def _saved(self, saved: SavedCycle, owner: int) -> Value:
        # The request key stays here.
        names = ("model_name", "model_version", "saved_at", "epoch", "batch")
        values = {name: getattr(saved, name) for name in names}
        return {"id": self._objects.add(saved, owner=owner), **values}

    async def _do_forget(self, key: int, message: Message) -> Value:
        saved = self._objects.get(get(message, "saved", int), SavedCycle)
        await self._objects.get(get(message, "syft", int), Syft).forget(saved)
        return {"forgotten": True}

    async def _do_deliver(self, key: int, message: Message) -> Value:
        def waits(saved: SavedCycle, seconds: float) -> None:
            self._send(key, "waiting", model_name=saved.model_name, seconds=seconds)

        syft = self._objects.get(get(message, "syft", int), Syft)
        return {"deliveries": [_delivery(each) for each in await syft.deliver(waits)]}

    # Pauses

    async def _do_pause(self, key: int, message: Message) -> Value:
        self._objects.get(get(message, "trainer", int), PlanTrainer).pause(get(message, "why", str))
        return {"paused": True}

    async def _do_unpause(self, key: int, message: Message) -> Value:
        self._objects.get(get(message, "trainer", int), PlanTrainer).unpause()
        return {"paused": False}


def _rejected(outcome: Rejected) -> Value:
    return {
        "timeout": outcome.timeout,
        "finished": outcome.finished,
        "reason": outcome.reason,
        "text": str(outcome),
    }


def _countdown(countdown: Countdown) -> Value:
    return {"seconds": countdown.seconds, "why": countdown.why, "text": str(countdown)}


def _delivery(delivery: Delivery) -> Value:
    values: dict[str, Any] = {"outcome": delivery.outcome, "text": delivery.text}
    return values | {"model_name": delivery.saved.model_name, "reason": delivery.reason}


def _signature(plan: Plan) -> Value | None:
    """What a plan says its inputs and outputs are, for a page to look at."""
    try:
        signature = Signature.of(plan)
    except PlanInvalidError as error:  # It can still be run, with specs by hand.
        _log.warning("%s", error)
        return None
    if signature is None:
        return None
    sides = {"inputs": signature.inputs, "outputs": signature.outputs}
    return {
        side: [
            {"kind": s.kind, "name": s.name, "shape": None if s.shape is None else list(s.shape)}
            for s in slots
        ]
        for side, slots in sides.items()
    }
