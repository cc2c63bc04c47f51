"""The project's own container."""

from __future__ import annotations

import struct
import tracemalloc

import msgpack
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syft_web.errors import DecodeError, EncodeError
from syft_web.wire import bundle

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False)
    | st.text(st.characters(exclude_categories=("Cs",)), max_size=8)
    | st.binary(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abc"), inner, max_size=4),
    max_leaves=20,
)


def head(*items: bytes) -> bytes:
    raw = b"".join(items)
    start = struct.pack("<8sHHI", bundle.MAGIC, bundle.VERSION, 0, len(raw))
    return start + raw + bytes(-len(raw) % 16)


KIND = msgpack.packb("plan")


@given(VALUES)
def test_round_trip(value):
    assert bundle.unpack(bundle.pack("plan", value), "plan") == value


@pytest.mark.parametrize(
    "dtype",
    ["?", "i1", "<i2", ">i4", "<i8", "u1", "u2", "u4", "u8", "f2", "f4", ">f8", "c8", "c16"],
)
@pytest.mark.parametrize("shape", [(), (0,), (5,), (2, 3), (2, 0, 3)])
def test_arrays(dtype, shape):
    array = np.random.default_rng(2).normal(size=shape).astype(dtype)
    raw = bundle.pack("state", {"tensors": [array, array.T, "between", array]})
    first, second, _, third = bundle.unpack(raw)["tensors"]
    for one, other in ((first, array), (second, array.T), (third, array)):
        np.testing.assert_array_equal(one, other)
        assert one.shape == other.shape
        assert one.dtype == array.dtype.newbyteorder("=")
        assert not one.flags.writeable


def test_arrays_are_aligned_views():
    values = [np.arange(n, dtype=np.float32) for n in (1, 5, 1000)]
    raw = bundle.pack("state", values)
    buffer = np.frombuffer(raw, np.uint8)
    for array in bundle.unpack(raw):
        assert np.shares_memory(array, buffer)
        assert (array.ctypes.data - buffer.ctypes.data) % 16 == 0


def test_large_arrays_are_copied_once_when_written_and_never_when_read():
    array = np.zeros(5_000_000, np.float64)
    tracemalloc.start()
    raw = bundle.pack("state", array)
    _, written = tracemalloc.get_traced_memory()
    tracemalloc.reset_peak()
    before, _ = tracemalloc.get_traced_memory()
    bundle.unpack(raw)
    _, read = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert written < array.nbytes + 100_000
    assert read - before < 100_000


def test_kinds():
    raw = bundle.pack("plan", 1)
    assert bundle.kind_of(raw) == "plan"
    assert bundle.unpack(bytearray(raw), "plan") == bundle.unpack(memoryview(raw)) == 1
    with pytest.raises(DecodeError, match="holds a 'plan', not a 'state'"):
        bundle.unpack(raw, "state")


def test_tuples_numpy_numbers_and_buffers_become_plain():
    value = (np.float32(0.5), np.int8(3), np.True_, bytearray(b"x"), memoryview(b"y"), {1: 2})
    assert bundle.unpack(bundle.pack("x", value)) == [0.5, 3, True, b"x", b"y", {1: 2}]


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({"a": [object()]}, r"x\.a\[0\]: a object"),
        ({1.5: 2}, "keys"),
        ({True: 2}, "keys"),
        (2**64, "64 bits"),
        ("\ud800", "Unicode"),
        (np.array([None]), "array of object"),
        (np.array(["a"]), "array of"),
        (np.zeros(1, "f4,i4"), "array of"),
        (np.zeros(1, "M8[s]"), "array of"),
        ({1, 2}, "a set"),
    ],
)
def test_values_that_cannot_be_packed(value, words):
    with pytest.raises(EncodeError, match=words):
        bundle.pack("x", value)


def test_nesting_is_bounded_in_both_directions():
    value: list = []
    value.append(value)
    with pytest.raises(EncodeError, match="nested deeper"):
        bundle.pack("x", value)
    deep = head(KIND, b"\x91" * 100_000 + b"\xc0")
    with pytest.raises(DecodeError, match="nested deeper"):
        bundle.unpack(deep)
    deep = head(KIND, b"\x81\x01" * 100_000 + b"\xc0")
    with pytest.raises(DecodeError, match="nested deeper"):
        bundle.unpack(deep)


ONE = msgpack.packb(["<f4", [2]])


def ext(payload: bytes, code: int = 1) -> bytes:
    return msgpack.packb(msgpack.ExtType(code, payload))


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"", "no syft_web container"),
        (b"\x0a\x02\x08\x05" * 8, "no syft_web container"),
        (bundle.MAGIC + struct.pack("<HHI", 2, 0, 0), "version 2"),
        (bundle.MAGIC + struct.pack("<HHI", 1, 0, 2**32 - 1), "cut off in its head"),
        (head(b""), "cut off"),
        (head(b"\xc0"), "does not say its kind"),
        (head(KIND), "cut off"),
        (head(KIND, b"\xc0\xc0"), "bytes after"),
        (head(KIND, b"\xc0") + bytes(16), "bytes after"),
        (head(KIND, b"\xdd\xff\xff\xff\xff"), "announces 4294967295|not msgpack"),
        (head(KIND, b"\xdf\xff\xff\xff\xff"), "announces 4294967295|not msgpack"),
        (head(KIND, b"\xc6\xff\xff\xff\xff"), "not msgpack, or cut off"),
        (head(KIND, b"\xdb\xff\xff\xff\xff"), "not msgpack, or cut off"),
        (head(KIND, b"\xa1\xff"), "not msgpack"),
        (head(KIND, b"\xc1"), "not msgpack"),
        (head(KIND, b"\x82\x01\x02\x01\x03"), "a key twice"),
        (head(KIND, b"\x81\x90\x01"), "nested deeper"),
        (head(KIND, b"\x81\xc0\x01"), "no text or int"),
        (head(KIND, b"\x81\xc3\x01"), "no text or int"),
        (head(KIND, msgpack.packb(msgpack.Timestamp(1))), "Timestamp is not expected"),
        (head(KIND, ext(ONE, 2)) + bytes(16), "extension type 2"),
        (head(KIND, ext(ONE)), "cut off in its arrays"),
        (head(KIND, ext(b"")), "does not say its dtype"),
        (head(KIND, ext(msgpack.packb(["zz", []]))), "does not say its dtype"),
        (head(KIND, ext(msgpack.packb(["O", [0]]))), "not of plain numbers"),
        (head(KIND, ext(msgpack.packb(["U5", [0]]))), "not of plain numbers"),
        (head(KIND, ext(msgpack.packb([[["a", "O"]], [0]]))), "not of plain numbers"),
        (head(KIND, ext(msgpack.packb(["<f4", [-1]]))), "impossible shape"),
        (head(KIND, ext(msgpack.packb(["<f4", [1.5]]))), "impossible shape"),
        (head(KIND, ext(msgpack.packb(["<f4", 3]))), "impossible shape"),
        (head(KIND, ext(msgpack.packb(["<f4", [0] * 33]))), "impossible shape"),
        (head(KIND, ext(msgpack.packb(["<f4", [2**60, 2**60]]))), "cut off in its arrays"),
        (head(KIND, ext(msgpack.packb(["<f4", [2**62, 2**62, 0]]))), "larger than an array"),
    ],
)
def test_bad_containers(raw, words):
    tracemalloc.start()
    with pytest.raises(DecodeError, match=words):
        bundle.unpack(raw)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2_000_000


@settings(max_examples=500)
@given(st.data())
def test_damaged_containers_give_one_error(data):
    raw = bytearray(bundle.pack("x", {"a": [1, "two", np.arange(3)], "b": np.ones((2, 2))}))
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(raw) - 1))
        raw[at] = data.draw(st.integers(0, 255))
    raw = raw[: data.draw(st.integers(0, len(raw)))] if data.draw(st.booleans()) else raw
    try:
        bundle.unpack(bytes(raw), "x")
    except DecodeError as error:
        assert str(error)  # noqa: PT017  # either outcome is right, another exception is not
