"""The four messages of the protocol, from JSON data to JSON data, for both transports."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Callable
from typing import Any, TypeVar

from starlette.concurrency import run_in_threadpool

from syft_web.errors import ServiceError
from syft_web.grid import texts
from syft_web.grid.admin import STRANGER, AdminGate, Caller
from syft_web.grid.auth_endpoint import Verifier
from syft_web.grid.quotas import Quotas
from syft_web.grid.service import Question, Service
from syft_web.wire.messages import (
    AUTHENTICATE,
    CYCLE_REQUEST,
    HOST_TRAINING,
    REPORT,
    CycleRejected,
    HostTrainingReply,
)
from syft_web.wire.reasons import Reason

__all__ = ["MESSAGE_TYPES", "Dispatcher", "parse_json"]

logger = logging.getLogger("syft_web.grid")

MESSAGE_TYPES = (HOST_TRAINING, AUTHENTICATE, CYCLE_REQUEST, REPORT)
"""What `Dispatcher.call` answers."""

MOST_VALUES = 100_000
"""In one message. Those of the protocol have some dozens, and what a configuration has."""

FIRST_POLL, LAST_POLL = 0.02, 0.3
"""Seconds between two looks at whether an aggregation is over; they grow, for many may wait."""

_T = TypeVar("_T")


class Dispatcher:
    """Calls the service in worker threads, so that the event loop never waits for a disk.

    Args:
        service: The rules.
        patience: Seconds a cycle request may wait for the end of an aggregation.
        admin: Who may host.
        verifier: Asks third parties about tokens.
        quotas: What one worker may have.
    """

    def __init__(
        self,
        service: Service,
        patience: float,
        admin: AdminGate,
        verifier: Verifier,
        quotas: Quotas,
    ) -> None:
        self._service = service
        self._patience = patience
        self._admin = admin
        self._verifier = verifier
        self._quotas = quotas

    async def call(
        self, message_type: str, data: object, caller: Caller = STRANGER
    ) -> dict[str, Any]:
        """The reply data of one message.

        Args:
            message_type: One of `MESSAGE_TYPES`.
            data: What was sent with it.
            caller: Who sent it; counts for hosting, and for what may stand in a reply.

        Raises:
            ServiceError: The request was refused.
            KeyError: No message has this type.
        """
        if message_type == HOST_TRAINING:
            self._admin.check(caller, data.get("admin_token") if isinstance(data, dict) else None)
            await self.in_thread(self._service.host, data)
            return HostTrainingReply().to_json()
        if message_type == AUTHENTICATE:
            return await self._authenticate(data)
        if message_type == CYCLE_REQUEST:
            worker_id = data.get("worker_id") if isinstance(data, dict) else None
            with self._quotas.cycle_request(worker_id):
                return _for_caller(await self._request_cycle(data), caller)
        if message_type == REPORT:
            reply = await self.in_thread(self._service.report, data)
            return _for_caller(reply.to_json(), caller)
        raise KeyError(message_type)

    async def in_thread(self, function: Callable[..., _T], *arguments: object) -> _T:
        """Run a method of the service in a worker thread.

        Raises:
            ServiceError: As the method does; status 500 for an error that should not be.
        """
        try:
            return await run_in_threadpool(function, *arguments)
        except ServiceError:
            raise
        except Exception as error:
            logger.exception("A request failed")
            raise ServiceError(texts.INTERNAL, status=500) from error

    @staticmethod
    def refusal(message_type: str, text: str) -> dict[str, Any]:
        """The reply data that tells a client that its message was refused, over a WebSocket."""
        if message_type == AUTHENTICATE:
            # Clients in Kotlin read the status before they look for an error.
            return {"status": "error", "error": text}
        if message_type == CYCLE_REQUEST:
            return {"status": "rejected", "error": text}
        return {"error": text}

    async def _authenticate(self, data: object) -> dict[str, Any]:
        answer = await self.in_thread(self._service.authenticate, data)
        if isinstance(answer, Question):
            # Here and not in a worker thread: a slow third party must not keep those busy.
            await self._verifier.check(answer.endpoint, answer.token)
            answer = await self.in_thread(self._service.enroll, answer.process)
        return answer.to_json()

    async def _request_cycle(self, data: object) -> dict[str, Any]:
        limit = time.monotonic() + self._patience
        pause = FIRST_POLL
        while (reply := await self.in_thread(self._service.request_cycle, data)) is None:
            if time.monotonic() > limit:
                reply = CycleRejected(timeout=1, reason=Reason.AGGREGATING)
                break
            await asyncio.sleep(pause)
            pause = min(1.5 * pause, LAST_POLL)
        answer = reply.to_json()
        if "model" in answer and isinstance(data, dict):
            answer["model"] = data.get("model")  # a name given as a number comes back as one
        return answer


def _for_caller(reply: dict[str, Any], caller: Caller) -> dict[str, Any]:
    """The reply without the keys that PyGrid did not send, for clients that fail on those."""
    if caller.is_strict:
        reply.pop("reason", None)
    return reply


def parse_json(text: str | bytes) -> Any:
    """The JSON value in ``text``.

    Raises:
        ServiceError: It is none; the text says where, in the words of Python's decoder.
    """
    # Nobody else is served while Python's decoder works. It is quick with few long texts, and
    # slow with many values; between two values there is a comma.
    commas = text.count(",") if isinstance(text, str) else text.count(b",")
    if commas > MOST_VALUES:
        raise ServiceError("The JSON text has too many values")
    try:
        return json.loads(text)
    except ValueError as error:
        raise ServiceError(str(error)) from error
    except RecursionError as error:
        raise ServiceError("The JSON text is nested too deeply") from error
