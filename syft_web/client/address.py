"""From the one address a person gives to the two a grid has.

A grid answers HTTP and WebSocket on the same host and port. The scheme given
decides how control messages travel; downloads always go over HTTP. Addresses are
used as given: nothing is upgraded to TLS behind a person's back (protocol.md 1.1).
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote, urlencode, urlsplit

from syft_web.errors import GridAddressError

__all__ = ["GridAddress"]

_SECURE = {"ws": False, "http": False, "wss": True, "https": True}
_EXAMPLE = "Give something like ws://localhost:5000 or https://grid.example.org."


@dataclass(frozen=True, slots=True)
class GridAddress:
    """Where a grid is.

    Attributes:
        http: Base of its HTTP routes, without trailing slash: ``"http://host:5000/prefix"``.
        websocket: Its WebSocket address: ``"ws://host:5000/prefix/"``.
        over_websocket: Whether control messages go over the WebSocket.
    """

    http: str
    websocket: str
    over_websocket: bool

    @classmethod
    def parse(cls, url: str) -> GridAddress:
        """Read an address with the scheme ``ws``, ``wss``, ``http`` or ``https``.

        A path is kept as a prefix of every route; trailing slashes do not matter.

        Raises:
            GridAddressError: It has another scheme or none, no host, a bad port, or a user name,
                query or fragment, which would be sent along or lost.
        """
        if not isinstance(url, str):
            raise GridAddressError(f"A grid's address must be a text, not {type(url).__name__}.")
        url = url.strip()
        if any(character.isspace() or not character.isprintable() for character in url):
            raise GridAddressError(
                f"The grid's address has a blank or an unprintable character in it. {_EXAMPLE}"
            )
        scheme, separator, _ = url.partition("://")
        scheme = scheme.lower()
        if not separator or scheme not in _SECURE:
            raise GridAddressError(
                f"The grid's address must begin with ws://, wss://, http:// or https://. {_EXAMPLE}"
            )
        place = _place(url)
        secure = "s" if _SECURE[scheme] else ""
        return cls(
            http=f"http{secure}://{place}",
            websocket=f"ws{secure}://{place}/",
            over_websocket=scheme.startswith("ws"),
        )

    def route(self, path: str, query: dict[str, str | int] | None = None) -> str:
        """The HTTP address of a route such as ``"/model-centric/get-model"``."""
        tail = "?" + urlencode(query) if query else ""
        return f"{self.http}{path}{tail}"

    def __str__(self) -> str:
        return self.websocket if self.over_websocket else self.http


def _place(url: str) -> str:
    """``host:port/prefix`` of an address, checked."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise GridAddressError(
            f"The grid's address has a bad host or port ({error}). {_EXAMPLE}"
        ) from None
    if "@" in parts.netloc:
        raise GridAddressError(
            "The grid's address must not hold a user name or password. A token goes into "
            "new_job(..., auth_token=...)."
        )
    if not host:
        raise GridAddressError(f"The grid's address names no host. {_EXAMPLE}")
    if parts.query or parts.fragment:
        raise GridAddressError(f"The grid's address must end before any '?' or '#'. {_EXAMPLE}")
    prefix = quote(parts.path.rstrip("/"), safe="/%:@!$&'()*+,;=~")
    return parts.netloc.rstrip(":") + prefix
