"""The WebSocket face: envelopes in, envelopes out, in order (protocol.md section 1.2).

Texts are JSON. Clients that offer the subprotocol `MSGPACK` may send binary frames too; each
frame is answered in the form it came in.
"""

from __future__ import annotations

import json
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.websockets import WebSocket, WebSocketDisconnect

from syft_web.errors import DecodeError, EncodeError, ServiceError
from syft_web.grid import texts
from syft_web.grid.admin import STRANGER, Caller
from syft_web.grid.dispatch import MESSAGE_TYPES, Dispatcher, parse_json
from syft_web.wire.frames import MSGPACK, pack_frame, read_packed
from syft_web.wire.messages import AUTHENTICATE, SOCKET_PING
from syft_web.wire.raw_bytes import has_stray_bytes

__all__ = ["answer", "converse", "turn_away"]

UNSUPPORTED_DATA = 1003
POLICY_VIOLATION = 1008

_LONGEST_ECHO = 200
"""Characters of an unknown message type that are repeated to the client."""

_READ_AT_ONCE = 8192
"""Bytes of a binary frame that is read without a thread."""


async def converse(socket: WebSocket) -> None:
    """Serve one connection until the client leaves."""
    dispatcher: Dispatcher = socket.app.state.dispatcher
    caller = Caller.of(socket.headers)
    packed = MSGPACK in socket.scope.get("subprotocols", ())
    await socket.accept(MSGPACK if packed else None)
    try:
        while True:
            message = await socket.receive()
            if message["type"] == "websocket.disconnect":
                return
            text, binary = message.get("text"), message.get("bytes")
            if text is None and not packed:
                await socket.close(UNSUPPORTED_DATA, "This grid speaks JSON in text frames.")
                return
            if text:
                await socket.send_text(json.dumps(await answer(dispatcher, text, caller)))
            elif binary:
                await socket.send_bytes(_packed(await answer(dispatcher, binary, caller)))
    except WebSocketDisconnect:
        return


async def turn_away(socket: WebSocket) -> None:
    """Close a connection to a path other than ``/``, with a word why."""
    await socket.accept()
    await socket.close(POLICY_VIOLATION, "The WebSocket of this grid is at the path /")


async def answer(
    dispatcher: Dispatcher, frame: str | bytes, caller: Caller = STRANGER
) -> dict[str, Any]:
    """The envelope that answers one frame: a JSON text, or msgpack.

    A request id is repeated when it is truthy, whatever its type. What is wrong with
    the envelope itself is said without ``type`` and ``data``, as PyGrid does.
    """
    try:
        envelope = parse_json(frame) if isinstance(frame, str) else await _unpacked(frame)
    except ServiceError as error:
        return {"error": error.text}
    if not isinstance(envelope, dict):
        return {"error": texts.missing_attribute(envelope, "get")}
    reply = await _reply(dispatcher, envelope, caller)
    if request_id := envelope.get("request_id"):
        reply["request_id"] = request_id
    return reply


async def _unpacked(frame: bytes) -> Any:
    # Read value by value, in Python: with many of them not while others wait.
    if len(frame) > _READ_AT_ONCE:
        return await run_in_threadpool(_read, frame)
    return _read(frame)


def _read(frame: bytes) -> Any:
    try:
        envelope = read_packed(frame)
    except DecodeError as error:
        raise ServiceError(str(error)) from error
    if isinstance(envelope, dict) and has_stray_bytes(envelope):
        raise ServiceError("The binary frame holds bytes where its message has none")
    return envelope


def _packed(reply: dict[str, Any]) -> bytes:
    try:
        return pack_frame(reply)
    except EncodeError:
        # A configuration hosted as JSON may hold an integer of hundreds of digits.
        return pack_frame({"error": "The answer has no binary form; ask in a text frame"})


async def _reply(
    dispatcher: Dispatcher, envelope: dict[str, Any], caller: Caller
) -> dict[str, Any]:
    if "type" not in envelope:
        return {"error": "'type'"}
    message_type = envelope["type"]
    if message_type == SOCKET_PING:
        return {"alive": "True"}
    if isinstance(message_type, list | dict):
        return {"error": f"unhashable type: '{type(message_type).__name__}'"}
    if message_type not in MESSAGE_TYPES:
        return {"error": repr(message_type)[:_LONGEST_ECHO]}
    if "data" not in envelope and message_type != AUTHENTICATE:
        return {"error": "'data'"}
    try:
        data = await dispatcher.call(message_type, envelope.get("data"), caller)
    except ServiceError as error:
        data = dispatcher.refusal(message_type, error.text)
    return {"type": message_type, "data": data}
