"""Reports on whole plans, and refusals before anything runs."""

from __future__ import annotations

import numpy as np
import pytest

from syft_web.errors import (
    PlanArgumentError,
    PlanExecutionError,
    PlanInvalidError,
    PlanLimitError,
    PlanShapeError,
)
from syft_web.ops import bounds
from syft_web.ops.spec import UNKNOWN, Spec, spec_of
from syft_web.plan import Plan, Role
from syft_web.plan.guard import guarded
from syft_web.plan.infer import infer_graph
from syft_web.plan.limits import DEFAULT_LIMITS, Limits, require_actions
from syft_web.plan.verify import check_limits, require
from tests.unit.plan.builders import act, f, plan

FLOAT = np.dtype("f4")


def spec(*shape: int, dtype: str = "f4") -> Spec:
    return Spec(shape, np.dtype(dtype))


STEP = plan(
    "x y w",
    [
        act("z", "matmul", "$w", on="$x"),
        act("l", "torch.nn.functional.cross_entropy", "$z", "$y"),
        act("g", "t", on="$w"),
        act("big", "matmul", "$g", on="$z"),
        act("s", "sum", on="$big"),
    ],
    "l s",
    shapes={"x": (64, 784), "y": (64,), "w": (784, 10)},
)


def test_recorded_shapes_are_used() -> None:
    report = STEP.verify()
    assert report.ok
    assert report.largest == 64 * 784 * 4
    assert report.largest_action == 3
    assert report.peak >= report.largest
    assert report.flops >= 2 * 2 * 64 * 784 * 10
    assert report.unknown == 0
    assert "no problems" in str(report)


def test_dtypes_that_are_not_said() -> None:
    """Class numbers must be ints: int64 is assumed where float32 does not fit."""
    report = STEP.verify()
    assert [str(s) for s in report.inputs] == [
        "float32[64,784]", "int64[64]", "float32[784,10]",
    ]  # fmt: skip


def test_given_shapes() -> None:
    report = STEP.verify([spec(3, 5), spec(3, dtype="i8"), spec(5, 2)])
    assert report.ok
    report = STEP.verify([spec(3, 5), spec(4, dtype="i8"), spec(6, 2)])
    assert [p.action for p in report.problems] == [0]
    assert "1 problem" in str(report)
    assert STEP.verify([UNKNOWN] * 3).unknown == 5


def test_problems_of_structure_are_reported_too() -> None:
    broken = Plan(roles={"torch": Role(actions=(act("y", "nope", "$x"),), output_ids=("z",))})
    report = broken.verify()
    assert len(report.problems) == 3
    assert "nope" in str(report)


def test_a_plan_is_refused_before_it_runs() -> None:
    with pytest.raises(PlanShapeError) as caught:
        STEP.execute(np.ones((64, 5), np.float32), np.zeros(64, np.int64), np.ones((784, 10)))
    error = caught.value
    assert isinstance(error, PlanArgumentError | PlanExecutionError)
    assert (error.index, error.command) == (0, "matmul")
    assert "argument 0 (placeholder x) has shape (64, 5), at recording time it was (64, 784)" in (
        str(error)
    )


def test_peak_counts_what_is_needed_at_once() -> None:
    size = 1000 * 4
    chain = [act("a", "exp", on="$x")] + [act("a", "exp", on="$a")] * 9
    p = plan("x", chain, "a")
    assert p.verify([spec(1000)]).peak == 2 * size  # one is read, one is written
    kept = [act(f"a{i}", "exp", on="$x") for i in range(10)]
    p = plan("x", kept, " ".join(f"a{i}" for i in range(10)))
    assert p.verify([spec(1000)]).peak == 10 * size
    views = [act("a", "view", [10, 100], on="$x"), act("b", "t", on="$a"), act("c", "exp", on="$b")]
    p = plan("x", views, "c")
    assert p.verify([spec(1000)]).peak == size
    changed = [act("a", "exp", on="$x")] + [act("", "mul_", 2, on="$a")] * 5
    p = plan("x", changed, "a")
    assert p.verify([spec(1000)]).peak == size


def test_limits() -> None:
    p = plan("x", [act("y", "matmul", "$x", on="$x"), act("z", "exp", on="$y")], "z")
    inference = infer_graph(p.graph, [spec(100, 100)])
    assert check_limits(p.graph, inference, DEFAULT_LIMITS) == ()
    for limits, words in (
        (Limits(max_bytes=30_000), "one value"),
        (Limits(max_total_bytes=50_000), "are held here"),
        (Limits(max_work=1_000), "operations"),
    ):
        problems = check_limits(p.graph, inference, limits)
        assert len(problems) == 1, words
        assert problems[0].action == (1 if "held" in words else 0)
        assert words in problems[0].text
        with pytest.raises(PlanLimitError, match=words) as caught:
            require(p.graph, [spec(100, 100)], limits)
        assert caught.value.index == problems[0].action
        assert p.verify([spec(100, 100)], limits).problems == problems
    total = check_limits(p.graph, inference, Limits(max_work=2_005_000))
    assert total[0].action == -1
    assert "the plan needs" in str(total[0])


def test_limits_are_kept_by_the_plan() -> None:
    data = plan("x", [act("y", "exp", on="$x")], "y").dumps()
    loaded = Plan.loads(data, limits=Limits(max_bytes=100))
    assert loaded == Plan.loads(data)
    with pytest.raises(PlanLimitError):
        loaded.execute(np.ones(100, np.float32))
    packed = Plan.loads(loaded.dumps("msgpack"), limits=Limits(max_bytes=100))
    with pytest.raises(PlanLimitError):
        packed.execute(np.ones(100, np.float32))


def test_too_many_actions() -> None:
    require_actions(5, Limits(max_actions=5))
    with pytest.raises(PlanInvalidError, match="more than the 5 actions"):
        require_actions(6, Limits(max_actions=5))


def test_only_calls_of_unknown_size_are_guarded() -> None:
    p = plan(
        "x n",
        [act("a", "exp", on="$x"), act("z", "torch.zeros", "$n"), act("b", "exp", on="$a")],
        "z b",
    )
    specs = infer_graph(p.graph, [spec(3), spec(dtype="i8")]).specs
    calls = guarded(p.graph, specs, DEFAULT_LIMITS).calls
    same = [c.rule is d.rule for c, d in zip(calls, p.graph.calls, strict=True)]
    assert same == [True, False, True]
    known = plan("x", [act("a", "exp", on="$x")], "a").graph
    assert guarded(known, infer_graph(known, [spec(3)]).specs, DEFAULT_LIMITS) is known


def test_a_guarded_call_checks_shapes_first() -> None:
    p = plan(
        "x n",
        [act("z", "torch.zeros", "$n"), act("y", "matmul", "$z", on="$x")],
        "y",
    )
    assert p.execute(f(1, 2), 2)[0].shape == ()
    with pytest.raises(PlanExecutionError, match="2 is not 3") as caught:
        p.execute(f(1, 2), 3)
    assert caught.value.index == 1
    with pytest.raises(PlanLimitError, match="are allowed") as refused:
        p.execute(f(1, 2), 10**12)
    assert refused.value.index == 0


def test_allocation_is_bounded() -> None:
    bounds.allocation((1 << 20, 4), FLOAT)
    with pytest.raises(bounds.TooLargeError):
        bounds.allocation((1 << 20, 1 << 20), FLOAT)
    with bounds.at_most(100):
        with pytest.raises(bounds.TooLargeError, match="100 are allowed"):
            bounds.allocation((26,), FLOAT)
        with pytest.raises(bounds.TooLargeError):
            bounds.allocation((0, 26), FLOAT)
        bounds.allocation((25,), FLOAT)
    bounds.allocation((26,), FLOAT)


def test_what_is_inferred_for_real_arguments_is_right() -> None:
    args = [np.ones((4, 3), np.float32), np.zeros(4, np.int64), np.ones((3, 2), np.float32)]
    inference = require(STEP.graph, [spec_of(a) for a in args])
    results = STEP.execute(*args)
    assert [inference.specs[r] for r in STEP.graph.outputs] == [spec_of(r) for r in results]
