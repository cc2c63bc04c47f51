"""The JSON messages, key by key."""

from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syft_web.errors import MessageError
from syft_web.wire import messages
from syft_web.wire.narrow import as_seconds

ACCEPTED = {
    "status": "accepted",
    "request_key": "9f",
    "version": "1.0.0",
    "model": "mnist",
    "plans": {"training_plan": 2},
    "protocols": {"p": "x"},
    "client_config": {"name": "mnist", "version": "1.0.0", "lr": 0.005},
    "model_id": 1,
}
HOSTED = {
    "model": "0a",
    "plans": {"training_plan": "0B0c"},
    "protocols": {},
    "averaging_plan": "",
    "client_config": {"name": "mnist", "version": "1.0.0"},
    "server_config": {"cycle_length": 60},
}
GOOD = [
    (messages.AuthenticateRequest, {"model_name": "m", "model_version": "1", "auth_token": "t"}),
    (
        messages.AuthenticateReply,
        {"status": "success", "worker_id": "w", "requires_speed_test": True},
    ),
    (
        messages.CycleRequest,
        {"worker_id": "w", "model": "m", "version": "1", "ping": 8, "download": 46.3, "upload": 0},
    ),
    (messages.CycleAccepted, ACCEPTED),
    (messages.CycleRejected, {"status": "rejected", "timeout": 10}),
    (messages.CycleRejected, {"status": "rejected"}),
    (messages.ReportRequest, {"worker_id": "w", "request_key": "k", "diff": "AAEC"}),
    (messages.ReportReply, {"status": "success"}),
    (messages.HostTrainingRequest, HOSTED | {"plans": {"training_plan": "0b0c"}}),
    (messages.HostTrainingReply, {"status": "success"}),
]


@pytest.mark.parametrize(("cls", "value"), GOOD, ids=lambda item: getattr(item, "__name__", ""))
def test_round_trip(cls, value):
    message = cls.from_json(value)
    assert message.to_json() == value
    assert cls.from_json(value | {"unknown": [1]}).to_json() == value


@pytest.mark.parametrize(("cls", "value"), GOOD, ids=lambda item: getattr(item, "__name__", ""))
@pytest.mark.parametrize("other", [None, [], "x", 5, True])
def test_only_objects_are_messages(cls, value, other):
    with pytest.raises(MessageError, match="expected an object, got"):
        cls.from_json(other)


@pytest.mark.parametrize(
    ("cls", "value", "key", "expected"),
    [
        (messages.AuthenticateRequest, {}, "model_name", "is missing (expected a string)"),
        (messages.AuthenticateRequest, {"model_name": 5}, "model_name", "a string, got a number"),
        (
            messages.AuthenticateRequest,
            {"model_name": "m", "model_version": 1},
            "model_version",
            "a string, got a number",
        ),
        (messages.AuthenticateReply, {"status": "success"}, "worker_id", "is missing"),
        (messages.AuthenticateReply, {"worker_id": "w"}, "status", "is missing"),
        (
            messages.AuthenticateReply,
            {"status": "success", "worker_id": "w", "requires_speed_test": "yes"},
            "requires_speed_test",
            "true or false, got a string of 3 characters",
        ),
        (messages.CycleRequest, {"worker_id": "w"}, "model", "is missing"),
        (
            messages.CycleRequest,
            {"worker_id": "w", "model": "m", "ping": "8"},
            "ping",
            "a number, 0 or more, got a string",
        ),
        (messages.CycleRequest, {"worker_id": "w", "model": "m", "upload": -1}, "upload", "number"),
        (messages.CycleRequest, {"worker_id": "w", "model": "m", "ping": True}, "ping", "a bool"),
        (messages.CycleAccepted, ACCEPTED | {"plans": []}, "plans", "name -> id, got a list"),
        (messages.CycleAccepted, ACCEPTED | {"plans": {"a": None}}, "plans", "name -> id"),
        (messages.CycleAccepted, ACCEPTED | {"plans": {"a": True}}, "plans", "name -> id"),
        (
            messages.CycleAccepted,
            ACCEPTED | {"model_id": 1.5},
            "model_id",
            "an integer or a string",
        ),
        (messages.CycleAccepted, ACCEPTED | {"request_key": None}, "request_key", "got null"),
        (messages.CycleAccepted, ACCEPTED | {"client_config": "x"}, "client_config", "an object"),
        (messages.CycleAccepted, ACCEPTED | {"status": "rejected"}, "status", '"accepted"'),
        (messages.CycleRejected, {"status": "rejected", "timeout": "never"}, "timeout", "duration"),
        (messages.CycleRejected, {"status": "rejected", "timeout": True}, "timeout", "duration"),
        (messages.ReportRequest, {"worker_id": "w", "request_key": "k"}, "diff", "is missing"),
        (
            messages.ReportRequest,
            {"worker_id": "w", "request_key": "k", "diff": "A"},
            "diff",
            "base64",
        ),
        (
            messages.ReportRequest,
            {"worker_id": "w", "request_key": "k", "diff": "AA==!"},
            "diff",
            "base64",
        ),
        (messages.HostTrainingRequest, HOSTED | {"model": "0"}, "model", "hexadecimal"),
        (messages.HostTrainingRequest, HOSTED | {"plans": {"a": "x"}}, "plans.a", "hexadecimal"),
        (messages.HostTrainingRequest, HOSTED | {"plans": "0a"}, "plans", "an object"),
        (
            messages.HostTrainingRequest,
            HOSTED | {"client_config": {"name": "m"}},
            "client_config.version",
            "is missing",
        ),
    ],
)
def test_an_error_names_message_key_expected_and_got(cls, value, key, expected):
    with pytest.raises(MessageError) as caught:
        cls.from_json(value)
    assert caught.value.key == key
    assert f"the key '{key}'" in str(caught.value)
    assert expected in str(caught.value)


def test_absent_and_null_are_the_same_for_optional_keys():
    value = {"model_name": "m", "model_version": None, "auth_token": None}
    assert messages.AuthenticateRequest.from_json(value).to_json() == {"model_name": "m"}
    request = messages.CycleRequest.from_json({"worker_id": "w", "model": "m", "ping": None})
    assert request.to_json() == {"worker_id": "w", "model": "m"}
    reply = messages.CycleAccepted.from_json(
        {
            key: ACCEPTED[key]
            for key in ("status", "request_key", "plans", "client_config", "model_id")
        }
    )
    assert (reply.model, reply.version, reply.protocols) == ("", "", {})
    bare = {key: value for key, value in HOSTED.items() if key not in ("plans", "protocols")}
    assert messages.HostTrainingRequest.from_json(bare).plans == {}


def test_bytes():
    diff = bytes(range(256)) * 3
    wrapped = base64.encodebytes(diff).decode()
    assert "\n" in wrapped
    value = {"worker_id": "w", "request_key": "k", "diff": wrapped}
    assert messages.ReportRequest.from_json(value).diff == diff
    hosted = messages.HostTrainingRequest.from_json(HOSTED)
    assert hosted.plans == {"training_plan": b"\x0b\x0c"}
    assert hosted.averaging_plan == b""


def test_secrets_and_bytes_are_not_shown():
    texts = [
        repr(messages.AuthenticateRequest("m", "1", "s3cret")),
        repr(messages.ReportRequest("w", "s3cret", b"s3cret")),
        repr(messages.CycleAccepted.from_json(ACCEPTED | {"request_key": "s3cret"})),
    ]
    assert not any("s3cret" in text for text in texts)
    with pytest.raises(MessageError) as caught:
        messages.ReportRequest.from_json({"worker_id": "w", "request_key": ["s3cret"], "diff": ""})
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (10, 10.0),
        (0, 0.0),
        (1.5, 1.5),
        (-3, -3.0),
        ("10", 10.0),
        ("-0.5", -0.5),
        ("7:59:59.123456", 28799.123456),
        ("0:00:01", 1.0),
        ("23:00:00", 82800.0),
        ("3 days, 0:00:04.972930", 259204.97293),
        ("1 day, 2:03:04", 93784.0),
        ("-1 day, 23:59:59.970000", -0.03),
        ("-2 days, 12:00:00", -129600.0),
        (" 1:00:00 ", 3600.0),
    ],
)
def test_durations(value, seconds):
    assert as_seconds(value) == pytest.approx(seconds, abs=1e-9)
    reply = messages.parse_cycle_reply({"status": "rejected", "timeout": value})
    assert reply.timeout == pytest.approx(seconds, abs=1e-9)


@given(st.timedeltas())
def test_every_timedelta_text_is_read(delta):
    assert as_seconds(str(delta)) == pytest.approx(delta.total_seconds())


@pytest.mark.parametrize(
    "value",
    [
        *[True, None, "", "never", "1:2", "1:60:00", "1 days", "1e9", "٣:00:00", [], {}, "9" * 400],
        *[float("nan"), float("inf"), 10**400],
    ],
)
def test_what_is_no_duration(value):
    assert as_seconds(value) is None


def test_rejections_as_they_are_sent():
    assert messages.CycleRejected(0.2).to_json() == {"status": "rejected", "timeout": 1}
    assert messages.CycleRejected(-5.0).to_json() == {"status": "rejected", "timeout": 1}
    assert messages.CycleRejected(9.1).to_json() == {"status": "rejected", "timeout": 10}
    assert messages.CycleRejected().to_json() == {"status": "rejected"}
    assert messages.CycleRejected().finished
    assert not messages.CycleRejected(0.0).finished


def test_a_reply_of_neither_kind():
    for value in ({"status": "maybe"}, {}, {"status": 1}):
        with pytest.raises(MessageError, match="'status'"):
            messages.parse_cycle_reply(value)


@pytest.mark.parametrize("text", ["", "{", "<html>", b"\xff", "[" * 200_000, "9" * 5000])
def test_broken_json_gives_one_error(text):
    with pytest.raises(MessageError):
        messages.parse_json(text)


def test_numbers_that_only_python_writes_are_read():
    assert messages.parse_json('{"ping": Infinity}') == {"ping": float("inf")}
    request = {"worker_id": "w", "model": "m", "ping": float("inf")}
    assert messages.CycleRequest.from_json(request).ping == float("inf")
    with pytest.raises(MessageError):
        messages.CycleRequest.from_json(request | {"ping": float("nan")})


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)


@pytest.mark.parametrize(("cls", "value"), GOOD, ids=lambda item: getattr(item, "__name__", ""))
@given(data=st.data())
def test_any_json_gives_a_message_or_one_error(cls, value, data):
    for key in list(value):
        if data.draw(st.booleans()):
            value = value | {key: data.draw(JSON)}
    try:
        message = cls.from_json(value)
    except MessageError:
        return
    json.dumps(message.to_json())
    cls.from_json(message.to_json())
