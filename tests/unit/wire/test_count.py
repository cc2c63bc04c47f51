"""Counting parts of a message without reading it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from syft_web.wire import syft_proto as pb
from syft_web.wire.count import count_parts

ACTIONS = (2, 2)  # Plan.role.actions
IN_ROLES = (10, 2, 2)  # Plan.roles[].value.actions


@given(st.integers(0, 50), st.integers(0, 50))
def test_actions_of_a_plan(first: int, second: int) -> None:
    def role(count: int) -> pb.Role:
        return pb.Role(
            id=pb.Id(id_int=7),
            actions=[pb.ComputationAction(command="add")] * count,
            tags=["#a", "#b"],
        )

    data = pb.encode(
        pb.Plan(name="p", role=role(first), roles={"torch": role(first), "tfjs": role(second)})
    )
    assert count_parts(data, ACTIONS, 1000) == first
    assert count_parts(data, IN_ROLES, 1000) == first + second
    assert count_parts(data, ACTIONS, 3) == min(first, 4)
    assert count_parts(memoryview(data), ACTIONS, 1000) == first


@given(st.binary(max_size=200))
def test_any_bytes(data: bytes) -> None:
    assert count_parts(data, ACTIONS, 1000) >= 0


def test_many_parts() -> None:
    assert count_parts(b"\x12\x00" * 5_000_000, (2,), 100) == 101
    assert count_parts(b"\x0a\x00" * 5_000_000, (2,), 100) == 0
