"""Who a client is."""

from __future__ import annotations

import pytest

from syft_web.errors import HostError
from syft_web.grid.addresses import Proxies, client_of, group_of


@pytest.mark.parametrize(
    ("host", "group"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("::1", "::"),
        ("testclient", "testclient"),
        ("x" * 1000, "x" * 64),
        ("", "local"),
    ],
)
def test_groups(host: str, group: str) -> None:
    assert group_of(host) == group


def test_clients() -> None:
    assert client_of({"client": ("203.0.113.7", 5)}) == "203.0.113.7"
    assert client_of({"client": None}) == client_of({}) == "local"


def test_proxies() -> None:
    proxies = Proxies(" 10.0.0.0/8, ::1 ,,192.0.2.1")
    for host in ("10.1.2.3", "::1", "192.0.2.1"):
        assert host in proxies
    for host in ("11.1.2.3", "::2", "", "x"):
        assert host not in proxies
    assert "anything" in Proxies("*")
    assert "10.0.0.1" not in Proxies("")
    for wrong in ("nginx", "10.0.0.1/8", "10.0.0"):
        with pytest.raises(HostError, match="no address or network"):
            Proxies(wrong)
