"""Every shared plan, in every role, against the recorded numbers; and the broken ones."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from syft_web.errors import (
    DecodeError,
    LayoutError,
    PlanExecutionError,
    PlanInvalidError,
    PlanShapeError,
)
from syft_web.ops import table
from syft_web.plan import Plan, Protocol, State
from tests.conformance import cases
from tests.paths import DATA, NO_SHARED, ROOT, SHARED

MNIST = ROOT / "build" / "site" / "data" / "mnist"
FOLDERS = cases.Folders(
    plans=DATA,
    fixtures=SHARED,
    mnist=MNIST if (MNIST / "t10k-labels-idx1-ubyte").is_file() else None,
)
needs_shared = pytest.mark.skipif(SHARED is None, reason=NO_SHARED)


def binary(name: str) -> bytes:
    assert SHARED is not None
    return (Path(SHARED) / "bin" / name).read_bytes()


@pytest.mark.parametrize("name", cases.names(FOLDERS))
def test_case(name: str) -> None:
    cases.run(name, FOLDERS)


def test_the_recorded_plans_are_all_there() -> None:
    assert len([n for n in cases.names(FOLDERS) if n.endswith("/torch")]) >= 26


@pytest.mark.parametrize(
    "name", [n for n in sorted(cases.BROKEN_TFJS) if (DATA / f"{n}.pb").is_file()]
)
def test_the_broken_translation_of_linear_is_refused(name: str) -> None:
    with pytest.raises(PlanInvalidError, match="not defined before it"):
        Plan.loads((DATA / f"{name}.pb").read_bytes(), framework="tfjs")


@needs_shared
@pytest.mark.parametrize(
    ("name", "generation"),
    [
        ("js2006_mnist_plan.pb", "G3"),
        ("js2006_plan_with_state.pb", "G3"),
        ("js2004_plan_mnist.pb", "G2"),
        ("js2004_plan_with_state.pb", "G2"),
    ],
)
def test_older_layouts_are_named(name: str, generation: str) -> None:
    with pytest.raises(LayoutError, match=generation) as caught:
        Plan.loads(binary(name))
    assert caught.value.generation == generation


@needs_shared
def test_placeholders_that_nobody_defines_are_listed() -> None:
    with pytest.raises(PlanInvalidError, match="undefined placeholder") as caught:
        Plan.loads(binary("py2007_avg_plan.pb"))
    assert len(caught.value.problems) == 4
    assert "action 0 ('__mul__')" in caught.value.problems[0]
    assert "91938317939" in caught.value.problems[0]


@needs_shared
@pytest.mark.parametrize("role", ["torch", "tfjs"])
def test_wrong_shape_speaks_like_the_original(role: str) -> None:
    plan = Plan.loads(binary("js2007b_plan_with_state.pb"), framework=role)
    text = r"Operands could not be broadcast together with shapes 3,3 and 2\."
    with pytest.raises(PlanExecutionError, match=text) as caught:
        plan.execute(np.ones((3, 3), np.float32))
    assert caught.value.index == 0
    assert isinstance(caught.value, PlanShapeError)
    assert "argument 0" in str(caught.value)


@needs_shared
@pytest.mark.parametrize(
    "name", ["err_AAAAA.bin", "err_empty.pb", "err_truncated_plan.pb", "js_objmsg.pb"]
)
def test_bytes_that_are_no_plan(name: str) -> None:
    with pytest.raises((DecodeError, PlanInvalidError)):
        Plan.loads(binary(name))


@needs_shared
def test_pickled_tensors_are_refused() -> None:
    with pytest.raises(DecodeError, match=r"torch\.save"):
        State.loads(binary("err_state_contents_bin.pb"))


@needs_shared
def test_our_difference_is_the_original_clients() -> None:
    """The original client's reported diff after one step, against ours."""
    assert SHARED is not None
    plan = Plan.loads(binary("js2007b_mnist_plan.pb"), framework="tfjs")
    model = State.loads(binary("js2007b_mnist_model_params.pb"))
    x, y = State.loads(binary("js2007b_mnist_batch_data.pb")).tensors
    _, _, *trained = plan.execute(x, y, 64, 0.005, model.tensors)
    diff = [a - b for a, b in zip(model.tensors, trained, strict=True)]
    theirs = State.loads(binary("syftjs_1step_diff.pb"))
    ours = State.loads(State.of(diff).dumps())
    assert [p.tags for p in ours.placeholders] == [p.tags for p in theirs.placeholders]
    for a, b in zip(ours.tensors, theirs.tensors, strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=2e-8)


def test_state_kinds_survive() -> None:
    params = State.loads((DATA / "state_param.pb").read_bytes())
    assert all(entry.is_param for entry in params.entries)
    again = State.loads(params.with_tensors([t + 1 for t in params.tensors]).dumps())
    assert [(e.is_param, e.requires_grad, e.id) for e in again.entries] == [
        (e.is_param, e.requires_grad, e.id) for e in params.entries
    ]
    mixed = State.loads((DATA / "state_dtypes_a.pb").read_bytes())
    with np.load(DATA / "state_dtypes_a.npz") as want:
        for i, got in enumerate(State.loads(mixed.dumps()).tensors):
            assert got.dtype == want[f"t{i}"].dtype
            np.testing.assert_array_equal(got, want[f"t{i}"])


def test_protocol_roles() -> None:
    protocol = Protocol.loads((DATA / "protocol_two_roles.pb").read_bytes())
    assert sorted(protocol.roles) == ["alice", "bob"]
    again = Protocol.loads(protocol.dumps())
    assert again == protocol


@needs_shared
def test_values_of_the_translators_own_tests() -> None:
    """The translator's reference values, through tensor methods (its ints are torch tensors)."""
    assert SHARED is not None
    for case in json.loads((Path(SHARED) / "threepio_cases.json").read_text())["cases"]:
        if "value" not in case:
            continue
        op = next(
            found
            for name in (case["cmd"], f"__{case['cmd']}__")
            for found in (
                table.lookup(name, method=True),
                table.lookup(f"torch.nn.functional.{name}", method=False),
            )
            if found is not None
        )
        args = [np.asarray(a) if isinstance(a, list) else a for a in case["args"]]
        if case["cmd"] in ("reshape", "select"):
            args[1:] = case["args"][1:]
        bound = op.bind(args, case.get("kwargs", {}))
        got, want = bound.rule(*bound.values), np.asarray(case["value"])
        np.testing.assert_allclose(got, want, rtol=1e-3, atol=1e-4, err_msg=case["cmd"])
