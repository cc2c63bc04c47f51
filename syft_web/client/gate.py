"""A gate that a loop passes between two steps, and that others close and open."""

from __future__ import annotations

import asyncio

__all__ = ["Gate"]


class Gate:
    """Open at first.

    Attributes:
        why: Why it is closed, in words; empty when it is open.
    """

    def __init__(self) -> None:
        self.why = ""
        self._passing = asyncio.Event()

    def close(self, why: str) -> None:
        """Let nobody pass any more.

        Args:
            why: The reason, in words for a person.
        """
        self.why = why or "paused"
        self._passing.clear()

    def open(self) -> None:
        """Let everybody pass."""
        self.why = ""
        self._passing.set()

    def call_away(self) -> None:
        """Let those who wait now go on, although it stays closed."""
        self._passing.set()

    async def wait(self) -> None:
        """Wait until it is opened, or until called away."""
        self._passing.clear()
        if self.why:
            await self._passing.wait()
