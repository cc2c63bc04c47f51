"""What is found wrong with a plan before it runs."""

from __future__ import annotations

import numpy as np
import pytest

from syft_web.errors import PlanInvalidError, UnknownCommandError
from syft_web.plan import Action, Placeholder, Plan, Ref, Role, State
from tests.unit.plan.builders import act, f, plan, role


def problems(*args: object, **kwargs: object) -> tuple[str, ...]:
    with pytest.raises(PlanInvalidError) as caught:
        plan(*args, **kwargs)  # type: ignore[arg-type]
    return caught.value.problems


def test_unknown_command() -> None:
    with pytest.raises(UnknownCommandError) as caught:
        plan("x", [act("y", "exp", on="$x"), act("z", "matmull", "$y", on="$x")], "z")
    error = caught.value
    assert (error.index, error.command) == (1, "matmull")
    assert "action 1 ('matmull'): unknown command" in error.problems[0]
    assert "torch.matmul" in error.problems[0]


@pytest.mark.parametrize(
    "command", ["__class__", "__getattribute__", "torch.load", "os.system", "", "__init__"]
)
def test_no_command_is_resolved_by_attribute(command: str) -> None:
    with pytest.raises(UnknownCommandError):
        plan("x", [act("y", command, on="$x")], "y")
    with pytest.raises(UnknownCommandError):
        plan("x", [act("y", command, "$x")], "y")


def test_every_problem_is_listed_once() -> None:
    found = problems(
        "x",
        [
            act("a", "add", "$nothing", on="$x"),
            act("b", "mul", "$a", on="$x"),
            act("c", "frobnicate", on="$b"),
            act("d", "sum", on="$c", dims=1),
        ],
        "d missing",
    )
    assert len(found) == 4
    assert found[0].startswith("action 0 ('add'): argument 0 refers to placeholder 'nothing'")
    assert found[1].startswith("action 2 ('frobnicate'): unknown command")
    assert found[2].startswith("action 3 ('sum'):")
    assert "has no parameter 'dims'" in found[2]
    assert found[3] == "output 1 (placeholder 'missing') is never defined"


def test_use_before_definition() -> None:
    found = problems("x", [act("a", "add", "$b", on="$x"), act("b", "exp", on="$x")], "a")
    assert "not defined before it" in found[0]


def test_references_inside_lists() -> None:
    found = problems("x", [act("a", "torch.cat", ["$x", "$gone"])], "a")
    assert "argument 0[1] refers to placeholder 'gone'" in found[0]


def test_duplicate_ids() -> None:
    x = Placeholder("x")
    r = Role(
        actions=(act("y y", "max", 0, on="$x"),),
        placeholders=(x, x),
        input_ids=("x", "x"),
        output_ids=("y",),
        state=State((x,), State.of([f(1)]).entries),
    )
    with pytest.raises(PlanInvalidError) as caught:
        Plan.from_role(r, name="p")
    text = str(caught.value)
    assert "placeholder 'x' is listed twice" in text
    assert "input placeholder 'x' is listed twice" in text
    assert "state placeholder 'x' is also an input" in text
    assert "result placeholder 'y' is listed twice" in text


def test_too_many_results() -> None:
    assert "gives 1 result, 2 are expected" in problems("x", [act("a b", "exp", on="$x")], "a")[0]
    assert "gives 2 results, 3" in problems("x", [act("a b c", "max", 0, on="$x")], "a")[0]


def test_state_without_its_tensors() -> None:
    r = Role(state=State((Placeholder("s"),), ()), output_ids=("s",))
    with pytest.raises(PlanInvalidError, match="1 placeholders and 0 tensors"):
        Plan.from_role(r, name="p")


def test_hostile_plans_end() -> None:
    actions = [act(f"v{i}", "q" * 200, f"$no{i}") for i in range(2000)]
    with pytest.raises(UnknownCommandError) as caught:
        plan("x", actions, "v0")
    assert len(str(caught.value)) < 40_000
    assert caught.value.problems[-1] == "... and 3900 more"
    deep: object = "$x"
    for _ in range(500):
        deep = [deep]
    with pytest.raises(PlanInvalidError, match="nested too deeply"):
        plan("x", [Action("torch.tensor", None, (deep,), {}, ("y",))], "y")  # type: ignore[arg-type]


def test_framework_names_do_not_mix() -> None:
    with pytest.raises(UnknownCommandError, match=r"torch\.mm|nearest"):
        plan("x", [act("y", "tf.matMul", "$x", "$x")], "y")
    with pytest.raises(UnknownCommandError):
        Plan.from_role(
            role("x", [act("y", "__rfloordiv__", 2, on="$x")], "y"), name="p", framework="tfjs"
        )


def test_keywords_of_a_translated_plan_by_name_or_by_place() -> None:
    x = f([[1, 2], [3, 4]])
    for kwargs in ({"dim": 1, "keepdim": True}, {"keepdim": True, "dim": 1}):
        r = role("x", [act("y", "tf.sum", "$x", **kwargs)], "y")
        p = Plan.from_role(r, name="p", framework="tfjs")
        assert p.execute(x)[0].tolist() == [[3], [7]]
    r = role("x", [act("y", "tf.cast", "$x", to="int32")], "y")  # a name tfjs does not know
    assert Plan.from_role(r, name="p", framework="tfjs").execute(x)[0].dtype == np.int32


def test_plain_numbers_in_a_translated_plan_are_floats() -> None:
    r = role("n", [act("y", "tf.div", 7, "$n")], "y")
    assert Plan.from_role(r, name="p", framework="tfjs").execute(2)[0] == 3.5
    r = role("n m", [act("y", "tf.div", "$n", "$m")], "y")
    p = Plan.from_role(r, name="p", framework="tfjs")
    assert p.execute(np.array(7), np.array(2))[0] == 3  # tfjs floors the division of ints


def test_constants_keep_their_type() -> None:
    p = plan(
        "x",
        [act("a", "mul", 1, on="$x"), act("b", "mul", True, on="$x"), act("c", "mul", 1.0, on="$x"),
         act("d", "div", -0.0, on="$x"), act("e", "div", 0.0, on="$x")],
        "a b c d e",
    )  # fmt: skip
    results = p.execute(np.array([True]))
    assert [r.dtype for r in results[:3]] == [np.int64, np.bool_, np.float32]
    assert [float(r[0]) for r in results[3:]] == [-np.inf, np.inf]


def test_a_program_is_made_once() -> None:
    p = plan("x", [act("y", "exp", on="$x")], "y")
    assert p.program is p.program
    assert Ref("x") == Ref("x")
