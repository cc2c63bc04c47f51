"""Reading and writing messages by hand-made bytes."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from syft_web.errors import DecodeError, EncodeError, LayoutError
from syft_web.wire import syft_proto as pb
from syft_web.wire.protobuf import encode_varint
from syft_web.wire.tensors import from_array, to_array


def field(number: int, raw: bytes) -> bytes:
    return encode_varint(number << 3 | 2) + encode_varint(len(raw)) + raw


def number(field_number: int, value: int) -> bytes:
    return encode_varint(field_number << 3) + encode_varint(value)


ID_5 = b"\x08\x05"


# ---------------------------------------------------------------- proto3's rules


def test_last_scalar_wins():
    assert pb.decode(pb.Role, field(8, b"a") + field(8, b"b")).description == "b"
    assert pb.decode(pb.TorchTensor, number(8, 4) + number(8, 2)).serializer == 2


def test_last_member_of_a_oneof_wins():
    assert pb.decode(pb.Id, ID_5 + field(2, b"x")) == pb.Id(id_str="x")
    assert pb.decode(pb.Id, field(2, b"x") + ID_5) == pb.Id(id_int=5)
    list_then_int = field(11, field(1, b"")) + number(2, 0)
    assert pb.decode(pb.Arg, list_then_int) == pb.Arg(arg_int=0)
    assert pb.decode(pb.Arg, number(2, 7) + field(11, b"")) == pb.Arg(arg_list=pb.ArgList())


def test_a_replaced_member_must_still_be_well_formed():
    with pytest.raises(DecodeError):
        pb.decode(pb.Arg, field(11, b"\x0a\x05") + number(2, 0))


def test_parts_of_a_sub_message_are_merged():
    parts = field(2, field(4, b"\x1a\x02" + ID_5)) + field(2, field(8, b"text") + number(1, 1))
    role = pb.decode(pb.Plan, parts).role
    assert role.description == "text"
    assert role.placeholders == [pb.Placeholder(id=pb.Id(id_int=5))]
    dims = field(1, field(1, b"\x02")) + field(1, field(1, b"\x03\x04"))
    assert pb.decode(pb.TensorData, dims).shape.dims.tolist() == [2, 3, 4]


def test_a_member_met_again_starts_anew_after_another_member():
    args = field(11, field(1, b"\x10\x01"))
    between = pb.decode(pb.Arg, args + number(2, 9) + args)
    assert between == pb.Arg(arg_list=pb.ArgList(args=[pb.Arg(arg_int=1)]))
    assert len(pb.decode(pb.Arg, args + args).arg_list.args) == 2


def test_packed_and_unpacked_and_mixed_numbers():
    unpacked = number(1, 2) + number(1, 300)
    assert pb.decode(pb.Shape, unpacked).dims.tolist() == [2, 300]
    mixed = field(1, b"\x02\x03") + number(1, 300) + field(1, b"") + field(1, b"\xac\x02")
    assert pb.decode(pb.Shape, mixed).dims.tolist() == [2, 3, 300, 300]
    one = encode_varint(22 << 3 | 5) + np.float32(1.5).tobytes()
    both = one + field(22, np.float32([2, 3]).tobytes()) + one
    assert pb.decode(pb.TensorData, both).contents_float32.tolist() == [1.5, 2, 3, 1.5]
    with pytest.raises(DecodeError, match=r"contents_float32: .*inside a number"):
        pb.decode(pb.TensorData, field(22, bytes(6)) + field(22, bytes(2)))
    with pytest.raises(DecodeError, match=r"dims: .*inside a number"):
        pb.decode(pb.Shape, field(1, b"\x02\x80") + field(1, b"\x01"))


def test_unknown_fields_and_wrong_wire_types_are_skipped():
    group = b"\xfb\x01\x08\x01\xfc\x01"  # field 31
    unknown = number(15, 1) + field(14, b"abc") + b"\x6d" + bytes(4) + b"\x69" + bytes(8) + group
    assert pb.decode(pb.Id, unknown + ID_5 + unknown) == pb.Id(id_int=5)
    assert pb.decode(pb.Id, field(1, b"\x05")) == pb.Id()


def test_map_entries():
    entry = field(1, b"dim") + field(2, number(2, 1))
    action = pb.decode(pb.ComputationAction, field(6, entry) + field(6, b""))
    assert action.kwargs == {"dim": pb.Arg(arg_int=1), "": pb.Arg()}
    twice = field(6, entry) + field(6, field(1, b"dim"))
    assert pb.decode(pb.ComputationAction, twice).kwargs == {"dim": pb.Arg()}
    backwards = field(6, field(2, number(2, 1)) + field(1, b"dim"))
    assert pb.decode(pb.ComputationAction, backwards).kwargs == {"dim": pb.Arg(arg_int=1)}


def test_kwargs_keep_their_order():
    names = ["z", "a", "m", "b"]
    action = pb.ComputationAction(kwargs={name: pb.Arg(arg_int=1) for name in names})
    assert list(pb.decode(pb.ComputationAction, pb.encode(action)).kwargs) == names


# ---------------------------------------------------------------- errors


@pytest.mark.parametrize(
    ("cls", "raw", "path"),
    [
        (
            pb.Role,
            field(2, b"") + field(2, field(5, b"") + field(5, b"\x10")),
            "Role.actions[1].args[1]",
        ),
        (pb.Role, field(8, b"\xff"), "Role.description"),
        (pb.Role, field(7, b"\xff"), "Role.tags"),
        (pb.ComputationAction, field(6, field(1, b"\xff")), "ComputationAction.kwargs.key"),
        (pb.Shape, field(1, b"\x80"), "Shape.dims"),
        (
            pb.Placeholder,
            field(1, field(2, field(22, b"abc"))),
            "Placeholder.child_tensor.contents_data.contents_float32",
        ),
        (pb.Id, b"\x08", "Id"),
    ],
)
def test_an_error_names_the_way_to_the_place(cls, raw, path):
    with pytest.raises(DecodeError) as caught:
        pb.decode(cls, raw)
    assert caught.value.path == path
    assert f"{path}: " in str(caught.value)
    assert caught.value.offset is not None


@pytest.mark.parametrize("cut", range(1, 33))
def test_every_cut_is_an_error_or_a_shorter_message(cut):
    raw = pb.encode(from_array(np.array([1.0, 2.0], np.float32), 7))
    whole = {4, 31, 33}  # where a field of the tensor ends
    if cut in whole:
        pb.decode(pb.TorchTensor, raw[:cut])
    else:
        with pytest.raises(DecodeError):
            pb.decode(pb.TorchTensor, raw[:cut])


def test_older_plans_and_newer_ones():
    role = field(2, field(1, ID_5))
    with pytest.raises(LayoutError, match="G2") as caught:
        pb.decode(pb.Plan, role + number(4, 1) + field(5, b"name") + field(8, b"PK"))
    assert caught.value.generation == "G2"
    g1 = field(2, field(1, b"add") + field(3, field(1, ID_5)) + field(8, field(2, b"#output-0")))
    with pytest.raises(LayoutError, match="G1"):
        pb.decode(pb.Plan, g1 + number(4, 0) + number(5, 1) + field(9, field(1, ID_5)))
    with pytest.raises(LayoutError, match="G3"):
        pb.decode(pb.Plan, field(2, field(4, field(1, ID_5))) + field(4, b"name") + field(7, b"PK"))
    # A field from a later syft-proto is no older layout.
    newer = role + field(4, b"name") + field(9, b"torch") + field(30, b"?")
    assert pb.decode(pb.Plan, newer).base_framework == "torch"


def test_an_older_state_is_read():
    placeholder = field(1, ID_5) + field(2, b"#state-0") + field(4, field(1, b"\x02"))
    tensor = pb.encode(pb.StateTensor(torch_tensor=from_array(np.float32([1, 2]), 7)))
    state = pb.decode(pb.State, field(1, placeholder) + field(2, tensor))
    assert state.placeholders == [
        pb.Placeholder(
            id=pb.Id(id_int=5),
            tags=["#state-0"],
            expected_shape=pb.Shape(dims=np.array([2], np.int32)),
        )
    ]
    assert to_array(state.tensors[0]).tolist() == [1, 2]


def test_what_is_written_plainly_and_what_is_not_give_the_same():
    """The quick reader gives up on all that is not plain, and the other one reads it."""
    role = field(2, field(1, b"add")) + field(7, b"#t")
    plan = field(1, ID_5) + field(2, role) + field(10, field(1, b"torch") + field(2, role))
    other = field(30, b"?")  # an unknown field
    assert pb.decode(pb.Plan, plan) == pb.decode(pb.Plan, other + plan)
    plain = pb.decode(pb.Plan, plan)
    assert plain.role is not plain.roles["torch"]
    assert plain.role == pb.Role(actions=[pb.ComputationAction(command="add")], tags=["#t"])
    for share in (False, True):  # a role that is read once counts twice; its tags count too
        shared = pb.decode(pb.Plan, plan, max_messages=9, share=share)
        assert shared == plain
        assert (shared.role is shared.roles["torch"]) is share
        with pytest.raises(DecodeError, match="too many messages"):
            pb.decode(pb.Plan, plan, max_messages=8, share=share)


# ---------------------------------------------------------------- bounds


def nested(levels: int) -> bytes:
    raw = b""
    for _ in range(levels):
        raw = field(4, raw)  # TorchTensor.chain
    return raw


def test_nesting_is_bounded():
    pb.decode(pb.TorchTensor, nested(60))
    with pytest.raises(DecodeError, match="nested deeper"):
        pb.decode(pb.TorchTensor, nested(5000))
    with pytest.raises(DecodeError, match="nested deeper"):
        pb.decode(pb.TorchTensor, b"\xfb\x01" * 5000)
    endless = pb.TorchTensor()
    endless.chain = endless
    with pytest.raises(EncodeError, match="nested deeper"):
        pb.encode(endless)


def test_the_number_of_messages_is_bounded():
    raw = field(1, b"") * 1000
    assert len(pb.decode(pb.State, raw).placeholders) == 1000
    with pytest.raises(DecodeError, match="too many messages"):
        pb.decode(pb.State, raw, max_messages=1000)
    with pytest.raises(DecodeError, match="too many messages"):
        pb.decode(pb.Placeholder, field(3, ID_5) * 1000, max_messages=900)


@pytest.mark.parametrize(
    "make",
    [
        lambda n: field(3, ID_5) * n,  # a sub-message in n parts
        lambda n: field(3, b"") * n,
        lambda n: field(6, field(1, b"\x01")) * n,  # packed numbers in n parts of n parts
        lambda n: field(6, field(1, b"\x01") * n),
        lambda n: field(6, number(1, 1) * n),  # n unpacked numbers
        lambda n: (field(1, b"") + field(2, b"")) * n,  # a oneof that changes n times
        lambda n: b"\xfb\x01\xfc\x01" * n,  # empty groups
    ],
)
def test_many_parts(make):
    pb.decode(pb.Placeholder, make(100_000))


def test_looking_for_an_older_layout_is_bounded():
    with pytest.raises(DecodeError, match="too many messages"):
        pb.decode(pb.State, field(1, b"") * 1_000_000, max_messages=1000)


def test_announced_lengths_are_not_believed():
    bomb = b"\x0a" + encode_varint(2**62)
    tracemalloc.start()
    for cls in (pb.State, pb.Plan, pb.Shape, pb.TorchTensor, pb.Id):
        for raw in (bomb, b"\xb2\x01" + encode_varint(2**40), field(2, bomb), field(10, bomb)):
            try:
                pb.decode(cls, raw)
            except DecodeError:
                continue
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1_000_000


def test_forty_megabytes_are_read_and_written_with_one_copy_each():
    values = np.arange(10_000_000, dtype=np.float32)
    size = values.nbytes
    tracemalloc.start()
    raw = pb.encode(pb.State(tensors=[pb.StateTensor(torch_tensor=from_array(values, 1))]))
    _, written = tracemalloc.get_traced_memory()
    tracemalloc.reset_peak()
    before, _ = tracemalloc.get_traced_memory()
    array = to_array(pb.decode(pb.State, raw).tensors[0])
    _, read = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert written < size + 100_000
    assert array.flags.aligned
    assert read - before < size + 100_000
    np.testing.assert_array_equal(array, values)


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview, np.frombuffer])
def test_any_buffer_is_read(kind):
    raw = pb.encode(from_array(np.arange(4, dtype=np.float32), 300))
    buffer = kind(raw, np.uint8) if kind is np.frombuffer else kind(raw)
    tensor = pb.decode(pb.TorchTensor, buffer)
    assert tensor.id == pb.Id(id_int=300)
    assert tensor.contents_data.contents_float32.flags.writeable is False


# ---------------------------------------------------------------- writing


def test_values_at_their_defaults_are_not_written():
    assert pb.encode(pb.Plan()) == b""
    assert pb.encode(pb.TensorData(scale=0.0)) == b""
    assert pb.encode(pb.TensorData(scale=-0.0)) == b"\x25\x00\x00\x00\x80"
    assert pb.encode(pb.Role(state=pb.State())) == b"\x1a\x00"


def test_numpy_numbers_are_written():
    assert pb.encode(pb.Id(id_int=np.int64(5))) == ID_5
    assert pb.encode(pb.Arg(arg_bool=np.True_)) == b"\x08\x01"
    assert pb.encode(pb.Arg(arg_float=np.float32(0.5))) == bytes.fromhex("1d0000003f")
    assert pb.encode(pb.Shape(dims=[2, 3])) == bytes.fromhex("0a020203")
    assert pb.encode(pb.Plan(torchscript=memoryview(b"PK"))) == b"\x3a\x02PK"


@pytest.mark.parametrize(
    ("message", "words"),
    [
        (pb.Id(id_int="5"), "Id.id_int: expected an integer, got str"),
        (pb.Id(id_int=2**63), "Id.id_int: .* outside the range of int64"),
        (pb.Id(id_int=1, id_str="a"), "Id.id_str: id_int is set too"),
        (pb.Arg(arg_bool=1), "Arg.arg_bool: expected a bool, got int"),
        (pb.Arg(arg_float="x"), "Arg.arg_float: expected a number, got str"),
        (pb.Arg(arg_float=1e300), "Arg.arg_float: .* too large for float"),
        (pb.Plan(role=pb.State()), "Plan.role: expected Role, got State"),
        (pb.Plan(name=None), "Plan.name: expected a str, got None"),
        (pb.Plan(name="\ud800"), "Plan.name: .* surrogate"),
        (pb.Plan(tags="ab"), "Plan.tags: expected a list, got str"),
        (pb.Plan(roles=[]), "Plan.roles: expected a dict, got list"),
        (pb.Plan(roles={1: pb.Role()}), "Plan.roles: expected a str, got int"),
        (pb.Plan(torchscript="x"), "Plan.torchscript: expected bytes, got str"),
        (pb.Shape(dims=[2**31]), "Shape.dims: .* range of int32"),
        (pb.Role(actions=[pb.ComputationAction(), None]), r"Role.actions.\[1\]: expected"),
    ],
)
def test_values_that_do_not_fit_are_named(message, words):
    with pytest.raises(EncodeError, match=words):
        pb.encode(message)


def test_generation_of_made_up_bytes():
    assert pb.generation(b"") == "G4"
    assert pb.generation(b"AAAAA") is None
    assert pb.generation(field(1, field(3, ID_5))) == "G4"
    assert pb.generation(field(1, field(1, ID_5))) in ("G1", "G4")
    assert pb.generation(b"\xff" * 100) is None
