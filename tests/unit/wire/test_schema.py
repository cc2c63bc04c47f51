"""Message classes as values."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from syft_web.wire import syft_proto as pb
from syft_web.wire.schema import fields_of


def test_defaults():
    tensor = pb.TorchTensor()
    assert tensor.id is None
    assert tensor.contents_data is None
    assert tensor.tags == []
    assert tensor.description == ""
    assert tensor.serializer == pb.SERIALIZER_UNSPECIFIED
    assert pb.Arg().arg_bool is None
    assert pb.ComputationAction().kwargs == {}
    assert pb.Shape().dims.dtype == np.int32


def test_lists_are_not_shared_and_empty_arrays_cannot_be_changed():
    assert pb.State().tensors is not pb.State().tensors
    with pytest.raises(ValueError, match="resize"):
        pb.Shape().dims.resize(3)
    assert pb.Shape().dims.flags.writeable is False


def test_equality_is_by_value_and_bits():
    one, nan = np.array([1.0], np.float32), np.array([np.nan], np.float32)
    assert pb.TensorData(contents_float32=nan) == pb.TensorData(contents_float32=nan.copy())
    assert pb.TensorData(contents_float32=one) != pb.TensorData(contents_float32=nan)
    assert pb.TensorData(scale=float("nan")) == pb.TensorData(scale=float("nan"))
    zero = np.array([0.0], np.float32)
    assert pb.TensorData(contents_float32=zero) != pb.TensorData(contents_float32=-zero)
    assert pb.Shape() != pb.Size()
    assert pb.Id(id_int=1) != 1
    assert pb.Plan(roles={"a": pb.Role()}) == pb.Plan(roles={"a": pb.Role()})
    with pytest.raises(TypeError):
        hash(pb.Id())


def test_repr_measures_long_contents_and_never_shows_them():
    data = pb.TensorData(dtype="float32", contents_float32=np.full(9, 0.125, np.float32))
    assert repr(data) == "TensorData(dtype='float32', contents_float32=<9 float32>)"
    assert repr(pb.Plan(torchscript=b"secret")) == "Plan(torchscript=<6 bytes>)"
    assert repr(pb.Id(id_int=0)) == "Id(id_int=0)"


def test_messages_can_be_replaced_and_take_keywords_only():
    plan = pb.Plan(name="p", torchscript=b"x")
    assert replace(plan, torchscript=b"") == pb.Plan(name="p")
    with pytest.raises(TypeError):
        pb.Id(5)
    with pytest.raises(AttributeError):
        pb.Id().id_float = 1


def test_fields_are_in_order_of_their_numbers():
    assert [f.number for f in fields_of(pb.ComputationAction)] == list(range(1, 10))
    assert fields_of(pb.ComputationAction)[-1].name == "target_id"
