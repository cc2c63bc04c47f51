"""The HTTP face (protocol.md sections 1.3 to 1.6)."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import ExitStack
from functools import wraps
from http import HTTPStatus
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, Response, StreamingResponse
from starlette.routing import Route

from syft_web.errors import ServiceError, StoreError
from syft_web.grid import texts
from syft_web.grid.admin import Caller
from syft_web.grid.dispatch import Dispatcher, parse_json
from syft_web.grid.downloads import KEYED, PUBLIC, Downloads
from syft_web.grid.guard import AFTERWARDS
from syft_web.grid.limits import Limits
from syft_web.grid.memory import Held
from syft_web.grid.quotas import Quotas
from syft_web.grid.service import Service
from syft_web.wire.messages import (
    AUTHENTICATE,
    CYCLE_REQUEST,
    GET_MODEL,
    GET_PLAN,
    GET_PROTOCOL,
    REPORT,
    RETRIEVE_MODEL,
    SPEED_TEST,
)

__all__ = ["error_page", "routes"]

Endpoint = Callable[[Request], Awaitable[Response]]

_FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")
_UNREAD = (
    HTTPStatus.REQUEST_TIMEOUT,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    HTTPStatus.SERVICE_UNAVAILABLE,
)
_CHUNK = b"x" * 65536
_NOT_TO_BE_KEPT = {"Cache-Control": "no-store"}


def routes() -> list[Route]:
    """All HTTP routes; the service, the dispatcher and the limits are in ``app.state``."""
    return [
        _route("/", ["GET"], _main_page),
        _route(f"/{AUTHENTICATE}", ["POST"], _authenticate),
        _route(f"/{CYCLE_REQUEST}", ["POST"], _cycle_request),
        _route(f"/{REPORT}", ["POST"], _report),
        _route(GET_MODEL, ["GET"], _download(Service.model, KEYED)),
        _route(GET_PLAN, ["GET"], _download(Service.plan, KEYED)),
        _route(GET_PROTOCOL, ["GET"], _download(Service.protocol, KEYED)),
        _route(RETRIEVE_MODEL, ["GET"], _download(Service.checkpoint, PUBLIC)),
        _route(SPEED_TEST, ["GET", "POST"], _speed_test),
    ]


def error_page(_request: Request, error: Exception) -> Response:
    """The page for an unknown path or a wrong method."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    phrase = HTTPStatus(status).phrase
    headers = error.headers if isinstance(error, HTTPException) else None
    page = f"<!DOCTYPE html>\n<title>{status} {phrase}</title>\n<h1>{phrase}</h1>\n"
    return HTMLResponse(page, status, headers)


def _route(path: str, methods: list[str], endpoint: Endpoint) -> Route:
    allowed = sorted([*methods, "OPTIONS", *(["HEAD"] if "GET" in methods else [])])

    @wraps(endpoint)
    async def answer(request: Request) -> Response:
        if request.method == "OPTIONS":
            return HTMLResponse("", headers={"Allow": ", ".join(allowed)})
        try:
            return await endpoint(request)
        except ServiceError as error:
            return _refusal(error)
        except ClientDisconnect:
            return Response(status_code=400)

    return Route(path, answer, methods=allowed)


async def _main_page(request: Request) -> Response:
    socket = "wss" if request.url.scheme == "https" else "ws"
    return HTMLResponse(
        "<!DOCTYPE html>\n<title>syft_web grid</title>\n<h1>syft_web grid</h1>\n"
        "<p>A PyGrid-compatible server for federated learning. Clients join over "
        f"<code>{socket}</code> or <code>http</code> at this address.</p>\n"
    )


async def _authenticate(request: Request) -> Response:
    data = await _body(request)
    return _json(await _dispatcher(request).call(AUTHENTICATE, data))


async def _cycle_request(request: Request) -> Response:
    return await _call(request, CYCLE_REQUEST)


async def _report(request: Request) -> Response:
    return await _call(request, REPORT)


async def _call(request: Request, message_type: str) -> Response:
    # Refusals of these two are answers like others: status 200, as PyGrid has it.
    data = await _body(request)
    dispatcher = _dispatcher(request)
    try:
        return _json(await dispatcher.call(message_type, data, Caller.of(request.headers)))
    except StoreError:
        raise
    except ServiceError as error:
        status = error.status if error.status == HTTPStatus.INTERNAL_SERVER_ERROR else 200
        return _json(dispatcher.refusal(message_type, error.text), status)


def _download(find: Callable[[Service, Mapping[str, str]], bytes], cache_control: str) -> Endpoint:
    async def download(request: Request) -> Response:
        service: Service = request.app.state.service
        # Of a key that is given twice the first counts, as in PyGrid.
        items = reversed(request.query_params.multi_items())
        # No database holds a NUL; it is read like other bytes that are no text.
        query = {key: value.replace("\0", "\ufffd") for key, value in items}
        quotas: Quotas = request.app.state.quotas
        await quotas.download(_afterwards(request))
        data = await _dispatcher(request).in_thread(find, service, query)
        if cache_control == KEYED:
            quotas.count_download(query.get("worker_id", ""))
        downloads: Downloads = request.app.state.downloads
        return await downloads.answer(request, data, cache_control)

    return download


async def _speed_test(request: Request) -> Response:
    for key in ("worker_id", "random"):
        if not request.query_params.get(key):
            raise ServiceError(f"'{key}' is required")
    if request.method == "POST":
        await _discard(request)
    if request.method == "GET" and "is_ping" not in request.query_params:
        return _sample(_limits(request).speed_test_bytes)
    return _json({})


def _sample(size: int) -> Response:
    boundary = secrets.token_hex(16)
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="sample"\r\n\r\n'.encode()
    tail = f"\r\n--{boundary}--\r\n".encode()

    async def stream() -> AsyncIterator[bytes]:
        yield head
        for _ in range(size // len(_CHUNK)):
            yield _CHUNK
            # Gives others their turn, and the server a chance to notice that the client left.
            await asyncio.sleep(0)
        yield _CHUNK[: size % len(_CHUNK)]
        yield tail

    return StreamingResponse(
        stream(),
        media_type=f"multipart/form-data; boundary={boundary}",
        headers={"Content-Length": str(len(head) + size + len(tail)), **_NOT_TO_BE_KEPT},
    )


async def _body(request: Request) -> Any:
    """The JSON value a request carries; forms count as empty, as in PyGrid."""
    held = Held(request.app.state.memory)
    _afterwards(request).callback(held.release)
    chunks = []
    async for chunk in _chunks(request):
        if not held.add(len(chunk)):
            raise ServiceError(texts.TOO_BUSY, status=503)
        chunks.append(chunk)
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    return parse_json(b"" if kind in _FORMS else b"".join(chunks))


async def _discard(request: Request) -> None:
    async for _ in _chunks(request):
        pass


async def _chunks(request: Request) -> AsyncIterator[bytes]:
    limit = _limits(request).max_message
    declared = request.headers.get("content-length", "")
    size = int(declared) if declared.isdecimal() else 0
    if size > limit:
        raise _too_large(limit)
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > limit:
            raise _too_large(limit)
        yield chunk


def _too_large(limit: int) -> ServiceError:
    return ServiceError(f"The request is larger than {limit} bytes", status=413)


def _json(value: object, status: int = 200) -> Response:
    return Response(json.dumps(value), status, media_type="application/json")


def _refusal(error: ServiceError) -> Response:
    answer = _json({"error": error.text}, error.status)
    if error.status in _UNREAD:
        # The rest of the body may still be on its way: nobody wants to read it.
        answer.headers["Connection"] = "close"
    if error.status in (HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.TOO_MANY_REQUESTS):
        answer.headers["Retry-After"] = "5"
    return answer


def _dispatcher(request: Request) -> Dispatcher:
    dispatcher: Dispatcher = request.app.state.dispatcher
    return dispatcher


def _afterwards(request: Request) -> ExitStack:
    stack: ExitStack = request.scope[AFTERWARDS]
    return stack


def _limits(request: Request) -> Limits:
    limits: Limits = request.app.state.limits
    return limits
