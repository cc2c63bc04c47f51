"""One worker's conversation with a grid, without any input or output.

`JobProtocol` says what to send next and takes what came back; it never awaits and
knows no socket. Whoever drives it (`syft_web.client.job`, or a test) performs the
requests. The path is that of protocol.md 2.1::

    start -> authenticate -> [speed test] -> cycle-request -+-> accepted: model, plans, protocols
                                                            +-> rejected: until when, or finished
    report (after accepted, as often as needed)             +-> failed: one typed error

Every input returns the next `Request`, or the `Outcome` that ends the walk.
"""

from __future__ import annotations

import logging
from collections.abc import Container, Mapping
from typing import Any

from syft_web.client.answers import refusal, reply_data
from syft_web.client.model import Model
from syft_web.client.steps import (
    NOT_MEASURED,
    Accepted,
    Ask,
    Failed,
    Fetch,
    Measure,
    Outcome,
    Rejected,
    Reported,
    Request,
    Speed,
    Step,
)
from syft_web.errors import (
    DownloadError,
    GridAnswerError,
    GridError,
    GridRefusedError,
    JobStateError,
    SyftError,
)
from syft_web.plan.plan import Plan
from syft_web.wire import messages
from syft_web.wire.metrics import as_metrics, as_samples
from syft_web.wire.reasons import in_words

__all__ = ["JobProtocol"]

_log = logging.getLogger("syft_web.client")


_AT_REST = {Step.IDLE, Step.ACCEPTED, Step.REPORTED, Step.REJECTED, Step.FAILED}


class JobProtocol:
    """The state machine of one job.

    Args:
        model_name: Name of the hosted model.
        model_version: Its version; None asks for the newest.
        auth_token: Token that the grid may want; never shown or logged.

    Attributes:
        step: Where the job stands.
        worker_id: Given by the grid at each start.
    """

    def __init__(
        self, model_name: str, model_version: str | None = None, auth_token: str | None = None
    ) -> None:
        self.model_name = model_name
        self.model_version = model_version
        self.step = Step.IDLE
        self.worker_id = ""
        self._auth_token = auth_token
        self._grant: messages.CycleAccepted | None = None
        self._wanted: list[Fetch] = []
        self._assets: dict[str, Any] = {}

    def __repr__(self) -> str:
        return f"JobProtocol({self.model_name!r}, {self.model_version!r}, step={self.step.value})"

    # Inputs

    def start(self) -> Ask:
        """Begin, or begin again, with a new worker.

        Raises:
            JobStateError: The job is in the middle of something.
        """
        self._must_be(_AT_REST, "start the job")
        self.worker_id, self._grant, self._wanted, self._assets = "", None, [], {}
        self.step = Step.AUTHENTICATING
        request = messages.AuthenticateRequest(
            self.model_name, self.model_version, self._auth_token
        )
        return Ask(messages.AUTHENTICATE, request.to_json(), "authenticate")

    @property
    def grant(self) -> messages.CycleAccepted | None:
        """What the grid gave when it accepted the worker; None before. It holds the request key."""
        return self._grant

    def take_up(self, worker_id: str, grant: messages.CycleAccepted) -> None:
        """Be the worker that was accepted before, with nothing left but to `report`.

        Raises:
            JobStateError: The job is in the middle of something.
        """
        self._must_be(_AT_REST, "take up a cycle")
        self.worker_id, self._grant, self._wanted, self._assets = worker_id, grant, [], {}
        self.step = Step.ACCEPTED

    def resume(self, worker_id: str, grant: messages.CycleAccepted) -> Request | Outcome:
        """Be the worker that was accepted before, and ask for model and plans once more.

        Raises:
            JobStateError: The job is in the middle of something.
        """
        self.take_up(worker_id, grant)
        self._wanted = self._list_assets(grant)
        self.step = Step.DOWNLOADING
        return self._next_asset()

    def receive(self, data: object) -> Request | Outcome:
        """Take the inner object of the reply to the last `Ask`."""
        handlers = {
            Step.AUTHENTICATING: ("authenticate", self._authenticated),
            Step.REQUESTING: ("cycle-request", self._answered),
            Step.REPORTING: ("report", self._acknowledged),
        }
        self._must_be(handlers.keys(), "take a reply")
        during, handle = handlers[self.step]
        try:
            return handle(reply_data(data, during))
        except SyftError as error:
            return self.fail(error)

    def receive_speed(self, speed: Speed) -> Ask:
        """Take the measured speed."""
        self._must_be({Step.MEASURING}, "take a speed")
        return self._ask_for_cycle(speed)

    def receive_asset(self, body: bytes) -> Request | Outcome:
        """Take the bytes of the last `Fetch`."""
        self._must_be({Step.DOWNLOADING}, "take a download")
        fetch = self._wanted.pop(0)
        try:
            self._assets[fetch.asset] = _load(fetch, body)
        except SyftError as error:
            return self.fail(error)
        return self._next_asset()

    def fail(self, error: SyftError) -> Request | Outcome:
        """Take the failure of the last request, whichever kind it was."""
        if self.step is Step.DOWNLOADING and self._wanted:
            if _is_known_protocol_fault(self._wanted[0], error):
                lost = self._wanted.pop(0)
                _log.warning("The grid cannot serve the %s; going on without it.", lost.asset)
                return self._next_asset()
            error = _about_asset(self._wanted[0], error)
        # A failed report may be sent again; a failed start must begin anew.
        self.step = Step.ACCEPTED if self.step is Step.REPORTING else Step.FAILED
        return Failed(self._without_secrets(error))

    def abandon(self) -> None:
        """Stop in the middle, e.g. because whoever drives was cancelled."""
        if self.step not in _AT_REST:
            self.step = Step.ACCEPTED if self.step is Step.REPORTING else Step.FAILED

    def report(
        self,
        diff: bytes,
        num_samples: int | None = None,
        metrics: Mapping[str, float] | None = None,
    ) -> Ask:
        """Report a diff; may be repeated, the grid counts it once.

        Args:
            diff: Serialized State of original minus trained parameters.
            num_samples: On how many samples it was trained; None to tell nothing.
            metrics: How training went, by name; None to tell nothing.

        Raises:
            JobStateError: The job has not been accepted into a cycle.
            MessageError: The number of samples or the metrics are none a grid takes.
        """
        self._must_be({Step.ACCEPTED, Step.REPORTED}, "report a diff")
        assert self._grant is not None  # Set whenever the step is ACCEPTED.
        request = messages.ReportRequest(
            self.worker_id,
            self._grant.request_key,
            diff,
            as_samples(num_samples),
            as_metrics(metrics),
        )
        self.step = Step.REPORTING
        return Ask(messages.REPORT, request.to_plain(), "report")

    # Steps

    def _authenticated(self, data: object) -> Request:
        reply = messages.AuthenticateReply.from_json(data)
        self.worker_id = reply.worker_id
        if reply.requires_speed_test:
            self.step = Step.MEASURING
            return Measure(self.worker_id)
        return self._ask_for_cycle(NOT_MEASURED)

    def _ask_for_cycle(self, speed: Speed) -> Ask:
        self.step = Step.REQUESTING
        request = messages.CycleRequest(
            self.worker_id,
            self.model_name,
            self.model_version,
            speed.ping,
            speed.download,
            speed.upload,
        )
        return Ask(messages.CYCLE_REQUEST, request.to_json(), "cycle-request")

    def _answered(self, data: object) -> Request | Outcome:
        reply = messages.parse_cycle_reply(data)
        if isinstance(reply, messages.CycleRejected):
            # Times in the past and near it: nobody shall ask again without a pause.
            self.step = Step.REJECTED
            wait = None if reply.timeout is None else max(1.0, reply.timeout)
            return Rejected(wait, reply.reason)
        self._grant = reply
        self._wanted = self._list_assets(reply)
        self.step = Step.DOWNLOADING
        return self._next_asset()

    def _list_assets(self, grant: messages.CycleAccepted) -> list[Fetch]:
        keys: dict[str, str | int] = {
            "worker_id": self.worker_id,
            "request_key": grant.request_key,
        }
        model = Fetch(
            "get-model", "model", "", messages.GET_MODEL, {**keys, "model_id": grant.model_id}
        )
        plans = [
            Fetch(
                "get-plan",
                f"plan {name}",
                name,
                messages.GET_PLAN,
                {**keys, "plan_id": plan_id, "receive_operations_as": "list"},
            )
            for name, plan_id in grant.plans.items()
        ]
        protocols = [
            Fetch(
                "get-protocol",
                f"protocol {name}",
                name,
                messages.GET_PROTOCOL,
                {**keys, "protocol_id": protocol_id},
            )
            for name, protocol_id in grant.protocols.items()
        ]
        return [model, *plans, *protocols]

    def _next_asset(self) -> Request | Outcome:
        if self._wanted:
            return self._wanted[0]
        grant = self._grant
        assert grant is not None  # Downloads begin with a grant.
        self.step = Step.ACCEPTED
        return Accepted(
            model=self._assets["model"],
            plans={name: self._assets[f"plan {name}"] for name in grant.plans},
            protocols={
                name: self._assets[f"protocol {name}"]
                for name in grant.protocols
                if f"protocol {name}" in self._assets
            },
            client_config=dict(grant.client_config),
            version=grant.version or self.model_version or "",
        )

    def _acknowledged(self, data: object) -> Outcome:
        reply = messages.ReportReply.from_json(data)
        self.step = Step.REPORTED
        if reply.reason:
            _log.warning("The report does not count: %s.", in_words(reply.reason))
        return Reported(reply.reason)

    # Helpers

    def _must_be(self, steps: Container[Step], what: str) -> None:
        if self.step not in steps:
            raise JobStateError(f"Cannot {what} now: the job is {self.step.value}. {_HINT}")

    def _without_secrets(self, error: SyftError) -> SyftError:
        """The error, rid of a token or key that a server echoed into its text."""
        if not isinstance(error, GridRefusedError):
            return error
        text = error.text
        for secret in (self._auth_token, self._grant and self._grant.request_key):
            if secret:
                text = text.replace(secret, "...")
        if text == error.text:
            return error
        return refusal(text, error.during, status=error.status)


_HINT = (
    "A job is started once at a time, and reports after it was accepted; wait for the present "
    "call to finish."
)


def _load(fetch: Fetch, body: bytes) -> Model | Plan | bytes:
    """Read an asset.

    Raises:
        DownloadError: It cannot be read; the cause says why.
    """
    try:
        if fetch.during == "get-model":
            return Model.loads(body)
        if fetch.during == "get-plan":
            return Plan.loads(body)
    except SyftError as error:
        raise DownloadError(f"{_failed_to_load(fetch)}: {error}", asset=fetch.asset) from error
    return bytes(body)


def _about_asset(fetch: Fetch, error: SyftError) -> SyftError:
    """The error of a download, naming the asset.

    A refusal or a page in its place becomes a `DownloadError`; a broken connection keeps its
    class, which says that trying again may help.
    """
    if isinstance(error, GridRefusedError | GridAnswerError):
        wrapped: SyftError = DownloadError(f"{_failed_to_load(fetch)}: {error}", asset=fetch.asset)
    elif isinstance(error, GridError):
        wrapped = type(error)(f"{_failed_to_load(fetch)}: {error}", during=fetch.during)
    else:
        return error
    wrapped.__cause__ = error
    return wrapped


def _failed_to_load(fetch: Fetch) -> str:
    if fetch.during == "get-model":
        return "Failed to load Model"
    return f"Failed to load '{fetch.name}' {'Plan' if fetch.during == 'get-plan' else 'Protocol'}"


def _is_known_protocol_fault(fetch: Fetch, error: SyftError) -> bool:
    """PyGrid 0.2 answers every get-protocol with status 500 (protocol.md 1.5.7)."""
    return (
        fetch.during == "get-protocol"
        and isinstance(error, GridRefusedError)
        and error.status == 500
    )
