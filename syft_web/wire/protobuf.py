"""The protobuf wire format itself: varints, tags, packed arrays.

Numbers are handled by numpy in whole arrays: a packed field of fixed width is a view
of the received buffer, varints are decoded and encoded in blocks. No function here
loops over the elements of a field in Python.

Source: the encoding page of the protobuf documentation; protocol.md section 4.1.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from syft_web.errors import DecodeError, EncodeError

__all__ = [
    "DTYPES",
    "FIXED32",
    "FIXED64",
    "FROM_VARINT",
    "GROUP_END",
    "GROUP_START",
    "LENGTH",
    "MAX_DEPTH",
    "VARINT",
    "WIRE_TYPES",
    "Buffer",
    "decode_packed",
    "encode_packed",
    "encode_varint",
    "read_tag",
    "read_varint",
    "skip_field",
    "to_signed",
]

Buffer = bytes | bytearray | memoryview
"""What can be decoded. The arrays read from it are views of it, so it stays alive with them."""

VARINT: Final = 0
FIXED64: Final = 1
LENGTH: Final = 2
GROUP_START: Final = 3
GROUP_END: Final = 4
FIXED32: Final = 5

MAX_DEPTH: Final = 64
"""Deepest nesting of messages and groups that is read or written."""

WIRE_TYPES: Final = {
    "bool": VARINT,
    "bytes": LENGTH,
    "double": FIXED64,
    "enum": VARINT,
    "float": FIXED32,
    "int32": VARINT,
    "int64": VARINT,
    "message": LENGTH,
    "sint32": VARINT,
    "string": LENGTH,
    "uint32": VARINT,
}
"""Wire type of a single value of each kind that syft-proto uses."""

DTYPES: Final[dict[str, np.dtype[Any]]] = {
    "bool": np.dtype(np.bool_),
    "double": np.dtype("<f8"),
    "enum": np.dtype(np.int32),
    "float": np.dtype("<f4"),
    "int32": np.dtype(np.int32),
    "int64": np.dtype(np.int64),
    "sint32": np.dtype(np.int32),
    "uint32": np.dtype(np.uint32),
}
"""Element type of the array that a repeated field of each kind becomes."""

_MASK64: Final = 0xFFFFFFFFFFFFFFFF
_MAX_TAG: Final = 0xFFFFFFFF
_FEW: Final = 16  # bytes of varints up to which a loop beats numpy; shapes are that short
_READ_BLOCK: Final = 1 << 18  # bytes; temporaries stay in the cache and bounded
_WRITE_BLOCK: Final = 1 << 16  # values


def read_varint(data: Buffer, pos: int, end: int) -> tuple[int, int]:
    """Reads one varint.

    Args:
        data: The buffer.
        pos: Where the varint starts.
        end: Where the enclosing message ends.

    Returns:
        The value as an unsigned 64-bit number, and the position after it.

    Raises:
        DecodeError: The varint is cut off or longer than ten bytes.
    """
    value = shift = 0
    for at in range(pos, min(pos + 10, end)):
        byte = data[at]
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & _MASK64, at + 1
        shift += 7
    if pos + 10 <= end:
        raise DecodeError("a varint is longer than ten bytes", offset=pos)
    raise DecodeError("the bytes end inside a varint", offset=pos)


def encode_varint(value: int) -> bytes:
    """One varint; negative numbers as 64-bit two's complement (ten bytes)."""
    value &= _MASK64
    if value < 0x80:
        return value.to_bytes(1, "little")
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def to_signed(value: int, bits: int) -> int:
    """The low ``bits`` of an unsigned number read as two's complement."""
    value &= (1 << bits) - 1
    return value - (1 << bits) if value >> (bits - 1) else value


FROM_VARINT: Final[dict[str, Callable[[int], Any]]] = {
    "bool": bool,
    "enum": lambda value: to_signed(value, 32),
    "int32": lambda value: to_signed(value, 32),
    "int64": lambda value: to_signed(value, 64),
    "sint32": lambda value: ((value & 0xFFFFFFFF) >> 1) ^ -(value & 1),
    "uint32": lambda value: value & 0xFFFFFFFF,
}
"""What makes a value of each kind of a varint; surplus high bits are cut off, as proto3 says."""


def skip_field(data: Buffer, pos: int, end: int, tag: int, depth: int = 0) -> int:
    """Steps over a field that is not wanted.

    Args:
        data: The buffer.
        pos: Position after the field's tag.
        end: Where the enclosing message ends.
        tag: The field's tag (number and wire type).
        depth: Nesting so far; groups count.

    Returns:
        The position after the field.

    Raises:
        DecodeError: The field is cut off, or its tag or nesting is impossible.
    """
    number, wire = tag >> 3, tag & 7
    if number == 0:
        raise DecodeError("a field has number 0", offset=pos)
    if wire == VARINT:
        return read_varint(data, pos, end)[1]
    if wire == GROUP_START:
        return _skip_group(data, pos, end, number, depth + 1)
    if wire == LENGTH:
        length, pos = read_varint(data, pos, end)
        stop = pos + length
    elif wire == FIXED32:
        stop = pos + 4
    elif wire == FIXED64:
        stop = pos + 8
    elif wire == GROUP_END:
        raise DecodeError(f"a group ends that never began (field {number})", offset=pos)
    else:
        raise DecodeError(f"field {number} has the undefined wire type {wire}", offset=pos)
    if stop > end:
        raise DecodeError(f"the bytes end inside field {number}", offset=pos)
    return stop


def read_tag(data: Buffer, pos: int, end: int) -> tuple[int, int]:
    """Reads a field's tag: at most 32 bits. Returns the tag and the position after it."""
    tag, after = read_varint(data, pos, end)
    if tag > _MAX_TAG:
        raise DecodeError("a field number is larger than protobuf allows", offset=pos)
    return tag, after


def _skip_group(data: Buffer, pos: int, end: int, number: int, depth: int) -> int:
    """Steps over the rest of a group, a form older than proto3."""
    if depth > MAX_DEPTH:
        raise DecodeError(f"groups are nested deeper than {MAX_DEPTH}", offset=pos)
    while pos < end:
        tag, after = read_tag(data, pos, end)
        if tag & 7 == GROUP_END:
            if tag >> 3 != number:
                raise DecodeError(f"group {number} is closed as group {tag >> 3}", offset=pos)
            return after
        pos = skip_field(data, after, end, tag, depth)
    raise DecodeError(f"the bytes end inside group {number}", offset=pos)


def decode_packed(kind: str, chunk: Buffer, offset: int = 0) -> npt.NDArray[Any]:
    """Decodes the contents of a packed field.

    Args:
        kind: A key of `DTYPES`.
        chunk: The packed bytes.
        offset: Position of the chunk in the outermost buffer, for error messages.

    Returns:
        One-dimensional array of ``DTYPES[kind]``, not writable. For ``float`` and
        ``double`` (and ``bool`` holding only 0 and 1) it is a view of ``chunk``, which
        need not be aligned to the item size.

    Raises:
        DecodeError: The bytes do not hold a whole number of elements.
    """
    dtype = DTYPES[kind]
    if WIRE_TYPES[kind] != VARINT:
        if len(chunk) % dtype.itemsize:
            raise DecodeError(
                f"{len(chunk)} packed bytes are not a whole number of {dtype.itemsize}-byte values",
                offset=offset,
            )
        out = np.frombuffer(chunk, dtype=dtype)
    elif 0 < len(chunk) <= _FEW and kind != "bool" and chunk[-1] < 0x80:
        out = _decode_few(kind, bytes(chunk), offset)
    else:
        out = _decode_varints(kind, np.frombuffer(chunk, dtype=np.uint8), offset)
    out.flags.writeable = False
    return out


def _decode_few(kind: str, raw: bytes, offset: int) -> npt.NDArray[Any]:
    """Decodes packed varints one by one; the last one is known to be whole."""
    values, pos, narrow = [], 0, FROM_VARINT[kind]
    while pos < len(raw):
        value = raw[pos]
        after = pos + 1
        if value >= 0x80:
            try:
                value, after = read_varint(raw, pos, len(raw))
            except DecodeError as error:
                error.offset = offset + pos
                raise
        values.append(narrow(value))
        pos = after
    return np.array(values, dtype=DTYPES[kind])


def _decode_varints(kind: str, raw: npt.NDArray[np.uint8], offset: int) -> npt.NDArray[Any]:
    """Decodes packed varints of a kind, block by block."""
    if raw.size and raw[-1] >= 0x80:
        raise DecodeError("the bytes end inside a packed varint", offset=offset + raw.size)
    dtype = DTYPES[kind]
    ends = raw < 0x80
    count = int(np.count_nonzero(ends))
    if count == raw.size and kind == "bool" and not (raw > 1).any():
        return raw.view(np.bool_)
    out = np.empty(count, dtype=dtype)
    at = start = 0
    while start < raw.size:
        stop = min(start + _READ_BLOCK, raw.size)
        # A block ends at the last varint that is whole within it.
        stops = np.flatnonzero(ends[start:stop])
        if stops.size == 0:
            raise DecodeError("a varint is longer than ten bytes", offset=offset + start)
        stop = start + int(stops[-1]) + 1
        values = _varint_block(raw[start:stop], stops, offset + start)
        out[at : at + values.size] = _narrow(kind, values)
        at += values.size
        start = stop
    return out


def _varint_block(
    raw: npt.NDArray[np.uint8], stops: npt.NDArray[np.intp], offset: int
) -> npt.NDArray[np.uint64]:
    """Decodes a block of whole varints whose last bytes are at ``stops``."""
    if stops.size == raw.size:
        return raw.astype(np.uint64)
    starts = np.empty_like(stops)
    starts[0] = 0
    starts[1:] = stops[:-1] + 1
    lengths = stops - starts + 1
    longest = int(lengths.max())
    if longest > 10:
        first = int(starts[int(np.argmax(lengths > 10))])
        raise DecodeError("a varint is longer than ten bytes", offset=offset + first)
    values = _join_sevens(raw, starts, np.minimum(lengths, 8))
    for k in range(8, longest):
        more = np.flatnonzero(lengths > k)
        values[more] |= (raw[starts[more] + k] & np.uint8(0x7F)).astype(np.uint64) << np.uint64(
            7 * k
        )
    return values


def _join_sevens(
    raw: npt.NDArray[np.uint8], starts: npt.NDArray[np.intp], lengths: npt.NDArray[np.intp]
) -> npt.NDArray[np.uint64]:
    """The first bytes (eight at most) of each varint, read as one word, top bits squeezed out.

    Seven bits of every byte count; neighbours are moved together in three rounds.
    """
    padded = np.zeros(raw.size + 8, dtype=np.uint8)
    padded[: raw.size] = raw
    # A word at every byte: overlapping windows of eight bytes.
    words = np.lib.stride_tricks.as_strided(
        padded[:8].view("<u8"), shape=(raw.size,), strides=(1,), writeable=False
    )
    values: npt.NDArray[np.uint64] = words[starts].astype(np.uint64, copy=False)
    values &= np.uint64(0x7F7F7F7F7F7F7F7F) >> ((8 - lengths) * 8).astype(np.uint64)
    for shift, mask in ((1, 0x007F007F007F007F), (2, 0x00003FFF00003FFF), (4, 0x0FFFFFFF)):
        low = values & np.uint64(mask)
        values >>= np.uint64(shift)
        # What is left above: the upper one of each pair, moved down next to the lower one.
        values &= np.uint64(mask << (8 * shift - shift))
        values |= low
    return values


def _narrow(kind: str, values: npt.NDArray[np.uint64]) -> npt.NDArray[Any]:
    """Unsigned 64-bit varint values as a kind; surplus high bits are cut off, as proto3 says."""
    if kind == "bool":
        return np.not_equal(values, np.uint64(0))
    if kind == "int64":
        return values.view(np.int64)
    low = values.astype(np.uint32)
    if kind == "uint32":
        return low
    if kind == "sint32":
        return ((low >> np.uint32(1)) ^ (~(low & np.uint32(1)) + np.uint32(1))).view(np.int32)
    return low.view(np.int32)


def encode_packed(kind: str, values: npt.ArrayLike) -> memoryview:
    """Encodes the contents of a packed field.

    Args:
        kind: A key of `DTYPES`.
        values: Numbers; the shape is ignored, the order is row-major.

    Returns:
        The packed bytes. For a contiguous array of ``float``, ``double`` or ``bool``
        in its own dtype it is a view of that array: no copy.

    Raises:
        EncodeError: The values are not numbers of the kind, or out of its range.
    """
    dtype = DTYPES[kind]
    try:
        array = np.asarray(values)
    except (ValueError, TypeError):
        raise EncodeError("expected numbers, got something numpy cannot make an array of") from None
    if array.dtype != dtype:
        array = _cast(kind, array, dtype)
    flat = np.ascontiguousarray(array).reshape(-1)
    if kind == "bool" or WIRE_TYPES[kind] != VARINT:
        return flat.view(np.uint8).data
    return _encode_varints(kind, flat).data


def _cast(kind: str, array: npt.NDArray[Any], dtype: np.dtype[Any]) -> npt.NDArray[Any]:
    """Brings an array to the dtype of a kind, refusing what would change the values."""
    if array.size == 0:
        return np.empty(0, dtype=dtype)
    if dtype.kind == "f":
        if array.dtype.kind not in "fiub":
            raise EncodeError(f"expected numbers, got an array of {array.dtype}")
        return array.astype(dtype)
    if kind == "bool" or array.dtype.kind not in "iub":
        raise EncodeError(f"expected an array of {dtype}, got one of {array.dtype}")
    limits = np.iinfo(dtype)
    if int(array.min()) < limits.min or int(array.max()) > limits.max:
        raise EncodeError(f"a value is outside the range of {kind} ({limits.min} to {limits.max})")
    return array.astype(dtype)


def _encode_varints(kind: str, flat: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    """Encodes integers as varints, block by block."""
    blocks = []
    for start in range(0, flat.size, _WRITE_BLOCK):
        block = flat[start : start + _WRITE_BLOCK]
        if kind == "sint32":
            wide = ((block << np.int32(1)) ^ (block >> np.int32(31))).view(np.uint32)
            values = wide.astype(np.uint64)
        elif kind == "uint32":
            values = block.astype(np.uint64)
        else:
            values = block.astype(np.int64).view(np.uint64)
        blocks.append(_encode_block(values))
    if len(blocks) == 1:
        return blocks[0]
    return np.concatenate(blocks) if blocks else np.empty(0, dtype=np.uint8)


def _encode_block(values: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint8]:
    """Encodes a block of unsigned 64-bit values: one row of bytes a value, then the rows joined."""
    longest = max(1, -(-int(values.max()).bit_length() // 7))
    if longest == 1:
        return values.astype(np.uint8)
    rows = np.empty((values.size, longest), dtype=np.uint8)
    wanted = np.empty((values.size, longest), dtype=np.bool_)
    for k in range(longest):
        rest = values >> np.uint64(7 * k)
        more = rest >= np.uint64(0x80)
        rows[:, k] = (rest & np.uint64(0x7F)) | (more.astype(np.uint64) << np.uint64(7))
        wanted[:, k] = rest != 0
    wanted[:, 0] = True
    return rows[wanted]
