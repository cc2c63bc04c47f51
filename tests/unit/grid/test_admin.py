from __future__ import annotations

import pytest
from starlette.datastructures import Headers

from syft_web.errors import HostError
from syft_web.grid.admin import AdminGate, Caller, is_loopback
from tests.unit.grid.workers import refused

TOKEN = "0123456789abcdef"
NEAR, FAR = Caller(), Caller(is_near=False)


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.9.9.9", "::1", "[::1]", "localhost", "LOCALHOST", "::ffff:127.0.0.1"]
)
def test_loopback(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize(
    "host", ["0.0.0.0", "::", "", "10.0.0.1", "localhost.example", "127.0.0.1.nip.example", "x"]
)
def test_other_addresses(host: str) -> None:
    assert not is_loopback(host)


def test_a_gate_with_a_token() -> None:
    for is_open in (False, True):
        gate = AdminGate(TOKEN, is_open=is_open)
        gate.check(NEAR, TOKEN)
        gate.check(Caller(TOKEN, is_near=False))
        for caller, token in ((NEAR, None), (NEAR, "x"), (Caller("x"), None), (Caller(TOKEN), "x")):
            with refused("User is not authorized for this operation!", status=401):
                gate.check(caller, token)


def test_a_gate_without_a_token() -> None:
    AdminGate(is_open=True).check(NEAR)
    AdminGate(is_open=True).check(NEAR, "a token nobody asked for")
    for gate, caller in ((AdminGate(is_open=True), FAR), (AdminGate(), NEAR), (AdminGate(), FAR)):
        with refused("User is not authorized for this operation!", status=401):
            gate.check(caller, TOKEN)


@pytest.mark.parametrize("token", ["", "short", TOKEN + " ", "x" * 15, TOKEN + "\n", TOKEN + "é"])
def test_what_is_no_token(token: str) -> None:
    with pytest.raises(HostError, match="at least 16 characters"):
        AdminGate(token)


def test_the_token_is_not_shown() -> None:
    assert TOKEN not in repr(Caller.of(Headers({"Authorization": f"Bearer {TOKEN}"})))
    assert TOKEN not in repr(vars(AdminGate(TOKEN)))


@pytest.mark.parametrize(
    ("value", "token"),
    [("Bearer abc", "abc"), ("bearer  abc ", "abc"), ("Basic abc", None), ("Bearer", None)],
)
def test_the_header(value: str, token: str | None) -> None:
    assert Caller.of(Headers({"authorization": value})).token == token
