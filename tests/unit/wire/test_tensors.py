"""Tensor messages and arrays."""

from __future__ import annotations

import io
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from syft_web.errors import DecodeError, EncodeError
from syft_web.wire import syft_proto as pb
from syft_web.wire.tensors import from_array, to_array, to_arrays

DTYPES = ["bool", "int8", "int16", "int32", "int64", "uint8", "float16", "float32", "float64"]
SHAPES = [(), (0,), (1,), (3,), (2, 3), (4, 0, 2), (2, 1, 3, 2)]


def tensor(dtype: str, dims, **contents) -> pb.TorchTensor:
    shape = pb.Size(dims=np.array(dims, dtype=np.int32))
    return pb.TorchTensor(contents_data=pb.TensorData(shape=shape, dtype=dtype, **contents))


def npy(array, **kw) -> pb.TorchTensor:
    file = io.BytesIO()
    np.save(file, array, **kw)
    return pb.TorchTensor(contents_bin=file.getvalue(), serializer=pb.SERIALIZER_NUMPY)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", SHAPES)
def test_round_trip(dtype, shape):
    array = (np.random.default_rng(1).normal(size=shape) * 100).astype(dtype)
    raw = pb.encode(from_array(array, 9))
    message = pb.decode(pb.TorchTensor, raw)
    assert message.serializer == pb.SERIALIZER_ALL
    assert message.id == pb.Id(id_int=9)
    again = to_array(message)
    assert (again.dtype, again.shape) == (array.dtype, shape)
    np.testing.assert_array_equal(again, array)
    assert not again.flags.writeable


@pytest.mark.parametrize("dtype", ["float32", "float64", "int64", "int32", "bool"])
def test_no_copy(dtype):
    array = np.ones((3, 4), dtype)
    message = from_array(array)
    contents = getattr(message.contents_data, f"contents_{dtype}")
    assert np.shares_memory(contents, array)
    assert np.shares_memory(to_array(message), array)
    assert array.flags.writeable


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_elements_are_aligned(dtype):
    raw = pb.encode(from_array(np.arange(5, dtype=dtype)))
    views = 0
    for offset in range(8):
        shifted = np.frombuffer(bytes(offset) + raw, np.uint8)[offset:]
        array = to_array(pb.decode(pb.TorchTensor, shifted.data))
        assert array.flags.aligned
        assert not array.flags.writeable
        assert array.tolist() == [0, 1, 2, 3, 4]
        views += np.shares_memory(array, shifted)
    assert views == 8 // np.dtype(dtype).itemsize


@given(
    st.lists(
        st.tuples(st.sampled_from(DTYPES), st.lists(st.integers(0, 3), max_size=3)), max_size=5
    ),
    st.integers(0, 7),
)
def test_several_tensors_at_once(kinds, offset):
    arrays = [np.arange(np.prod(dims), dtype="i8").astype(d).reshape(dims) for d, dims in kinds]
    tensors = [pb.StateTensor(torch_tensor=from_array(array)) for array in arrays]
    raw = bytes(offset) + pb.encode(pb.State(tensors=tensors))
    state = pb.decode(pb.State, memoryview(raw)[offset:])
    found = to_arrays(t.torch_tensor for t in state.tensors)
    for one, array, tensor in zip(found, arrays, state.tensors, strict=True):
        assert one.flags.aligned
        assert not one.flags.writeable
        assert one.dtype == array.dtype
        np.testing.assert_array_equal(one, array, strict=True)
        np.testing.assert_array_equal(to_array(tensor), array, strict=True)


def test_what_from_array_takes():
    assert to_array(from_array([[1, 2]])).dtype == np.int64
    assert to_array(from_array(1.5)).shape == ()
    assert to_array(from_array(np.arange(6).reshape(2, 3).T)).tolist() == [[0, 3], [1, 4], [2, 5]]
    assert to_array(from_array(np.array([1.5], dtype=">f4"))).tolist() == [1.5]
    assert from_array(1.0).id is None
    assert from_array(1.0, "w").id == pb.Id(id_str="w")
    assert from_array(1.0, pb.Id(id_int=0)).id == pb.Id(id_int=0)


@pytest.mark.parametrize(
    "array", [np.zeros(1, np.uint16), np.zeros(1, complex), np.array(["a"]), np.array([None])]
)
def test_dtypes_without_a_field(array):
    with pytest.raises(EncodeError, match=f"dtype {array.dtype}.*float32"):
        from_array(array)


@pytest.mark.parametrize("id", [True, 1.5, b"x"])
def test_ids_are_ints_or_texts(id):
    with pytest.raises(EncodeError, match="an id is"):
        from_array(1.0, id)


def test_wrapped_tensors():
    inner = from_array(np.float32([1, 2]))
    for message in (
        pb.Parameter(tensor=inner, requires_grad=True),
        pb.StateTensor(torch_tensor=inner),
        pb.StateTensor(torch_param=pb.Parameter(tensor=inner)),
    ):
        assert to_array(message).tolist() == [1, 2]
    for empty in (pb.TorchTensor(), pb.Parameter(), pb.StateTensor()):
        with pytest.raises(DecodeError):
            to_array(empty)


def test_unspecified_serializer_with_elements_is_read():
    assert to_array(tensor("float32", [1], contents_float32=np.float32([2]))).tolist() == [2]


def test_a_missing_shape_is_a_scalar():
    data = pb.TensorData(dtype="int64", contents_int64=np.array([-1]))
    assert to_array(pb.TorchTensor(contents_data=data)).shape == ()


def test_quantized_tensors():
    message = tensor(
        "qint8", [2], is_quantized=True, scale=0.5, zero_point=-1, contents_qint8=np.int32([-1, 1])
    )
    assert to_array(message).tolist() == [0.0, 1.0]
    assert to_array(message).dtype == np.float32
    message = tensor("quint8", [2], scale=2.0, zero_point=128, contents_quint8=np.uint32([0, 255]))
    assert to_array(message).tolist() == [-256.0, 254.0]
    message = tensor("qint32", [1], scale=0.25, contents_qint32=np.int32([-8]))
    assert to_array(message).tolist() == [-2.0]


def test_half_precision():
    message = tensor("float16", [2], contents_float16=np.float32([0.5, 1e9]))
    assert to_array(message).dtype == np.float16
    assert to_array(message).tolist() == [0.5, np.inf]
    message = tensor("bfloat16", [1], contents_bfloat16=np.float32([1.5]))
    assert to_array(message).dtype == np.float32


@pytest.mark.parametrize(
    ("message", "words"),
    [
        (tensor("float32", [2], contents_float32=np.float32([1])), "1 elements, .* needs 2"),
        (
            tensor("float32", [2], contents_float64=np.float64([1, 2])),
            "elements are in contents_float64",
        ),
        (tensor("float32", [-1], contents_float32=np.float32([1])), "negative"),
        (tensor("float32", [-1, -1], contents_float32=np.float32([1])), "negative"),
        (tensor("float32", [2**31 - 1] * 4), "0 elements"),
        (tensor("float32", [2**16] * 4), "0 elements"),
        (tensor("float32", [2**31 - 1] * 4 + [0]), "larger than an array"),
        (tensor("float32", [1] * 33, contents_float32=np.float32([1])), "too many dimensions"),
        (tensor("complex64", []), "not one of"),
        (tensor("", []), "not one of"),
        (tensor("int8", [1], contents_int8=np.int32([128])), "outside the range of int8"),
        (tensor("uint8", [1], contents_uint8=np.uint32([256])), "outside the range of uint8"),
        (tensor("qint8", [1], contents_qint8=np.int32([-129])), "outside the range of qint8"),
        (pb.TorchTensor(contents_bin=pickle.dumps(1), serializer=1), "pickle"),
        (pb.TorchTensor(contents_bin=b"x", serializer=3), "no known format"),
        (pb.TorchTensor(contents_bin=b"x"), "no known format"),
    ],
)
def test_what_is_refused(message, words):
    with pytest.raises(DecodeError, match=words) as caught:
        to_array(message)
    assert caught.value.path


@pytest.mark.parametrize(
    "array",
    [
        np.arange(6, dtype=np.float32).reshape(2, 3),
        np.asfortranarray(np.arange(6, dtype=np.int64).reshape(2, 3)),
        np.array(1.5),
        np.array([1, 2], dtype=">i4"),
        np.empty((0, 3)),
        np.array([True, False]),
    ],
)
def test_numpy_files(array):
    again = to_array(npy(array))
    np.testing.assert_array_equal(again, array)
    assert again.dtype == array.dtype.newbyteorder("=")
    assert not again.flags.writeable


def test_numpy_files_that_are_refused():
    good = npy(np.arange(4.0)).contents_bin
    bad = [b"", good[:6], good[:40], good[:-1], good + b"\0", b"\x93NUMPY\x09" + good[7:]]
    bad.append(good.replace(b"(4,)", b"(-4,)").replace(b"}  ", b"} ", 1))
    bad.append(good.replace(b"'<f8'", b"'<zz'"))
    bad.append(good.replace(b"{", b"(" * 1, 1))
    bad.append(b"\x93NUMPY\x02\x00" + b"\xff" * 100)
    bad.append(npy(np.array([None], dtype=object), allow_pickle=True).contents_bin)
    bad.append(npy(np.array(["text"])).contents_bin)
    bad.append(npy(np.zeros(2, dtype="f4,i4")).contents_bin)
    for raw in bad:
        with pytest.raises(DecodeError):
            to_array(pb.TorchTensor(contents_bin=raw, serializer=pb.SERIALIZER_NUMPY))
