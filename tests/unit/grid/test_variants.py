from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syft_web.errors import HostingError
from syft_web.grid.variants import new_plan
from syft_web.plan import Plan
from syft_web.wire import syft_proto as pb
from tests.paths import DATA, NO_SHARED, SHARED

PLANS = sorted(p for p in DATA.glob("*.pb") if not p.stem.startswith(("state_", "protocol_")))


def commands(data: bytes | None) -> list[str]:
    assert data is not None
    plan = pb.decode(pb.Plan, data)
    assert plan.role is not None
    return [action.command for action in plan.role.actions]


@pytest.mark.parametrize("path", PLANS, ids=lambda p: p.stem)
def test_variants_of_pysyfts_plans(path: Path) -> None:
    data = path.read_bytes()
    hosted = pb.decode(pb.Plan, data)
    plan = new_plan("p", data)
    assert plan.hosted == data
    assert hosted.role is not None

    as_list = pb.decode(pb.Plan, plan.as_list)
    assert as_list.torchscript == b""
    assert as_list.roles.keys() == hosted.roles.keys()
    assert commands(plan.as_list) == [a.command for a in hosted.role.actions]

    assert (plan.as_torchscript is None) is (not hosted.torchscript)
    if plan.as_torchscript is not None:
        assert commands(plan.as_torchscript) == []
        assert pb.decode(pb.Plan, plan.as_torchscript).torchscript == hosted.torchscript

    tfjs = hosted.roles.get("tfjs")
    assert (plan.as_tfjs is None) is (tfjs is None)
    if tfjs is not None:
        assert commands(plan.as_tfjs) == [a.command for a in tfjs.actions]
        decoded = pb.decode(pb.Plan, plan.as_tfjs or b"")
        assert (decoded.roles, decoded.torchscript) == ({}, b"")
        assert decoded.base_framework == "tfjs"


def test_our_executor_reads_the_list_and_the_tfjs_form() -> None:
    plan = new_plan("p", (DATA / "tr_mlp.pb").read_bytes())
    assert Plan.loads(plan.as_list).framework == "torch"
    assert Plan.loads(plan.as_tfjs or b"").framework == "tfjs"


@pytest.mark.skipif(SHARED is None, reason=NO_SHARED)
@pytest.mark.parametrize("name", ["js2004_plan_mnist", "js2006_mnist_plan", "err_truncated_plan"])
def test_older_layouts_and_halves_are_refused(name: str) -> None:
    assert SHARED is not None
    with pytest.raises(HostingError, match=r"^Plan is not valid: plan 'p'"):
        new_plan("p", (SHARED / "bin" / f"{name}.pb").read_bytes())


@given(st.binary(max_size=200))
def test_random_bytes_are_no_plan(data: bytes) -> None:
    with pytest.raises(HostingError, match="Plan is not valid"):
        new_plan("p", data)
