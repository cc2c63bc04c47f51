"""Reading msgpack from strangers: element by element, no announced length believed.

The library reads what it is given in one go: a few bytes that announce long lists, or many empty
ones, would cost it a hundred times their size in memory. Here every element is counted, and every
length compared with the bytes that are left, before anything is made of it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import msgpack

from syft_web.wire.protobuf import Buffer

__all__ = ["MAX_DEPTH", "PackedReader"]

MAX_DEPTH: Final = 64
"""Deepest nesting of lists and dicts."""

_LIST_BYTES: Final = frozenset([*range(0x90, 0xA0), 0xDC, 0xDD])
_DICT_BYTES: Final = frozenset([*range(0x80, 0x90), 0xDE, 0xDF])
_PLAIN: Final = (int, float, str, bytes)


class PackedReader:
    """Reads the elements of a msgpack text, one after the other.

    Args:
        data: The text.
        broken: Makes the error to raise, from a reason in words.
        max_items: Most elements, nested ones counted.
        int_keys: Whether a dict's keys may be ints, besides texts.
        extension: Makes a value of an extension's type and bytes; without it there may be none.
        surrogates: Whether texts may hold lone surrogates, as JSON texts may.
    """

    def __init__(
        self,
        data: Buffer,
        broken: Callable[[str], Exception],
        *,
        max_items: int,
        int_keys: bool = False,
        extension: Callable[[int, bytes], Any] | None = None,
        surrogates: bool = False,
    ) -> None:
        self._view = memoryview(data).cast("B")
        self._broken = broken
        self._left = max_items
        self._keys = (str, int) if int_keys else (str,)
        self._made: Any = None
        self._extension = extension
        self._unpacker = msgpack.Unpacker(
            raw=False,
            unicode_errors="surrogatepass" if surrogates else "strict",
            ext_hook=self._extend,
            strict_map_key=False,
            max_buffer_size=len(self._view) or 1,
        )
        self._unpacker.feed(self._view)

    def tell(self) -> int:
        """How many bytes have been read."""
        return int(self._unpacker.tell())

    def item(self, depth: int = 0) -> Any:
        """The next element.

        Args:
            depth: How deep within lists and dicts it stands.

        Raises:
            Exception: What ``broken`` made: it is no msgpack, cut off, too large or too deep.
        """
        at = self.tell()
        if at >= len(self._view):
            raise self._broken("it is cut off")
        self._left -= 1
        if self._left < 0:
            raise self._broken("there are too many values within it")
        first = self._view[at]
        try:
            if first in _LIST_BYTES:
                count = self._count(self._unpacker.read_array_header(), 1, depth)
                return [self.item(depth + 1) for _ in range(count)]
            if first in _DICT_BYTES:
                return self._dict(self._unpacker.read_map_header(), depth)
            value = self._unpacker.unpack()
        except (msgpack.UnpackException, ValueError):  # ValueError: also not UTF-8
            raise self._broken("it is not msgpack, or cut off") from None
        if value is None or isinstance(value, _PLAIN) or value is self._made:
            return value
        raise self._broken(f"a {type(value).__name__} is not expected")

    def _dict(self, announced: int, depth: int) -> dict[Any, Any]:
        out: dict[Any, Any] = {}
        for _ in range(self._count(announced, 2, depth)):
            key = self.item(MAX_DEPTH)
            if isinstance(key, bool) or not isinstance(key, self._keys) or key in out:
                kinds = " or ".join("text" if kind is str else "int" for kind in self._keys)
                raise self._broken(f"a dict has a key twice, or one that is no {kinds}")
            out[key] = self.item(depth + 1)
        return out

    def _count(self, announced: int, least: int, depth: int) -> int:
        """A length that can be true: each element takes a byte or more."""
        if depth >= MAX_DEPTH:
            raise self._broken(f"it is nested deeper than {MAX_DEPTH}")
        if announced * least > len(self._view) - self.tell():
            raise self._broken(f"it announces {announced} elements, more than there are bytes")
        return announced

    def _extend(self, code: int, raw: bytes) -> Any:
        if self._extension is None:
            raise self._broken(f"the extension type {code} is not known")
        self._made = self._extension(code, raw)
        return self._made
