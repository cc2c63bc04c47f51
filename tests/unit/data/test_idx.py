"""syft_web.data.idx: good files, and every way a file can be bad."""

import struct

import numpy as np
import pytest

from syft_web.data import idx
from syft_web.errors import DataError


def idx_bytes(code: int, shape: tuple[int, ...], body: bytes) -> bytes:
    return bytes([0, 0, code, len(shape)]) + struct.pack(f">{len(shape)}I", *shape) + body


@pytest.mark.parametrize(
    ("code", "dtype"),
    [(8, ">u1"), (9, ">i1"), (0x0B, ">i2"), (0x0C, ">i4"), (0x0D, ">f4"), (0x0E, ">f8")],
)
def test_reads_every_element_type_in_native_order(code, dtype):
    values = np.arange(-6 if dtype != ">u1" else 0, 6 if dtype != ">u1" else 12).reshape(3, 2, 2)
    read = idx.read(idx_bytes(code, (3, 2, 2), values.astype(dtype).tobytes()))
    assert read.dtype == np.dtype(dtype).newbyteorder("=")
    assert read.dtype.isnative
    np.testing.assert_array_equal(read, values)


def test_bytes_are_not_copied():
    data = bytearray(idx_bytes(8, (4,), bytes([1, 2, 3, 4])))
    read = idx.read(data)
    data[-1] = 9
    assert read[3] == 9


def test_header_of_the_first_bytes_alone():
    head = idx.header(idx_bytes(8, (60_000, 28, 28), b""))
    assert (head.shape, head.offset) == ((60_000, 28, 28), 16)
    assert (head.item_bytes, head.total_bytes) == (784, 16 + 60_000 * 784)


def test_no_items():
    assert idx.read(idx_bytes(8, (0, 28, 28), b"")).shape == (0, 28, 28)


GOOD = idx_bytes(8, (2, 2), bytes(4))


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "only 0 bytes"),
        (b"\0\0", "only 2 bytes"),
        (b"<!DOCTYPE html>", "no IDX file"),
        (b"\x1f\x8b\x08\0" + bytes(20), "gzip"),
        (bytes([0, 0, 7, 1]) + bytes(8), "no IDX file"),
        (bytes([0, 0, 8, 0]), "0 dimensions"),
        (bytes([0, 0, 8, 200]), "200 dimensions"),
        (GOOD[:9], "inside its header"),
        (GOOD[:-1], "cut short"),
        (GOOD + b"\0", "too long"),
        (idx_bytes(8, (2**32 - 1,) * 4, b""), "cut short"),
    ],
)
def test_bad_files_are_named_and_explained(data, words):
    with pytest.raises(DataError, match=words) as caught:
        idx.read(data, name="train.idx")
    assert "train.idx" in str(caught.value)


def test_load_missing_file(tmp_path):
    with pytest.raises(DataError, match=r"gone.*cannot be read"):
        idx.load(tmp_path / "gone")


def test_load(tmp_path):
    (tmp_path / "some").write_bytes(GOOD)
    np.testing.assert_array_equal(idx.load(tmp_path / "some"), np.zeros((2, 2), np.uint8))
