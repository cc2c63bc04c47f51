"""Compiled programs: their results, memory, errors, and how they are kept."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from syft_web.errors import PlanExecutionError, PlanLimitError, PlanShapeError, PlanStoppedError
from syft_web.ops import elementwise
from syft_web.ops.spec import Spec
from syft_web.plan import Plan, Role
from syft_web.plan.compile import Programs, compile_graph
from syft_web.plan.limits import Limits
from tests.unit.plan.builders import act, f, plan, role
from tests.unit.plan.random_roles import arguments, roles
from tests.unit.plan.real_plans import Case, mnist_example, recorded, same_bits, syft_js
from tests.unit.plan.reference import interpret


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(roles(), st.integers(0, 3))
def test_random_roles(made: Role, seed: int) -> None:
    args = arguments(seed)
    plan = Plan.from_role(made, name="random")
    try:
        wanted = interpret(made, *args)
    except (ValueError, TypeError):
        wanted = None
    before = [a.copy() for a in args]
    for _ in range(2):
        try:
            results = plan.execute(*args)
        except PlanExecutionError:
            assert wanted is None
            return
        assume(wanted is not None)
        assert wanted is not None
        for got, want in zip(results, wanted, strict=True):
            assert got.dtype == want.dtype
            assert got.shape == want.shape
            scale = float(np.abs(want).max(initial=1)) if np.isfinite(want).all() else 1
            np.testing.assert_allclose(got, want, rtol=1e-4, atol=1e-5 * scale)
        for a, kept in zip(args, before, strict=True):
            assert a.tobytes() == kept.tobytes()
        for i, got in enumerate(results):
            for other in [*args, *results[:i], *made.state.tensors]:
                assert not np.shares_memory(got, other)
            got[...] = 7


def specs(*arrays: np.ndarray) -> list[Spec]:
    return [Spec(a.shape, a.dtype) for a in arrays]


@pytest.mark.parametrize("name", ["tr_mlp", "tr_logreg", "inplace_a", "st_two", "avg_iter"])
@pytest.mark.parametrize("framework", ["torch", "tfjs"])
def test_recorded_plans_as_a_plain_interpreter_runs_them(name: str, framework: str) -> None:
    case = recorded(name, framework)
    wanted = interpret(case.plan.role, *case.args, framework=framework)
    for got, want in zip(case.plan.execute(*case.args), wanted, strict=True):
        assert (got.shape, got.dtype) == (want.shape, want.dtype)
        np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-6)


def test_without_passes_a_program_makes_every_action() -> None:
    case = recorded("tr_mlp")
    program = compile_graph(case.graph, specs(*case.args), passes=())
    assert same_bits(program.run(case.args), case.plan.program.run(case.args))
    assert {step.action for step in program.steps} == set(range(len(case.plan.role.actions)))


# -- memory ---------------------------------------------------------------------------------------


def traced_peak(run: Callable[[], object]) -> int:
    """Bytes that a run allocates at most."""
    run()
    tracemalloc.start()
    try:
        run()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("framework", ["torch", "tfjs"])
@pytest.mark.parametrize("make", [mnist_example, syft_js])
def test_the_mnist_step_needs_little_memory(make: Callable[..., Case], framework: str) -> None:
    case = make(framework=framework)
    program = case.plan.programs.get(case.args)
    assert traced_peak(lambda: program.run_arrays(case.args)) < 1_510_000
    assert traced_peak(lambda: case.plan.program.run_arrays(case.args)) > 2_400_000


# -- keeping programs -----------------------------------------------------------------------------

DOUBLE = plan("x", [act("y", "mul", 2, on="$x")], "y")


def test_one_program_for_each_shape_and_dtype() -> None:
    programs = Programs(DOUBLE.graph, kept=3)
    first = programs.get([f(1, 2)])
    assert programs.get([f(3, 4)]) is first
    assert programs.get([f(1, 2, 3)]) is not first
    assert programs.get([np.array([1.0, 2.0])]) is not first
    assert len(programs) == 3
    assert programs.get([f(1, 2)]) is first
    programs.get([f(1)])  # the three-element one was not used for the longest time
    assert len(programs) == 3
    assert programs.get([f(1, 2)]) is first


def test_numbers_are_arrays_without_dimensions() -> None:
    p = plan("x n", [act("y", "mul", "$n", on="$x")], "y")
    p.execute(f(1, 2), 2)
    p.execute(f(3, 4), 3)
    p.execute(f(3, 4), np.int64(3))
    assert len(p.programs) == 1
    p.execute(f(3, 4), 3.0)
    assert len(p.programs) == 2


def test_a_program_is_found_again() -> None:
    case = recorded("tr_mlp")
    program = case.plan.programs.get(case.args)
    assert case.plan.programs.get(case.args) is program


def test_long_plans_compile() -> None:
    actions = [act(f"v{i + 1}", "mul" if i % 2 else "add", 1.5, on=f"$v{i}") for i in range(2103)]
    p = plan("v0", actions, "v2103")
    compile_graph(p.graph, [Spec((2, 2), np.dtype(np.float32))])


def test_programs_are_shared_by_threads() -> None:
    case = recorded("tr_mlp")
    wanted = case.plan.execute(*case.args)
    with ThreadPoolExecutor(4) as pool:
        for results in pool.map(lambda _: case.plan.execute(*case.args), range(40)):
            assert same_bits(results, wanted)


# -- errors ---------------------------------------------------------------------------------------


def test_what_cannot_run_is_refused_before_any_data_is_touched(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    p = plan(
        "x w",
        [
            act("y", "exp", on="$x"),
            act("z", "matmul", "$w", on="$y"),
            act("q", "add", "$x", on="$z"),
        ],
        "q",
        shapes={"x": (4, 3), "w": (3, 3)},
    )
    assert p.execute(np.ones((4, 3)), np.ones((3, 3)))[0].shape == (4, 3)
    monkeypatch.setattr(np, "errstate", None)  # a run would call it
    with pytest.raises(PlanShapeError) as caught:
        p.execute(np.ones((4, 5)), np.ones((3, 3)))
    assert (caught.value.index, caught.value.command) == (1, "matmul")
    assert "argument 0 (placeholder x) has shape (4, 5)" in str(caught.value)


def test_limits_hold_for_every_shape() -> None:
    r = role("x", [act("y", "repeat", 1000, on="$x")], "y")
    p = Plan(name="p", roles={"torch": r}, limits=Limits(max_bytes=1 << 20))
    assert p.execute(f(1, 2))[0].shape == (2000,)
    with pytest.raises(PlanLimitError, match="larger than"):
        p.execute(np.ones(1000, np.float32))


def test_a_fused_step_that_fails_names_its_actions(monkeypatch: pytest.MonkeyPatch) -> None:
    p = plan(
        "a b c",
        [
            act("p", "matmul", "$b", on="$a"),
            act("q", "add", "$c", on="$p"),
            act("r", "relu", on="$q"),
        ],
        "r",
    )
    a, b, c = np.ones((2, 3), np.float32), np.ones((3, 4), np.float32), f(1, 2, 3, 4)

    def fail(*_args: object, **_kwargs: object) -> None:
        raise MemoryError("no room")

    program = p.programs.get([a, b, c])
    monkeypatch.setattr("syft_web.kernels.matmul", fail)
    with pytest.raises(PlanExecutionError) as caught:
        program.run([a, b, c])
    assert (caught.value.index, caught.value.command) == (0, "matmul + add + relu")
    text = str(caught.value)
    assert "Action 0 (matmul + add + relu) of plan 'test' failed: out of memory" in text
    assert "Operands: float32[2,3], float32[3,4], float32[4]" in text


def test_a_value_that_only_the_data_knows_still_fails_well() -> None:
    p = plan("x i", [act("y", "index_select", 0, "$i", on="$x"), act("z", "exp", on="$y")], "z")
    assert p.execute(f(1, 2), np.array([1]))[0].shape == (1,)
    with pytest.raises(PlanExecutionError, match="out of range") as caught:
        p.execute(f(1, 2), np.array([2]))
    assert caught.value.index == 0


# -- stopping -------------------------------------------------------------------------------------


def test_a_run_can_be_stopped_between_steps() -> None:
    p = plan("x", [act("x", "exp", on="$x") for _ in range(5)], "x")
    asked: list[int] = []

    def third() -> bool:
        asked.append(1)
        return len(asked) > 2

    with pytest.raises(PlanStoppedError, match=r"before action 2 \(exp\)"):
        p.execute(f(1, 2), should_stop=third)
    assert len(asked) == 3
    assert same_bits(p.execute(f(1, 2), should_stop=lambda: False), p.execute(f(1, 2)))


def test_uncompiled_programs_can_be_stopped_too() -> None:
    with pytest.raises(PlanStoppedError):
        DOUBLE.program.run([f(1)], should_stop=lambda: True)


# -- speed ----------------------------------------------------------------------------------------


def test_ufuncs_are_called_straight() -> None:
    p = plan("x y", [act("z", "add", "$y", on="$x"), act("w", "mul", 2, on="$z")], "w")
    x = f([[1, 2], [3, 4]])
    steps = p.programs.get([x, x]).steps
    assert [step.rule for step in steps] == [np.add, np.multiply]
    assert p.program.steps[0].rule is elementwise.add
