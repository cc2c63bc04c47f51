"""Who may host on a grid: whoever has its admin token.

A client sends the token with the message (``data.admin_token`` of
``model-centric/host-training``) or, for the whole of a connection, with the WebSocket's
handshake (``Authorization: Bearer TOKEN``). Grids that know neither ignore both.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import logging
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from starlette.datastructures import Headers

from syft_web.errors import HostError, ServiceError
from syft_web.grid import texts

__all__ = ["STRANGER", "AdminGate", "Caller", "is_loopback"]

logger = logging.getLogger("syft_web.grid")

SHORTEST_TOKEN = 16
"""Characters. ``openssl rand -hex 32`` gives 64."""

_STRICT_AGENT = "okhttp/"
_PROXIES = ("forwarded", "x-forwarded-for", "x-real-ip", "via")


@dataclass(frozen=True, slots=True)
class Caller:
    """Who sends a request, as far as its headers tell.

    Attributes:
        token: From ``Authorization: Bearer``.
        is_near: Not passed on by a proxy, and not sent by a page from another machine.
        is_strict: It fails on a reply with a key that PyGrid did not send. KotlinSyft does; its
            HTTP library gives its name with every request and handshake.
    """

    token: str | None = field(default=None, repr=False)
    is_near: bool = True
    is_strict: bool = False

    @classmethod
    def of(cls, headers: Headers) -> Caller:
        """Read the headers of an HTTP request or a WebSocket's handshake."""
        scheme, _, token = headers.get("authorization", "").partition(" ")
        passed_on = any(name in headers for name in _PROXIES)
        origin = headers.get("origin")
        return cls(
            token=token.strip() or None if scheme.lower() == "bearer" else None,
            is_near=not passed_on and (origin is None or _is_page_of_this_machine(origin)),
            is_strict=headers.get("user-agent", "").lower().startswith(_STRICT_AGENT),
        )


STRANGER = Caller(is_near=False)
"""Somebody of whom nothing is known."""


class AdminGate:
    """Lets those host who may.

    Args:
        token: The admin token. Only its digest is kept.
        is_open: Whether, without a token, everybody on this machine may host.

    Raises:
        HostError: The token is too short, or has blanks or other than ASCII characters in it.
    """

    def __init__(self, token: str | None = None, *, is_open: bool = False) -> None:
        if token is not None and not _is_token(token):
            raise HostError(
                f"The admin token must have at least {SHORTEST_TOKEN} characters, letters, digits "
                "and signs without blanks; make one with: openssl rand -hex 32"
            )
        self._digest = None if token is None else _digest(token)
        self._is_open = is_open

    def check(self, caller: Caller, token: object = None, *, what: str = "hosting on") -> None:
        """Let pass or refuse.

        Args:
            caller: Who asks.
            token: The one in the message; it goes before the connection's.
            what: What is asked for, in words that go before "this grid".

        Raises:
            ServiceError: Status 401; with the text of PyGrid's `AuthorizationError`.
        """
        if self._digest is None:
            if not self._is_open:
                raise _refusal(
                    f"{what} this grid is off, because it listens beyond its own machine and "
                    "was started without an admin token"
                )
            if not caller.is_near:
                raise _refusal(
                    f"without an admin token {what} this grid is for its own machine only, "
                    "not through a proxy and not from another site's page"
                )
            return
        given = token if token is not None else caller.token
        if given is None:
            raise _refusal(f"{what} this grid needs its admin token")
        # Digests: compared in a time that tells neither the token nor its length.
        if not isinstance(given, str) or not hmac.compare_digest(_digest(given), self._digest):
            logger.warning("Refused a wrong admin token")
            raise _refusal("this is not the grid's admin token")


def is_loopback(host: str) -> bool:
    """Whether an address can be reached from its own machine only."""
    if host.lower() == "localhost":
        return True
    try:
        address = ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped.is_loopback
    return address.is_loopback


def _is_page_of_this_machine(origin: str) -> bool:
    try:
        return is_loopback(urlsplit(origin).hostname or "")
    except ValueError:
        return False


def _is_token(text: str) -> bool:
    return len(text) >= SHORTEST_TOKEN and text.isascii() and text.isprintable() and " " not in text


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


def _refusal(why: str) -> ServiceError:
    return ServiceError(f"{texts.NOT_AUTHORIZED}: {why}", status=401)
