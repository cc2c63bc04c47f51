"""The commands a page may send; the package says what they mean."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from syft_web.bridge.narrow import Message, array, buffer, get, maybe, transform
from syft_web.bridge.objects import Objects
from syft_web.client import Job, Model, Progress, Rejected, Syft
from syft_web.client.specs import PlanInputSpec, PlanOutputSpec
from syft_web.client.trainer import PlanTrainer
from syft_web.client.training_events import BatchEnd, BatchStart, TrainingEvent
from syft_web.data import ArrayDataset, DataLoader
from syft_web.errors import BridgeError, PlanInvalidError, SyftError
from syft_web.host import Host, current
from syft_web.plan.plan import Plan
from syft_web.plan.signature import Signature

__all__ = ["Bridge"]

_log = logging.getLogger("syft_web.bridge")

Value = dict[str, Any]
Emit = Callable[[Value], object]
"""Called with each event: a dict of plain values; buffers are bytes or memoryviews."""

_STAGES = {
    "authenticate": "Introducing this worker to the grid",
    "speed-test": "Measuring the connection's speed",
    "cycle-request": "Asking for a training cycle",
    "download": "Downloading the {asset}",
    "report": "Sending the difference",
}

# dtypes that a JavaScript typed array cannot hold travel as ones that it can.
_TRAVELS_AS = {"bool": "uint8", "float16": "float32"}


class Bridge:
    """Runs commands and tells what becomes of them.

    Args:
        emit: Gets every event, in order.
        host: Where it runs; by default this runtime.
    """

    def __init__(self, emit: Emit, host: Host | None = None) -> None:
        self._emit = emit
        self._host = host or current()
        self._objects = Objects()
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._listening: dict[int, int] = {}  # job handle -> command that drives it
        self._runs: dict[int, _Run] = {}  # trainer handle -> its latest training

    def receive(self, message: Message) -> None:
        """Start a command in the running event loop; what goes wrong becomes an event."""
        key = message.get("id")
        if not isinstance(key, int) or key in self._tasks:
            _log.error("a command came with the id %r, which is taken or no number", key)
            return
        self._tasks[key] = asyncio.ensure_future(self._run(key, message))
        self._tasks[key].add_done_callback(lambda task: self._done(key, task))

    async def aclose(self) -> None:
        """Cancel all that is under way and close every connection."""
        for task in (tasks := list(self._tasks.values())):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for syft in self._objects.all(Syft):
            await syft.close()

    async def _run(self, key: int, message: Message) -> None:
        command = message.get("command")
        try:
            do = getattr(self, f"_do_{command}".replace("-", "_"), None)
            if do is None:
                raise BridgeError(
                    f"There is no command {command!r}; page and wheel may differ in version."
                )
            value = await do(key, message)
            self._send(key, "result", value=value)
        except asyncio.CancelledError:
            self._fail(key, "cancelled", "Cancelled.", str(command))
        except SyftError as error:
            self._fail(key, error.code, str(error), _where(command, error))
        except Exception as error:
            _log.exception("the command %r failed unexpectedly", command)
            text = f"{type(error).__name__}: {error}. This is a fault of the program; please tell."
            self._fail(key, "internal", text, str(command))

    def _done(self, key: int, task: asyncio.Task[None]) -> None:
        del self._tasks[key]
        if task.cancelled():  # before it had begun, so it could not tell
            self._fail(key, "cancelled", "Cancelled.", "")

    def _send(self, key: int, event: str, **values: Any) -> None:
        self._emit({"id": key, "event": event, **values})

    def _fail(self, key: int, code: str, message: str, where: str) -> None:
        self._send(key, "failure", code=code, message=message, where=where)

    # Joining a cycle

    async def _do_open(self, key: int, message: Message) -> Value:
        syft = Syft(get(message, "url", str), verbose=bool(message.get("verbose")), host=self._host)
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
        return {"job": handle}

    async def _do_request(self, key: int, message: Message) -> Value:
        handle = get(message, "job", int)
        job = self._objects.get(handle, Job)
        self._listening[handle] = key
        outcome = await job.request()
        if isinstance(outcome, Rejected):
            when = {"timeout": outcome.timeout, "finished": outcome.finished}
            return {"outcome": "rejected", **when, "text": str(outcome)}
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
        await self._objects.get(handle, Job).report(diff)
        return {"bytes": len(diff)}

    def _tell_progress(self, job: int, progress: Progress) -> None:
        """Pass a job's progress on under the command that it belongs to."""
        key = self._listening.get(job)
        if key is None:
            return  # Released while it was at work.
        text = _STAGES.get(progress.stage, progress.stage).format(asset=progress.asset)
        self._send(key, "progress", **asdict(progress), text=text)

    # Training

    async def _do_data(self, key: int, message: Message) -> Value:
        columns = get(message, "columns", list)
        dataset = ArrayDataset(*map(array, columns), transform=[*map(transform, columns)])
        return {"dataset": self._objects.add(dataset), "length": len(dataset)}

    async def _do_trainer(self, key: int, message: Message) -> Value:
        handle = get(message, "job", int)
        # A plan that says itself what its inputs and outputs are comes without specs.
        specs = {
            side: [kind.from_json(s) for s in get(message, side, list)]
            for side, kind in (("inputs", PlanInputSpec), ("outputs", PlanOutputSpec))
            if message.get(side) is not None
        }
        trainer = self._objects.get(handle, Job).train(
            get(message, "plan", str),
            **specs,
            data=self._source(get(message, "data", dict), message),
            target=self._maybe_tensor(message.get("target")),
            epochs=maybe(message, "epochs", int),
            batch_size=maybe(message, "batchSize", int),
            steps_per_epoch=maybe(message, "stepsPerEpoch", int),
        )
        made = self._objects.add(trainer, owner=handle)
        # How training ended is told by the result of "train", together with the model.
        for event in ("start", "epochStart", "batchStart", "batchEnd", "epochEnd"):
            trainer.on(event, lambda happened: self._tell_training(made, happened))
        return {"trainer": made, "updates": _updates(trainer)}

    def _source(self, data: Message, message: Message) -> DataLoader | np.ndarray:
        if "tensor" in data:
            return self._objects.get(get(data, "tensor", int), np.ndarray)
        dataset = self._objects.get(get(data, "dataset", int), ArrayDataset)
        size = maybe(data, "batchSize", int) or maybe(message, "batchSize", int)
        if size is None:
            job = self._objects.get(get(message, "job", int), Job)
            size = int(job.client_config.get("batch_size", 1))
        return DataLoader(
            dataset,
            batch_size=size,
            shuffle=bool(data.get("shuffle", True)),
            drop_last=bool(data.get("dropLast", False)),
            seed=maybe(data, "seed", int),
        )

    async def _do_train(self, key: int, message: Message) -> Value:
        handle = get(message, "trainer", int)
        trainer = self._objects.get(handle, PlanTrainer)
        resume = bool(message.get("resume")) and trainer.stopped
        total = _updates(trainer)
        # A resumed trainer has done the batches before where it stands.
        updates = trainer.epoch * (total // trainer.epochs if total else 0) + trainer.batch
        run = self._runs[handle] = _Run(key, updates if resume else 0, total)
        await trainer.start(resume=resume)
        model = self._add_model(trainer.current_model, self._objects.owner(handle))
        status = "stop" if trainer.stopped else "end"
        return {"status": status, "model": model, "updates": run.updates}

    def _tell_training(self, trainer: int, event: TrainingEvent) -> None:
        """Pass a trainer's event on, with what a page wants to show besides."""
        run, values = self._runs.get(trainer), asdict(event)
        if run is None:
            return  # Released while it was at work.
        if isinstance(event, BatchStart):
            run.began = self._host.monotonic()
        elif isinstance(event, BatchEnd):
            run.updates += 1
            ms = (self._host.monotonic() - run.began) * 1000
            values |= {"updates": run.updates, "total": run.total, "msPerStep": ms}
        self._send(run.key, event.name, **values)

    async def _do_stop(self, key: int, message: Message) -> Value:
        trainer = self._objects.get(get(message, "trainer", int), PlanTrainer)
        checkpoint = await trainer.stop()
        return {"epoch": checkpoint.epoch, "batch": checkpoint.batch}

    async def _do_diff(self, key: int, message: Message) -> Value:
        model = self._objects.get(get(message, "model", int), Model)
        if message.get("updated") is not None:
            updated = self._objects.get(get(message, "updated", int), Model)
            return {"diff": model.create_serialized_diff_from_model(updated)}
        handles = get(message, "params", list)
        params = [self._objects.get(handle, np.ndarray) for handle in handles]
        return {"diff": model.create_serialized_diff(params)}

    # Tensors

    async def _do_tensor(self, key: int, message: Message) -> Value:
        return self._add_tensor(array(message))

    async def _do_tensor_data(self, key: int, message: Message) -> Value:
        array = self._objects.get(get(message, "tensor", int), np.ndarray)
        travels = np.ascontiguousarray(array, _TRAVELS_AS.get(array.dtype.name, array.dtype))
        flat = travels.reshape(-1).data
        return {"data": flat, "shape": list(array.shape), "dtype": array.dtype.name}

    async def _do_execute(self, key: int, message: Message) -> Value:
        job = self._objects.get(get(message, "job", int), Job)
        name = get(message, "plan", str)
        if name not in job.plans:
            raise BridgeError(f"The job has no plan {name!r}; it has {', '.join(job.plans)}.")
        args = [
            self._maybe_tensor(arg.get("tensor")) if isinstance(arg, Mapping) else arg
            for arg in get(message, "args", list)
        ]
        outputs = job.plans[name].execute(*args)
        return {"tensors": [self._add_tensor(output) for output in outputs]}

    def _maybe_tensor(self, handle: Any) -> np.ndarray | None:
        return None if handle is None else self._objects.get(handle, np.ndarray)

    def _add_tensor(self, array: np.ndarray, owner: int | None = None) -> Value:
        handle = self._objects.add(array, owner=owner)
        return {"id": handle, "shape": list(array.shape), "dtype": array.dtype.name}

    def _add_model(self, model: Model, owner: int | None) -> Value:
        handle = self._objects.add(model, owner=owner)
        params = [self._add_tensor(param, owner=handle) for param in model.params]
        return {"id": handle, "params": params}

    # Housekeeping

    async def _do_cancel(self, key: int, message: Message) -> Value:
        task = self._tasks.get(get(message, "target", int))
        return {"cancelled": task is not None and task.cancel()}

    async def _do_release(self, key: int, message: Message) -> Value:
        handles = get(message, "handles", list)
        return {"released": sum(self._let_go(handle) for handle in handles)}

    def _let_go(self, handle: Any) -> int:
        """Forget an object and what it owns; says how many that were."""
        gone = self._objects.release(handle)
        for one in gone:
            self._listening.pop(one, None)
            self._runs.pop(one, None)
        return len(gone)

    async def _do_close(self, key: int, message: Message) -> Value:
        handle = get(message, "syft", int)
        syft = self._objects.get(handle, Syft)
        self._let_go(handle)
        await syft.close()
        return {"closed": True}


@dataclass
class _Run:
    """One training: the command it belongs to, batches done and to do, start of the last."""

    key: int
    updates: int
    total: int | None
    began: float = 0.0


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


def _where(command: object, error: SyftError) -> str:
    """The command and, within it, the step, asset, action or message part to blame."""
    details = [str(command)]
    for name in ("during", "asset", "path", "key"):
        if text := getattr(error, name, ""):
            details.append(str(text))
    if (index := getattr(error, "index", None)) is not None:
        details.append(f"action {index} {getattr(error, 'command', '')}".rstrip())
    return " / ".join(details)


def _updates(trainer: PlanTrainer) -> int | None:
    """Batches that a whole training has, None when the data do not tell."""
    if isinstance(trainer.data, DataLoader):
        length = len(trainer.data)
    elif isinstance(trainer.data, np.ndarray) and trainer.batch_size:
        length = len(trainer.data) // trainer.batch_size
    else:
        return None
    return trainer.epochs * min(length, trainer.steps_per_epoch or length)
