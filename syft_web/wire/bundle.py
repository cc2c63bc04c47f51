r"""This project's own container: any plain value with arrays in it, compact and safe to read.

Layout (little endian)::

    0   8 bytes  magic "syftweb\0"
    8   uint16   version, 1
    10  uint16   0
    12  uint32   length of the head
    16  head     msgpack: kind, then value; an array is an extension of type 1
                 holding its dtype and shape
    ..  zeros up to the next multiple of 16
    ..  arrays   their elements in the order of the head, row-major,
                 each padded with zeros to a multiple of 16

Arrays stand outside the msgpack text so that reading them is taking a view: no copy, and aligned
wherever the buffer is. Nothing in a container can run code or make an object.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping
from typing import Any, Final

import msgpack
import numpy as np
import numpy.typing as npt

from syft_web.errors import DecodeError, EncodeError
from syft_web.wire.packed import MAX_DEPTH, PackedReader
from syft_web.wire.protobuf import Buffer

__all__ = ["MAGIC", "MAX_DEPTH", "MAX_ITEMS", "VERSION", "kind_of", "pack", "unpack"]

MAGIC: Final = b"syftweb\0"
VERSION: Final = 1
MAX_ITEMS: Final = 2_000_000
"""Most values, nested ones counted, in one container (a plan's action has about 20)."""

_HEAD: Final = struct.Struct("<8sHHI")
_ALIGN: Final = 16
_ARRAY: Final = 1  # msgpack extension type
_KINDS: Final = "biufc"
_MAX_DIMENSIONS: Final = 32  # numpy 1.26's own limit


def pack(kind: str, value: Any) -> bytes:
    """Writes a container.

    Args:
        kind: What it is, e.g. ``"plan"``; checked when it is read.
        value: None, bools, ints (64 bits), floats, texts, bytes, arrays of numbers, and lists,
            tuples and dicts (keys: texts or ints) of these. Tuples are read back as lists.

    Returns:
        The container; the elements of each contiguous array are copied once, into it.

    Raises:
        EncodeError: A value of another type, too deep a nesting, or an int that is too large.
    """
    arrays: list[npt.NDArray[Any]] = []
    plain = [kind, _plain(value, kind, 0, arrays)]
    try:
        head = b"".join(msgpack.packb(item, use_bin_type=True) for item in plain)
    except OverflowError:
        raise EncodeError(f"{kind}: an integer does not fit 64 bits") from None
    except UnicodeEncodeError:
        raise EncodeError(f"{kind}: a text is not valid Unicode") from None
    pieces: list[Any] = [_HEAD.pack(MAGIC, VERSION, 0, len(head)), head, _padding(len(head))]
    for array in arrays:
        pieces += [array.reshape(-1).view(np.uint8).data, _padding(array.nbytes)]
    return b"".join(pieces)


def kind_of(data: Buffer) -> str:
    """The kind of a container, without reading its value.

    Raises:
        DecodeError: The bytes are no container of a version that is read.
    """
    return _Reader(memoryview(data).cast("B")).kind


def unpack(data: Buffer, kind: str | None = None, *, max_items: int = MAX_ITEMS) -> Any:
    """Reads a container.

    Args:
        data: What `pack` gave.
        kind: The expected kind; any when None.
        max_items: Most values, nested ones counted, that are accepted.

    Returns:
        The value. Arrays are views of ``data``, not writable.

    Raises:
        DecodeError: The bytes are no container, of another version or kind, cut off, nested too
            deeply, or with an array that is not of plain numbers.
    """
    reader = _Reader(memoryview(data).cast("B"), max_items)
    if kind is not None and reader.kind != kind:
        raise DecodeError(
            f"the container holds a {reader.kind[:40]!r}, not a {kind!r}", path=kind, offset=16
        )
    return reader.value()


def _padding(size: int) -> bytes:
    return bytes(-size % _ALIGN)


def _plain(value: Any, path: str, depth: int, arrays: list[npt.NDArray[Any]]) -> Any:
    """The value in msgpack's own types; arrays are put aside."""
    if value is None or isinstance(value, bool | int | float | str | bytes):
        return value
    if depth > MAX_DEPTH:
        raise EncodeError(f"{path}: nested deeper than {MAX_DEPTH}, or contains itself")
    if isinstance(value, np.generic) and value.dtype.kind in "biuf":
        return value.item()
    if isinstance(value, np.ndarray):
        return _put_aside(value, path, arrays)
    if isinstance(value, list | tuple):
        return [
            _plain(item, f"{path}[{index}]", depth + 1, arrays) for index, item in enumerate(value)
        ]
    if isinstance(value, Mapping):
        if not all(isinstance(k, str | int) and not isinstance(k, bool) for k in value):
            raise EncodeError(f"{path}: the keys of a dict must be texts or ints")
        return {k: _plain(item, f"{path}.{k}", depth + 1, arrays) for k, item in value.items()}
    if isinstance(value, bytearray | memoryview):
        return bytes(value)
    raise EncodeError(f"{path}: a {type(value).__name__} cannot be put into a container")


def _put_aside(array: npt.NDArray[Any], path: str, arrays: list[npt.NDArray[Any]]) -> Any:
    if array.dtype.kind not in _KINDS or array.dtype.itemsize > _ALIGN:
        raise EncodeError(f"{path}: an array of {array.dtype} cannot be put into a container")
    if array.ndim > _MAX_DIMENSIONS:
        raise EncodeError(f"{path}: an array has more than {_MAX_DIMENSIONS} dimensions")
    dtype = array.dtype.newbyteorder("<")
    arrays.append(np.ascontiguousarray(array, dtype=dtype))
    return msgpack.ExtType(_ARRAY, msgpack.packb([dtype.str, list(array.shape)]))


class _Reader:
    """Reads one container, element by element, so that no announced length is believed."""

    def __init__(self, view: memoryview, max_items: int = MAX_ITEMS) -> None:
        self.view = view
        if len(view) < _HEAD.size or bytes(view[:8]) != MAGIC:
            raise DecodeError("the bytes are no syft_web container", offset=0)
        _, version, zero, length = _HEAD.unpack_from(view)
        if version != VERSION or zero:
            raise DecodeError(
                f"the container has version {version}, this syft_web reads {VERSION}", offset=8
            )
        if _HEAD.size + length > len(view):
            raise DecodeError("the container is cut off in its head", offset=12)
        self.head = view[_HEAD.size : _HEAD.size + length]
        self.next_array = _HEAD.size + length + len(_padding(length))
        self.reader = PackedReader(
            self.head,
            self._broken,
            max_items=max_items,
            int_keys=True,
            extension=self._extension,
        )
        kind = self.reader.item()
        if not isinstance(kind, str):
            raise DecodeError("the container does not say its kind", offset=_HEAD.size)
        self.kind = kind

    def value(self) -> Any:
        """The value; everything must be used up afterwards."""
        value = self.reader.item()
        if self.reader.tell() != len(self.head) or self.next_array != len(self.view):
            raise self._broken("there are bytes after its end")
        return value

    def _extension(self, code: int, raw: bytes) -> npt.NDArray[Any]:
        """An array: a view of the next elements behind the head."""
        if code != _ARRAY:
            raise self._broken(f"the extension type {code} is not known")
        dtype, shape = self._array_type(raw)
        size = math.prod(shape) * dtype.itemsize
        start = self.next_array
        stop = start + size + len(_padding(size))
        if stop > len(self.view):
            raise self._broken("it is cut off in its arrays")
        self.next_array = stop
        try:
            out = np.frombuffer(self.view[start : start + size], dtype=dtype).reshape(shape)
        except ValueError:  # an empty array may have a shape that numpy cannot count
            raise self._broken("an array's shape is larger than an array can be") from None
        out.flags.writeable = False
        return out

    def _array_type(self, raw: bytes) -> tuple[np.dtype[Any], tuple[int, ...]]:
        try:
            name, shape = msgpack.unpackb(raw)
            dtype = np.dtype(name) if isinstance(name, str) else np.dtype(object)
        except (msgpack.UnpackException, ValueError, TypeError, SyntaxError):
            raise self._broken("an array does not say its dtype and shape") from None
        if dtype.kind not in _KINDS or dtype.itemsize > _ALIGN or dtype.str[:1] == ">":
            raise self._broken("an array is not of plain numbers")
        good = isinstance(shape, list) and len(shape) <= _MAX_DIMENSIONS
        if not good or not all(type(dim) is int and dim >= 0 for dim in shape):
            raise self._broken("an array has an impossible shape")
        return dtype, tuple(shape)

    def _broken(self, reason: str) -> DecodeError:
        return DecodeError(
            f"the container cannot be read: {reason}",
            path=getattr(self, "kind", ""),
            offset=_HEAD.size + self.reader.tell(),
        )
