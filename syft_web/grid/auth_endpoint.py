"""Asking a third party whether a token is good (protocol.md section 1.7, step 7).

The endpoint is somebody else's server: it may be slow, gone, or worse. So a question has a
time in which it must be answered, only few are under way at once, nothing of the answer but
its status is read, and it cannot send the token elsewhere.
"""

from __future__ import annotations

import asyncio
import json
import logging
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import httpx

from syft_web.errors import ServiceError
from syft_web.grid import texts

__all__ = ["Verifier"]

logger = logging.getLogger("syft_web.grid")


@dataclass(slots=True)
class _Door:
    """The questions to one endpoint."""

    slots: asyncio.Semaphore
    inside: int = field(default=0)


class Verifier:
    """Asks endpoints; one for an application, used in its event loop only.

    Args:
        seconds: How long an answer may take, the time in the queue included.
        at_once: How many questions to one endpoint are under way at once.
        waiting: How many more may wait for that; beyond, workers are sent away.
    """

    def __init__(self, seconds: float = 5.0, at_once: int = 8, waiting: int = 64) -> None:
        self._seconds = seconds
        self._at_once = at_once
        self._room = at_once + waiting
        self._doors: dict[str, _Door] = {}
        self._transport: httpx.AsyncHTTPTransport | None = None

    async def check(self, endpoint: str, token: str) -> None:
        """Ask whether a token is good: with status 200 it is.

        Raises:
            ServiceError: It is not, with the text of PyGrid; status 401 when nobody could say.
        """
        door = self._doors.setdefault(endpoint, _Door(asyncio.Semaphore(self._at_once)))
        if door.inside >= self._room:
            logger.warning("Too many workers wait for the endpoint at %s", _place(endpoint))
            raise ServiceError(texts.VERIFIER_SILENT, status=401)
        door.inside += 1
        try:
            async with asyncio.timeout(self._seconds), door.slots:
                status = await self._ask(endpoint, token)
        except (httpx.HTTPError, httpx.InvalidURL, OSError, TimeoutError) as error:
            logger.warning(
                "The endpoint at %s did not answer: %s", _place(endpoint), type(error).__name__
            )
            raise ServiceError(texts.VERIFIER_SILENT, status=401) from error
        finally:
            door.inside -= 1
            if not door.inside:
                self._doors.pop(endpoint, None)
        if status != httpx.codes.OK:
            logger.info("The endpoint at %s refused a token: HTTP %d", _place(endpoint), status)
            raise ServiceError(texts.TOKEN_NOT_PASSED)

    async def close(self) -> None:
        """Let go of the connections."""
        if self._transport is not None:
            await self._transport.aclose()
            self._transport = None

    async def _ask(self, endpoint: str, token: str) -> int:
        # The transport and not a client: it follows no redirect, keeps no cookie and knows no
        # proxy, and no log tells the address, in which there may be a key.
        if self._transport is None:
            none_kept = httpx.Limits(max_keepalive_connections=0)
            self._transport = httpx.AsyncHTTPTransport(limits=none_kept, trust_env=False)
        seconds = httpx.Timeout(self._seconds).as_dict()
        request = httpx.Request(
            "POST",
            endpoint,
            headers={"User-Agent": "syft_web", "Accept": "*/*", "Connection": "close"},
            content=json.dumps({"auth_token": token}),
            extensions={"timeout": seconds},
        )
        response = await self._transport.handle_async_request(request)
        await response.aclose()
        return response.status_code


def _place(endpoint: str) -> str:
    # Without path and query.
    return urlsplit(endpoint).netloc
