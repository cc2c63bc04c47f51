"""A job: one worker's part in the training of one model, cycle after cycle."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from syft_web.client.model import Model
from syft_web.client.protocol import JobProtocol
from syft_web.client.retry import is_passing
from syft_web.client.speed_test import measure
from syft_web.client.steps import (
    Accepted,
    Ask,
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
from syft_web.errors import JobStateError, SyftError
from syft_web.plan.plan import Plan

__all__ = ["Job"]

_log = logging.getLogger("syft_web.client")

Handler = Callable[[Any], Any]
_H = TypeVar("_H", bound=Handler)
_EVENTS = ("accepted", "rejected", "error", "progress")


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
    ) -> None:
        self.model_name = model_name
        self.model_version = model_version
        self._transport = transport
        self._protocol = JobProtocol(model_name, model_version, auth_token)
        self._accepted: Accepted | None = None
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
                (with the typed error) or ``"progress"`` (with `Progress`).
            handler: A function of one argument; except for ``"progress"`` it may be ``async``.

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
        request = self._protocol.start()
        self._accepted = None
        outcome = await self._walk(request)
        if isinstance(outcome, Accepted):
            self._accepted = outcome
            _log.info("Accepted into a cycle of %s %s.", self.model_name, outcome.version)
            return outcome
        assert isinstance(outcome, Rejected)  # The walk raises failures.
        _log.info("Rejected: %s", outcome)
        return outcome

    # Taking part

    def train(self, plan_name: str | Plan, **options: Any) -> PlanTrainer:
        """A trainer of this job's model; iterate over it, or await its ``start()``.

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
        return PlanTrainer(plan=plan, **options)

    async def report(
        self,
        diff: bytes,
        num_samples: int | None = None,
        metrics: Mapping[str, float] | None = None,
    ) -> None:
        """Report the diff of this cycle.

        When the grid cannot be reached, is silent or hangs up, the report is sent again after a
        while, as `Options.report_retry` says; the grid counts it once.

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

    async def _walk(self, request: Request) -> Outcome:
        """Perform requests until an outcome; raises the error of a failure."""
        following: Request | Outcome = request
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
        """Download, and begin again when the connection breaks."""
        host = self._transport.host
        waits = self._transport.options.download_retry.waits(host.random_bytes, host.monotonic)
        while True:
            try:
                return await self._transport.download(
                    fetch,
                    lambda received, total: self._say("download", fetch.asset, received, total),
                )
            except SyftError as error:
                wait = next(waits, None) if is_passing(error) else None
                if wait is None:
                    raise
                _log.info("Download of the %s broke off; again in %.1f s.", fetch.asset, wait)
            await host.sleep(wait)

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

    async def _emit(self, event: str, value: object) -> None:
        for handler in list(self._handlers[event]):
            result = handler(value)
            if inspect.isawaitable(result):
                await result
