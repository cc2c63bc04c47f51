"""The rules of the grid: hosting, joining, downloading, reporting.

No web framework and no SQL: the faces in `routes` and `sockets` call these methods with
what a client sent, the store keeps what they decide. All methods are synchronous and may
be called from several threads at once; each refusal is a `ServiceError`.
"""

from __future__ import annotations

import hmac
import logging
import secrets
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from syft_web.errors import ModelError, ServiceError
from syft_web.grid import admission, requests, texts
from syft_web.grid.aggregation import check_diff
from syft_web.grid.completion import close_if_due, open_cycle
from syft_web.grid.configs import ServerConfig
from syft_web.grid.hosting import Hosting
from syft_web.grid.queries import LATEST, Transaction
from syft_web.grid.records import Assignment, Cycle, CycleState, PlanBytes, Process
from syft_web.grid.store import Store
from syft_web.wire.messages import (
    AuthenticateReply,
    CycleAccepted,
    CycleRejected,
    CycleRequest,
    ReportReply,
)
from syft_web.wire.reasons import Reason

__all__ = ["Question", "Service"]

logger = logging.getLogger("syft_web.grid")

MAX_NUMBER_DIGITS = 18
"""Longer checkpoint numbers do not exist, and no database has integers for them."""


@dataclass(frozen=True, slots=True)
class Question:
    """What must be asked of a third party before a worker may join.

    Attributes:
        endpoint: Whom to ask.
        token: The worker's token; secret and public key have passed it.
        process: Where the worker is to join.
    """

    endpoint: str = field(repr=False)
    token: str = field(repr=False)
    process: Process


class Service:
    """The grid's answers to its clients.

    Args:
        store: Where everything is kept.
        clock: Gives the time in seconds since 1970.
        on_change: Called after a cycle was opened, or closed and waits for its aggregation.
        short_secrets: Whether processes may be hosted whose secret can be guessed.
    """

    def __init__(
        self,
        store: Store,
        *,
        clock: Callable[[], float] = time.time,
        on_change: Callable[[], None] = lambda: None,
        short_secrets: bool = True,
    ) -> None:
        self._store = store
        self._clock = clock
        self._on_change = on_change
        self._short_secrets = short_secrets

    def host(self, data: object) -> None:
        """``model-centric/host-training``: check everything, then store it in one go.

        Raises:
            HostingError: Something in it is not valid; nothing was stored.
            ServiceError: A process of that name and version exists.
        """
        request = requests.host_training_request(data)
        hosting = Hosting.check(request, self._is_taken, short_secrets=self._short_secrets)
        with self._store.write() as tx:
            tx.lock_names()
            if tx.find_process(hosting.name, hosting.version) is not None:
                raise ServiceError(texts.CONFLICT)
            now = self._clock()
            process_id = tx.add_process(
                name=hosting.name,
                version=hosting.version,
                client_config=hosting.client_config,
                server_config=hosting.server_config,
                fixed_diffs=hosting.fixed_diffs,
                averaging_plan=hosting.averaging_plan,
                plans=hosting.plans,
                protocols=hosting.protocols,
                model=hosting.model,
                signature=hosting.signature,
                now=now,
            )
            open_cycle(tx, process_id, hosting.rules, now)
        self._on_change()
        logger.info("Hosted %s %s as process %d", hosting.name, hosting.version, process_id)

    def authenticate(self, data: object) -> AuthenticateReply | Question:
        """``model-centric/authenticate``: check the token, then give a new worker an id.

        Returns:
            A question where a third party decides: after its yes, go on with `enroll`.

        Raises:
            ServiceError: Status 401, the process is unknown; 400, the token is missing or
                not valid.
        """
        request = requests.authenticate_request(data)
        with self._store.read() as tx:
            process = tx.find_process(request.model_name, request.model_version)
        if process is None:
            raise ServiceError(texts.PROCESS_NOT_FOUND, status=401)
        wanted = ServerConfig.read(process.server_config).authentication
        if wanted is not None:
            wanted.check(request.auth_token)
            if wanted.endpoint:
                return Question(wanted.endpoint, request.auth_token or "", process)
        return self.enroll(process)

    def enroll(self, process: Process) -> AuthenticateReply:
        """Give a new worker an id. Its token has been checked."""
        worker_id = str(uuid.uuid4())
        with self._store.write() as tx:
            tx.add_worker(worker_id, process.id, self._clock())
        rules = ServerConfig.read(process.server_config)
        return AuthenticateReply(worker_id=worker_id, requires_speed_test=rules.requires_speed_test)

    def request_cycle(self, data: object) -> CycleAccepted | CycleRejected | None:
        """``model-centric/cycle-request``: a place in the open cycle, or when to come again.

        Returns:
            None while the previous cycle is being aggregated: ask again in a moment.

        Raises:
            ServiceError: Worker or process are unknown, or the speeds are no numbers.
        """
        request = requests.cycle_request(data)
        with self._store.write() as tx:
            if not tx.has_worker(request.worker_id):
                raise ServiceError(texts.WORKER_NOT_FOUND)
            process = tx.find_process(request.model, request.version)
            if process is None:
                raise ServiceError(texts.PROCESS_NOT_FOUND)
            rules = ServerConfig.read(process.server_config)
            if rules.authentication and tx.process_of_worker(request.worker_id) != process.id:
                # PyGrid let in here whoever had joined an open process.
                raise ServiceError(texts.NOT_JOINED, status=401)
            speeds = requests.speeds_of(request, required=rules.requires_speed_test)
            tx.lock_process(process.id)
            cycle = tx.current_cycle(process.id)
            if cycle is None:
                return admission.ended(tx, process)
            if cycle.state is CycleState.AGGREGATING:
                return None
            tx.set_speeds(request.worker_id, speeds)
            refusal = admission.refusal(tx, process, cycle, request.worker_id, self._clock())
            return refusal or self._accept(tx, process, cycle, request)

    def report(self, data: object) -> ReportReply:
        """``model-centric/report``: store a worker's diff; on return it is safe on disk.

        The first report of a worker counts, repetitions and reports to a cycle that is
        over succeed without effect. The report that makes the cycle due also closes it.

        Returns:
            Success; with a reason if this worker's diff came too late to count.

        Raises:
            ServiceError: Worker or key are unknown, or the diff does not fit the model.
        """
        request = requests.report_request(data)
        with self._store.read() as tx:
            assignment, cycle = self._assignment(tx, request.worker_id, request.request_key)
            process = tx.get_process(cycle.process_id)
        if process is None or not _counts(assignment, cycle):
            return _taken(assignment)
        try:
            check_diff(request.diff, process.signature)
        except ModelError as error:
            logger.info("Refused a report to cycle %d: %s", cycle.id, error)
            raise ServiceError(str(error)) from error
        with self._store.write() as tx:
            # Looked at again: another request may have been first, or closed the cycle.
            tx.lock_process(process.id)
            assignment, cycle = self._assignment(tx, request.worker_id, request.request_key)
            if not _counts(assignment, cycle):
                return _taken(assignment)
            now = self._clock()
            tx.set_report(
                assignment.id,
                request.diff,
                now,
                num_samples=request.num_samples,
                metrics=request.metrics,
            )
            closed = close_if_due(tx, process, cycle, now)
        if closed:
            self._on_change()
        return ReportReply()

    def model(self, query: Mapping[str, str]) -> bytes:
        """``get-model``: the newest checkpoint, for a worker of the open cycle.

        Raises:
            ServiceError: As protocol.md section 1.5.8, in its order.
        """
        model_id = requests.row_id(query.get("model_id"))
        with self._store.read() as tx:
            process_id = None if model_id is None else tx.process_of_model(model_id)
            self._check_access(tx, process_id, query, texts.MODEL_NOT_FOUND)
            return _checkpoint(tx, model_id)

    def plan(self, query: Mapping[str, str]) -> bytes:
        """``get-plan``: a plan in the form of ``receive_operations_as``.

        Raises:
            ServiceError: As protocol.md section 1.5.8; or the plan has no such form.
        """
        plan_id = requests.row_id(query.get("plan_id"))
        with self._store.read() as tx:
            plan = None if plan_id is None else tx.get_plan(plan_id)
            process_id = None if plan is None else plan.process_id
            self._check_access(tx, process_id, query, texts.PLAN_NOT_FOUND)
        return _variant(plan, query.get("receive_operations_as", "")) if plan else b""

    def protocol(self, query: Mapping[str, str]) -> bytes:
        """``get-protocol``: the bytes of a protocol, as hosted.

        Raises:
            ServiceError: As protocol.md section 1.5.8.
        """
        protocol_id = requests.row_id(query.get("protocol_id"))
        with self._store.read() as tx:
            found = None if protocol_id is None else tx.get_protocol(protocol_id)
            process_id = None if found is None else found[0]
            self._check_access(tx, process_id, query, texts.PROTOCOL_NOT_FOUND)
        return found[1] if found else b""

    def checkpoint(self, query: Mapping[str, str]) -> bytes:
        """``retrieve-model``: a checkpoint by number or alias, for anybody.

        Raises:
            ServiceError: Status 500 for an unknown process, as PyGrid has it; 404 when
                there is no such checkpoint.
        """
        wanted = query.get("checkpoint") or LATEST
        with self._store.read() as tx:
            process = tx.find_process(query.get("name", ""), query.get("version") or None)
            if process is None:
                raise ServiceError(texts.PROCESS_NOT_FOUND, status=500)
            if wanted.isdecimal() and len(wanted) <= MAX_NUMBER_DIGITS:
                found = tx.get_checkpoint(process.model_id, number=int(wanted))
            else:
                found = tx.get_checkpoint(process.model_id, alias=wanted)
        if found is None:
            raise ServiceError(texts.MODEL_NOT_FOUND, status=404)
        return found[1]

    def _is_taken(self, name: str, version: str) -> bool:
        with self._store.read() as tx:
            return tx.find_process(name, version) is not None

    def _accept(
        self, tx: Transaction, process: Process, cycle: Cycle, request: CycleRequest
    ) -> CycleAccepted:
        plans = tx.plan_ids(process.id)
        if not plans:
            # PyGrid says so after it has assigned the worker; here the place stays free.
            raise ServiceError(texts.PLAN_NOT_FOUND)
        key = secrets.token_hex(32)
        tx.assign(cycle.id, request.worker_id, key, self._clock())
        return CycleAccepted(
            request_key=key,
            version=process.version,
            model=request.model,
            plans=dict(plans),
            protocols=dict(tx.protocol_ids(process.id)),
            client_config=dict(process.client_config),
            model_id=process.model_id,
        )

    def _assignment(self, tx: Transaction, worker_id: str, key: str) -> tuple[Assignment, Cycle]:
        assignment = tx.assignment_of(worker_id, key)
        cycle = None if assignment is None else tx.get_cycle(assignment.cycle_id)
        if assignment is None or cycle is None:
            known = tx.has_worker(worker_id)
            raise ServiceError(texts.INVALID_REQUEST_KEY if known else texts.WORKER_NOT_FOUND)
        return assignment, cycle

    def _check_access(
        self, tx: Transaction, process_id: int | None, query: Mapping[str, str], missing: str
    ) -> None:
        if process_id is None:
            raise ServiceError(missing)
        cycle = tx.current_cycle(process_id)
        if cycle is None:
            raise ServiceError(texts.CYCLE_NOT_FOUND)
        worker_id = query.get("worker_id", "")
        if not tx.has_worker(worker_id):
            raise ServiceError(texts.WORKER_NOT_FOUND)
        assignment = tx.assignment_in(cycle.id, worker_id)
        if assignment is None:
            raise ServiceError(texts.CYCLE_NOT_FOUND)
        key = query.get("request_key", "").encode("utf-8", "replace")
        if not hmac.compare_digest(assignment.request_key.encode(), key):
            raise ServiceError(texts.INVALID_REQUEST_KEY, status=401)


def _counts(assignment: Assignment, cycle: Cycle) -> bool:
    if assignment.reported:
        logger.info("Ignored a repeated report to cycle %d", cycle.id)
        return False
    if cycle.state is not CycleState.OPEN:
        logger.info("Ignored a late report to cycle %d", cycle.id)
        return False
    return True


def _taken(assignment: Assignment) -> ReportReply:
    """The answer to a report that changes nothing: a repetition gets that of the first."""
    return ReportReply(None if assignment.reported else Reason.LATE)


def _checkpoint(tx: Transaction, model_id: int | None) -> bytes:
    found = None if model_id is None else tx.get_checkpoint(model_id)
    if found is None:
        raise ServiceError(texts.MODEL_NOT_FOUND)
    return found[1]


def _variant(plan: PlanBytes, wanted: str) -> bytes:
    if wanted == "torchscript":
        data = plan.as_torchscript
    elif wanted == "tfjs":
        data = plan.as_tfjs
    else:
        data = plan.as_list
    if data is None:
        raise ServiceError(
            f"Plan '{plan.name}' was hosted without a {wanted} form; "
            "ask for receive_operations_as=list, or host it with one"
        )
    return data
