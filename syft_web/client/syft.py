"""The entrance: a client of one grid."""

from __future__ import annotations

import logging
from collections.abc import Callable
from types import TracebackType
from typing import Self

from syft_web.client.address import GridAddress
from syft_web.client.courier import Delivery, deliver
from syft_web.client.job import Job
from syft_web.client.keep import Keep, SavedCycle
from syft_web.client.keeping import is_open
from syft_web.client.protocol import JobProtocol
from syft_web.client.steps import Fetch
from syft_web.client.transport import Options, Transport
from syft_web.errors import JobStateError
from syft_web.host import Host, Storage, current

__all__ = ["Syft"]


class Syft:
    """A client of one grid; makes jobs, which share its connection.

    ::

        async with Syft("ws://localhost:5000") as syft:
            job = syft.new_job("mnist", "1.0.0")
            outcome = await job.request()

    Args:
        url: The grid's address. ``ws://`` and ``wss://`` send control messages over a WebSocket,
            ``http://`` and ``https://`` over HTTP; a path is kept as a prefix. It is used as
            given: no other scheme is tried.
        verbose: Write what happens to standard error (tokens and keys are never written).
        host: Where the client runs; by default this very runtime.
        options: Time limits and retries.
        keep: Where to keep cycles beyond a reload or a crash, e.g. ``open_storage("~/.syft")``;
            one worker at a time then trains a model for all who share it. None keeps nothing.

    Raises:
        GridAddressError: The address cannot be a grid's.
    """

    def __init__(
        self,
        url: str,
        *,
        verbose: bool = False,
        host: Host | None = None,
        options: Options | None = None,
        keep: Storage | None = None,
    ) -> None:
        self.address = GridAddress.parse(url)
        self.verbose = verbose
        self._owns_host = host is None
        self._host = host or current()
        self._transport = Transport(self._host, self.address, options or Options())
        self._keep = Keep(keep, str(self.address), self._host.now) if keep is not None else None
        if verbose:
            _speak_up()

    def new_job(
        self, model_name: str, model_version: str | None = None, auth_token: str | None = None
    ) -> Job:
        """A job to train a hosted model.

        Args:
            model_name: Its name.
            model_version: Its version; None asks for the newest, which PyGrid 0.2 understands
                only in part: give the version there.
            auth_token: Token, if the model's owner asks for one.
        """
        if not model_name:
            raise JobStateError("A job needs the name of a hosted model.")
        return Job(self._transport, model_name, model_version, auth_token, self._keep)

    async def resumable(self) -> list[SavedCycle]:
        """Cycles that a reload or a crash has left, and that can go on; the latest first.

        Give one to `Job.resume` of a job for the same model. Cycles that are over are forgotten,
        those that another tab or process is at work on are left out, and so are those of which
        only the report is missing: `deliver` sends that. A grid that cannot be reached does not
        say whether a cycle is over; then it is in the list.

        Raises:
            HostError: The storage does not work.
        """
        if self._keep is None:
            return []
        found = []
        for saved in await self._keep.unclaimed():
            if saved.finished:
                continue
            protocol = JobProtocol(saved.model_name, saved.model_version)
            request = protocol.resume(saved.worker_id, saved.grant)
            if isinstance(request, Fetch) and await is_open(self._transport, request) is False:
                await self._keep.forget(saved.id)
            else:
                found.append(saved)
        return found

    async def forget(self, saved: SavedCycle) -> None:
        """Remove what is kept of a cycle that nobody wants to resume.

        Raises:
            HostError: The storage does not work.
        """
        if self._keep is not None:
            await self._keep.forget(saved.id)

    async def deliver(
        self, on_wait: Callable[[SavedCycle, float], object] | None = None
    ) -> list[Delivery]:
        """Send the finished work that could not be sent before; waits for the grid, if it must.

        It is tried again as `Options.keep_retry` says (a day long, waits with full jitter), under
        the same worker id and request key, so the grid counts it once.

        Args:
            on_wait: Told before each wait, with its seconds.

        Raises:
            HostError: The storage does not work.
        """
        if self._keep is None:
            return []
        retry = self._transport.options.keep_retry
        return await deliver(self._keep, self._transport, retry, on_wait)

    async def close(self) -> None:
        """Close connections. Jobs used afterwards open new ones."""
        await self._transport.close()
        if self._owns_host:
            await self._host.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    def __repr__(self) -> str:
        return f"<Syft {self.address}>"


def _speak_up() -> None:
    """Let the package's log be seen, unless the program has arranged that itself."""
    log = logging.getLogger("syft_web")
    log.setLevel(min(log.level or logging.INFO, logging.INFO))
    if not log.hasHandlers():
        handler = logging.StreamHandler()
        handler.setFormatter(logging.Formatter("%(asctime)s %(name)s: %(message)s"))
        log.addHandler(handler)
