"""How assets are sent: with validators, in parts, compressed where that pays (RFC 9110).

An asset's entity tag is the hash of its bytes, so a client that has them is told so (304), and one
whose download broke off gets the rest (206), and never the rest of something else.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from syft_web.grid.compression import CompressedBlobs, codings_for

__all__ = ["KEYED", "PUBLIC", "Downloads"]

KEYED = "no-store"
"""For assets behind a worker's key: the key is in the address, which never comes up again."""

PUBLIC = "no-cache"
"""For checkpoints: may be kept, but asked about each time, since the newest changes."""

_EXPOSED = "Accept-Ranges, Content-Encoding, Content-Range, ETag"
"""Headers that a page of another origin may see besides the usual ones."""

_RANGE = re.compile(r"bytes=(?:([0-9]{1,18})-([0-9]{1,18})?|-([0-9]{1,18}))")
_TAG = re.compile(r'(?:W/)?("[^"]*")')


class Downloads:
    """Answers requests for assets.

    Args:
        blobs: Compressed forms.
    """

    def __init__(self, blobs: CompressedBlobs | None = None) -> None:
        self._blobs = blobs or CompressedBlobs()

    async def answer(self, request: Request, data: bytes, cache_control: str) -> Response:
        """The response to a GET or HEAD of an asset.

        Args:
            request: What was asked.
            data: The asset.
            cache_control: `KEYED` or `PUBLIC`.
        """
        tag = await run_in_threadpool(_hash, data)
        headers = {
            "Cache-Control": cache_control,
            "ETag": f'"{tag}"',
            "Vary": "Accept-Encoding",
            "Access-Control-Expose-Headers": _EXPOSED,
        }
        known = _known(request.headers.get("if-none-match"), tag)
        if known is not None:
            return Response(status_code=304, headers={**headers, "ETag": known})
        if request.method == "GET" and (part := _part(request, f'"{tag}"', len(data))):
            return _partial(data, part, headers)
        for coding in codings_for(request.headers.get("accept-encoding"))[:1]:
            blob = await self._blobs.get(tag, coding, data)
            if blob is not None:
                coded = {"Content-Encoding": coding, "ETag": f'"{tag}-{coding}"'}
                return _whole(blob, {**headers, **coded})
        return _whole(data, {**headers, "Accept-Ranges": "bytes"})


@dataclass(frozen=True, slots=True)
class _Part:
    """Bytes ``start`` to ``stop``, not included; nothing where the two are equal."""

    start: int
    stop: int


def _hash(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:32]


def _known(if_none_match: str | None, tag: str) -> str | None:
    """The entity tag by which a client says that it has the asset, in whichever coding."""
    if if_none_match is None:
        return None
    if if_none_match.strip() == "*":
        return f'"{tag}"'
    for found in _TAG.findall(if_none_match):
        if found.strip('"').partition("-")[0] == tag:
            return str(found)
    return None


def _part(request: Request, etag: str, size: int) -> _Part | None:
    """The part that is asked for; None where the whole is to be sent.

    Several parts at once, other units and what cannot be read count as not asked, and so does a
    part of something else: the tag in ``If-Range`` is that of other bytes, or of coded ones.
    """
    match = _RANGE.fullmatch(request.headers.get("range", "").replace(" ", ""))
    if match is None or request.headers.get("if-range", etag).strip() != etag:
        return None
    first, last, suffix = match.groups()
    if suffix is not None:
        return _Part(max(0, size - int(suffix)), size) if int(suffix) else _Part(0, 0)
    start = int(first)
    stop = size if last is None else min(size, int(last) + 1)
    if last is not None and int(last) < start:
        return None
    return _Part(start, stop) if start < size else _Part(0, 0)


def _partial(data: bytes, part: _Part, headers: dict[str, str]) -> Response:
    if part.start == part.stop:
        return Response(
            status_code=416, headers={**headers, "Content-Range": f"bytes */{len(data)}"}
        )
    content_range = f"bytes {part.start}-{part.stop - 1}/{len(data)}"
    return _whole(
        data[part.start : part.stop],
        {**headers, "Accept-Ranges": "bytes", "Content-Range": content_range},
        206,
    )


def _whole(content: bytes, headers: dict[str, str], status: int = 200) -> Response:
    return Response(content, status, headers, media_type="application/octet-stream")
