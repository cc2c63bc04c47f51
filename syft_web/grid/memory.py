"""How many bytes of half-said and unanswered messages there are, of all clients together."""

from __future__ import annotations

__all__ = ["Held", "Memory"]


class Memory:
    """Room for messages, in bytes. They may need some times as much while they are read."""

    def __init__(self, size: int) -> None:
        self._free = size

    def take(self, size: int) -> bool:
        """Take some; False, and nothing is taken, if there is less."""
        if size > self._free:
            return False
        self._free -= size
        return True

    def give_back(self, size: int) -> None:
        """What was taken is no longer needed."""
        self._free += size


class Held:
    """What one client has of a `Memory`."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self._size = 0

    def add(self, size: int) -> bool:
        """Take some more; False if there is no room."""
        if not self._memory.take(size):
            return False
        self._size += size
        return True

    def release(self) -> None:
        """Give back everything."""
        self._memory.give_back(self._size)
        self._size = 0
