"""The commands a page may send; the package says what they mean."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from syft_web.bridge.core import Emit, Value
from syft_web.bridge.engine import engine
from syft_web.bridge.joining import JoiningCommands
from syft_web.bridge.narrow import Message, array, buffer, get, maybe
from syft_web.client import Job, Syft
from syft_web.errors import BridgeError, SyftError
from syft_web.host import Host, Storage, current, open_storage
from syft_web.plan.plan import State

__all__ = ["Bridge"]

_log = logging.getLogger("syft_web.bridge")

# dtypes that a JavaScript typed array cannot hold travel as ones that it can.
_TRAVELS_AS = {"bool": "uint8", "float16": "float32"}


class Bridge(JoiningCommands):
    """Runs commands and tells what becomes of them.

    Args:
        emit: Gets every event, in order.
        host: Where it runs; by default this runtime.
        heap: Tells the bytes of memory that Python has taken; by default they are not told.
        storage: Where cycles are kept; by default the page's IndexedDB, on CPython nowhere.
    """

    def __init__(
        self,
        emit: Emit,
        host: Host | None = None,
        heap: Callable[[], int] | None = None,
        storage: Storage | None = None,
    ) -> None:
        host = host or current()
        if storage is None and host.name == "browser":
            storage = open_storage("syft_web")
        super().__init__(emit, host, storage)
        self._heap = heap
        self._tasks: dict[int, asyncio.Task[None]] = {}

    def receive(self, message: Message) -> None:
        """Start a command in the running event loop; what goes wrong becomes an event."""
        key = message.get("id")
        if not isinstance(key, int) or key in self._tasks:
            _log.error("a command came with the id %r, which is taken or no number", key)
            return
        self._tasks[key] = asyncio.ensure_future(self._run(key, message))
        self._tasks[key].add_done_callback(lambda task: self._done(key, task))

    async def aclose(self) -> None:
        """Cancel all that is under way and close every connection."""
        for task in (tasks := list(self._tasks.values())):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for syft in self._objects.all(Syft):
            await syft.close()

    async def _run(self, key: int, message: Message) -> None:
        command = message.get("command")
        try:
            do = getattr(self, f"_do_{command}".replace("-", "_"), None)
            if do is None:
                raise BridgeError(
                    f"There is no command {command!r}; page and wheel may differ in version."
                )
            value = await do(key, message)
            self._send(key, "result", value=value)
        except asyncio.CancelledError:
            self._fail(key, "cancelled", "Cancelled.", str(command))
        except SyftError as error:
            self._fail(key, error.code, str(error), _where(command, error))
        except Exception as error:
            _log.exception("the command %r failed unexpectedly", command)
            text = f"{type(error).__name__}: {error}. This is a fault of the program; please tell."
            self._fail(key, "internal", text, str(command))

    def _done(self, key: int, task: asyncio.Task[None]) -> None:
        del self._tasks[key]
        self._unwanted.discard(key)
        if task.cancelled():  # before it had begun, so it could not tell
            self._fail(key, "cancelled", "Cancelled.", "")

    # Tensors

    async def _do_tensor(self, key: int, message: Message) -> Value:
        return self._add_tensor(array(message), handle=maybe(message, "handle", int))

    async def _do_state(self, key: int, message: Message) -> Value:
        state = State.loads(bytes(buffer(message, "data")))
        return {"tensors": [self._add_tensor(tensor) for tensor in state.tensors]}

    async def _do_tensor_data(self, key: int, message: Message) -> Value:
        array = self._objects.get(get(message, "tensor", int), np.ndarray)
        travels = np.ascontiguousarray(array, _TRAVELS_AS.get(array.dtype.name, array.dtype))
        flat = travels.reshape(-1).data
        return {"data": flat, "shape": list(array.shape), "dtype": array.dtype.name}

    async def _do_execute(self, key: int, message: Message) -> Value:
        job = self._objects.get(get(message, "job", int), Job)
        name = get(message, "plan", str)
        if name not in job.plans:
            raise BridgeError(f"The job has no plan {name!r}; it has {', '.join(job.plans)}.")
        args = [
            self._maybe_tensor(arg.get("tensor")) if isinstance(arg, Mapping) else arg
            for arg in get(message, "args", list)
        ]
        outputs = job.plans[name].execute(*args)
        return {"tensors": [self._add_tensor(output) for output in outputs]}

    # Housekeeping

    async def _do_stats(self, key: int, message: Message) -> Value:
        kinds = self._objects.kinds()
        heap = None if self._heap is None else self._heap()
        return {"objects": sum(kinds.values()), "kinds": kinds, "heapBytes": heap}

    async def _do_cancel(self, key: int, message: Message) -> Value:
        target = get(message, "target", int)
        task = self._tasks.get(target)
        if task is not None:
            self._unwanted.add(target)
        return {"cancelled": task is not None and task.cancel()}

    async def _do_release(self, key: int, message: Message) -> Value:
        handles = get(message, "handles", list)
        return {"released": sum(self._let_go(handle) for handle in handles)}

    def _let_go(self, handle: Any) -> int:
        """Forget an object and what it owns; says how many that were."""
        jobs = self._objects.all(Job)
        gone = self._objects.release(handle)
        left = self._objects.all(Job)
        for job in jobs:
            if job not in left:
                job.leave()
        for one in gone:
            self._listening.pop(one, None)
            self._runs.pop(one, None)
        return len(gone)

    async def _do_engine(self, key: int, message: Message) -> Value:
        if message.get("job") is None:
            return engine()
        job, name = self._objects.get(get(message, "job", int), Job), get(message, "plan", str)
        return engine(job.plans.get(name), maybe(message, "batchSize", int))

    async def _do_close(self, key: int, message: Message) -> Value:
        handle = get(message, "syft", int)
        syft = self._objects.get(handle, Syft)
        for job in self._objects.owned(handle, Job):
            job.leave()
        if not message.get("keep"):
            self._let_go(handle)
        await syft.close()
        return {"closed": True}


def _where(command: object, error: SyftError) -> str:
    """The command and, within it, the step, asset, action or message part to blame."""
    details = [str(command)]
    for name in ("during", "asset", "path", "key"):
        if text := getattr(error, name, ""):
            details.append(str(text))
    if (index := getattr(error, "index", None)) is not None:
        details.append(f"action {index} {getattr(error, 'command', '')}".rstrip())
    return " / ".join(details)
