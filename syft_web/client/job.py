"""A job: one worker's part in the training of one model, cycle after cycle."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from syft_web.client.checkpoint import PlanTrainerCheckpoint
from syft_web.client.joining import join
from syft_web.client.keep import Keep, KeptDiff, SavedCycle
from syft_web.client.keeping import Keeping, is_open
from syft_web.client.model import Model
from syft_web.client.protocol import JobProtocol
from syft_web.client.retry import is_passing
from syft_web.client.speed_test import measure
from syft_web.client.steps import (
    Accepted,
    Ask,
    Countdown,
    Failed,
    Fetch,
    Measure,
    Outcome,
    Progress,
    Rejected,
    Reported,
    Request,
    Step,
)
from syft_web.client.trainer import PlanTrainer
from syft_web.client.transport import Transport
from syft_web.errors import CycleEndedError, GridRefusedError, JobStateError, SyftError
from syft_web.plan.plan import Plan
from syft_web.wire.metrics import as_metrics, as_samples

__all__ = ["Job"]

_log = logging.getLogger("syft_web.client")

Handler = Callable[[Any], Any]
_H = TypeVar("_H", bound=Handler)
_EVENTS = ("accepted", "rejected", "error", "progress", "countdown")


class Job:
    """One worker's part in training one model. Made by `Syft.new_job`.

    A job may be started again after each outcome; it then takes part as a new worker.

    Attributes:
        model_name: Name of the hosted model.
        model_version: Its version as asked for; None is the newest.
    """

    def __init__(
        self,
        transport: Transport,
        model_name: str,
        model_version: str | None = None,
        auth_token: str | None = None,
        keep: Keep | None = None,
    ) -> None:
        self.model_name = model_name
        self.model_version = model_version
        self._transport = transport
        self._protocol = JobProtocol(model_name, model_version, auth_token)
        self._accepted: Accepted | None = None
        self._keep = keep
        self._keeping = None if keep is None else Keeping(keep, model_name, model_version)
        self._bodies: dict[str, bytes] = {}  # assets as they came, or as they were kept
        self._checkpoint: PlanTrainerCheckpoint | None = None
        self._handlers: dict[str, list[Handler]] = {event: [] for event in _EVENTS}

    # What the cycle brought

    @property
    def step(self) -> Step:
        """Where the job stands."""
        return self._protocol.step

    @property
    def worker_id(self) -> str:
        """The worker's id, new at every start; empty before the first."""
        return self._protocol.worker_id

    @property
    def model(self) -> Model:
        """The model to start from. Raises `JobStateError` before acceptance, like the next ones."""
        return self._cycle().model

    @property
    def plans(self) -> dict[str, Plan]:
        """Plans by the names they were hosted under."""
        return self._cycle().plans

    @property
    def protocols(self) -> dict[str, bytes]:
        """Protocols as the grid stores them, by name (``Protocol.loads`` reads PySyft's)."""
        return self._cycle().protocols

    @property
    def client_config(self) -> dict[str, Any]:
        """What the model's owner asks of workers: ``batch_size``, ``lr``, ``max_updates``, ..."""
        return self._cycle().client_config

    # Joining

    def on(self, event: str, handler: _H) -> _H:
        """Call ``handler`` at an event.

        Args:
            event: ``"accepted"`` (with `Accepted`), ``"rejected"`` (with `Rejected`), ``"error"``
                (with the typed error), ``"progress"`` (with `Progress`) or ``"countdown"``
                (with `Countdown`, about once a second while `join` waits).
            handler: A function of one argument; for the first three it may be ``async``.

        Returns:
            The handler.

        Raises:
            ValueError: There is no such event.
        """
        if event not in self._handlers:
            raise ValueError(f"A job has no event {event!r}, only {', '.join(_EVENTS)}.")
        self._handlers[event].append(handler)
        return handler

    async def start(self) -> None:
        """Ask to join a cycle, and emit ``accepted``, ``rejected`` or ``error``.

        Returns when the handlers have. It raises nothing as long as there is a handler for
        ``error``, which also gets what other handlers raise; without one, the error is raised.
        """
        try:
            outcome = await self.request()
            await self._emit("accepted" if isinstance(outcome, Accepted) else "rejected", outcome)
        except Exception as error:
            if not self._handlers["error"]:
                raise
            await self._emit("error", error)

    async def request(self) -> Accepted | Rejected:
        """Ask to join a cycle; when accepted, everything has been downloaded.

        Raises:
            AuthenticationError: The grid wants a token, or another one.
            GridError: The conversation with the grid failed.
            DownloadError: Model, plan or protocol could not be had or read.
            MessageError: A reply of the grid lacks something.
            JobStateError: The job is in the middle of something.
        """
        await self._take_turn()
        return await self._begin(self._protocol.start())

    async def join(self) -> Accepted | Rejected:
        """Ask until a cycle takes this worker, waiting as long as the grid says each time.

        While it waits, handlers of ``countdown`` hear about every second how long it still is,
        and those of ``rejected`` hear each rejection that is waited out. A grid that cannot be
        reached is asked again as `Options.join_retry` says.

        Returns:
            `Accepted`, or a `Rejected` that is ``finished``: the grid needs no further work.

        Raises:
            SyftError: As `request`.
        """
        host, retry = self._transport.host, self._transport.options.join_retry
        return await join(
            self.request, host, retry, lambda it: self._emit("rejected", it), self._count_down
        )

    async def resume(self, saved: SavedCycle) -> Accepted:
        """Go back into a cycle that was left by a reload or crash, see `Syft.resumable`.

        Model and plans come from what was kept. The next `train` goes on from where training
        stood, with the same order of samples: give it the same data.

        Args:
            saved: The cycle.

        Raises:
            CycleEndedError: The cycle is over; it has been forgotten, `request` joins another.
            JobStateError: The job is in the middle of something, or its client keeps nothing.
            HostError: The storage does not work.
            SyftError: As `request`.
        """
        if self._keep is None or self._keeping is None:
            raise JobStateError("This client keeps nothing: make it with Syft(url, keep=...).")
        request = self._protocol.resume(saved.worker_id, saved.grant)
        try:
            await self._take_turn()
            if isinstance(request, Fetch) and await is_open(self._transport, request) is False:
                await self._keep.forget(saved.id)
                raise CycleEndedError(
                    f"The cycle of {saved.model_name} that was to be resumed is over: start the "
                    "job again to join the next one."
                )
            self._bodies = await self._keep.assets(saved.id)
            checkpoint = await self._keep.checkpoint(saved.id)
        except BaseException:
            self._protocol.abandon()
            self._keeping.end_turn()
            raise
        self._keeping.go_on_with(saved)
        outcome = await self._begin(request, resumed=True)
        assert isinstance(outcome, Accepted)  # Downloads end so, or with an error.
        self._checkpoint = checkpoint
        return outcome

    async def _take_turn(self) -> None:
        if self._keeping:
            await self._keeping.take_turn(lambda: self._say("turn"))

    async def _begin(
        self, request: Request | Outcome, resumed: bool = False
    ) -> Accepted | Rejected:
        """Walk to acceptance or rejection; keeps the cycle, or gives up the turn."""
        self._accepted = self._checkpoint = None
        try:
            outcome = await self._walk(request)
            if isinstance(outcome, Accepted) and self._keeping and not resumed:
                assert self._protocol.grant is not None  # That is what acceptance is.
                await self._keeping.begin(self.worker_id, self._protocol.grant, self._bodies)
        except BaseException:
            self.leave()
            raise
        finally:
            self._bodies = {}
        if isinstance(outcome, Accepted):
            self._accepted = outcome
            _log.info("Accepted into a cycle of %s %s.", self.model_name, outcome.version)
            return outcome
        assert isinstance(outcome, Rejected)  # The walk raises failures.
        self.leave()
        _log.info("Rejected: %s", outcome)
        return outcome

    def leave(self) -> None:
        """Let other tabs or processes train the model; what is kept can still be resumed.

        Done by itself when a cycle is reported, refused or fails.
        """
        if self._keeping:
            self._keeping.end_turn()

    async def discard(self) -> None:
        """Remove what is kept of this cycle: it can neither be resumed nor delivered."""
        if self._keeping:
            await self._keeping.forget()
        self.leave()

    # Taking part

    def train(self, plan_name: str | Plan, **options: Any) -> PlanTrainer:
        """A trainer of this job's model; iterate over it, or await its ``start()``.

        After `resume`, the first one stands where training was left.

        Args:
            plan_name: Name of one of `plans`, or a plan.
            **options: As for `PlanTrainer`: ``inputs``, ``outputs``, ``data``, ``target``,
                ``epochs``, ``batch_size``, ``steps_per_epoch``, ``checkpoint``, ...

        Raises:
            JobStateError: The job has not been accepted, or has no plan of that name.
            TrainingError: The options do not fit the plan.
        """
        plan = self._plan(plan_name) if isinstance(plan_name, str) else plan_name
        options.setdefault("model", self.model)
        options.setdefault("client_config", self.client_config)
        options.setdefault("sleep", self._transport.host.sleep)
        if options.get("checkpoint") is None:
            options["checkpoint"] = self._checkpoint
        trainer = PlanTrainer(plan=plan, **options)
        self._checkpoint = None
        if self._keeping:
            self._keeping.watch(trainer, self._transport.host.monotonic)
        return trainer

    async def report(
        self,
        diff: bytes,
        num_samples: int | None = None,
        metrics: Mapping[str, float] | None = None,
    ) -> None:
        """Report the diff of this cycle.

        When the grid cannot be reached, is silent or hangs up, the report is sent again after a
        while, as `Options.report_retry` says; the grid counts it once. A client that keeps things
        keeps the diff until the grid has answered, see `Syft.deliver`.

        Args:
            diff: From ``model.create_serialized_diff``.
            num_samples: On how many samples the model was trained. A grid that weighs by it
                counts this report accordingly; other grids ignore it. None tells nothing.
            metrics: How training went, e.g. ``{"loss": 0.3}``: up to 16 finite numbers, of
                which a grid keeps the mean over all workers. None tells nothing.

        Raises:
            GridRefusedError: The grid does not take it.
            GridError: The grid could not be reached in all tries. The job may report again.
            JobStateError: The job has not been accepted into a cycle.
            MessageError: The number of samples or the metrics are none a grid takes.
        """
        kept = KeptDiff(diff, as_samples(num_samples), as_metrics(metrics))
        try:
            if self._keeping and self.step in (Step.ACCEPTED, Step.REPORTED):
                await self._keeping.finish(kept)
            await self._report(diff, num_samples, metrics)
        except GridRefusedError as error:
            if self._keeping and not is_passing(error):
                await self._keeping.forget()
            raise
        else:
            if self._keeping:
                await self._keeping.forget()
        finally:
            self.leave()

    async def _report(
        self, diff: bytes, num_samples: int | None, metrics: Mapping[str, float] | None
    ) -> None:
        self._say("report")
        host = self._transport.host
        waits = self._transport.options.report_retry.waits(host.random_bytes, host.monotonic)
        while True:
            try:
                outcome = await self._walk(self._protocol.report(diff, num_samples, metrics))
                assert isinstance(outcome, Reported)
                return
            except SyftError as error:
                wait = next(waits, None) if is_passing(error) else None
                if wait is None:
                    raise
                _log.info("The report did not get through (%s); again in %.1f s.", error.code, wait)
            await host.sleep(wait)

    def __repr__(self) -> str:
        version = self.model_version or "newest"
        return f"<Job {self.model_name!r} {version}: {self.step.value}>"

    # Driving the protocol

    async def _walk(self, request: Request | Outcome) -> Outcome:
        """Perform requests until an outcome; raises the error of a failure."""
        following = request
        try:
            while isinstance(following, Ask | Measure | Fetch):
                try:
                    following = await self._perform(following)
                except SyftError as error:
                    following = self._protocol.fail(error)
        except BaseException:
            # Cancelled, or a handler raised: the job must not stay in the middle.
            self._protocol.abandon()
            raise
        if isinstance(following, Failed):
            raise following.error
        return following

    async def _perform(self, request: Request) -> Request | Outcome:
        transport = self._transport
        if isinstance(request, Ask):
            if request.during != "report":
                self._say(request.during)
            return self._protocol.receive(await transport.ask(request))
        if isinstance(request, Measure):
            self._say("speed-test")
            speed = await measure(
                transport.host, transport.address, request.worker_id, transport.options.speed_limits
            )
            return self._protocol.receive_speed(speed)
        return self._protocol.receive_asset(await self._download(request))

    async def _download(self, fetch: Fetch) -> bytes:
        kept = self._bodies.get(fetch.asset)
        if kept is not None:
            return kept
        body = await self._transport.download(
            fetch, lambda received, total: self._say("download", fetch.asset, received, total)
        )
        if self._keeping:
            self._bodies[fetch.asset] = body
        return body

    # Helpers

    def _cycle(self) -> Accepted:
        if self._accepted is None:
            raise JobStateError(
                f"The job has no model and no plans yet: it is {self.step.value}. They come once "
                "it has been accepted into a cycle."
            )
        return self._accepted

    def _plan(self, name: str) -> Plan:
        plans = self.plans
        if name not in plans:
            raise JobStateError(
                f"The job has no plan {name!r}; it has {', '.join(map(repr, plans)) or 'none'}."
            )
        return plans[name]

    def _say(
        self, stage: str, asset: str = "", received: int = 0, total: int | None = None
    ) -> None:
        progress = Progress(stage, asset, received, total)
        for handler in self._handlers["progress"]:
            handler(progress)

    def _count_down(self, countdown: Countdown) -> None:
        for handler in self._handlers["countdown"]:
            handler(countdown)

    async def _emit(self, event: str, value: object) -> None:
        for handler in list(self._handlers[event]):
            result = handler(value)
            if inspect.isawaitable(result):
                await result
