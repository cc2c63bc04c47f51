"""Every form of answer that original servers, proxies and strangers give."""

from __future__ import annotations

import json

import pytest

from syft_web.client.answers import (
    DOING,
    check_download,
    http_reply,
    read_frame,
    refusal,
    reply_data,
)
from syft_web.errors import (
    AuthenticationError,
    GridAnswerError,
    GridRefusedError,
    GridUnreachableError,
)

JSON = "application/json"
HTML = "text/html"
TRACEBACK = "Traceback (most recent call last):\n  File '/src/app/x.py', line 1\nKeyError: 1\n"


def body(value) -> bytes:
    return json.dumps(value).encode()


def test_the_inner_object_over_http():
    assert http_reply(200, JSON, body({"status": "success"}), "report") == {"status": "success"}


def test_the_envelope_over_http():
    reply = body({"type": "model-centric/report", "data": {"status": "success"}})
    assert http_reply(200, JSON, reply, "report") == {"status": "success"}


def test_an_error_in_a_good_status():
    with pytest.raises(GridRefusedError) as caught:
        http_reply(200, JSON, body({"error": "Incorrect padding" + TRACEBACK}), "report")
    assert caught.value.text == "Incorrect padding"
    assert caught.value.status == 200
    assert caught.value.during == "report"


def test_an_error_in_the_envelope():
    reply = {"type": "model-centric/report", "data": {"error": TRACEBACK}}
    with pytest.raises(GridRefusedError, match="without a reason"):
        http_reply(200, JSON, body(reply), "report")


@pytest.mark.parametrize(
    ("status", "text", "kind"),
    [
        (400, "Authentication is required, please pass an 'auth_token'.", AuthenticationError),
        (401, "Not found any process related with this cycle and worker ID.", GridRefusedError),
        (500, "'request_id'", GridRefusedError),
        (503, "busy, says the grid itself", GridRefusedError),
    ],
)
def test_error_bodies(status, text, kind):
    with pytest.raises(kind) as caught:
        http_reply(status, JSON, body({"error": text}), "authenticate")
    assert caught.value.status == status
    assert caught.value.text == text
    assert text in str(caught.value)
    assert DOING["authenticate"] in str(caught.value)


@pytest.mark.parametrize("status", [408, 429, 502, 503, 504])
def test_a_proxy_that_says_not_now(status):
    with pytest.raises(GridUnreachableError, match=str(status)):
        http_reply(status, HTML, b"<html>Bad gateway</html>", "report")


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_redirects(status):
    with pytest.raises(GridAnswerError, match="redirect"):
        http_reply(status, HTML, b"", "authenticate")


@pytest.mark.parametrize(
    ("status", "content_type"), [(404, HTML), (405, HTML), (500, "text/plain")]
)
def test_pages(status, content_type):
    with pytest.raises(GridAnswerError, match=str(status)):
        http_reply(status, content_type, b"<!doctype html><h1>x</h1>", "authenticate")


@pytest.mark.parametrize(
    "text", [b"", b"<html>", b"{bad", b"[]", b"5", b"null", b"\xff\xfe", b"[" * 100_000]
)
def test_good_statuses_without_an_object(text):
    with pytest.raises(GridAnswerError):
        http_reply(200, JSON, text, "authenticate")


@pytest.mark.parametrize(
    "reply", [{"type": "x"}, {"type": "x", "request_id": 1}, {"type": "x", "data": None}, [], None]
)
def test_replies_without_data(reply):
    with pytest.raises(GridAnswerError):
        reply_data(reply, "report")


def test_an_empty_error_counts_only_alone():
    with pytest.raises(GridRefusedError):
        reply_data({"error": ""}, "report")
    reply = {"status": "success", "error": None}
    assert reply_data(reply, "report") is reply


def test_downloads():
    check_download(200, "application/octet-stream", b"\x00", "get-model")
    check_download(200, "", b"<html>", "get-model")
    check_download(200, JSON, b"not json but bytes", "get-plan")
    with pytest.raises(GridRefusedError, match="Model ID not found!"):
        check_download(400, JSON, body({"error": "Model ID not found!"}), "get-model")
    with pytest.raises(GridRefusedError, match="start the job again"):
        check_download(400, JSON, body({"error": "Cycle not found!"}), "get-plan")
    with pytest.raises(GridRefusedError):
        check_download(200, JSON, body({"error": "no"}), "get-plan")
    with pytest.raises(GridAnswerError):
        check_download(200, HTML, b"<html>", "get-model")
    with pytest.raises(GridUnreachableError):
        check_download(502, HTML, b"", "get-model")


def test_frames():
    frame = read_frame('{"type": "a", "data": {}, "request_id": "q"}')
    assert (frame.request_id, frame.type) == ("q", "a")
    frame = read_frame('{"type": "a", "data": {}, "request_id": null}')
    assert frame.request_id is None
    frame = read_frame('{"alive": "True"}')
    assert (frame.request_id, frame.type) == (None, None)
    assert read_frame('{"type": 5}').type is None


@pytest.mark.parametrize("frame", [b"{}", "", "<html>", "[]"])
def test_frames_that_are_none(frame):
    with pytest.raises(GridAnswerError):
        read_frame(frame)


def test_a_server_s_words_are_one_short_printable_line():
    error = refusal("\n \x1b[31mred\x07\nsecond line", "report")
    assert error.text == "[31mred"
    assert len(refusal("x" * 10_000, "report").text) == 300
    assert refusal({"code": 5}, "report").text == '{"code": 5}'
    assert refusal("FL Process already exists." + TRACEBACK, "host-training").text == (
        "FL Process already exists."
    )
