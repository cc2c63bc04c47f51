"""The thread that brings cycles to their end, in its own time."""

from __future__ import annotations

import logging
import threading
import time

from syft_web.errors import StoreError
from syft_web.grid.completion import Completion

__all__ = ["Keeper"]

logger = logging.getLogger("syft_web.grid")

LONGEST_WAIT = 5.0
"""Seconds after which the database is looked at again: the clock may have been set, or another
server may have died after it closed a cycle."""

RETRY_WAIT = 1.0
"""Seconds after which a database that did not answer is asked again, or whether another server
has ended the cycle it claimed."""


class Keeper:
    """Runs `Completion.run` at start-up, when poked, and when a cycle's time is over.

    One thread does all aggregations, one after the other, so no check is ever skipped
    because another one is running.
    """

    def __init__(self, completion: Completion) -> None:
        self._completion = completion
        self._wake = threading.Event()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="syft-web-grid-keeper", daemon=True)

    def start(self) -> None:
        """Begin; cycles that were due when a former server died are completed first."""
        self._thread.start()

    def stop(self) -> None:
        """End after the work in hand. What is left is on disk for the next start."""
        self._stopping = True
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join()

    def is_running(self) -> bool:
        """Whether cycles come to their end."""
        return self._thread.is_alive()

    def poke(self) -> None:
        """There may be something to do now. Returns at once."""
        self._wake.set()

    def settle(self, timeout: float = 10.0) -> bool:
        """Wait until no closed cycle waits for its aggregation; whether that came in time."""
        limit = time.monotonic() + timeout
        while not self._completion.is_idle():
            if time.monotonic() > limit:
                return False
            time.sleep(0.005)
        return True

    def _run(self) -> None:
        while True:
            self._wake.clear()
            if self._stopping:  # looked at after that, or the call to stop could be overslept
                return
            self._wake.wait(self._work())

    def _work(self) -> float:
        try:
            if not self._completion.run():
                return RETRY_WAIT  # another server's claim may run out
            left = self._completion.seconds_to_next_end()
        except StoreError:
            return RETRY_WAIT  # the store has logged it
        except Exception:
            # The thread must live on: without it no cycle would ever end again.
            logger.exception("Completing cycles failed")
            return RETRY_WAIT
        return LONGEST_WAIT if left is None else min(left, LONGEST_WAIT)
