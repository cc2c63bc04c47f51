from __future__ import annotations

import contextlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from syft_web.errors import PlanInvalidError
from syft_web.plan.plan import Action, Placeholder, Plan, Ref, Role, State
from syft_web.plan.signature import INPUT_KINDS, Signature, Slot
from syft_web.plan.state import StateEntry

W = Slot("model_param", "0.weight", 0, model_index=0, shape=(3,), dtype="float32")
MEAN = Slot("buffer", "mean", 0, shape=(3,), dtype="float64")
STEP = Slot("optimizer_state", "step", 0, shape=(), dtype="float32", fill=2.5)
INPUTS = (
    Slot("data", "", 0, shape=(None, 3), dtype="float32"),
    Slot("target", "", 0, shape=(None,), dtype="int64"),
    Slot("batch_size", "", 0, shape=(), dtype="float32"),
    Slot("client_config", "lr", 0, shape=(), dtype="float32"),
    W,
    MEAN,
    STEP,
)
OUTPUTS = (Slot("loss", "loss", 0, shape=(), dtype="float32"), W, MEAN, STEP)


def plan_of(
    inputs: tuple[Slot | None, ...] = INPUTS,
    outputs: tuple[Slot | None, ...] = OUTPUTS,
    initial: tuple[np.ndarray, ...] = (),
) -> Plan:
    """A plan with these slots; its outputs are copies of its first input."""
    ids = range(len(inputs), len(inputs) + len(outputs))
    described = [
        *(Placeholder(i, s.tags if s else ("#input-0",)) for i, s in enumerate(inputs)),
        *(Placeholder(i, s.tags if s else ()) for i, s in zip(ids, outputs, strict=True)),
    ]
    held = [Placeholder(100 + i, (f"#initial:{i}",)) for i in range(len(initial))]
    role = Role(
        actions=tuple(Action("torch.clone", None, (Ref(0),), {}, (i,)) for i in ids),
        state=State(tuple(held), tuple(StateEntry(a, id=i) for i, a in enumerate(initial))),
        placeholders=tuple(described),
        input_ids=tuple(range(len(inputs))),
        output_ids=tuple(ids),
    )
    return Plan.from_role(role, name="p")


def same(a: Slot, b: Slot) -> bool:
    return a.tags == b.tags


@pytest.mark.parametrize("format", ["protobuf", "msgpack"])
def test_survives_the_formats(format: str) -> None:
    plan = Plan.loads(plan_of(initial=(np.arange(3.0),)).dumps(format))
    signature = Signature.of(plan)
    assert signature is not None
    assert all(map(same, signature.inputs, INPUTS))
    assert all(map(same, signature.outputs, OUTPUTS))
    assert signature.inputs[5].initial is not None
    assert signature.inputs[5].start().tolist() == [0.0, 1.0, 2.0]


def test_a_plan_that_says_nothing() -> None:
    assert Signature.of(plan_of((None, None), (None,))) is None


def test_what_it_tells() -> None:
    signature = Signature.of(plan_of())
    assert signature is not None
    assert signature.feedback == {1: 4, 2: 5, 3: 6}
    assert signature.model_size == 1
    assert signature.config_keys == ("lr",)
    assert signature.positions("data") == (0,)
    assert signature.positions("loss", output=True) == (0,)


def test_arguments_of_a_first_step() -> None:
    signature = Signature.of(plan_of(initial=(np.ones(3),)))
    assert signature is not None
    data, weight = np.zeros((4, 3), np.float32), np.ones(3, np.float32)
    given = signature.arguments(
        data=[data], targets=[np.zeros(4, np.int64)], config={"lr": 0.5}, model=[weight]
    )
    assert given[0] is data
    assert [float(given[i]) for i in (2, 3)] == [4.0, 0.5]
    assert given[2].dtype == given[3].dtype == np.float32
    assert given[4] is weight
    assert given[5].tolist() == [1.0] * 3
    assert given[6] == np.float32(2.5)
    own = signature.arguments(
        data=[data], targets=[data], batch_size=9, config={"lr": 1}, model=[weight]
    )
    assert own[2] == 9


def test_arguments_that_are_missing() -> None:
    signature = Signature.of(plan_of())
    assert signature is not None
    x = np.zeros((4, 3), np.float32)
    with pytest.raises(PlanInvalidError, match=r"model_param 0 \('0.weight'\)"):
        signature.arguments(data=[x], targets=[x], config={"lr": 1})
    with pytest.raises(PlanInvalidError, match="'lr'"):
        signature.arguments(data=[x], targets=[x], model=[x])
    with pytest.raises(PlanInvalidError, match="target 0"):
        signature.arguments(data=[x], config={"lr": 1}, model=[x])


def test_a_start_needs_shape_and_dtype() -> None:
    for slot in (Slot("optimizer_state", "m"), Slot("buffer", "m", shape=(None,), dtype="int8")):
        with pytest.raises(PlanInvalidError, match=r"how .* 'm' starts"):
            slot.start()


def test_a_start_is_ones_own() -> None:
    slot = Slot("buffer", "m", initial=np.zeros(2))
    slot.start()[:] = 1
    assert slot.start().tolist() == [0.0, 0.0]


@pytest.mark.parametrize(
    ("inputs", "outputs", "words"),
    [
        ((W, None), (W,), "input 1 has no kind"),
        ((W,), (None,), "output 0 has no kind"),
        ((Slot("loss"),), (W,), "unknown kind 'loss'"),
        ((W,), (Slot("data"),), "unknown kind 'data'"),
        ((W, W), (W,), "two inputs are model_param 0"),
        ((Slot("data"),), (W,), "output model_param 0 .* is no input"),
        ((Slot("model_param"),), (Slot("loss"),), "has no position in the model"),
    ],
)
def test_contradictions(
    inputs: tuple[Slot | None, ...], outputs: tuple[Slot | None, ...], words: str
) -> None:
    with pytest.raises(PlanInvalidError, match=words):
        Signature.of(plan_of(inputs, outputs))


@pytest.mark.parametrize(
    "tag",
    ["#index:x", "#index:-1", "#index:99999999999", "#model:a", "#shape:1,,2", "#shape:-3",
     "#dtype:nonsense", "#dtype:object", "#dtype:f4,i8", "#fill:x"],
)  # fmt: skip
def test_tags_that_cannot_be_read(tag: str) -> None:
    with pytest.raises(PlanInvalidError, match="cannot be read as a signature"):
        Slot.from_placeholder(Placeholder(1, ("#kind:data", tag)))


sizes = st.lists(st.none() | st.integers(0, 2**31 - 1), max_size=4).map(tuple)
slots = st.builds(
    Slot,
    kind=st.sampled_from(INPUT_KINDS),
    name=st.text(max_size=8),
    index=st.integers(0, 2**31 - 1),
    model_index=st.none() | st.integers(0, 2**31 - 1),
    shape=st.none() | sizes,
    dtype=st.sampled_from(["", "float32", "int64", "bool", "uint8", "float16"]),
    fill=st.floats(allow_nan=False),
)


@given(slots)
def test_tags_say_everything(slot: Slot) -> None:
    read = Slot.from_placeholder(Placeholder(0, slot.tags))
    assert read is not None
    names = ("kind", "name", "index", "model_index", "shape", "dtype", "fill")
    assert [getattr(read, n) for n in names] == [getattr(slot, n) for n in names]


@given(st.lists(st.text(max_size=12), max_size=5))
def test_strange_tags_end_cleanly(tags: list[str]) -> None:
    placeholder = Placeholder(0, tuple(tags))
    with contextlib.suppress(PlanInvalidError):
        Slot.from_placeholder(placeholder)
