from __future__ import annotations

import pytest

from syft_web.client.address import GridAddress
from syft_web.errors import GridAddressError


@pytest.mark.parametrize(
    ("url", "http", "websocket", "over_websocket"),
    [
        ("ws://localhost:5000", "http://localhost:5000", "ws://localhost:5000/", True),
        ("ws://localhost:5000/", "http://localhost:5000", "ws://localhost:5000/", True),
        ("wss://grid.example.org", "https://grid.example.org", "wss://grid.example.org/", True),
        ("http://127.0.0.1:5000", "http://127.0.0.1:5000", "ws://127.0.0.1:5000/", False),
        ("https://h//", "https://h", "wss://h/", False),
        ("https://h/a/grid/", "https://h/a/grid", "wss://h/a/grid/", False),
        ("WS://H:1/Path", "http://H:1/Path", "ws://H:1/Path/", True),
        ("  ws://h \n", "http://h", "ws://h/", True),
        ("ws://[::1]:5000", "http://[::1]:5000", "ws://[::1]:5000/", True),
        ("ws://h:/", "http://h", "ws://h/", True),
        (
            "http://ws.http.example/ws",
            "http://ws.http.example/ws",
            "ws://ws.http.example/ws/",
            False,
        ),
        ("http://h/a%20b/ü", "http://h/a%20b/%C3%BC", "ws://h/a%20b/%C3%BC/", False),
    ],
)
def test_both_addresses_from_one(url, http, websocket, over_websocket):
    assert GridAddress.parse(url) == GridAddress(http, websocket, over_websocket)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("localhost:5000", "must begin with ws://"),
        ("//localhost:5000", "must begin with"),
        ("ftp://localhost", "must begin with"),
        ("wsss://localhost", "must begin with"),
        ("", "must begin with"),
        ("ws:/localhost", "must begin with"),
        ("ws://", "names no host"),
        ("ws://:5000", "names no host"),
        ("ws:///path", "names no host"),
        ("ws://host:port", "bad host or port"),
        ("ws://host:99999", "bad host or port"),
        ("ws://[::1", "bad host or port"),
        ("ws://ho st", "blank or an unprintable"),
        ("ws://host/\x00", "blank"),
        ("ws://host/?a=b", "'?'"),
        ("ws://host/#a", "'#'"),
        (None, "must be a text"),
    ],
)
def test_what_cannot_be_an_address(url, words):
    with pytest.raises(GridAddressError) as caught:
        GridAddress.parse(url)
    assert words in str(caught.value)


def test_a_password_is_refused_and_not_repeated():
    with pytest.raises(GridAddressError, match="auth_token") as caught:
        GridAddress.parse("ws://me:hunter2@host")
    assert "hunter2" not in str(caught.value)


def test_routes_are_quoted():
    address = GridAddress.parse("http://h/p")
    assert address.route("/model-centric/get-model", {"worker_id": "a b&c", "model_id": 1}) == (
        "http://h/p/model-centric/get-model?worker_id=a+b%26c&model_id=1"
    )
    assert address.route("/x") == "http://h/p/x"


def test_text_is_the_address_given():
    assert str(GridAddress.parse("ws://h")) == "ws://h/"
    assert str(GridAddress.parse("http://h/")) == "http://h"
