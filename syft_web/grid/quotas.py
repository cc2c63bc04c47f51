"""What one worker may have of the grid, and how many downloads there are at once."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from syft_web.errors import ServiceError
from syft_web.grid import texts
from syft_web.grid.buckets import Buckets
from syft_web.grid.limits import Limits

__all__ = ["Quotas"]

HOUR = 3600.0


class Quotas:
    """One for an application, used in its event loop only.

    Args:
        limits: ``worker_requests``, ``worker_downloads``, ``downloads``, ``download_seconds``.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._asking: Counter[str] = Counter()
        most = limits.worker_downloads
        self._downloads = Buckets(most / HOUR, most)
        self._slots = asyncio.Semaphore(limits.downloads)

    @contextmanager
    def cycle_request(self, worker_id: object) -> Iterator[None]:
        """Count a cycle request while it is open.

        Raises:
            ServiceError: The worker has too many of them.
        """
        worker = str(worker_id)[:100]
        if self._asking[worker] >= self._limits.worker_requests:
            raise ServiceError(texts.TOO_MANY_REQUESTS, status=429)
        self._asking[worker] += 1
        try:
            yield
        finally:
            self._asking[worker] -= 1
            if not self._asking[worker]:
                del self._asking[worker]

    async def download(self, afterwards: ExitStack) -> None:
        """Wait for a turn to download.

        Args:
            afterwards: Ends the turn when it is closed.

        Raises:
            ServiceError: Status 503, the turn did not come in time.
        """
        try:
            async with asyncio.timeout(self._limits.download_seconds):
                await self._slots.acquire()
        except TimeoutError:
            raise ServiceError(texts.TOO_BUSY, status=503) from None
        afterwards.callback(self._slots.release)

    def count_download(self, worker_id: str) -> None:
        """Count a download of a worker whose request key has been found right.

        Raises:
            ServiceError: Status 429, there were too many.
        """
        if self._downloads.take(worker_id) is None:
            raise ServiceError(texts.TOO_MANY_DOWNLOADS, status=429)
