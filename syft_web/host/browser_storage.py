"""`Storage` inside Pyodide: the origin's IndexedDB, and Web Locks.

Both are there in pages and in workers. Where a browser has no Web Locks (a page that did not come
over https), a name is held among the users of this object only.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import js
from pyodide.ffi import JsException, create_proxy, to_js

from syft_web.errors import HostError
from syft_web.host.storage import Hold, MemoryStorage

__all__ = ["IndexedDBStorage"]

_STORE = "kept"


class IndexedDBStorage:
    """The `Storage` of an origin.

    Args:
        name: Name of the database.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._opening: asyncio.Future[Any] | None = None
        self._holds_here = MemoryStorage()

    async def read(self, key: str) -> bytes | None:
        """See `Storage.read`."""
        value = await self._ask(lambda store: store.get(key))
        return None if value is None else value.to_bytes()

    async def keys(self, prefix: str) -> list[str]:
        """See `Storage.keys`."""
        among = js.IDBKeyRange.bound(prefix, prefix + "\uffff")
        found = await self._ask(lambda store: store.getAllKeys(among))
        return [str(key) for key in found]

    async def write(self, changes: Mapping[str, bytes | None]) -> None:
        """See `Storage.write`."""
        database = await self._database()
        try:
            # Whoever closes the laptop next shall find what was kept.
            options = to_js({"durability": "strict"}, dict_converter=js.Object.fromEntries)
            transaction = database.transaction(_STORE, "readwrite", options)
            done = _settled(transaction, "complete", ("error", "abort"), lambda: None)
            store = transaction.objectStore(_STORE)
            for key, value in changes.items():
                if value is None:
                    store.delete(key)
                else:
                    store.put(to_js(memoryview(value)), key)
        except JsException as error:
            raise _broken(error) from error
        await done

    async def hold(self, name: str, *, wait: bool) -> Hold | None:
        """See `Storage.hold`."""
        locks = getattr(js.navigator, "locks", None)
        if locks is None:
            return await self._holds_here.hold(name, wait=wait)
        return await _WebHold.take(locks, f"{self.name}/{name}", wait)

    async def is_held(self, name: str) -> bool:
        """See `Storage.is_held`."""
        locks = getattr(js.navigator, "locks", None)
        if locks is None:
            return await self._holds_here.is_held(name)
        held = (await locks.query()).held
        return any(lock.name == f"{self.name}/{name}" for lock in held)

    async def _ask(self, ask: Callable[[Any], Any]) -> Any:
        database = await self._database()
        try:
            request = ask(database.transaction(_STORE, "readonly").objectStore(_STORE))
        except JsException as error:
            raise _broken(error) from error
        return await _settled(request, "success", ("error",), lambda: request.result)

    async def _database(self) -> Any:
        if self._opening is None or (self._opening.done() and self._opening.exception()):
            self._opening = asyncio.ensure_future(self._open())
        return await asyncio.shield(self._opening)

    async def _open(self) -> Any:
        try:
            request = js.indexedDB.open(self.name, 1)
        except (JsException, AttributeError) as error:
            raise _broken(error) from error
        upgrade = create_proxy(lambda _event: request.result.createObjectStore(_STORE))
        request.onupgradeneeded = upgrade
        try:
            return await _settled(request, "success", ("error", "blocked"), lambda: request.result)
        finally:
            upgrade.destroy()


def _settled(
    target: Any, good: str, bad: tuple[str, ...], value: Callable[[], Any]
) -> asyncio.Future[Any]:
    """What an IndexedDB request or transaction comes to, as a future."""
    future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    handlers: dict[str, Any] = {}

    def end(event: Any) -> None:
        failed = event.type in bad
        if not future.done():
            if failed:
                future.set_exception(_broken(target.error or event.type))
            else:
                future.set_result(value())
        for name, handler in handlers.items():
            target.removeEventListener(name, handler)
            handler.destroy()
        handlers.clear()

    for name in (good, *bad):
        handlers[name] = create_proxy(end)
        target.addEventListener(name, handlers[name])
    return future


def _broken(reason: object) -> HostError:
    name = getattr(reason, "name", None) or type(reason).__name__
    return HostError(
        f"This browser keeps nothing for the page ({name}): its storage is full, or switched off, "
        "as in some private windows."
    )


class _WebHold:
    """A Web Lock: held as long as a promise that only `release` resolves."""

    def __init__(self) -> None:
        self._resolve: Any = None
        self._proxies: list[Any] = []

    @classmethod
    async def take(cls, locks: Any, name: str, wait: bool) -> _WebHold | None:
        hold = cls()
        answered: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        keep = hold._proxy(lambda resolve, _reject: setattr(hold, "_resolve", resolve))

        def granted(lock: Any) -> Any:
            if answered.cancelled():
                return None
            answered.set_result(lock is not None)
            return None if lock is None else js.Promise.new(keep)

        controller = js.AbortController.new()
        options = {"signal": controller.signal} if wait else {"ifAvailable": True}
        request = locks.request(
            name, to_js(options, dict_converter=js.Object.fromEntries), hold._proxy(granted)
        )
        request.catch(lambda _error: None)  # Ours, from the abort below.
        try:
            if await answered:
                return hold
        except asyncio.CancelledError:
            controller.abort()
            hold.release()  # It may have been granted in this very turn.
            raise
        hold.release()
        return None

    def release(self) -> None:
        if self._resolve is not None:
            self._resolve(None)
            self._resolve = None
        for proxy in self._proxies:
            proxy.destroy()
        self._proxies.clear()

    def _proxy(self, function: Callable[..., Any]) -> Any:
        self._proxies.append(create_proxy(function))
        return self._proxies[-1]
