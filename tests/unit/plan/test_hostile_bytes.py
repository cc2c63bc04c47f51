"""Bytes made to hang the page or to fill its memory: refused with a typed error, soon."""

from __future__ import annotations

import numpy as np
import pytest

from syft_web.errors import PlanInvalidError, PlanLimitError, UnknownCommandError
from syft_web.plan import Action, Plan, Ref
from syft_web.plan.limits import Limits
from tests.unit.plan.builders import act, f, role
from tests.unit.plan.refusal import made, refused


def varint(n: int) -> bytes:
    out = b""
    while n > 127:
        out += bytes([n & 127 | 128])
        n >>= 7
    return out + bytes([n])


def field(number: int, value: bytes) -> bytes:
    return varint(number << 3 | 2) + varint(len(value)) + value


def in_plan(actions: bytes) -> bytes:
    """A Plan with one role of these encoded actions."""
    return field(2, actions)


ADD = field(1, b"torch.add")  # the command of an action


@pytest.mark.parametrize("count", [20_001, 1_000_000, 3_000_000])
def test_millions_of_actions(count: int) -> None:
    refused(lambda: Plan.loads(in_plan(field(2, b"") * count)), PlanLimitError)


def test_millions_of_actions_in_another_role() -> None:
    entry = field(1, b"torch") + field(2, field(2, ADD) * 200_000)
    refused(lambda: Plan.loads(field(10, entry)), PlanLimitError)


def test_many_actions_spread_over_roles() -> None:
    entries = b"".join(
        field(10, field(1, f"r{i}".encode()) + field(2, field(2, b"") * 10_000)) for i in range(100)
    )
    refused(lambda: Plan.loads(entries), PlanLimitError)


def test_a_caller_may_allow_more_actions_or_fewer() -> None:
    actions = [act("y", "add", 1, on="$x"), act("z", "add", 1, on="$y")]
    data = Plan.from_role(role("x", actions, "z"), name="two").dumps()
    assert len(Plan.loads(data, limits=Limits(max_actions=2)).role.actions) == 2
    refused(lambda: Plan.loads(data, limits=Limits(max_actions=1)), PlanLimitError)
    packed = Plan.loads(data).dumps("msgpack")
    refused(lambda: Plan.loads(packed, limits=Limits(max_actions=1)), PlanLimitError)


def test_as_many_actions_as_are_allowed_are_read() -> None:
    actions = [act("y", "neg", on="$x" if i == 0 else "$y") for i in range(2_000)]
    data = made(*actions).dumps()
    assert Plan.loads(data).execute(f(1.0, 2.0))[0].tolist() == [1, 2]


@pytest.mark.parametrize("count", [400_000, 2_000_000])
def test_millions_of_arguments(count: int) -> None:
    action = ADD + field(5, b"") * count
    refused(lambda: Plan.loads(in_plan(field(2, action))), trace=False)


def test_a_hundred_thousand_keyword_arguments() -> None:
    kwargs = b"".join(field(6, field(1, str(i).encode()) + field(2, b"")) for i in range(100_000))
    refused(lambda: Plan.loads(in_plan(field(2, ADD + kwargs))), trace=False)


def test_millions_of_unknown_fields_tags_and_pieces() -> None:
    refused(lambda: Plan.loads(in_plan(field(30, b"") * 1_000_000)), trace=False)
    refused(lambda: Plan.loads(in_plan(field(7, b"") * 1_000_000)), trace=False)
    refused(lambda: Plan.loads(field(2, b"") * 1_000_000), trace=False)
    shape = b"\x08\x01" * 1_000_000  # dims, one by one
    action = ADD + field(5, field(5, shape))
    refused(lambda: Plan.loads(in_plan(field(2, action))), trace=False)


def test_deep_nesting_of_argument_lists() -> None:
    for depth in (33, 60, 5_000, 200_000):
        arg = b""
        if depth <= 60:
            for _ in range(depth):
                arg = field(11, field(1, arg))
        else:
            arg = b"\x5a\xff\xff\xff\x07" * depth
        refused(lambda arg=arg: Plan.loads(in_plan(field(2, ADD + field(5, arg)))))


def test_a_container_of_millions_of_values() -> None:
    from syft_web.wire import bundle

    data = bundle.pack("plan", {"roles": [[]] * 700_000})
    refused(lambda: Plan.loads(data), trace=False)


def test_a_long_name_is_shown_short() -> None:
    error = refused(lambda: made(act("y", "a" * 5_000_000, on="$x")), UnknownCommandError)
    assert len(str(error)) < 1_000
    long_id = "i" * 1_000_000
    action = Action("add", Ref("x"), (Ref(long_id),), {}, ("y",))
    error = refused(lambda: made(action), PlanInvalidError)
    assert len(str(error)) < 1_000


def test_a_long_keyword_is_shown_short() -> None:
    action = Action("add", Ref("x"), (1,), {"k" * 1_000_000: 1}, ("y",))
    error = refused(lambda: made(action), PlanInvalidError)
    assert len(str(error)) < 5_000


def test_a_long_text_argument_is_shown_short() -> None:
    error = refused(lambda: made(act("y", "add", "t" * 1_000_000, on="$x")), PlanInvalidError)
    assert len(str(error)) < 5_000


def test_enormous_ints() -> None:
    refused(lambda: made(act("y", "torch.zeros", [10**4000])))
    refused(lambda: made(act("y", "torch.arange", 10**400)))
    refused(lambda: made(act("y", "sum", 10**400, on="$x")).execute(f(1.0)))
    refused(lambda: made(act("y", "add", 10**400, on="$x")).execute(np.array([1], np.int64)))
    refused(lambda: made(act("y", "view", 10**30, on="$x")).execute(f(1.0)))
