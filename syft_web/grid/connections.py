"""What clients may do with their sockets, below anything an application sees.

uvicorn's two protocols, with what they leave open: how many connections there may be, how
long a client may take to say what it wants, for how long it may leave an answer unread, and
how much memory all that is half said may take.
"""

from __future__ import annotations

import asyncio
import json
import socket
from collections import Counter
from typing import Any, ClassVar, cast

import h11
from uvicorn.protocols.http.h11_impl import STATUS_PHRASES, H11Protocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from syft_web.grid import texts
from syft_web.grid.addresses import Proxies, group_of
from syft_web.grid.buckets import Bucket, Buckets
from syft_web.grid.files import room_for
from syft_web.grid.limits import BURST_SECONDS, SLOWEST_BODY, Limits
from syft_web.grid.memory import Held, Memory
from syft_web.grid.security import HEADERS

__all__ = ["Door", "protocols"]

GOING_AWAY, INVALID_DATA, POLICY_VIOLATION = 1001, 1007, 1008
TOO_BIG, TRY_AGAIN_LATER = 1009, 1013

GOODBYE_SECONDS = 1.0
"""How long a client may take to answer that a WebSocket is closed."""

MOST_FRAGMENTS = 1 << 16
"""Frames of one message. Browsers make one of some 100 KiB."""

LINGER_SECONDS = 2.0
"""For how long a client that was refused may go on sending."""

SPARE = 64
"""Connections beyond the limit that are told so; further ones are closed without a word."""

_GONE: Any = {"type": "websocket.disconnect", "code": GOING_AWAY}
_ANSWERED = (h11.DONE, h11.MUST_CLOSE, h11.CLOSED, h11.ERROR)


class Door:
    """Counts the connections of a server.

    Args:
        limits: How many there may be, and what each may do.
        memory: Where what is half said is counted.

    Raises:
        HostError: The trusted proxies are no addresses.
    """

    def __init__(self, limits: Limits, memory: Memory) -> None:
        self.limits = limits
        self.memory = memory
        self._proxies = Proxies(limits.proxies)
        self._room = room_for(limits.connections)
        rate = limits.messages_per_address
        self._arrivals = Buckets(rate, rate * BURST_SECONDS)
        self._inside: dict[asyncio.BaseTransport, str] = {}
        self._groups: Counter[str] = Counter()

    def enter(self, transport: asyncio.BaseTransport) -> bool | None:
        """Count a connection that was made.

        Returns:
            Whether it may be used: False if it should be told that there are too many, None
            if it is not even worth that.
        """
        peer = transport.get_extra_info("peername")
        host = str(peer[0]) if isinstance(peer, tuple) and peer else ""
        # Of a proxy's connections each may be somebody else's.
        group = "" if host in self._proxies else group_of(host)
        self._inside[transport] = group
        if group:
            self._groups[group] += 1
        beyond = max(
            len(self._inside) - self._room,
            self._groups[group] - self.limits.connections_per_address if group else 0,
        )
        if beyond > SPARE:
            return None
        # Not every connection says something that counts as a message.
        return beyond <= 0 and (not group or self._arrivals.take(group) is not None)

    def leave(self, transport: asyncio.BaseTransport) -> None:
        """A connection has ended."""
        group = self._inside.pop(transport, "")
        if group:
            self._groups[group] -= 1
            if not self._groups[group]:
                del self._groups[group]


class _Guarded:
    """What the two protocols have in common."""

    door: ClassVar[Door]
    loop: asyncio.AbstractEventLoop
    transport: asyncio.Transport

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._stall_timer: asyncio.TimerHandle | None = None
        self._turn_timer: asyncio.TimerHandle | None = None

    def pause_writing(self) -> None:
        """The client does not take what is sent."""
        cast("Any", super()).pause_writing()
        self._stall_timer = self.loop.call_later(
            self.door.limits.stall_seconds, self.transport.abort
        )

    def resume_writing(self) -> None:
        """The client has taken most of what was sent."""
        self._stall_timer = _cancelled(self._stall_timer)
        cast("Any", super()).resume_writing()

    def _forget(self) -> None:
        """The connection is gone or has become another protocol's."""
        self._stall_timer = _cancelled(self._stall_timer)
        self._turn_timer = _cancelled(self._turn_timer)


class Http(_Guarded, H11Protocol):
    """HTTP, until a WebSocket is made of it."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Let it in, or tell it that there are too many."""
        super().connection_made(cast("asyncio.Transport", transport))
        _limit_silence(transport, self.door.limits.stall_seconds)
        allowed = self.door.enter(transport)
        self._refused = not allowed
        self._is_over = False
        if allowed is None:
            self.transport.abort()
            return
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        """Count it no more."""
        self._forget()
        self.door.leave(self.transport)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take what the client sends, if it may send anything."""
        if self._is_over:
            return
        if self._refused:
            self._answer(503, texts.TOO_BUSY)
            return
        super().data_received(data)
        self._watch()

    def on_response_complete(self) -> None:
        """It is the client's turn again."""
        super().on_response_complete()
        self._watch()
        if self.transport.is_closing():
            # It closes when the rest has been read; who never reads it is cut off.
            self.loop.call_later(self.door.limits.stall_seconds, self.transport.abort)

    def timeout_keep_alive_handler(self) -> None:
        """It was idle for too long."""
        super().timeout_keep_alive_handler()
        self.loop.call_later(self.door.limits.stall_seconds, self.transport.abort)

    def handle_websocket_upgrade(self, event: h11.Request) -> None:
        """Hand the connection on; it stays counted."""
        self._forget()
        self._unset_keepalive_if_required()
        super().handle_websocket_upgrade(event)

    def _should_upgrade(self) -> bool:
        # The WebSocket library fails on a handshake with another method, and is not told of an
        # older HTTP, which has no WebSockets (RFC 6455, 4.1).
        kind = self.scope["method"], self.scope["http_version"]
        return kind == ("GET", "1.1") and super()._should_upgrade()

    def send_400_response(self, msg: str) -> None:
        """What came is no HTTP."""
        self._answer(400, msg)

    def _watch(self) -> None:
        """Give the client some time whenever it must go on: with a head, or an unwanted body.

        The time does not grow with what it sends. Bodies that are wanted are `guard`'s.
        """
        theirs, ours = self.conn.their_state, self.conn.our_state
        its_turn = theirs is h11.IDLE or (theirs is h11.SEND_BODY and ours in _ANSWERED)
        if not its_turn or self.transport.is_closing():
            self._turn_timer = _cancelled(self._turn_timer)
        elif self._turn_timer is None and self.timeout_keep_alive_task is None:
            self._turn_timer = self.loop.call_later(self.door.limits.head_seconds, self._give_up)

    def _give_up(self) -> None:
        if self.conn.trailing_data[0]:
            self._answer(408, texts.TOO_SLOW)
        else:
            self.transport.close()  # It has asked nothing.

    def _answer(self, status: int, text: str) -> None:
        """Say why, if nothing else is being said, and close."""
        if self._is_over or self.transport.is_closing():
            return
        if self.cycle is not None and not self.cycle.response_complete:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            body = json.dumps({"error": text}).encode()
            headers = {
                **HEADERS,
                "Access-Control-Allow-Origin": "*",
                "Connection": "close",
                "Content-Type": "application/json",
                "Content-Length": str(len(body)),
            }
            start = h11.Response(
                status_code=status,
                headers=[(k.encode(), v.encode()) for k, v in headers.items()],
                reason=STATUS_PHRASES[status],
            )
            wanted = self.scope is None or self.scope["method"] != "HEAD"
            for event in (start, h11.Data(data=body if wanted else b""), h11.EndOfMessage()):
                self.transport.write(self.conn.send(event) or b"")
        # What still comes is read and forgotten: a socket that is closed before loses the answer.
        self._is_over = True
        self._turn_timer = _cancelled(self._turn_timer)
        self.flow.resume_reading()
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self.loop.call_later(LINGER_SECONDS, self.transport.abort)


class WebSocket(_Guarded, WebSocketsSansIOProtocol):
    """WebSockets, made of HTTP connections."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._held = Held(self.door.memory)
        rate = self.door.limits.messages_per_connection
        self._pings = Bucket(rate, rate * BURST_SECONDS)
        self._came = 0
        self._was_answered = False
        self._waits = False
        self._leaves = False

    def connection_lost(self, exc: Exception | None) -> None:
        """Count it no more."""
        self._forget()
        self._held.release()
        self.door.leave(self.transport)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take what the client sends, if there is room for it."""
        if self.transport.is_closing():
            return
        if not self._held.add(len(data)):
            self._fail(TRY_AGAIN_LATER, texts.TOO_BUSY)
            return
        super().data_received(data)
        if len(self.frames) > MOST_FRAGMENTS:
            self._fail(TOO_BIG, "Too many fragments")
        self._came += len(data)
        if not (self.frames or self.conn.reader.buffer):
            self._came = 0
            self._turn_timer = _cancelled(self._turn_timer)
        elif self._turn_timer is None and not self.transport.is_closing():
            self._expect_more()

    def handle_ping(self) -> None:
        """Answer a ping, unless they are many: each costs an answer."""
        if self._pings.take() is None:
            self._fail(POLICY_VIOLATION, texts.TOO_OFTEN)
        else:
            super().handle_ping()

    def send_receive_event_to_app(self) -> None:
        """A message is whole; if it is a text, it must be one."""
        if self.curr_msg_data_type == "text":
            self.frames = [b"".join(self.frames)]
            try:
                self.frames[0].decode()
            except UnicodeDecodeError:
                self.frames = []
                self._fail(INVALID_DATA, "This is no UTF-8")
                return
        super().send_receive_event_to_app()

    async def receive(self) -> Any:
        """The next message; the one before has been answered."""
        self._held.release()
        self._was_answered = True
        if self._leaves:
            if not self.close_sent:
                self._leave()
            return _GONE
        self._waits = True
        try:
            return await super().receive()
        finally:
            self._waits = False

    def shutdown(self) -> None:
        """The server stops: say so as soon as the message in hand has been answered."""
        if self.close_sent or not self.handshake_complete:
            super().shutdown()
            return
        self._leaves = True
        if self._waits:
            self._leave()
            self.queue.put_nowait(_GONE)

    def handle_parser_exception(self) -> None:
        """What came is no WebSocket."""
        if self.conn.close_sent is None:
            self.transport.close()
            return
        super().handle_parser_exception()

    def _leave(self) -> None:
        self.stop_keepalive()
        self.conn.send_close(GOING_AWAY, "The grid stops")
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = True
        # Closed at once, what the client has not read yet might be lost.
        self.close_timer = self.loop.call_later(GOODBYE_SECONDS, self.transport.close)

    def _expect_more(self) -> None:
        """Look later whether the message in hand has come at a fair speed, if not whole."""
        self._was_answered = False
        seconds = self.door.limits.body_seconds
        self._turn_timer = self.loop.call_later(seconds, self._look, self._came, seconds)

    def _look(self, before: int, seconds: float) -> None:
        # While the message before is being answered nothing is read: not the client's doing.
        was_read = not (self.read_paused or self._was_answered)
        if was_read and self._came - before < SLOWEST_BODY * seconds:
            self._fail(POLICY_VIOLATION, texts.TOO_SLOW)
        else:
            self._expect_more()

    def _fail(self, code: int, reason: str) -> None:
        if self.transport.is_closing():
            return
        if self.handshake_complete and not self.close_sent:
            self.conn.fail(code, reason)
            self.handle_parser_exception()
        self.transport.close()
        self.loop.call_later(self.door.limits.stall_seconds, self.transport.abort)


def protocols(door: Door) -> tuple[type[Http], type[WebSocket]]:
    """The protocols of a server, for ``uvicorn.Config(http=..., ws=...)``."""
    return (
        type("Http", (Http,), {"door": door}),
        type("WebSocket", (WebSocket,), {"door": door}),
    )


def _cancelled(timer: asyncio.TimerHandle | None) -> asyncio.TimerHandle | None:
    if timer is not None:
        timer.cancel()
    return None


def _limit_silence(transport: asyncio.BaseTransport, seconds: float) -> None:
    """Let the kernel end connections whose other side is gone or takes nothing."""
    found = transport.get_extra_info("socket")
    option = getattr(socket, "TCP_USER_TIMEOUT", None)
    if option is not None and found is not None and found.family != socket.AF_UNIX:
        found.setsockopt(socket.IPPROTO_TCP, option, int(seconds * 1000))
