"""Token buckets: how often somebody may do something, with bursts.

A bucket is one number, the time at which it will be full again (the "generic cell rate
algorithm"). Taking more than there is reserves what will be there later, and tells how
long to wait for it: so the queue before a bucket is bounded by the longest wait.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable

__all__ = ["Bucket", "Buckets"]

MOST_KEYS = 20_000


class Bucket:
    """Allows ``rate`` takings a second, and ``burst`` at once to whoever was quiet.

    Args:
        rate: Takings a second.
        burst: How many a full bucket holds, at least 1.
        clock: Gives seconds; it must not jump.
    """

    __slots__ = ("_clock", "_full_at", "_slack", "_step")

    def __init__(
        self, rate: float, burst: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._step = 1.0 / rate
        self._slack = max(burst, 1.0) * self._step
        self._clock = clock
        self._full_at = clock()

    def take(self, patience: float = 0.0) -> float | None:
        """Take one.

        Args:
            patience: How long the taker would wait.

        Returns:
            Seconds to wait before going on, mostly 0. None if they are more than
            ``patience``; nothing was taken then.
        """
        now = self._clock()
        full_at = max(self._full_at, now) + self._step
        wait = max(0.0, full_at - self._slack - now)
        if wait > patience:
            return None
        self._full_at = full_at
        return wait


class Buckets:
    """A bucket for each of many keys, of which the last used `MOST_KEYS` are kept.

    A forgotten bucket was not used for long, so it would be full again in any case.
    """

    def __init__(
        self, rate: float, burst: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._rate = rate
        self._burst = burst
        self._clock = clock
        self._buckets: OrderedDict[str, Bucket] = OrderedDict()

    def take(self, key: str, patience: float = 0.0) -> float | None:
        """Take one from the bucket of a key; see `Bucket.take`."""
        bucket = self._buckets.get(key)
        if bucket is None:
            bucket = self._buckets[key] = Bucket(self._rate, self._burst, self._clock)
            if len(self._buckets) > MOST_KEYS:
                self._buckets.popitem(last=False)
        else:
            self._buckets.move_to_end(key)
        return bucket.take(patience)

    def __len__(self) -> int:
        return len(self._buckets)
