"""The objects that a page's handles stand for."""

from __future__ import annotations

from collections import Counter
from typing import Any, TypeVar

from syft_web.errors import BridgeError

__all__ = ["Objects"]

_T = TypeVar("_T")


class Objects:
    """What the page's handles stand for. Releasing an object releases what it owns."""

    def __init__(self) -> None:
        self._next = 1
        self._by_handle: dict[int, tuple[object, int | None]] = {}
        self._owned: dict[int, list[int]] = {}

    def add(self, value: object, owner: int | None = None, handle: int | None = None) -> int:
        """Keep an object; gives its handle.

        Args:
            value: The object.
            owner: Handle of the object that it goes with.
            handle: A handle that the page chose, below 0, so that it need not wait for ours.

        Raises:
            BridgeError: The page's handle is taken or not below 0.
        """
        if handle is None:
            handle, self._next = self._next, self._next + 1
        elif handle >= 0 or handle in self._by_handle:
            raise BridgeError(f"The handle {handle} is taken, or not below 0.")
        self._by_handle[handle] = (value, owner)
        if owner is not None:
            self._owned.setdefault(owner, []).append(handle)
        return handle

    def get(self, handle: Any, kind: type[_T]) -> _T:
        """The object with this handle.

        Raises:
            BridgeError: There is none, or it is of another kind.
        """
        value, _ = self._by_handle.get(handle, (None, None))
        if not isinstance(value, kind):
            raise BridgeError(f"{handle!r} is no {kind.__name__}, or was released.")
        return value

    def owner(self, handle: int) -> int | None:
        """The handle of the object that this one goes with."""
        return self._by_handle.get(handle, (None, None))[1]

    def kinds(self) -> dict[str, int]:
        """How many objects of each kind there are, by name of their class."""
        return dict(Counter(type(value).__name__ for value, _ in self._by_handle.values()))

    def owned(self, handle: int, kind: type[_T]) -> list[_T]:
        """The objects of a kind that go with this one."""
        values = [self._by_handle[one][0] for one in self._owned.get(handle, [])]
        return [value for value in values if isinstance(value, kind)]

    def all(self, kind: type[_T]) -> list[_T]:
        """Every object of a kind."""
        return [value for value, _ in self._by_handle.values() if isinstance(value, kind)]

    def release(self, handle: int) -> list[int]:
        """The handles that are gone with this one; none when it was gone already."""
        if handle not in self._by_handle:
            return []
        _, owner = self._by_handle.pop(handle)
        if owner in self._owned:
            self._owned[owner].remove(handle)
        owned = self._owned.pop(handle, [])
        return [handle, *(gone for one in owned for gone in self.release(one))]
