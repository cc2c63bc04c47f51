"""The middleware around the application: faults of ours, and answers in parts."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import httpx
import pytest
from starlette.types import Message, Receive, Scope, Send

from syft_web.errors import ServiceError
from syft_web.grid import Limits, texts
from syft_web.grid.guard import AFTERWARDS, PART, Guard


def client_of(app: Any) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(Guard(app, Limits(body_seconds=0.05)))
    return httpx.AsyncClient(transport=transport, base_url="http://grid")


async def test_a_fault_of_ours_tells_nothing(caplog: pytest.LogCaptureFixture) -> None:
    async def app(_scope: Scope, _receive: Receive, _send: Send) -> None:
        raise RuntimeError("secret at /home/somebody/grid.sqlite")

    async with client_of(app) as client:
        answer = await client.get("/")
    assert (answer.status_code, answer.json()) == (500, {"error": texts.INTERNAL})
    assert "A request failed" in caplog.text


async def test_a_refusal_is_an_answer_and_what_was_taken_is_given_back() -> None:
    given_back = []

    async def app(scope: Scope, _receive: Receive, _send: Send) -> None:
        scope[AFTERWARDS].callback(given_back.append, scope["path"])
        raise ServiceError("No.", status=403)

    async with client_of(app) as client:
        answer = await client.get("/a")
    assert (answer.status_code, answer.json()) == (403, {"error": "No."})
    assert given_back == ["/a"]


@pytest.mark.parametrize("size", [0, 1, PART - 1, PART, PART + 1, 2 * PART, 2 * PART + 1])
async def test_answers_in_parts(size: int) -> None:
    body = bytes(index % 251 for index in range(size))
    parts: list[bytes] = []

    async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": body})

    async def send(message: Message) -> None:
        if message["type"] == "http.response.body":
            parts.append(message["body"])

    async def receive() -> Message:
        return {"type": "http.request"}

    await Guard(app, Limits())({"type": "http", "client": None}, receive, send)
    assert b"".join(parts) == body
    assert max(map(len, parts)) <= PART


async def test_a_websocket_that_fails(caplog: pytest.LogCaptureFixture) -> None:
    sent: list[Message] = []

    async def app(_scope: Scope, _receive: Receive, _send: Send) -> None:
        raise RuntimeError("secret")

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        return {"type": "websocket.connect"}

    with caplog.at_level(logging.ERROR):
        await Guard(app, Limits())({"type": "websocket", "client": None}, receive, send)
    assert sent == [{"type": "websocket.close", "code": 1011}]
    assert "A WebSocket failed" in caplog.text


async def test_a_body_that_does_not_come() -> None:
    async def app(_scope: Scope, receive: Receive, _send: Send) -> None:
        await receive()

    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        await asyncio.Event().wait()
        raise AssertionError("unreachable")

    guard = Guard(app, Limits(body_seconds=0.05))
    await guard({"type": "http", "client": None, "method": "POST"}, receive, send)
    assert sent[0]["status"] == 408
