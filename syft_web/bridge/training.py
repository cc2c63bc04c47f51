"""The commands around a training: data, the loop, checkpoints, the difference."""

from __future__ import annotations

import asyncio
import base64
import itertools
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from syft_web.bridge.core import Core, Emit, Value
from syft_web.bridge.narrow import Message, array, batch, get, maybe, transform
from syft_web.bridge.page_data import PageDataset
from syft_web.client import Job, Model
from syft_web.client.checkpoint import PlanTrainerCheckpoint
from syft_web.client.specs import PlanInputSpec, PlanOutputSpec
from syft_web.client.trainer import PlanTrainer
from syft_web.client.training_events import BatchEnd, BatchStart, TrainingEvent
from syft_web.data import ArrayDataset, Batch, DataLoader, Dataset
from syft_web.errors import DataError, SyftError
from syft_web.host import Host

__all__ = ["TrainingCommands"]

_TOLD = ("start", "epochStart", "batchStart", "batchEnd", "epochEnd", "pause", "continue")


class TrainingCommands(Core):
    """Everything that begins with a `PlanTrainer`.

    Args:
        emit: Gets every event, in order.
        host: Where it runs.
    """

    def __init__(self, emit: Emit, host: Host) -> None:
        super().__init__(emit, host)
        self._runs: dict[int, _Run] = {}  # trainer handle -> its latest training
        self._takes: dict[int, asyncio.Future[Batch]] = {}  # batches that the page shall make
        self._take_numbers = itertools.count(1)

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
        source = self._source(get(message, "data", dict), message)
        checkpoint = message.get("checkpoint")
        trainer = self._objects.get(handle, Job).train(
            get(message, "plan", str),
            **specs,
            data=source,
            target=self._maybe_tensor(message.get("target")),
            epochs=maybe(message, "epochs", int),
            batch_size=maybe(message, "batchSize", int),
            steps_per_epoch=maybe(message, "stepsPerEpoch", int),
            checkpoint=None if checkpoint is None else self._checkpoint(checkpoint),
            noise_seed=maybe(message, "noiseSeed", int),
        )
        made = self._objects.add(trainer, owner=handle)
        if isinstance(source, DataLoader) and isinstance(source.dataset, PageDataset):
            source.dataset.ask = lambda indices: self._ask_page(made, indices)
        # How training ended is told by the result of "train", together with the model.
        for event in _TOLD:
            trainer.on(event, lambda happened: self._tell_training(made, happened))
        return {"trainer": made, "updates": _updates(trainer)}

    def _source(self, data: Message, message: Message) -> DataLoader | np.ndarray:
        if "tensor" in data:
            return self._objects.get(get(data, "tensor", int), np.ndarray)
        dataset: Dataset
        if data.get("page") is not None:
            dataset = PageDataset(get(data, "page", int))
        else:
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
        # After a resumed cycle the first training goes on by itself.
        resume = trainer.stopped and (bool(message.get("resume")) or trainer.checkpoint_waits)
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
        if not message.get("checkpoint"):
            return {"epoch": checkpoint.epoch, "batch": checkpoint.batch}
        return self._add_checkpoint(checkpoint)

    def _ask_page(self, trainer: int, indices: list[int]) -> asyncio.Future[Batch]:
        """Have the page make a batch; it answers with the command ``give``."""
        made: asyncio.Future[Batch] = asyncio.get_running_loop().create_future()
        take = next(self._take_numbers)
        self._takes[take] = made
        made.add_done_callback(lambda _: self._takes.pop(take, None))
        self._send(self._runs[trainer].key, "take", take=take, indices=indices)
        return made

    async def _do_give(self, key: int, message: Message) -> Value:
        made = self._takes.get(get(message, "take", int))
        if made is None or made.done():
            return {"taken": False}  # The training that wanted it was cancelled.
        try:
            if message.get("error") is not None:
                raise DataError(get(message, "error", str))
            made.set_result(batch(get(message, "batch", dict)))
        except SyftError as error:  # The training fails with it, and tells.
            made.set_exception(error)
        return {"taken": True}

    # Checkpoints

    async def _do_checkpoint(self, key: int, message: Message) -> Value:
        return self._add_checkpoint(
            self._objects.get(get(message, "trainer", int), PlanTrainer).checkpoint
        )

    async def _do_checkpoint_load(self, key: int, message: Message) -> Value:
        obj = dict(get(message, "json", dict))
        if message.get("model") is not None:
            model = self._objects.get(get(message, "model", int), Model)
            obj["currentModelBase64"] = base64.b64encode(model.dumps()).decode("ascii")
        return self._add_checkpoint(PlanTrainerCheckpoint.from_json(obj))

    async def _do_checkpoint_json(self, key: int, message: Message) -> Value:
        return {"json": self._checkpoint(message.get("checkpoint")).to_json()}

    async def _do_checkpoint_apply(self, key: int, message: Message) -> Value:
        trainer = self._objects.get(get(message, "trainer", int), PlanTrainer)
        trainer.apply_checkpoint(self._checkpoint(message.get("checkpoint")))
        return {"epoch": trainer.epoch, "batch": trainer.batch}

    def _checkpoint(self, handle: Any) -> PlanTrainerCheckpoint:
        return self._objects.get(handle, PlanTrainerCheckpoint)

    def _add_checkpoint(self, checkpoint: PlanTrainerCheckpoint) -> Value:
        handle = self._objects.add(checkpoint)
        model = self._add_model(checkpoint.current_model, handle)
        return {"checkpoint": handle, "model": model, "position": checkpoint.position()}

    # What is sent

    async def _do_model_bytes(self, key: int, message: Message) -> Value:
        return {"data": self._objects.get(get(message, "model", int), Model).dumps()}

    async def _do_diff(self, key: int, message: Message) -> Value:
        model = self._objects.get(get(message, "model", int), Model)
        if message.get("updated") is not None:
            updated = self._objects.get(get(message, "updated", int), Model)
            return {"diff": model.create_serialized_diff_from_model(updated)}
        handles = get(message, "params", list)
        params = [self._objects.get(handle, np.ndarray) for handle in handles]
        return {"diff": model.create_serialized_diff(params)}


@dataclass
class _Run:
    """One training: the command it belongs to, batches done and to do, start of the last."""

    key: int
    updates: int
    total: int | None
    began: float = 0.0


def _updates(trainer: PlanTrainer) -> int | None:
    """Batches that a whole training has, None when the data do not tell."""
    if isinstance(trainer.data, DataLoader):
        length = len(trainer.data)
    elif isinstance(trainer.data, np.ndarray) and trainer.batch_size:
        length = len(trainer.data) // trainer.batch_size
    else:
        return None
    return trainer.epochs * min(length, trainer.steps_per_epoch or length)
