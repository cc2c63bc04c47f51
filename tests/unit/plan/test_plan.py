"""Plan and its listing."""

from __future__ import annotations

import numpy as np
import pytest

from syft_web.errors import PlanInvalidError
from syft_web.plan import Action, Placeholder, Plan, Ref, Role
from tests.unit.plan.builders import act, f, plan, role


def test_listing() -> None:
    p = plan(
        "x y",
        [
            act("a b", "max", 1, on="$x"),
            act("c", "torch.cat", ["$a", "$s"], dim=0),
            act("c", "add_", 1.5, on="$c"),
            act("", "torch.manual_seed", 3),
            act("d", "add", f([[1, 2]]), on="$c"),
            act("e", "torch.nn.functional.mse_loss", "$d", "$y", reduction="sum"),
        ],
        "e b",
        state={"s": f(1, 2)},
    )
    assert p.listing() == (
        "v0, out1 = in0.max(1)\n"
        "v1 = torch.cat([v0, state0], dim=0)\n"
        "v1 = v1.add_(1.5)\n"
        "torch.manual_seed(3)\n"
        "v2 = v1.add(tensor(float32[1,2]))\n"
        "out0 = torch.nn.functional.mse_loss(v2, in1, reduction='sum')\n"
        "return out0, out1\n"
    )


def test_listing_of_a_broken_role() -> None:
    p = Plan(roles={"torch": Role(actions=(Action("f", Ref("gone"), (None,), {}, (1,)),))})
    assert p.listing() == "v0 = undefined('gone').f(None)\nreturn\n"


def test_inputs_and_outputs() -> None:
    p = plan("x", [act("y", "exp", on="$x")], "y", shapes={"x": (2, 3)})
    assert p.inputs == (Placeholder("x", expected_shape=(2, 3)),)
    assert p.outputs == (Placeholder("y"),)
    assert p.role.placeholder("nowhere") == Placeholder("nowhere")


def test_a_plan_without_roles() -> None:
    with pytest.raises(PlanInvalidError, match="no roles"):
        Plan(name="p")
    with pytest.raises(PlanInvalidError, match="no role for 'tfjs'"):
        Plan(name="p", roles={"torch": Role()}, framework="tfjs").validate()


def test_from_role_checks() -> None:
    with pytest.raises(PlanInvalidError):
        Plan.from_role(Role(output_ids=(1,)), name="p")


def test_a_plan_that_only_passes_on() -> None:
    p = Plan.from_role(Role(input_ids=(1,), output_ids=(1,)), name="p")
    x = f(1, 2)
    (got,) = p.execute(x)
    np.testing.assert_array_equal(got, x)
    assert not np.shares_memory(got, x)


def test_plans_can_be_run_from_several_threads() -> None:
    from concurrent.futures import ThreadPoolExecutor

    p = plan("x", [act("y", "mul", 2, on="$x"), act("y", "add_", 1, on="$y")], "y")
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda k: p.execute(np.full(1000, k, np.float32))[0], range(40)))
    assert all((r == 2 * k + 1).all() for k, r in enumerate(results))


def test_only_the_active_role_is_resolved() -> None:
    good = role("x", [act("y", "exp", on="$x")], "y")
    bad = role("x", [act("y", "nonsense", on="$x")], "y")
    p = Plan.from_role(good, name="p", extra_roles={"other": bad})
    assert p.framework == "torch"
