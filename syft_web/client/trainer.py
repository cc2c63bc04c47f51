"""PlanTrainer: the training loop around a Plan.

The loop is that of syft.js (protocol.md section 2.5) with its known faults mended:
``steps_per_epoch=N`` means N batches, every epoch reads the data anew, the plan
hears the true size of a short last batch, and a stop always ends.

Two ways to drive it, which may be mixed::

    async for event in trainer:          # each event as a value
        if isinstance(event, BatchEnd):
            print(event.batch, event.loss)

    trainer.on("batchEnd", lambda event: print(event.batch, event.loss))
    await trainer.start()                # until the end, or until someone calls stop()
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from inspect import isawaitable
from typing import Any

import numpy as np

from syft_web.client.checkpoint import PlanTrainerCheckpoint
from syft_web.client.gate import Gate
from syft_web.client.model import Model
from syft_web.client.settings import Sleep, count_of, plain, read_batches, size_of, specs_of
from syft_web.client.specs import (
    PlanInputSpec,
    PlanOutputSpec,
    StepResult,
    check_specs,
    read_outputs,
    resolve_inputs,
)
from syft_web.client.trained import TrainedTensors
from syft_web.client.training_events import (
    BatchEnd,
    BatchStart,
    Continued,
    EpochMeans,
    EpochStart,
    Failed,
    Finished,
    Handler,
    Handlers,
    Paused,
    Started,
    Stopped,
    TrainingEvent,
)
from syft_web.data.dataset import Batch
from syft_web.data.loader import DataLoader
from syft_web.data.source import BatchSource, open_source
from syft_web.errors import SyftError, TrainingError
from syft_web.plan.plan import Plan

__all__ = ["PlanTrainer"]

_log = logging.getLogger("syft_web.client")


class PlanTrainer:
    """Trains a model with a Plan, batch after batch.

    Args:
        plan: The training plan.
        model: The model to begin with; it is not changed.
        inputs: What each input of the plan is. Leave both out for a plan that says so itself,
            as those of `syft_web.author` do; a batch then holds the data first and the
            targets after them, unless ``target`` is given.
        outputs: What each output of the plan is.
        data: A `DataLoader`; an array, cut into consecutive batches (a rest is left
            out); or a list of batches.
        target: An array beside an array of data.
        epochs: How often to go through the data; by default ``max_epochs`` of the
            client config, else 1.
        batch_size: For arrays; by default ``batch_size`` of the client config. A loader's
            own comes first.
        steps_per_epoch: At most so many batches in an epoch; by default ``max_updates``
            of the client config, else no limit.
        client_config: Hyperparameters of the cycle.
        checkpoint: Where to go on. Its numbers replace those above.
        compat_extra_update: Do ``steps_per_epoch + 1`` batches, as syft.js and the
            PySyft notebooks do.
        compat_batch_size: Tell the plan the configured batch size even for a short last
            batch, as syft.js does.
        sleep: How to give way to the event loop, after every batch.
        noise_seed: What the plan's random numbers (dropout) depend on, together with epoch and
            batch; by default drawn.

    Attributes:
        original_model: The model as it was given.
        epoch: Epoch it stands in, from 0.
        batch: Next batch in it, from 0.
        stopped: Whether it can be resumed.

    Raises:
        TrainingError: Specs, numbers or checkpoint do not fit the plan and the model.
        DataError: The data cannot be read in batches.
    """

    def __init__(
        self,
        *,
        plan: Plan,
        model: Model,
        data: DataLoader | np.ndarray | Iterable[Batch],
        target: np.ndarray | None = None,
        inputs: Sequence[PlanInputSpec] | None = None,
        outputs: Sequence[PlanOutputSpec] | None = None,
        epochs: int | None = None,
        batch_size: int | None = None,
        steps_per_epoch: int | None = None,
        client_config: Mapping[str, Any] | None = None,
        checkpoint: PlanTrainerCheckpoint | None = None,
        compat_extra_update: bool = False,
        compat_batch_size: bool = False,
        sleep: Sleep = asyncio.sleep,
        noise_seed: int | None = None,
    ) -> None:
        config = dict(client_config or {})
        self.plan = plan
        self.original_model = model
        self.inputs, self.outputs = specs_of(plan, inputs, outputs, has_target=target is not None)
        self.data, self.target = data, target
        self.client_config: Mapping[str, Any] = config
        self.epochs = count_of("epochs", epochs, config, "max_epochs") or 1
        self.steps_per_epoch = count_of("steps_per_epoch", steps_per_epoch, config, "max_updates")
        self._wanted_batch_size = count_of("batch_size", batch_size, config, "batch_size")
        self._compat_extra_update = compat_extra_update
        self._compat_batch_size = compat_batch_size
        self._sleep = sleep
        # 32 bits pass through JSON and JavaScript unharmed.
        self._noise_seed = secrets.randbits(32) if noise_seed is None else noise_seed
        self._means = EpochMeans()
        self._gate = Gate()
        self.epoch = self.batch = 0
        self.stopped = False
        self._tensors = TrainedTensors.at_start(model.params, self.inputs)
        self._current_model: Model | None = model
        self._handlers = Handlers()
        self._loop: AsyncGenerator[TrainingEvent, None] | None = None
        self._stepping = False
        self._done = False
        self._checkpoint_waits = False
        self._stop_requested = False
        self._stop_waiters: list[asyncio.Future[PlanTrainerCheckpoint]] = []
        self._last_word: Stopped | None = None
        self._source: BatchSource = open_source(data, target, self._wanted_batch_size)
        if checkpoint is not None:
            self.apply_checkpoint(checkpoint)
        check_specs(
            plan,
            len(model.params),
            self.inputs,
            self.outputs,
            client_config=self.client_config,
            has_target=target is not None,
        )

    # What it is and where it stands

    @property
    def batch_size(self) -> int | None:
        """Samples in a full batch; None when neither data nor config tell."""
        return self._source.batch_size or self._wanted_batch_size

    @property
    def current_model(self) -> Model:
        """The model as it stands; the original one until a batch is done."""
        if self._current_model is None:
            self._current_model = Model(self._tensors.params)
        return self._current_model

    @property
    def checkpoint(self) -> PlanTrainerCheckpoint:
        """Where training stands now; may be taken at any time."""
        return PlanTrainerCheckpoint(
            epochs=self.epochs,
            batch_size=self.batch_size,
            epoch=self.epoch,
            batch=self.batch,
            current_model=self.current_model,
            steps_per_epoch=self.steps_per_epoch,
            client_config=self.client_config,
            seed=self._source.seed,
            state=self._tensors.state,
            noise_seed=self._noise_seed,
            epoch_sums=self._means.to_json() if self.batch else None,
        )

    def apply_checkpoint(self, checkpoint: PlanTrainerCheckpoint) -> None:
        """Stand where a checkpoint stood; `resume` goes on from there.

        Raises:
            TrainingError: Training is going on, the checkpoint's model is another one,
                its batches have another size than the data's, or the plan keeps other
                tensors between steps.
        """
        self._refuse_if_stepping()
        state = TrainedTensors.at_start((), self.inputs).state
        sums = checkpoint.epoch_sums
        means = EpochMeans() if sums is None else EpochMeans.from_json(sums)
        # An array is cut anew to the checkpoint's batch size; a loader has its own.
        fixed = None if isinstance(self.data, np.ndarray) else self._source.batch_size
        checkpoint.require_fit(self.original_model, fixed, state)
        self.epochs = checkpoint.epochs
        self.steps_per_epoch = checkpoint.steps_per_epoch
        self.client_config = checkpoint.client_config
        self.epoch, self.batch = checkpoint.epoch, checkpoint.batch
        self._wanted_batch_size = checkpoint.batch_size
        self._source = open_source(self.data, self.target, self._wanted_batch_size, checkpoint.seed)
        self._tensors = TrainedTensors(tuple(checkpoint.current_model.params), checkpoint.state)
        self._current_model = checkpoint.current_model
        self._means = means
        if checkpoint.noise_seed is not None:
            self._noise_seed = checkpoint.noise_seed
        self._loop, self._done, self.stopped = None, False, True
        self._checkpoint_waits = True

    @property
    def checkpoint_waits(self) -> bool:
        """Whether a checkpoint was applied that `start` will go on from."""
        return self._checkpoint_waits

    # Driving it

    def on(self, event: str, handler: Handler) -> None:
        """Have a function called with every event of a kind.

        Args:
            event: ``start``, ``epochStart``, ``batchStart``, ``batchEnd``, ``epochEnd``,
                ``stop``, ``pause``, ``continue``, ``end`` or ``error``.
            handler: Called with the event. What it raises ends the training.

        Raises:
            TrainingError: There is no such event.
        """
        self._handlers.add(event, handler)

    async def start(self, *, resume: bool | None = None) -> None:
        """Train to the end, or until `stop`.

        Args:
            resume: Go on from where it was stopped, instead of from the beginning. By
                default only if a checkpoint was applied since.

        Raises:
            TrainingError: It is running already, or a step went wrong.
            SyftError: The plan or the data failed.
        """
        self._begin(self._checkpoint_waits if resume is None else resume)
        async for _ in self:
            pass

    def stop(self) -> asyncio.Future[PlanTrainerCheckpoint]:
        """Ask it to stop before the next batch.

        Returns:
            An awaitable of where it stopped. It always comes: at once when training
            is not going on, and at the latest when training ends.
        """
        waiter: asyncio.Future[PlanTrainerCheckpoint] = asyncio.get_running_loop().create_future()
        if self._stepping:
            self._stop_requested = True
            self._gate.call_away()
            self._stop_waiters.append(waiter)
            return waiter
        if self._loop is not None:  # between two events: nothing is half done
            self._loop, self._last_word = None, self._halt()
        elif self._checkpoint_waits or not (self._done or self.stopped):
            self._stop_requested = True  # it has not begun, and shall not
        waiter.set_result(self.checkpoint)
        return waiter

    async def resume(self) -> None:
        """Go on after a stop; does nothing unless stopped."""
        if self.stopped:
            self._stop_requested = False
            await self.start(resume=True)

    def pause(self, why: str) -> None:
        """Have it wait before the next batch, until `unpause`; `stop` ends it all the same.

        Args:
            why: The reason in words for a person, e.g. "The battery is low."
        """
        self._gate.close(why)

    def unpause(self) -> None:
        """Let it go on after `pause`."""
        self._gate.open()

    @property
    def paused(self) -> str:
        """Why it waits, or would if it ran; empty when nothing holds it up."""
        return self._gate.why

    def __aiter__(self) -> PlanTrainer:
        """Begin, or go on where an earlier iteration was left."""
        if self._loop is None and self._last_word is None and not self._done:
            self._begin(resume=self.stopped)
        return self

    async def __anext__(self) -> TrainingEvent:
        """Work up to the next event and give it.

        Raises:
            TrainingError: Someone else is already waiting for the next event.
        """
        if self._last_word is not None:
            event, self._last_word = self._last_word, None
            return event
        if self._loop is None:
            raise StopAsyncIteration
        self._refuse_if_stepping()
        self._stepping = True
        try:
            return await anext(self._loop)
        except BaseException:
            self._loop = None
            raise
        finally:
            self._stepping = False

    # The loop

    def _begin(self, resume: bool) -> None:
        self._refuse_if_stepping()
        if not (resume and self.stopped):
            self.epoch = self.batch = 0
            self._tensors = TrainedTensors.at_start(self.original_model.params, self.inputs)
            self._current_model = self.original_model
            self._means = EpochMeans()
        self._done, self._last_word, self._checkpoint_waits = False, None, False
        self._loop = self._train()

    async def _train(self) -> AsyncGenerator[TrainingEvent, None]:
        self.stopped = False
        try:
            yield self._handlers.emit(Started())
            for epoch in range(self.epoch, self.epochs):
                if epoch != self.epoch:
                    self.epoch, self.batch = epoch, 0
                    self._means = EpochMeans()
                async for event in self._train_epoch(epoch):
                    yield event
                if self.stopped:
                    return
            self._done = True
            self._answer_waiters()
            yield self._handlers.emit(Finished())
        except Exception as error:
            self.stopped = True
            self._answer_waiters()
            self._handlers.emit(Failed(error))
            raise
        except asyncio.CancelledError:
            self.stopped = True
            self._answer_waiters()
            raise

    async def _train_epoch(self, epoch: int) -> AsyncGenerator[TrainingEvent, None]:
        yield self._handlers.emit(EpochStart(epoch))
        if self._stop_requested:
            yield self._halt()
            return
        limit = self.steps_per_epoch
        if limit is not None and self._compat_extra_update:
            limit += 1
        for data, target in read_batches(self._source, epoch, self.batch, limit):
            batch = self.batch
            if isawaitable(data):  # A dataset may give its batches later.
                data = await data
            while self._gate.why and not self._stop_requested:
                yield self._handlers.emit(Paused(self._gate.why))
                await self._gate.wait()
                if not self._gate.why:
                    yield self._handlers.emit(Continued())
            yield self._handlers.emit(BatchStart(epoch, batch))
            if self._stop_requested:
                yield self._halt()
                return
            size = size_of(data)
            result = self._step(epoch, batch, data, target, size)
            loss = None if result.loss is None else plain(result.loss)
            metrics = {name: plain(value) for name, value in result.metrics.items()}
            self._means.add(size or 1, loss, metrics)
            self.batch = batch + 1
            yield self._handlers.emit(BatchEnd(epoch, batch, loss, metrics))
            await self._sleep(0)
        if not self.batch:
            _log.warning("epoch %d had no batches: fewer samples than one batch?", epoch)
        yield self._handlers.emit(self._means.end(epoch))

    def _step(
        self, epoch: int, batch: int, data: Batch, target: Batch | None, size: int | None
    ) -> StepResult:
        """Run the plan on one batch and take over its parameters."""
        sources = {
            PlanInputSpec.TYPE_DATA: data,
            PlanInputSpec.TYPE_TARGET: target,
            PlanInputSpec.TYPE_BATCH_SIZE: (
                self.batch_size if self._compat_batch_size or size is None else size
            ),
            PlanInputSpec.TYPE_CLIENT_CONFIG_PARAM: self.client_config,
            PlanInputSpec.TYPE_MODEL_PARAM: self._tensors.params,
            PlanInputSpec.TYPE_STATE: self._tensors.state,
        }
        try:
            # Numbers of this step alone: whatever else runs meanwhile, a resumed training draws
            # what an uninterrupted one would have drawn.
            noise = (self._noise_seed, epoch, batch)
            outputs = self.plan.execute(*resolve_inputs(self.inputs, sources), noise=noise)
        except SyftError as error:
            error.add_note(f"while training: epoch {epoch}, batch {batch}")
            raise
        result = read_outputs(self.outputs, outputs)
        self._tensors = self._tensors.after(result, f"epoch {epoch}, batch {batch}")
        self._current_model = None
        return result

    # Stopping, telling, checking

    def _halt(self) -> Stopped:
        self.stopped, self._stop_requested = True, False
        event = Stopped(self.epoch, self.batch)
        self._handlers.emit(event)
        self._answer_waiters()
        return event

    def _answer_waiters(self) -> None:
        self._stop_requested = False
        waiters, self._stop_waiters = self._stop_waiters, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(self.checkpoint)

    def _refuse_if_stepping(self) -> None:
        if self._stepping:
            raise TrainingError("this trainer is already running; await stop() first.")
