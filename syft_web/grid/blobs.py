"""Checkpoints in memory: one copy for all who download the same one at the same time."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable

__all__ = ["Blobs"]

MIB = 1024 * 1024


class Blobs:
    """Keeps the bytes that were read last; may be used by several threads.

    Args:
        most_bytes: Kept in all; a single blob may be larger.
        most: How many are kept.
    """

    def __init__(self, most_bytes: int = 64 * MIB, most: int = 8) -> None:
        self._most_bytes = most_bytes
        self._most = most
        self._kept: OrderedDict[int, bytes] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: int, read: Callable[[], bytes]) -> bytes:
        """The bytes of a key, which never change; ``read`` gives them if they are not kept.

        Who asks while another one reads waits for that, so that all share one copy.
        """
        with self._lock:
            if key not in self._kept:
                self._kept[key] = read()
            self._kept.move_to_end(key)
            while len(self._kept) > 1 and (len(self._kept) > self._most or self._is_full()):
                self._kept.popitem(last=False)
            return self._kept[key]

    def _is_full(self) -> bool:
        return sum(map(len, self._kept.values())) > self._most_bytes
