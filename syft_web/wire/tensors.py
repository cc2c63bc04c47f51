"""A tensor message as a numpy array, and back.

Only numbers are read: ``contents_data``, or a ``.npy`` file without objects. A tensor written
by torch.save is a pickle, which can run code, and is refused.

Source: protocol.md section 4.2 (TorchTensor, TensorData) and 5.6.
"""

from __future__ import annotations

import ast
import math
import struct
from collections.abc import Iterable, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from syft_web.errors import DecodeError, EncodeError
from syft_web.wire import syft_proto as pb
from syft_web.wire.schema import fields_of

__all__ = ["MAX_DIMENSIONS", "from_array", "to_array", "to_arrays"]

MAX_DIMENSIONS: Final = 32
"""Most dimensions of a tensor that is read; numpy 1.26's own limit."""

# dtype text of a TensorData -> dtype of the array. bfloat16 travels as float32 and stays so.
_DTYPES: Final[dict[str, np.dtype[Any]]] = {
    "bfloat16": np.dtype(np.float32),
    "bool": np.dtype(np.bool_),
    "float16": np.dtype(np.float16),
    "float32": np.dtype(np.float32),
    "float64": np.dtype(np.float64),
    "int16": np.dtype(np.int16),
    "int32": np.dtype(np.int32),
    "int64": np.dtype(np.int64),
    "int8": np.dtype(np.int8),
    "qint32": np.dtype(np.int32),
    "qint8": np.dtype(np.int8),
    "quint8": np.dtype(np.uint8),
    "uint8": np.dtype(np.uint8),
}
_CONTENTS: Final = tuple(f.name for f in fields_of(pb.TensorData) if f.name.startswith("contents_"))
_WRITABLE: Final = {
    dtype: name
    for name, dtype in _DTYPES.items()
    if not name.startswith("q") and name != "bfloat16"
}
_ALIGN: Final = 16  # bytes; what numpy gives its own arrays
_NPY_MAGIC: Final = b"\x93NUMPY"
_NPY_HEADER_MAX: Final = 10_000


def to_array(message: pb.TorchTensor | pb.Parameter | pb.StateTensor) -> npt.NDArray[Any]:
    """Reads a tensor message.

    Args:
        message: A tensor, a parameter, or an entry of a State.

    Returns:
        The elements in the message's shape, aligned and not writable. float32, float64,
        int32, int64 and bool are views of what was decoded where that is aligned, else one
        copy: whoever computes with unaligned elements would copy them every time.
        ``float16`` becomes float16, ``bfloat16`` float32; quantized elements become float32
        by ``(q - zero_point) * scale``.

    Raises:
        DecodeError: Nothing to read, an unknown dtype, a pickle, or elements that do not fit
            the shape or dtype.
    """
    return _aligned([_read(message)])[0]


def to_arrays(messages: Iterable[pb.TorchTensor]) -> list[npt.NDArray[Any]]:
    """Reads several tensors as `to_array` does.

    All that is copied lies in one piece of memory: the system gives one large piece several
    times as fast as many small ones.
    """
    return _aligned([_read(message) for message in messages])


def from_array(array: npt.ArrayLike, id: int | str | pb.Id | None = None) -> pb.TorchTensor:
    """Makes a tensor message.

    Args:
        array: Bool, int8 to int64, uint8, float16, float32 or float64, of any shape.
        id: The tensor's id; PySyft wants one in every tensor. None leaves it unset.

    Returns:
        The message (serializer ALL). Contiguous float32, float64, int32, int64 and bool arrays
        are not copied, so they must not be changed before the message is encoded.

    Raises:
        EncodeError: A dtype, size or id that the format has no field for.
    """
    values = np.asarray(array)
    native = values.dtype.newbyteorder("=")
    name = _WRITABLE.get(native)
    if name is None:
        raise EncodeError(
            f"a tensor of dtype {values.dtype} has no field in TensorData: "
            f"convert it to one of {', '.join(sorted(_WRITABLE.values()))}"
        )
    if any(dim > 0x7FFFFFFF for dim in values.shape):
        raise EncodeError(f"the shape {values.shape} has a dimension over {0x7FFFFFFF}")
    flat = values.reshape(-1)
    field = next(f for f in fields_of(pb.TensorData) if f.name == f"contents_{name}")
    data = pb.TensorData(shape=pb.Size(dims=np.array(values.shape, dtype=np.int32)), dtype=name)
    setattr(data, field.name, flat.astype(_ELEMENT[name], copy=False))
    return pb.TorchTensor(id=_as_id(id), contents_data=data, serializer=pb.SERIALIZER_ALL)


# What each contents field holds (a wider type than the tensor's where protobuf has no such field).
_ELEMENT: Final[dict[str, Any]] = {
    "bool": np.bool_,
    "float16": "<f4",
    "float32": "<f4",
    "float64": "<f8",
    "int16": np.int32,
    "int32": np.int32,
    "int64": np.int64,
    "int8": np.int32,
    "uint8": np.uint32,
}


def _as_id(id: int | str | pb.Id | None) -> pb.Id | None:
    if id is None or isinstance(id, pb.Id):
        return id
    if isinstance(id, str):
        return pb.Id(id_str=id)
    if isinstance(id, int) and not isinstance(id, bool):
        return pb.Id(id_int=id)
    raise EncodeError(f"an id is an int or a str, not {type(id).__name__}")


def _read(message: pb.TorchTensor | pb.Parameter | pb.StateTensor) -> npt.NDArray[Any]:
    """The elements of a message in its shape, not writable; a view of the bytes if possible."""
    if isinstance(message, pb.StateTensor):
        inner = message.torch_tensor if message.torch_param is None else message.torch_param
        if inner is None:
            raise _broken("StateTensor", "holds neither torch_tensor nor torch_param")
        return _read(inner)
    if isinstance(message, pb.Parameter):
        if message.tensor is None:
            raise _broken("Parameter.tensor", "is missing")
        return _read(message.tensor)
    if message.contents_data is not None:
        return _from_data(message.contents_data)
    if message.contents_bin is None:
        raise _broken("TorchTensor", "has no contents")
    return _from_file(message.contents_bin, message.serializer)


def _aligned(arrays: list[npt.NDArray[Any]]) -> list[npt.NDArray[Any]]:
    """The arrays, with copies of those that do not lie where their elements should."""
    loose = [i for i, array in enumerate(arrays) if not array.flags.aligned]
    sizes = [-(-arrays[i].nbytes // _ALIGN) * _ALIGN for i in loose]
    block = np.empty(sum(sizes), np.uint8)
    at = 0
    for i, size in zip(loose, sizes, strict=True):
        array = arrays[i]
        copy = block[at : at + array.nbytes].view(array.dtype).reshape(array.shape)
        copy[...] = array
        copy.flags.writeable = False
        arrays[i] = copy
        at += size
    return arrays


def _broken(path: str, reason: str) -> DecodeError:
    return DecodeError(
        f"{path} {reason}: the tensor cannot be read, ask its author to write it with "
        "contents_data (PySyft: hook.local_worker.framework = None)",
        path=path,
    )


def _from_data(data: pb.TensorData) -> npt.NDArray[Any]:
    """Elements in the field that ``dtype`` names."""
    target = _DTYPES.get(data.dtype)
    if target is None:
        known = ", ".join(sorted(_DTYPES))
        raise _broken("TensorData.dtype", f"is {data.dtype[:40]!r}, not one of {known}")
    elements: npt.NDArray[Any] = getattr(data, f"contents_{data.dtype}")
    dims = [] if data.shape is None else [int(dim) for dim in data.shape.dims]
    if len(dims) > MAX_DIMENSIONS or any(dim < 0 for dim in dims):
        raise _broken("TensorData.shape", "has negative or too many dimensions")
    if math.prod(dims) != elements.size:
        others = [n for n in _CONTENTS if n != f"contents_{data.dtype}" and len(getattr(data, n))]
        raise _broken(
            f"TensorData.contents_{data.dtype}",
            f"has {elements.size} elements, but the shape {_brief(dims)} needs {math.prod(dims)}"
            + (f" (elements are in {', '.join(others)})" if others else ""),
        )
    if data.dtype.startswith("q"):
        _check_range(data.dtype, elements, target)
        wide = elements.astype(np.float64) - data.zero_point
        elements = (wide * data.scale).astype(np.float32)
    else:
        elements = _as_dtype(data.dtype, elements, target)
    return _shaped(elements, dims)


def _as_dtype(name: str, elements: npt.NDArray[Any], target: np.dtype[Any]) -> npt.NDArray[Any]:
    if elements.dtype == target:
        return elements
    _check_range(name, elements, target)
    with np.errstate(over="ignore"):  # a float16 out of range becomes infinite, as in torch
        return elements.astype(target)


def _check_range(name: str, elements: npt.NDArray[Any], target: np.dtype[Any]) -> None:
    if target.kind not in "iu" or not elements.size:
        return
    limits = np.iinfo(target)
    if int(elements.min()) < limits.min or int(elements.max()) > limits.max:
        raise _broken(f"TensorData.contents_{name}", f"has elements outside the range of {name}")


def _shaped(elements: npt.NDArray[Any], dims: Sequence[int]) -> npt.NDArray[Any]:
    try:
        out = elements.reshape(dims)
    except ValueError:  # an empty tensor may have a shape that numpy cannot count
        raise _broken("TensorData.shape", "is larger than an array can be") from None
    out.flags.writeable = False
    return out


def _brief(dims: Sequence[int]) -> str:
    return "(" + ", ".join(map(str, dims)) + ")"


def _from_file(raw: bytes, serializer: int) -> npt.NDArray[Any]:
    """Elements in ``contents_bin``: only numpy's own file format is read."""
    if serializer == pb.SERIALIZER_TORCH:
        raise _broken(
            "TorchTensor.contents_bin", "was written by torch.save, a pickle that is never opened"
        )
    if serializer != pb.SERIALIZER_NUMPY:
        raise _broken("TorchTensor.serializer", f"is {serializer}, which says of no known format")
    try:
        descr, fortran, shape, start = _npy_header(raw)
        dtype = np.dtype(descr)
    except (ValueError, TypeError, SyntaxError, KeyError, struct.error, RecursionError):
        raise _broken("TorchTensor.contents_bin", "is not a .npy file") from None
    if dtype.hasobject or dtype.kind not in "biuf" or dtype.itemsize > 8:
        raise _broken("TorchTensor.contents_bin", "holds elements that are not plain numbers")
    if len(shape) > MAX_DIMENSIONS or math.prod(shape) * dtype.itemsize != len(raw) - start:
        raise _broken("TorchTensor.contents_bin", "has a shape that its size does not fit")
    elements = np.frombuffer(raw, dtype=dtype, offset=start)
    elements = elements.astype(dtype.newbyteorder("="), copy=False)
    if fortran:
        return _shaped(elements, shape[::-1]).T
    return _shaped(elements, shape)


def _npy_header(raw: bytes) -> tuple[str, bool, tuple[int, ...], int]:
    """The header of a .npy file: dtype text, column-major or not, shape, where elements start."""
    if raw[:6] != _NPY_MAGIC or raw[6:7] not in (b"\x01", b"\x02", b"\x03"):
        raise ValueError
    wide = raw[6] > 1
    (length,) = struct.unpack_from("<I" if wide else "<H", raw, 8)
    start = (12 if wide else 10) + length
    if length > _NPY_HEADER_MAX or start > len(raw):
        raise ValueError
    header = ast.literal_eval(raw[12 if wide else 10 : start].decode("latin-1").strip())
    descr, fortran, shape = header["descr"], header["fortran_order"], header["shape"]
    if not isinstance(descr, str) or not isinstance(fortran, bool) or not isinstance(shape, tuple):
        raise TypeError
    if not all(type(dim) is int and dim >= 0 for dim in shape):
        raise ValueError
    return descr, fortran, shape, start
