"""What is said about a compiled plan."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from syft_web import cli
from syft_web.errors import PlanExecutionError
from syft_web.ops.spec import Spec
from tests.paths import DATA
from tests.unit.plan.builders import act, plan
from tests.unit.plan.real_plans import mnist_example, recorded


def test_stages_steps_and_memory() -> None:
    case = mnist_example(batch=2)
    told = case.plan.explain(batch=64)
    assert [str(s) for s in told.inputs[:2]] == ["float32[64,784]", "float32[64,10]"]
    assert [stage.name for stage in told.stages[:2]] == ["recorded", "functional"]
    assert told.stages[0].calls == 44
    assert told.stages[-1].calls == len(told.program.steps)
    assert told.stages[0].peak.size > 2_400_000
    assert told.peak.size < 1_400_000
    assert told.peak.certain
    assert 80e6 < told.flops < 82e6
    assert told.costs[0].name == "matmul"
    assert not told.times


def test_the_text() -> None:
    p = plan(
        "x w b",
        [
            act("h", "matmul", "$w", on="$x"),
            act("z", "add", "$b", on="$h"),
            act("a", "relu", on="$z"),
            act("y", "mul", 2, on="$a"),
            act("i", "nonzero", on="$y"),
        ],
        "y i",
        shapes={"x": (2, 3), "w": (3, 4), "b": (4,)},
    )
    text = str(p.explain())
    assert "Plan 'test', role torch, for float32[2,3], float32[3,4], float32[4]" in text
    assert "matmul + add + relu = gemm(in0, in1, in2, False, False, True)" in text
    assert "in place" in text
    assert "or more" in text  # nobody knows how large the result of nonzero is
    assert str(p.explain()) == text


def test_times_with_random_arguments() -> None:
    told = recorded("tr_mlp").plan.explain(time=True)
    assert len(told.step_times) == len(told.program.steps)
    assert all(seconds >= 0 for seconds in told.step_times)
    assert sum(cost.count for cost in told.times) == len(told.program.steps)
    assert "One run takes" in str(told)


def test_inputs_that_do_not_fit_are_refused() -> None:
    wrong = [Spec((2, 3), np.dtype(np.float32))] * 2
    p = plan("x w", [act("y", "matmul", "$w", on="$x")], "y")
    with pytest.raises(PlanExecutionError, match="Action 0"):
        p.explain(wrong)


def test_a_plan_without_inputs_or_actions() -> None:
    assert "for no inputs" in str(plan("", [act("y", "torch.ones", [2])], "y").explain())
    assert "0 steps" in str(plan("x", [], "x").explain())


def test_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    path = str(DATA / "tr_mlp.pb")
    assert cli.main(["inspect", path]) == 0
    text = capsys.readouterr().out
    assert text.startswith("v0 = ")
    assert "return out0" in text
    assert "values need" in text
    assert cli.main(["inspect", path, "--batch", "3", "--time", "--framework", "tfjs"]) == 0
    assert "role tfjs, for float32[3," in capsys.readouterr().out


def test_the_command_says_what_is_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "bad.pb"
    path.write_bytes(plan("x", [act("y", "exp", on="$x")], "y").dumps()[:-3])
    assert cli.main(["inspect", str(path)]) == 1
    assert "syft-web:" in capsys.readouterr().err


def test_the_command_lists_a_plan_that_cannot_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shapes = {"x": (2, 3), "w": (2, 3)}
    path = tmp_path / "odd.pb"
    path.write_bytes(plan("x w", [act("y", "matmul", "$w", on="$x")], "y", shapes=shapes).dumps())
    assert cli.main(["inspect", str(path)]) == 0
    text = capsys.readouterr().out
    assert "return out0" in text
    assert "it does not run: Action 0 (matmul)" in text
