"""What all commands share: events out, objects kept, tensors and models as handles."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from syft_web.bridge.objects import Objects
from syft_web.client import Model
from syft_web.host import Host

__all__ = ["Core", "Emit", "Value"]

Value = dict[str, Any]
Emit = Callable[[Value], object]
"""Called with each event: a dict of plain values; buffers are bytes or memoryviews."""


class Core:
    """The base of the groups of commands.

    Args:
        emit: Gets every event, in order.
        host: Where it runs.
    """

    def __init__(self, emit: Emit, host: Host) -> None:
        self._emit = emit
        self._host = host
        self._objects = Objects()

    def _send(self, key: int, event: str, **values: Any) -> None:
        self._emit({"id": key, "event": event, **values})

    def _fail(self, key: int, code: str, message: str, where: str) -> None:
        self._send(key, "failure", code=code, message=message, where=where)

    def _maybe_tensor(self, handle: Any) -> np.ndarray | None:
        return None if handle is None else self._objects.get(handle, np.ndarray)

    def _add_tensor(
        self, array: np.ndarray, owner: int | None = None, handle: int | None = None
    ) -> Value:
        handle = self._objects.add(array, owner=owner, handle=handle)
        return {"id": handle, "shape": list(array.shape), "dtype": array.dtype.name}

    def _add_model(self, model: Model, owner: int | None) -> Value:
        handle = self._objects.add(model, owner=owner)
        params = [self._add_tensor(param, owner=handle) for param in model.params]
        return {"id": handle, "params": params}
