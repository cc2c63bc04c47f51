"""What the commands ask of a grid that runs somewhere."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from syft_web.cli.tokens import VARIABLE
from syft_web.errors import AuthenticationError, GridAnswerError, GridRefusedError

__all__ = ["add_grid_options", "ask", "download", "printable"]

_NOT_AUTHORIZED, _NOT_FOUND = 401, 404


def add_grid_options(parser: Any, *, token: bool = True) -> None:
    """Declare which grid is asked, as whom, and how the answer is printed."""
    parser.add_argument(
        "--url", required=True, help="address of the grid, e.g. http://localhost:5000"
    )
    if token:
        parser.add_argument(
            "--token-file",
            type=Path,
            metavar="FILE",
            help=f"file with the grid's admin token, if it asks for one; or set {VARIABLE}",
        )
    parser.add_argument("--json", action="store_true", help="print JSON, for programs")


def ask(
    url: str, path: str, query: Mapping[str, str] | None = None, *, token: str | None = None
) -> dict[str, Any]:
    """The JSON object that a grid answers to a question.

    Args:
        url: The grid's address.
        path: What is asked, e.g. ``"status/models"``.
        query: Keys and values of the question.
        token: The grid's admin token.

    Raises:
        GridRefusedError: The grid does not want to tell, or does not have it.
        GridError: It could not be reached, or is not a grid of this package.
    """
    return asyncio.run(_ask(url, path, query or {}, token))


def download(url: str, name: str, version: str | None, checkpoint: str) -> bytes:
    """The bytes of a checkpoint: a State.

    Raises:
        GridError: It could not be had.
    """
    return asyncio.run(_download(url, name, version, checkpoint))


def printable(text: str) -> str:
    """A text of a grid for a terminal: what would steer the terminal is escaped."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


async def _ask(url: str, path: str, query: Mapping[str, str], token: str | None) -> dict[str, Any]:
    from syft_web.client.address import GridAddress
    from syft_web.host import current

    place = f"{GridAddress.parse(url).http}/{path}"
    here = current()
    try:
        answer = await here.fetch(
            "GET",
            f"{place}?{urlencode(query)}" if query else place,
            headers={"Authorization": f"Bearer {token}"} if token else {},
        )
    finally:
        await here.close()
    try:
        value = json.loads(answer.body)
    except ValueError:
        value = None
    if not isinstance(value, dict):
        what = "no grid of this package" if answer.status == _NOT_FOUND else "no JSON"
        raise GridAnswerError(f"{place} answered {answer.status}, but {what}: see --url")
    if answer.status == _NOT_AUTHORIZED:
        raise AuthenticationError(str(value.get("error")), during=path)
    if answer.status >= 400:
        raise GridRefusedError(str(value.get("error")), during=path)
    return value


async def _download(url: str, name: str, version: str | None, checkpoint: str) -> bytes:
    from syft_web.client.address import GridAddress
    from syft_web.client.steps import Fetch
    from syft_web.client.transport import Options, Transport
    from syft_web.host import current
    from syft_web.wire.messages import RETRIEVE_MODEL

    query: dict[str, str | int] = {"name": name, "checkpoint": checkpoint}
    if version is not None:
        query["version"] = version
    here = current()
    transport = Transport(here, GridAddress.parse(url), Options())
    try:
        return await transport.download(
            Fetch("retrieve-model", "checkpoint", name, RETRIEVE_MODEL, query)
        )
    finally:
        await transport.close()
        await here.close()
