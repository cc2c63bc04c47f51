"""The wire format itself."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from syft_web.errors import DecodeError, EncodeError
from syft_web.wire import protobuf

INTEGERS = {
    "int32": (-(2**31), 2**31 - 1),
    "int64": (-(2**63), 2**63 - 1),
    "sint32": (-(2**31), 2**31 - 1),
    "uint32": (0, 2**32 - 1),
}


def slow(kind: str, values: list[int]) -> bytes:
    """The definition, one value after the other."""
    out = b""
    for value in values:
        if kind == "sint32":
            value = value * 2 if value >= 0 else -value * 2 - 1
        value %= 2**64
        while value >= 0x80:
            out += bytes([value % 0x80 + 0x80])
            value //= 0x80
        out += bytes([value])
    return out


@given(st.integers(0, 2**64 - 1))
def test_varint_round_trip(value):
    raw = protobuf.encode_varint(value)
    assert raw == slow("int64", [value])
    assert protobuf.read_varint(b"\xff" + raw + b"\x01", 1, len(raw) + 1) == (value, len(raw) + 1)


def test_negative_varint_takes_ten_bytes():
    assert protobuf.encode_varint(-1) == b"\xff" * 9 + b"\x01"
    assert protobuf.to_signed(2**64 - 1, 64) == -1
    assert protobuf.to_signed(2**32 - 1, 32) == -1
    assert protobuf.to_signed(5, 32) == 5


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", "end inside a varint"),
        (b"\x80\x80", "end inside a varint"),
        (b"\x80" * 10 + b"\x01", "longer than ten bytes"),
        (b"\xff" * 50, "longer than ten bytes"),
    ],
)
def test_broken_varints(raw, reason):
    with pytest.raises(DecodeError, match=reason):
        protobuf.read_varint(raw, 0, len(raw))


@pytest.mark.parametrize("kind", sorted(INTEGERS))
@given(data=st.data())
def test_packed_integers_agree_with_the_definition(kind, data):
    low, high = INTEGERS[kind]
    values = data.draw(st.lists(st.integers(low, high) | st.integers(max(low, -300), 300)))
    raw = slow(kind, values)
    array = np.array(values, dtype=protobuf.DTYPES[kind])
    assert bytes(protobuf.encode_packed(kind, array)) == raw
    decoded = protobuf.decode_packed(kind, raw)
    assert decoded.dtype == protobuf.DTYPES[kind]
    assert decoded.tolist() == values
    assert not decoded.flags.writeable


@pytest.mark.parametrize("kind", sorted(INTEGERS))
def test_packed_integers_over_many_blocks(kind):
    random = np.random.default_rng(5)
    low, high = INTEGERS[kind]
    # Every length of varint, so that no block ends where a value does.
    exponent = random.integers(0, high.bit_length() + 1, 400_003)
    values = (random.random(exponent.size) * (2.0**exponent - 1)).astype(np.int64)
    if low < 0:
        values[::3] *= -1
    array = np.clip(values, low, high).astype(protobuf.DTYPES[kind])
    raw = bytes(protobuf.encode_packed(kind, array))
    np.testing.assert_array_equal(protobuf.decode_packed(kind, raw), array)
    assert raw[:5000] == slow(kind, array[:5000].tolist())[:5000]


@pytest.mark.parametrize(("kind", "code"), [("float", "f"), ("double", "d")])
@given(data=st.data())
def test_packed_floats_are_views(kind, code, data):
    width = 32 if kind == "float" else 64
    values = data.draw(st.lists(st.floats(width=width, allow_nan=False), min_size=1))
    raw = struct.pack(f"<{len(values)}{code}", *values)
    decoded = protobuf.decode_packed(kind, raw)
    assert decoded.tolist() == values
    assert np.shares_memory(decoded, np.frombuffer(raw, np.uint8))
    again = protobuf.encode_packed(kind, decoded)
    assert bytes(again) == raw
    assert np.shares_memory(np.frombuffer(again, np.uint8), decoded)


def test_packed_bools():
    raw = bytes([0, 1, 1, 0])
    decoded = protobuf.decode_packed("bool", raw)
    assert decoded.tolist() == [False, True, True, False]
    assert np.shares_memory(decoded, np.frombuffer(raw, np.uint8))
    # Any varint but zero is true, and the array must not hold bytes that are neither.
    odd = protobuf.decode_packed("bool", bytes([2, 0, 0x80, 0x01, 0x80, 0x00]))
    assert odd.tolist() == [True, False, True, False]
    assert odd.view(np.uint8).max() == 1
    assert bytes(protobuf.encode_packed("bool", [True, False])) == b"\x01\x00"


def test_surplus_bits_are_cut_off():
    wide = slow("int64", [2**32 + 5, -1])
    assert protobuf.decode_packed("int32", wide).tolist() == [5, -1]
    assert protobuf.decode_packed("uint32", wide).tolist() == [5, 2**32 - 1]
    assert protobuf.decode_packed("sint32", wide).tolist() == [-3, -(2**31)]
    assert protobuf.decode_packed("bool", slow("int64", [2**40])).tolist() == [True]


@pytest.mark.parametrize(
    ("kind", "raw", "reason"),
    [
        ("float", bytes(7), "whole number of 4-byte"),
        ("double", bytes(7), "whole number of 8-byte"),
        ("int64", b"\x01\x80", "inside a packed varint"),
        ("int64", b"\x80" * 10 + b"\x01", "longer than ten bytes"),
        ("int32", b"\x80" * 600_000 + b"\x01", "longer than ten bytes"),
    ],
)
def test_broken_packed_fields(kind, raw, reason):
    with pytest.raises(DecodeError, match=reason):
        protobuf.decode_packed(kind, raw)


@pytest.mark.parametrize("kind", sorted(protobuf.DTYPES))
def test_empty_packed_fields(kind):
    assert protobuf.decode_packed(kind, b"").size == 0
    assert bytes(protobuf.encode_packed(kind, [])) == b""


def test_values_are_brought_to_the_kind_if_nothing_is_lost():
    assert bytes(protobuf.encode_packed("int32", np.array([[1, 2]], dtype=np.int64))) == b"\x01\x02"
    assert bytes(protobuf.encode_packed("float", [1, 2])) == struct.pack("<2f", 1, 2)
    big = np.array([1.5], dtype=">f8")
    assert bytes(protobuf.encode_packed("double", big)) == struct.pack("<d", 1.5)
    strided = np.arange(6, dtype=np.float32)[::2]
    assert bytes(protobuf.encode_packed("float", strided)) == struct.pack("<3f", 0, 2, 4)


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("int32", [2**31]),
        ("uint32", [-1]),
        ("int64", [2**63]),
        ("int32", [0.5]),
        ("bool", [2]),
        ("float", ["a"]),
        ("float", [None]),
        ("double", [1j]),
        ("int32", [[1], [1, 2]]),
    ],
)
def test_values_that_do_not_fit(kind, values):
    with pytest.raises(EncodeError):
        protobuf.encode_packed(kind, values)


@pytest.mark.parametrize(
    ("tag", "raw", "stop"),
    [
        (0x08, b"\xac\x02\xff", 2),
        (0x09, bytes(9), 8),
        (0x0A, b"\x03abcd", 4),
        (0x0D, bytes(5), 4),
        (0x0B, b"\x08\x01\x0c\xff", 3),
        (0x0B, b"\x13\x1a\x01\x0c\x14\x0c\xff", 6),
    ],
)
def test_skipping_every_wire_type(tag, raw, stop):
    assert protobuf.skip_field(raw, 0, len(raw), tag) == stop


@pytest.mark.parametrize(
    ("tag", "raw", "reason"),
    [
        (0x08, b"\x80", "inside a varint"),
        (0x09, bytes(7), "inside field 1"),
        (0x0A, b"\x05abcd", "inside field 1"),
        (0x0A, b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", "inside field 1"),
        (0x0D, bytes(3), "inside field 1"),
        (0x0B, b"\x08\x01", "inside group 1"),
        (0x0B, b"\x14", "closed as group 2"),
        (0x0C, b"", "never began"),
        (0x0E, b"", "undefined wire type"),
        (0x02, b"\x00", "number 0"),
        (0x0B, b"\x0b" * 1000, "nested deeper"),
    ],
)
def test_skipping_broken_fields(tag, raw, reason):
    with pytest.raises(DecodeError, match=reason):
        protobuf.skip_field(raw, 0, len(raw), tag)


def test_tags_have_32_bits():
    assert protobuf.read_tag(b"\xfa\xff\xff\xff\x0f", 0, 5) == (2**32 - 6, 5)
    with pytest.raises(DecodeError, match="field number"):
        protobuf.read_tag(b"\xfa\xff\xff\xff\x1f", 0, 5)
