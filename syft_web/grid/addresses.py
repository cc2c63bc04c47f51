"""Who a client is, as far as counting goes: its network address."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Any

from syft_web.errors import HostError

__all__ = ["Proxies", "client_of", "group_of"]

NOBODY = "local"
"""Who has no address: a client at a Unix socket."""

_LONGEST = 64

_IPV6_PREFIX = 64
"""Bits. One household or server gets at least that many addresses from its provider."""


def group_of(host: str) -> str:
    """The group that an address is counted in: itself, of IPv6 its network of 64 bits."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host[:_LONGEST] or NOBODY
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is None:
            network = int(address) >> (128 - _IPV6_PREFIX) << (128 - _IPV6_PREFIX)
            return str(ipaddress.IPv6Address(network))
        address = address.ipv4_mapped
    return str(address)


def client_of(scope: Mapping[str, Any]) -> str:
    """The group of whoever sent a request, behind trusted proxies the one they name."""
    client = scope.get("client")
    return group_of(client[0]) if client else NOBODY


class Proxies:
    """The addresses whose word about a client's address counts.

    Args:
        text: Addresses and networks with commas between; ``*`` for all.

    Raises:
        HostError: One of them is neither.
    """

    def __init__(self, text: str) -> None:
        self._all = False
        self._networks: list[ipaddress.IPv4Network | ipaddress.IPv6Network] = []
        for part in filter(None, (each.strip() for each in text.split(","))):
            if part == "*":
                self._all = True
                continue
            try:
                self._networks.append(ipaddress.ip_network(part))
            except ValueError as error:
                raise HostError(
                    f"{part!r} is no address or network of a proxy; "
                    "give such as 10.0.0.5 or 10.0.0.0/24"
                ) from error

    def __contains__(self, host: str) -> bool:
        if self._all:
            return True
        try:
            address = ipaddress.ip_address(host)
        except ValueError:
            return False
        return any(address in network for network in self._networks)
