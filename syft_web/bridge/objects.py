"""The objects that a page's handles stand for."""

from __future__ import annotations

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

    def add(self, value: object, owner: int | None = None) -> int:
        """Keep an object; gives its handle."""
        handle, self._next = self._next, self._next + 1
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
