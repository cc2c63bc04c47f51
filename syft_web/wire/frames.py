"""WebSocket frames: the envelope of a message, as JSON text or as msgpack.

Source: protocol.md section 1.2. The binary form is an extension, spoken only where the client
offered the subprotocol `MSGPACK` and the grid picked it: the same envelope, in which bytes (a
diff, a model, plans) stand as they are instead of as base64 or hexadecimal digits.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

import msgpack

from syft_web.errors import DecodeError, EncodeError
from syft_web.wire.packed import PackedReader
from syft_web.wire.protobuf import Buffer

__all__ = ["MAX_ITEMS", "MSGPACK", "pack_frame", "read_packed", "text_frame", "unwrap"]

MSGPACK: Final = "syft.msgpack.v1"
"""Name of the WebSocket subprotocol whose binary frames are msgpack."""

MAX_ITEMS: Final = 100_000
"""Most values, nested ones counted, in one binary frame (a large configuration has hundreds)."""


def text_frame(message: Mapping[str, Any]) -> str:
    """Writes an envelope as JSON; it holds no bytes, see `syft_web.wire.messages.as_json`.

    Raises:
        EncodeError: It holds what JSON has no form for.
    """
    try:
        return json.dumps(message, separators=(",", ":"))
    except (TypeError, ValueError, RecursionError) as error:
        raise EncodeError(f"a message cannot be written as JSON: {error}") from error


def pack_frame(message: Mapping[str, Any]) -> bytes:
    """Writes an envelope as msgpack.

    What JSON would change on the way is changed likewise: keys that are no texts become texts,
    tuples lists. An int of more than 64 bits becomes a float, as it does in a browser.

    Raises:
        EncodeError: It holds what msgpack, limited to what JSON has and bytes, has no form for.
    """
    try:
        packed: bytes = msgpack.packb(
            _plain(message), default=_large_int, unicode_errors="surrogatepass"
        )
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        raise EncodeError(f"a message cannot be written as msgpack: {error}") from error
    return packed


def read_packed(data: Buffer) -> Any:
    """Reads what `pack_frame` wrote; the value is not narrowed yet.

    Raises:
        DecodeError: It is no msgpack, cut off, nested too deeply, with too many values or bytes
            behind it, or with what JSON has no form for other than bytes.
    """
    reader = PackedReader(data, _broken, max_items=MAX_ITEMS, surrogates=True)
    value = reader.item()
    if reader.tell() != memoryview(data).nbytes:
        raise _broken("there are bytes after its end")
    return value


def unwrap(value: object) -> object:
    """The message inside an envelope, or the value itself.

    The original grid since September 2020 answers ``cycle-request`` and ``report`` over HTTP
    with the whole WebSocket envelope (protocol.md 1.5.3).
    """
    if isinstance(value, Mapping) and "type" in value and "status" not in value:
        data: object = value.get("data", value)
        return data
    return value


def _plain(value: object) -> Any:
    if isinstance(value, Mapping):
        return {_key(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value


def _key(key: object) -> str:
    if isinstance(key, str):
        return key
    if key is None or isinstance(key, int | float):
        return json.dumps(key)
    raise TypeError(f"keys must be texts, not {type(key).__name__}")


def _large_int(value: object) -> float:
    if isinstance(value, int):
        return float(value)
    raise TypeError(f"there is no form for a {type(value).__name__}")


def _broken(reason: str) -> DecodeError:
    return DecodeError(f"the binary frame cannot be read: {reason}", path="frame")
