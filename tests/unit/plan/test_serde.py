"""Plans and states to bytes and back, and bytes that are broken."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syft_web.errors import DecodeError, EncodeError, ModelError, PlanInvalidError, SyftError
from syft_web.plan import Action, Placeholder, Plan, Protocol, Role, State, StateEntry
from syft_web.wire import bundle
from syft_web.wire import syft_proto as pb
from tests.paths import DATA
from tests.unit.plan.builders import act, f, plan, ref, role

FORMATS = ["protobuf", "msgpack"]
RECORDED = sorted(p for p in DATA.glob("*.pb") if p.with_suffix(".json").is_file())


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("path", RECORDED, ids=lambda p: p.stem)
def test_recorded_plans_survive(path: Path, format: Any) -> None:
    first = Plan.loads(path.read_bytes())
    again = Plan.loads(first.dumps(format))
    for name in ("id", "name", "tags", "description", "torchscript", "input_types",
                 "include_state", "base_framework", "framework"):  # fmt: skip
        assert getattr(again, name) == getattr(first, name)
    assert list(again.roles) == list(first.roles)
    assert again.roles == first.roles
    assert again == first


@pytest.mark.parametrize("path", RECORDED[:5], ids=lambda p: p.stem)
def test_protobuf_has_what_pysyft_wants(path: Path) -> None:
    message = pb.decode(pb.Plan, Plan.loads(path.read_bytes()).dumps())
    assert message.role == message.roles[message.base_framework]
    known = {(p.id.id_int, p.id.id_str) for p in message.role.placeholders if p.id}
    for action in message.role.actions:
        for r in action.return_placeholder_ids:
            assert r.id is not None
            assert (r.id.id_int, r.id.id_str) in known


@pytest.mark.parametrize("format", FORMATS)
def test_every_kind_of_argument(format: Any) -> None:
    args = [True, 1, -(2**63), 0.5, "a", [], [1, [2.5, "$x", True]], "$x", f([[1, 2]]),
            np.array(3, np.int64)]  # fmt: skip
    action = Action("nonsense", f(1, 2), tuple(map(ref, args)), {"k": ref("$x"), "l": False}, (5,))
    p = Plan(name="p", roles={"torch": Role(id="r", actions=(action,), input_ids=("x",))})
    data = p.dumps(format)
    from syft_web.plan.serde import plan_from_bytes

    (got,) = plan_from_bytes(data).role.actions
    assert got == action
    assert hash(got) == hash(action)
    assert got != Action("nonsense", f(1, 2.5), action.args, action.kwargs, (5,))


def test_none_can_be_written() -> None:
    p = plan("x", [act("y", "clamp", None, 1, on="$x")], "y")
    for format in FORMATS:
        again = Plan.loads(p.dumps(format))  # type: ignore[arg-type]
        assert again.execute(f(0, 2))[0].tolist() == [0, 1]


@pytest.mark.parametrize("format", FORMATS)
def test_what_cannot_be_written(format: Any) -> None:
    for action in (Action("f", None, (object(),), {}, ()), Action("f", None, (2**70,), {}, ())):  # type: ignore[arg-type]
        with pytest.raises(EncodeError):
            Plan(name="p", roles={"torch": Role(actions=(action,))}).dumps(format)
    with pytest.raises(EncodeError, match="'protobuf' or 'msgpack'"):
        Plan(name="p", roles={"torch": Role()}).dumps("xml")  # type: ignore[arg-type]


def test_results_named_as_outside_plans() -> None:
    message = pb.decode(pb.Plan, plan("x", [act("y", "add", 1, on="$x")], "y").dumps())
    assert message.role is not None
    for role_ in (message.role, *message.roles.values()):
        for action in role_.actions:
            action.return_ids = [r.id for r in action.return_placeholder_ids if r.id]
            action.return_placeholder_ids = []
    assert Plan.loads(pb.encode(message)).execute(f(1))[0].tolist() == 2.0


def test_choosing_the_framework() -> None:
    r = role("x", [act("y", "exp", on="$x")], "y")
    t = role("x", [act("y", "tf.exp", "$x")], "y")
    both = Plan.from_role(r, name="p", extra_roles={"tfjs": t}).dumps()
    assert Plan.loads(both).framework == "torch"
    assert Plan.loads(both, framework="tfjs").role.actions[0].command == "tf.exp"
    only = Plan.from_role(t, name="p", framework="tfjs").dumps()
    assert Plan.loads(only).framework == "tfjs"
    with pytest.raises(PlanInvalidError, match="no role for framework 'onnx'; it has tfjs, torch"):
        Plan.loads(both, framework="onnx")
    broken = Plan.from_role(r, name="p", extra_roles={"tfjs": r}).dumps()
    assert Plan.loads(broken).execute(f([0]))[0] == 1  # only the role that runs is checked


def test_a_plan_with_one_unnamed_role() -> None:
    message = pb.decode(pb.Plan, plan("x", [act("y", "exp", on="$x")], "y").dumps())
    message.roles = {}
    message.base_framework = ""
    assert Plan.loads(pb.encode(message)).framework == "torch"


def test_ids_that_are_missing() -> None:
    message = pb.decode(pb.Plan, plan("x", [act("y", "exp", on="$x")], "y").dumps())
    message.roles["torch"].actions[0].return_placeholder_ids[0].id = None
    with pytest.raises(DecodeError, match=r"actions\[0\].return_placeholder_ids\[0\] lacks its id"):
        Plan.loads(pb.encode(message))


def test_objects_of_other_workers_are_refused() -> None:
    message = pb.decode(pb.Plan, plan("x", [act("y", "exp", on="$x")], "y").dumps())
    action = message.roles["torch"].actions[0]
    action.target_placeholder_id = None
    action.target_pointer = pb.PointerTensor()
    with pytest.raises(DecodeError, match="another worker"):
        Plan.loads(pb.encode(message))
    action.target_pointer = None
    action.args = [pb.Arg(arg_pointer_tensor=pb.PointerTensor())]
    with pytest.raises(DecodeError, match="another worker"):
        Plan.loads(pb.encode(message))


def test_rare_arguments_are_read() -> None:
    message = pb.decode(pb.Plan, plan("x", [act("y", "view", -1, on="$x")], "y").dumps())
    shape = pb.Arg(arg_shape=pb.Shape(dims=np.array([2, 1], np.int32)))
    message.roles["torch"].actions[0].args = [shape]
    assert Plan.loads(pb.encode(message)).execute(f(1, 2))[0].shape == (2, 1)


# -- broken bytes ----------------------------------------------------------------------------

SEEDS = [p.read_bytes() for p in RECORDED if p.stem in ("st_two", "split_a", "fw_const_a")]
SEEDS += [Plan.loads(s).dumps("msgpack") for s in SEEDS]


@given(data=st.data())
@settings(max_examples=150, deadline=None)
def test_damaged_plans_give_typed_errors(data: Any) -> None:
    raw = bytearray(data.draw(st.sampled_from(SEEDS)))
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(raw)))
    for piece in (raw, raw[:cut]):
        for cls in (Plan, State, Protocol):
            with suppress(SyftError):  # anything else is a failure
                cls.loads(bytes(piece))


@given(st.binary(max_size=200))
@settings(max_examples=100, deadline=None)
def test_random_bytes(raw: bytes) -> None:
    for cls in (Plan, State, Protocol):
        with suppress(SyftError):
            cls.loads(raw)


@pytest.mark.parametrize(
    "value",
    [None, {}, [], {"roles": {}}, {"roles": {"torch": {}}}, {"roles": 3},
     {"roles": {"torch": {"actions": [[1]]}}}],
)  # fmt: skip
def test_containers_that_hold_no_plan(value: Any) -> None:
    with pytest.raises((DecodeError, PlanInvalidError)):
        Plan.loads(bundle.pack("plan", value))


def test_containers_of_another_kind() -> None:
    with pytest.raises(DecodeError):
        Plan.loads(bundle.pack("checkpoint", {}))


# -- state ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "dtype", ["bool", "uint8", "int8", "int16", "int32", "int64", "float16", "float32", "float64"]
)
def test_state_of_every_dtype(dtype: str) -> None:
    arrays = [np.array(v, dtype) for v in (1, [], [[0, 1], [1, 0]])]
    state = State.loads(State.of(arrays).dumps())
    for got, want in zip(state.tensors, arrays, strict=True):
        assert got.dtype == want.dtype
        np.testing.assert_array_equal(got, want)


def test_state_looks_as_syft_js_writes_it() -> None:
    message = pb.decode(pb.State, State.of([f(1, 2), f(3.0)]).dumps())
    assert [p.id.id_int for p in message.placeholders if p.id] == [0, 1]
    assert list(message.placeholders[1].tags) == ["#1", "#state-1"]
    tensor = message.tensors[0].torch_tensor
    assert tensor is not None
    assert tensor.id is not None
    assert tensor.serializer == pb.SERIALIZER_ALL


def test_parameters_stay_parameters() -> None:
    state = State.of([f(1, 2)], requires_grad=True)
    again = State.loads(state.dumps())
    assert again.entries[0].is_param
    assert again.entries[0].requires_grad
    assert pb.decode(pb.State, again.dumps()).tensors[0].torch_param is not None
    other = State(
        (Placeholder(123456789012, tags=("a",)),),
        (StateEntry(f([[1]]), id="t", tags=("b",), description="c"),),
    )
    read = State.loads(other.dumps())
    assert read.placeholders == other.placeholders
    assert read.entries[0].param_id == 0
    assert (read.entries[0].id, read.entries[0].tags, read.entries[0].description) == (
        "t", ("b",), "c",
    )  # fmt: skip


def test_other_values_for_the_same_state() -> None:
    state = State.of([f(1, 2)], requires_grad=True)
    assert state.with_tensors([f(3, 4)]).entries[0].is_param
    assert state.with_tensors([f(3, 4)]).tensors[0].tolist() == [3, 4]
    with pytest.raises(ModelError, match="holds 1 tensors, 2 were given"):
        state.with_tensors([f(1), f(2)])
    with pytest.raises(ModelError, match=r"Tensor 0 of the state has shape \(2,\)"):
        state.with_tensors([f(1, 2, 3)])


def test_states_without_placeholders_or_ids() -> None:
    message = pb.decode(pb.State, State.of([f(1), f(2)]).dumps())
    message.placeholders = []
    assert [p.id for p in State.loads(pb.encode(message)).placeholders] == [0, 1]
    message.placeholders = [pb.Placeholder()]
    with pytest.raises(DecodeError, match="1 placeholders and 2 tensors"):
        State.loads(pb.encode(message))
    message.placeholders = []
    message.tensors.append(pb.StateTensor())
    with pytest.raises(DecodeError, match=r"State.tensors\[2\] holds no tensor"):
        State.loads(pb.encode(message))


def test_empty_state() -> None:
    assert State().dumps() == b""
    assert State.loads(b"").tensors == []


def test_protocol_round_trip() -> None:
    r = role("x", [act("y", "exp", on="$x")], "y")
    protocol = Protocol(id=7, name="p", roles={"alice": r}, tags=("t",), description="d")
    again = Protocol.loads(protocol.dumps())
    assert (again.id, again.name, again.tags, again.description) == (7, "p", ("t",), "d")
    assert again.roles["alice"].actions == r.actions
