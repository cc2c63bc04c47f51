"""How long to wait before trying again.

Waits are drawn evenly between zero and a ceiling that doubles (full jitter, as in
"Exponential Backoff and Jitter", AWS Architecture Blog, 2015), so that thousands of
workers cut off by one restart do not all come back at the same moment.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from syft_web.errors import (
    GridClosedError,
    GridRefusedError,
    GridTimeoutError,
    GridUnreachableError,
    SyftError,
)

__all__ = ["NO_RETRY", "Retry", "is_passing"]


@dataclass(frozen=True, slots=True)
class Retry:
    """When to try again, and when to give up.

    Attributes:
        tries: Attempts in all, the first included; at least 1.
        first: Ceiling of the first wait, in seconds.
        ceiling: Largest ceiling of a wait, in seconds.
        max_seconds: No further attempt once this much time has gone by, waits included.
    """

    tries: int = 6
    first: float = 0.5
    ceiling: float = 20.0
    max_seconds: float = 120.0

    def __post_init__(self) -> None:
        if self.tries < 1 or self.first <= 0 or self.ceiling <= 0 or self.max_seconds < 0:
            raise ValueError("Retry needs tries >= 1, first > 0, ceiling > 0, max_seconds >= 0")

    def waits(
        self, random_bytes: Callable[[int], bytes], monotonic: Callable[[], float]
    ) -> Iterator[float]:
        """Yield the seconds to wait before each further attempt; ends when to give up.

        Args:
            random_bytes: Source of the jitter, e.g. ``host.random_bytes``.
            monotonic: Clock in seconds, e.g. ``host.monotonic``.
        """
        end = monotonic() + self.max_seconds
        ceiling = self.first
        for _ in range(self.tries - 1):
            wait = ceiling * int.from_bytes(random_bytes(4), "big") / 2**32
            if monotonic() + wait >= end:
                return
            yield wait
            ceiling = min(ceiling * 2, self.ceiling)


NO_RETRY = Retry(tries=1)
"""One attempt and no more."""


_TOO_MUCH = {429, 503}
_TOO_MUCH_WORDS = ("come again", "try again in")
"""How this package's grid says, over a WebSocket, what those statuses say over HTTP."""


def is_passing(error: SyftError) -> bool:
    """Whether the same request may well succeed later.

    True for a grid that cannot be reached, is silent, hung up, or has too much to do; False for
    a grid that answered otherwise, because it would answer the same again.
    """
    if isinstance(error, GridRefusedError):
        words = error.text.lower()
        return error.status in _TOO_MUCH or any(each in words for each in _TOO_MUCH_WORDS)
    return isinstance(error, GridUnreachableError | GridClosedError | GridTimeoutError)
