"""What a page's worker calls: commands in, events out.

The page has no Python objects, only numbers that stand for them (handles), and
messages. `web/syft-worker.js` converts between JavaScript values and the dicts
used here; this module knows neither JavaScript nor a browser, so all of it runs
and is tested on CPython.

A command is ``{"id": int, "command": str, ...}``. Each is answered by exactly one of ::

    {"id", "event": "result", "value": {...}}
    {"id", "event": "failure", "code", "message", "where"}

and, before that, by any number of events of its own. Commands run side by side;
``cancel`` ends one, which then fails with the code ``cancelled``.

Commands, their arguments, and the value of their result::

    open         url, verbose                             -> syft
    job          syft, modelName, modelVersion?, authToken?  -> job
    request      job  -> outcome "accepted": model, plans, protocols, clientConfig
                         or outcome "rejected": timeout, finished, text
    report       job, diff (bytes)                        -> bytes
    data         columns: [{data, dtype, shape, divide?, oneHot?}]  -> dataset, length
    trainer      job, plan, inputs, outputs, data, and optional target, epochs, batchSize,
                 stepsPerEpoch                            -> trainer, updates
    train        trainer, resume                          -> status "end" or "stop", model, updates
    stop         trainer                                  -> epoch, batch
    diff         model, and params (tensors) or updated (model)  -> diff (bytes)
    tensor       data, dtype, shape                       -> id, shape, dtype
    tensor-data  tensor                                   -> data, shape, dtype
    execute      job, plan, args (numbers or {tensor})    -> tensors
    cancel       target (id of a command)                 -> cancelled
    release      handles                                  -> released
    close        syft                                     -> closed

``request`` and ``report`` send ``progress`` (stage, asset, received, total, text);
``train`` sends syft.js's training events, ``batchEnd`` with updates (done so far),
total (None when unknown) and msPerStep besides.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, TypeVar

import numpy as np

from syft_web.client import Job, Model, Progress, Rejected, Syft
from syft_web.client.specs import PlanInputSpec, PlanOutputSpec
from syft_web.client.trainer import PlanTrainer
from syft_web.client.training_events import BatchEnd, BatchStart, TrainingEvent
from syft_web.data import ArrayDataset, DataLoader
from syft_web.data.transform import Compose, OneHot, Scale, Transform
from syft_web.errors import BridgeError, SyftError
from syft_web.host import Host, current

__all__ = ["Bridge"]

_log = logging.getLogger("syft_web.bridge")

Message = Mapping[str, Any]
Value = dict[str, Any]
Emit = Callable[[Value], object]
"""Called with each event: a dict of plain values; buffers are bytes or memoryviews."""

_T = TypeVar("_T")

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
        self._objects = _Objects()
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
        syft = Syft(
            _get(message, "url", str), verbose=bool(message.get("verbose")), host=self._host
        )
        return {"syft": self._objects.add(syft)}

    async def _do_job(self, key: int, message: Message) -> Value:
        syft = _get(message, "syft", int)
        job = self._objects.get(syft, Syft).new_job(
            _get(message, "modelName", str),
            _maybe(message, "modelVersion", str),
            _maybe(message, "authToken", str),
        )
        handle = self._objects.add(job, owner=syft)
        job.on("progress", lambda progress: self._tell_progress(handle, progress))
        return {"job": handle}

    async def _do_request(self, key: int, message: Message) -> Value:
        handle = _get(message, "job", int)
        job = self._objects.get(handle, Job)
        self._listening[handle] = key
        outcome = await job.request()
        if isinstance(outcome, Rejected):
            when = {"timeout": outcome.timeout, "finished": outcome.finished}
            return {"outcome": "rejected", **when, "text": str(outcome)}
        plans = [
            {"name": name, "inputs": len(plan.inputs), "outputs": len(plan.outputs)}
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
        handle = _get(message, "job", int)
        diff = bytes(_buffer(message, "diff"))
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
        columns = _get(message, "columns", list)
        dataset = ArrayDataset(*map(_array, columns), transform=[*map(_transform, columns)])
        return {"dataset": self._objects.add(dataset), "length": len(dataset)}

    async def _do_trainer(self, key: int, message: Message) -> Value:
        handle = _get(message, "job", int)
        trainer = self._objects.get(handle, Job).train(
            _get(message, "plan", str),
            inputs=[PlanInputSpec.from_json(s) for s in _get(message, "inputs", list)],
            outputs=[PlanOutputSpec.from_json(s) for s in _get(message, "outputs", list)],
            data=self._source(_get(message, "data", dict), message),
            target=self._maybe_tensor(message.get("target")),
            epochs=_maybe(message, "epochs", int),
            batch_size=_maybe(message, "batchSize", int),
            steps_per_epoch=_maybe(message, "stepsPerEpoch", int),
        )
        made = self._objects.add(trainer, owner=handle)
        # How training ended is told by the result of "train", together with the model.
        for event in ("start", "epochStart", "batchStart", "batchEnd", "epochEnd"):
            trainer.on(event, lambda happened: self._tell_training(made, happened))
        return {"trainer": made, "updates": _updates(trainer)}

    def _source(self, data: Message, message: Message) -> DataLoader | np.ndarray:
        if "tensor" in data:
            return self._objects.get(_get(data, "tensor", int), np.ndarray)
        dataset = self._objects.get(_get(data, "dataset", int), ArrayDataset)
        size = _maybe(data, "batchSize", int) or _maybe(message, "batchSize", int)
        if size is None:
            job = self._objects.get(_get(message, "job", int), Job)
            size = int(job.client_config.get("batch_size", 1))
        return DataLoader(
            dataset,
            batch_size=size,
            shuffle=bool(data.get("shuffle", True)),
            drop_last=bool(data.get("dropLast", False)),
            seed=_maybe(data, "seed", int),
        )

    async def _do_train(self, key: int, message: Message) -> Value:
        handle = _get(message, "trainer", int)
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
        trainer = self._objects.get(_get(message, "trainer", int), PlanTrainer)
        checkpoint = await trainer.stop()
        return {"epoch": checkpoint.epoch, "batch": checkpoint.batch}

    async def _do_diff(self, key: int, message: Message) -> Value:
        model = self._objects.get(_get(message, "model", int), Model)
        if message.get("updated") is not None:
            updated = self._objects.get(_get(message, "updated", int), Model)
            return {"diff": model.create_serialized_diff_from_model(updated)}
        handles = _get(message, "params", list)
        params = [self._objects.get(handle, np.ndarray) for handle in handles]
        return {"diff": model.create_serialized_diff(params)}

    # Tensors

    async def _do_tensor(self, key: int, message: Message) -> Value:
        return self._add_tensor(_array(message))

    async def _do_tensor_data(self, key: int, message: Message) -> Value:
        array = self._objects.get(_get(message, "tensor", int), np.ndarray)
        travels = np.ascontiguousarray(array, _TRAVELS_AS.get(array.dtype.name, array.dtype))
        flat = travels.reshape(-1).data
        return {"data": flat, "shape": list(array.shape), "dtype": array.dtype.name}

    async def _do_execute(self, key: int, message: Message) -> Value:
        job = self._objects.get(_get(message, "job", int), Job)
        name = _get(message, "plan", str)
        if name not in job.plans:
            raise BridgeError(f"The job has no plan {name!r}; it has {', '.join(job.plans)}.")
        args = [
            self._maybe_tensor(arg.get("tensor")) if isinstance(arg, Mapping) else arg
            for arg in _get(message, "args", list)
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
        task = self._tasks.get(_get(message, "target", int))
        return {"cancelled": task is not None and task.cancel()}

    async def _do_release(self, key: int, message: Message) -> Value:
        handles = _get(message, "handles", list)
        return {"released": sum(self._let_go(handle) for handle in handles)}

    def _let_go(self, handle: Any) -> int:
        """Forget an object and what it owns; says how many that were."""
        gone = self._objects.release(handle)
        for one in gone:
            self._listening.pop(one, None)
            self._runs.pop(one, None)
        return len(gone)

    async def _do_close(self, key: int, message: Message) -> Value:
        handle = _get(message, "syft", int)
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


class _Objects:
    """What the page's handles stand for. Releasing an object releases what it owns."""

    def __init__(self) -> None:
        self._next = 1
        self._by_handle: dict[int, tuple[object, int | None]] = {}
        self._owned: dict[int, list[int]] = {}

    def add(self, value: object, owner: int | None = None) -> int:
        handle, self._next = self._next, self._next + 1
        self._by_handle[handle] = (value, owner)
        if owner is not None:
            self._owned.setdefault(owner, []).append(handle)
        return handle

    def get(self, handle: Any, kind: type[_T]) -> _T:
        value, _ = self._by_handle.get(handle, (None, None))
        if not isinstance(value, kind):
            raise BridgeError(f"{handle!r} is no {kind.__name__}, or was released.")
        return value

    def owner(self, handle: int) -> int | None:
        return self._by_handle.get(handle, (None, None))[1]

    def all(self, kind: type[_T]) -> list[_T]:
        return [value for value, _ in self._by_handle.values() if isinstance(value, kind)]

    def release(self, handle: int) -> list[int]:
        """The handles that are gone with this one; none when it was gone already."""
        if handle not in self._by_handle:
            return []
        _, owner = self._by_handle.pop(handle)
        if owner in self._owned:
            self._owned[owner].remove(handle)
        owned = self._owned.pop(handle, [])
        return [handle, *(gone for one in owned for gone in self.release(one))]


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


# Narrowing: what comes from a page is checked before it is used


def _get(message: Message, key: str, kind: type[_T]) -> _T:
    value = message.get(key)
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise BridgeError(f"{key!r} should be {kind.__name__}, got {type(value).__name__}.")
    return value


def _maybe(message: Message, key: str, kind: type[_T]) -> _T | None:
    return None if message.get(key) is None else _get(message, key, kind)


def _buffer(message: Message, key: str) -> memoryview:
    try:
        return memoryview(message[key]).cast("B")
    except (KeyError, TypeError) as error:
        raise BridgeError(f"{key!r} should be a buffer: {error}.") from error


def _array(column: Message) -> np.ndarray:
    """The array that a buffer, a dtype and a shape describe; not copied."""
    name, shape = _get(column, "dtype", str), _get(column, "shape", list)
    try:
        return np.frombuffer(_buffer(column, "data"), np.dtype(name)).reshape(shape)
    except (TypeError, ValueError) as error:
        raise BridgeError(f"No {name} array of shape {shape} in this buffer: {error}.") from error


def _transform(column: Message) -> Transform | None:
    steps: list[Transform] = []
    if column.get("divide") is not None:
        steps.append(Scale(float(column["divide"]), divide=True))
    if column.get("oneHot") is not None:
        steps.append(OneHot(_get(column, "oneHot", int)))
    return Compose(*steps) if steps else None
