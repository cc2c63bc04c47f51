"""Requests and replies over one WebSocket, opened when first needed.

Several jobs may ask at once. A reply finds its request by the echoed
``request_id``; servers before September 2020 do not echo it, there the type decides,
and the order, because a grid answers one connection strictly in order.

Frames are msgpack where the grid picks that subprotocol, and JSON texts everywhere else.
"""

from __future__ import annotations

import asyncio
import base64
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from syft_web.client.answers import Frame, read_frame
from syft_web.errors import GridAnswerError, GridClosedError, GridError, GridTimeoutError
from syft_web.host.base import Host, Socket, Timeouts
from syft_web.wire.frames import MSGPACK, pack_frame, text_frame
from syft_web.wire.messages import as_json

__all__ = ["Channel", "Pending", "match"]

_log = logging.getLogger("syft_web.client")


@dataclass(slots=True, eq=False)
class Pending:
    """A request that waits for its reply.

    Attributes:
        request_id: What the server is asked to echo.
        type: Message type.
        reply: Receives the reply's JSON object.
        given_up: Nobody waits any more, but the server may still answer: a late reply without
            ``request_id`` must not be taken for the next request's.
    """

    request_id: str
    type: str
    reply: asyncio.Future[Mapping[str, Any]]
    given_up: bool = False


def match(pending: Sequence[Pending], frame: Frame) -> Pending | None:
    """The request that a frame answers; None when it answers none."""
    if frame.request_id is not None:
        return next((each for each in pending if each.request_id == frame.request_id), None)
    if frame.type is not None:
        return next((each for each in pending if each.type == frame.type), None)
    # A ping's reply and a dispatcher's failure carry neither: first come, first served.
    return pending[0] if pending else None


class Channel:
    """A WebSocket to a grid that is there when needed.

    Args:
        host: Opens the socket and gives request ids.
        url: WebSocket address.
        timeouts: ``connect`` for opening.
    """

    def __init__(self, host: Host, url: str, timeouts: Timeouts) -> None:
        self._host = host
        self._url = url
        self._timeouts = timeouts
        self._connection: _Connection | None = None
        self._opening = asyncio.Lock()

    async def request(
        self, type_: str, data: Mapping[str, Any], *, seconds: float, repeatable: bool = False
    ) -> Mapping[str, Any]:
        """Send a request and wait for its reply.

        Args:
            type_: Message type.
            data: Its object, bytes as they are.
            seconds: How long to wait for the reply; the time to send the frame comes on top.
            repeatable: Send it once more when a connection that had been idle turns out to be
                dead. Only for requests that may arrive twice.

        Returns:
            The reply's object, envelope included.

        Raises:
            GridUnreachableError: The socket could not be opened.
            GridClosedError: It was closed before the reply came.
            GridTimeoutError: No reply in time.
            GridAnswerError: The reply is no object.
            EncodeError: The data cannot be sent.
        """
        connection, fresh = await self._connected()
        request_id = base64.b64encode(self._host.random_bytes(32)).decode("ascii")
        try:
            return await connection.request(request_id, type_, data, seconds)
        except GridClosedError:
            if fresh or not repeatable:
                raise
        _log.info("The connection had been closed; opening a new one.")
        connection, _ = await self._connected()
        return await connection.request(request_id, type_, data, seconds)

    async def close(self) -> None:
        """Close the socket. The next request opens a new one."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()

    async def _connected(self) -> tuple[_Connection, bool]:
        """The connection to use, and whether it is new."""
        async with self._opening:
            if self._connection is not None and self._connection.usable:
                return self._connection, False
            socket = await self._host.connect(
                self._url, protocols=(MSGPACK,), timeouts=self._timeouts
            )
            self._connection = _Connection(socket)
            return self._connection, True


class _Connection:
    """One open socket and the requests that wait on it."""

    def __init__(self, socket: Socket) -> None:
        self._socket = socket
        self._packed = socket.protocol == MSGPACK
        self._pending: list[Pending] = []
        self._reader = asyncio.ensure_future(self._read())
        self._closing: asyncio.Future[None] | None = None
        self.usable = True

    async def request(
        self, request_id: str, type_: str, data: Mapping[str, Any], seconds: float
    ) -> Mapping[str, Any]:
        frame = self._frame(request_id, type_, data)
        seconds += sending_time(len(frame))
        pending = Pending(request_id, type_, asyncio.get_running_loop().create_future())
        self._pending.append(pending)
        try:
            async with asyncio.timeout(seconds):
                await self._socket.send(frame)
                return await pending.reply
        except TimeoutError:
            # It may be half dead: whoever comes next gets a new one.
            self.usable = False
            raise GridTimeoutError(
                f"the grid did not answer within {seconds:.3g} s. It may be busy, or the "
                "connection poor: try again."
            ) from None
        finally:
            pending.given_up = True
            if not self.usable and all(each.given_up for each in self._pending):
                # Beside the request: a dead peer shall not hold it up any longer.
                self._closing = asyncio.ensure_future(self.close())

    async def close(self) -> None:
        self.usable = False
        # The reader ends with the socket. It is not cancelled: Pyodide's event loop writes a
        # warning for every task that ends so.
        self._fail_all(GridClosedError("the connection was closed here."))
        await self._socket.close()

    def _frame(self, request_id: str, type_: str, data: Mapping[str, Any]) -> str | bytes:
        envelope = {"request_id": request_id, "type": type_, "data": data}
        if self._packed:
            return pack_frame(envelope)
        return text_frame({**envelope, "data": as_json(type_, data)})

    async def _read(self) -> None:
        end: GridError = GridClosedError("the connection ended.")
        try:
            while True:
                self._take(read_frame(await self._socket.receive(), packed=self._packed))
        except GridAnswerError as error:
            # What speaks like this is no grid: nothing more is asked of it.
            self._refuse(error)
        except GridError as error:
            end = error
        finally:
            self.usable = False
            self._fail_all(end)
        await self._socket.close()

    def _take(self, frame: Frame) -> None:
        pending = match(self._pending, frame)
        if pending is None:
            _log.info("A frame of type %r answers no request; dropped.", frame.type)
            return
        self._pending.remove(pending)
        if not pending.reply.done():
            pending.reply.set_result(frame.body)

    def _refuse(self, error: GridAnswerError) -> None:
        """Give an unreadable frame to the request that was due."""
        if not self._pending:
            _log.warning("Dropped a frame: %s", error)
            return
        pending = self._pending.pop(0)
        if not pending.reply.done():
            pending.reply.set_exception(error)

    def _fail_all(self, error: GridError) -> None:
        waiting, self._pending = self._pending, []
        for pending in waiting:
            if not pending.reply.done():
                # Each waiter gets an error of its own: a traceback belongs to one task.
                pending.reply.set_exception(type(error)(str(error)))


def sending_time(size: int) -> float:
    """Seconds granted for sending ``size`` bytes: that of a line of half a Mbit/s."""
    return size / 65536
