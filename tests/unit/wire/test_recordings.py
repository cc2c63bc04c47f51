"""The JSON messages against every recorded conversation of the original systems."""

from __future__ import annotations

import json

import pytest

from syft_web.client import answers
from syft_web.errors import GridAnswerError, GridError, GridRefusedError, MessageError
from syft_web.wire import messages
from tests.paths import NO_SHARED, SHARED
from tests.unit.wire.recordings import REQUESTS, exchanges, read_reply

pytestmark = pytest.mark.skipif(SHARED is None, reason=NO_SHARED)

RECORDED = exchanges() if SHARED else []

# The original server took these, and no client sends them: a null or numeric process
# name, a numeric token where none was needed.
TAKEN_BY_ACCIDENT = {
    "04_host_training[92]": "client_config.name",
    "04_host_training[94]": "client_config.name",
    "11_auth_tokens[106]": "auth_token",
    "11_auth_tokens[107]": "auth_token",
}


def _expected(reply: object, kind: str) -> type:
    if not isinstance(reply, dict):
        return GridAnswerError
    inner = reply.get("data", reply)
    if inner.get("error") or "status" not in inner:  # an exception may have had no words
        return GridRefusedError
    return {
        (messages.AUTHENTICATE, "success"): messages.AuthenticateReply,
        (messages.CYCLE_REQUEST, "accepted"): messages.CycleAccepted,
        (messages.CYCLE_REQUEST, "rejected"): messages.CycleRejected,
        (messages.HOST_TRAINING, "success"): messages.HostTrainingReply,
        (messages.REPORT, "success"): messages.ReportReply,
    }[kind, inner["status"]]


def test_there_are_recordings_of_every_kind():
    seen = {(item.type, item.over_http) for item in RECORDED}
    assert len(RECORDED) > 600
    assert seen >= {(kind, False) for kind in REQUESTS}
    assert seen >= {(kind, True) for kind in REQUESTS if kind != messages.HOST_TRAINING}


@pytest.mark.parametrize("kind", sorted(REQUESTS))
def test_every_recorded_reply_is_understood(kind):
    for exchange in (item for item in RECORDED if item.type == kind):
        expected = _expected(exchange.reply, kind)
        if issubclass(expected, GridError):
            with pytest.raises(expected) as caught:
                read_reply(kind, exchange.reply)
            assert "Traceback" not in str(caught.value)
            assert "\n" not in str(caught.value)
            continue
        if not exchange.over_http:
            assert answers.read_frame(json.dumps(exchange.reply)).type == kind
        reply = read_reply(kind, exchange.reply)
        assert type(reply) is expected, exchange.place
        if not isinstance(reply, messages.CycleRejected):  # which rounds its timeout
            assert read_reply(kind, reply.to_json()) == reply
            assert reply.to_json() == messages.unwrap(exchange.reply)


@pytest.mark.parametrize("kind", sorted(REQUESTS))
def test_every_request_that_was_taken_is_understood(kind):
    for exchange in (item for item in RECORDED if item.type == kind):
        if _expected(exchange.reply, kind) in (GridAnswerError, GridRefusedError):
            continue
        if exchange.place in TAKEN_BY_ACCIDENT:
            with pytest.raises(MessageError) as caught:
                REQUESTS[kind].from_json(exchange.request)
            assert caught.value.key == TAKEN_BY_ACCIDENT[exchange.place]
            continue
        request = REQUESTS[kind].from_json(exchange.request)
        assert REQUESTS[kind].from_json(request.to_json()) == request


def test_every_refused_request_is_understood_or_is_one_typed_error():
    for exchange in RECORDED:
        if _expected(exchange.reply, exchange.type) is GridRefusedError:
            try:
                request = REQUESTS[exchange.type].from_json(exchange.request)
            except MessageError as error:
                assert str(error)  # noqa: PT017  # either outcome is right
            else:
                assert REQUESTS[exchange.type].from_json(request.to_json()) == request


def test_the_timeouts_of_rejections():
    seconds = []
    for exchange in RECORDED:
        inner = messages.unwrap(exchange.reply) if exchange.type == messages.CYCLE_REQUEST else None
        if isinstance(inner, dict) and "timeout" in inner:
            reply = messages.parse_cycle_reply(inner)
            assert not reply.finished
            seconds.append(reply.timeout)
    assert len(seconds) >= 5
    assert all(0 < value < 8 * 3600 for value in seconds)  # cycle_length is eight hours


def test_messages_kept_beside_the_recordings():
    folder = SHARED / "exchanges"
    load = lambda name: json.loads((folder / name).read_text())  # noqa: E731
    for name, needed in (("sw2006_auth_success", False), ("sw2007_auth_success", True)):
        assert read_reply(messages.AUTHENTICATE, load(f"{name}.json")).requires_speed_test is needed
    with pytest.raises(GridRefusedError, match="The 'auth_token' you sent is invalid"):
        read_reply(messages.AUTHENTICATE, load("sw_auth_invalid_token.json"))
    assert messages.parse_cycle_reply(load("sw_cycle_accepted.json")).plans == {"training_plan": 2}
    mocks = [item["response"] for item in load("syftjs_pygrid_test_messages.json")["cycle"]]
    kinds = [type(read_reply(messages.CYCLE_REQUEST, mock)) for mock in mocks[:3]]
    assert kinds == [messages.CycleAccepted, messages.CycleRejected, messages.CycleRejected]
    with pytest.raises(GridRefusedError):
        read_reply(messages.CYCLE_REQUEST, mocks[3])
    assert messages.parse_cycle_reply(mocks[1]).timeout == 100500
    for step in load("nb_pygrid_hostplan_2007.json")["steps"]:
        if isinstance(step["response"], dict):
            kind = step["response"]["type"].replace("federated/", "model-centric/")
            read_reply(kind, step["response"])
