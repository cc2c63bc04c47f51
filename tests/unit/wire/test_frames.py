"""Frames: what JSON can say and bytes, there and back; strangers' bytes are one error and cheap."""

from __future__ import annotations

import json
import tracemalloc

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from syft_web.errors import DecodeError, EncodeError
from syft_web.wire import frames
from syft_web.wire.frames import MAX_ITEMS, pack_frame, read_packed, text_frame
from syft_web.wire.messages import HOST_TRAINING, REPORT, HostTrainingRequest, ReportRequest
from syft_web.wire.raw_bytes import as_json, has_stray_bytes

SCALARS = st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False)
TEXTS = st.text(st.characters(), max_size=20)  # lone surrogates too, as JSON may have them
VALUES = st.recursive(
    SCALARS | TEXTS | st.binary(max_size=40),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=20,
)
ENVELOPES = st.dictionaries(TEXTS, VALUES, max_size=5)


@given(ENVELOPES)
def test_there_and_back(envelope):
    assert read_packed(pack_frame(envelope)) == envelope


@given(ENVELOPES, st.floats(0, 1, exclude_max=True))
def test_cut_off_anywhere(envelope, share):
    raw = pack_frame(envelope)
    with pytest.raises(DecodeError):
        read_packed(raw[: int(share * len(raw))])
    with pytest.raises(DecodeError, match="after its end"):
        read_packed(raw + b"\0")


@given(st.binary(max_size=200))
def test_any_bytes_are_a_value_or_one_error(raw):
    try:
        read_packed(raw)
    except DecodeError as error:
        assert str(error).startswith("the binary frame cannot be read")  # noqa: PT017


def test_what_json_changes_is_changed_alike():
    message = {1: (1, 2), None: {True: "x", 0.5: b"raw"}, "large": 10**30}
    expected = {"1": [1, 2], "null": {"true": "x", "0.5": b"raw"}, "large": 1e30}
    assert read_packed(pack_frame(message)) == expected
    assert json.loads(text_frame({1: (1, 2), "t": "ü\ud800"})) == {"1": [1, 2], "t": "ü\ud800"}


@pytest.mark.parametrize("value", [{"a": object()}, {(1, 2): 3}, {"a": 10**400}, {"a": {1, 2}}])
def test_what_cannot_be_written(value):
    with pytest.raises(EncodeError, match="cannot be written as msgpack"):
        pack_frame(value)


def test_what_json_cannot_write():
    loop = []
    loop.append(loop)
    for value in ({"a": b""}, {"a": loop}, {(1,): 2}):
        with pytest.raises(EncodeError, match="cannot be written as JSON"):
            text_frame(value)
    with pytest.raises(EncodeError):
        pack_frame({"a": loop})


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", "cut off"),
        (b"\xc1", "not msgpack"),
        (b"\xdb\xff\xff\xff\xff", "not msgpack, or cut off"),  # a text of 4 GB
        (b"\xc6\xff\xff\xff\xffab", "not msgpack, or cut off"),  # bytes of 4 GB
        (b"\xdd\xff\xff\xff\xff\xc0", "announces 4294967295 elements"),
        (b"\xdf\x00\x00\x00\x02\xa1a\xc0", "announces 2 elements"),
        (b"\x91" * 70 + b"\xc0", "nested deeper than 64"),
        (b"\x81\xa1a" * 70 + b"\xc0", "nested deeper than 64"),
        (msgpack.packb([0] * MAX_ITEMS), "too many values"),
        (b"\x81\x01\xc0", "no text"),
        (b"\x81\xc4\x01a\xc0", "no text"),
        (b"\x82\xa1a\xc0\xa1a\xc0", "twice"),
        (b"\xd4\x05x", "extension type 5"),
        (msgpack.packb(msgpack.Timestamp(1)), "Timestamp is not expected"),
        (b"\xa1\xff", "not msgpack"),  # not UTF-8
    ],
)
def test_hostile_frames(raw, reason):
    with pytest.raises(DecodeError, match=reason):
        read_packed(raw)


def test_a_hostile_frame_costs_little_memory(monkeypatch):
    """Lists of 65,535, one within the other; and a byte each for an empty dict of 64."""
    monkeypatch.setattr(frames, "MAX_ITEMS", 1000)
    raws = [b"\xdc\xff\xff" * 60 + b"\xc0" * 70_000, b"\x80" * 10_000_000]
    tracemalloc.start()
    try:
        for raw in raws:
            with pytest.raises(DecodeError):
                read_packed(b"\xdd" + len(raw).to_bytes(4, "big") + raw)
        assert tracemalloc.get_traced_memory()[1] < 3 * len(raws[-1])
    finally:
        tracemalloc.stop()


DIFF = bytes(range(256))
HOSTING = HostTrainingRequest(
    model=b"\0model",
    plans={"p": b"\1plan"},
    protocols={"q": b""},
    averaging_plan=b"",
    client_config={"name": "m", "version": "1", "note": "00"},
    server_config={"cycle_length": 5},
)


@pytest.mark.parametrize(
    ("kind", "message"),
    [(REPORT, ReportRequest("w", "k", DIFF, 3, {"loss": 0.5})), (HOST_TRAINING, HOSTING)],
)
def test_bytes_as_they_are_or_as_text(kind, message):
    plain = message.to_plain()
    assert not has_stray_bytes({"type": kind, "data": plain})
    assert as_json(kind, plain) == message.to_json()
    packed = read_packed(pack_frame(plain))
    text = json.loads(text_frame(as_json(kind, plain)))
    assert packed != text
    assert type(message).from_json(packed) == type(message).from_json(text) == message


@pytest.mark.parametrize(
    "envelope",
    [
        {"type": REPORT, "data": {"diff": b"", "worker_id": b"w"}},
        {"type": REPORT, "data": {"metrics": {"loss": [b""]}}},
        {"type": HOST_TRAINING, "data": {"client_config": {"x": b""}}},
        {"type": HOST_TRAINING, "data": {"diff": b""}},
        {"type": "model-centric/authenticate", "data": {"auth_token": b""}},
        {"type": REPORT, "data": {}, "request_id": b"id"},
        {"type": b"", "data": {}},
        {"type": [REPORT], "data": {"diff": b""}},
        {"type": REPORT, "data": b""},
    ],
)
def test_bytes_where_there_should_be_none(envelope):
    assert has_stray_bytes(envelope)


def test_where_no_bytes_are_none_are_found():
    assert not has_stray_bytes({"type": REPORT, "data": {"diff": b"", "worker_id": "w"}})
    assert not has_stray_bytes({"type": [1], "data": [1, {"a": None}]})
