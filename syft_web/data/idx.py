"""IDX files, the format of MNIST and its relatives.

Layout (Yann LeCun's description of the MNIST files), all numbers big-endian::

    byte  0-1   zero
    byte  2     element type: 0x08 uint8, 0x09 int8, 0x0B int16, 0x0C int32,
                0x0D float32, 0x0E float64
    byte  3     number of dimensions
    byte  4-    size of each dimension, uint32
    then        the elements, last dimension fastest
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from syft_web.errors import DataError

__all__ = ["Header", "header", "load", "read"]

_DTYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
_MAX_DIMENSIONS = 32  # what every NumPy release can hold


@dataclass(frozen=True, slots=True)
class Header:
    """What the head of an IDX file says.

    Attributes:
        dtype: Element type in native byte order.
        shape: Sizes; the first is the number of items.
        offset: Where the elements begin, in bytes.
    """

    dtype: np.dtype[np.generic]
    shape: tuple[int, ...]
    offset: int

    @property
    def item_bytes(self) -> int:
        """Bytes of one item, for reading a range of items of a remote file."""
        return self.dtype.itemsize * math.prod(self.shape[1:])

    @property
    def total_bytes(self) -> int:
        """Bytes of the whole file."""
        return self.offset + self.dtype.itemsize * math.prod(self.shape)


def header(data: bytes | bytearray | memoryview, *, name: str = "IDX data") -> Header:
    """Read the head of an IDX file; the elements need not be there.

    Args:
        data: The file, or at least its first ``4 + 4 * dimensions`` bytes.
        name: What to call it in an error.

    Raises:
        DataError: The bytes are not the head of an IDX file.
    """
    view = memoryview(data).cast("B")
    if len(view) < 4:
        raise DataError(f"{name}: only {len(view)} bytes; an IDX file has at least 4.")
    if bytes(view[:2]) == b"\x1f\x8b":
        raise DataError(f"{name}: this is gzip; decompress it first (gzip.decompress).")
    if view[0] or view[1] or view[2] not in _DTYPES:
        raise DataError(
            f"{name}: begins with {bytes(view[:4]).hex(' ')}, not with 00 00 TYPE DIMENSIONS; "
            "this is no IDX file (an HTML error page, perhaps?)."
        )
    dimensions, offset = view[3], 4 + 4 * view[3]
    if not 1 <= dimensions <= _MAX_DIMENSIONS:
        raise DataError(f"{name}: {dimensions} dimensions; expected 1 to {_MAX_DIMENSIONS}.")
    if len(view) < offset:
        raise DataError(f"{name}: ends inside its header ({len(view)} of {offset} bytes).")
    sizes = np.frombuffer(view, ">u4", count=dimensions, offset=4)
    dtype = np.dtype(_DTYPES[view[2]]).newbyteorder("=")
    return Header(dtype, tuple(int(size) for size in sizes), offset)


def read(data: bytes | bytearray | memoryview, *, name: str = "IDX data") -> np.ndarray:
    """Read a whole IDX file.

    Args:
        data: The file's bytes.
        name: What to call it in an error.

    Returns:
        The elements in native byte order. One-byte types (all of MNIST) share
        the memory of ``data``; the others are converted.

    Raises:
        DataError: The bytes are not an IDX file, or their number is not the one
            that the header announces.
    """
    head = header(data, name=name)
    size = memoryview(data).nbytes
    if size != head.total_bytes:
        raise DataError(
            f"{name}: {size} bytes, but its header announces {head.total_bytes} "
            f"(shape {head.shape}, {head.dtype}); it is {_cut_or_long(size, head)}. "
            "Fetch the file again."
        )
    stored = head.dtype.newbyteorder(">")
    flat = np.frombuffer(data, stored, count=math.prod(head.shape), offset=head.offset)
    return flat.reshape(head.shape).astype(head.dtype, copy=False)


def load(path: str | Path) -> np.ndarray:
    """Read an IDX file from disk.

    Raises:
        DataError: There is no such file, or it is no IDX file.
    """
    path = Path(path)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error}).") from error
    return read(data, name=path.name)


def _cut_or_long(size: int, head: Header) -> str:
    return "cut short" if size < head.total_bytes else "too long"
