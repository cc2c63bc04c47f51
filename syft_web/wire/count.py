"""Counts the parts of a message before it is read.

Reading makes objects; counting only steps over lengths. So bytes that hold millions of parts
can be refused before they cost memory.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from syft_web.errors import DecodeError
from syft_web.wire.protobuf import LENGTH, Buffer, read_tag, read_varint, skip_field

__all__ = ["count_parts"]

_MOST_STEPS: Final = 200_000


def count_parts(data: Buffer, path: Sequence[int], limit: int) -> int:
    """How often a repeated field occurs, in all messages that hold it together.

    Args:
        data: A message.
        path: Field numbers from the outermost message to the field, e.g. ``(2, 2)``.
        limit: Counting ends beyond this number.

    Returns:
        The number of occurrences. Bytes that are no message, or have very many other fields,
        are counted as far as that is cheap.
    """
    view = memoryview(data).cast("B")
    count = 0
    for _ in _parts(view, 0, len(view), path, [_MOST_STEPS]):
        count += 1
        if count > limit:
            break
    return count


def _parts(
    view: memoryview, pos: int, end: int, path: Sequence[int], left: list[int]
) -> Iterator[int]:
    """Where the values of a field begin; `left` counts the fields that are stepped over."""
    wanted = path[0] << 3 | LENGTH
    try:
        while pos < end and left[0] > 0:
            left[0] -= 1
            tag, pos = read_tag(view, pos, end)
            if tag != wanted:
                pos = skip_field(view, pos, end, tag)
                continue
            length, pos = read_varint(view, pos, end)
            if pos + length > end:
                return
            if len(path) == 1:
                yield pos
            else:
                yield from _parts(view, pos, pos + length, path[1:], left)
            pos += length
    except DecodeError:
        return
