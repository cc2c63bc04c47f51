"""Eleven models captured from torch, run by our executor, against torch itself.

Each is captured once, at a batch of 8, and then trained for five steps at other batch
sizes. With Adam only losses are compared: where the true gradient of a parameter is zero
(the bias of attention's keys, a bias before batch normalisation), its step is lr times the
sign of rounding noise.
"""

from __future__ import annotations

from functools import cache

import pytest

from syft_web.plan.plan import Plan, State
from tests.conformance.torch_compare import differences, run_eager, run_plan, state_of
from tests.conformance.torch_models import MODELS

torch = pytest.importorskip("torch")
authored = pytest.importorskip("syft_web.author.torch")

STEPS = 5
SIZES = (1, 3, 5, 32)
PAIRS = [(name, kind) for name, case in MODELS.items() for kind in case.optimizers]


@cache
def captured(name: str, kind: str) -> tuple[Plan, State]:
    case = MODELS[name]
    model, optimizer = case.build(kind)
    x, y = next(case.batches(8, 1))
    return authored.training_plan(model, case.loss, optimizer, x, y), state_of(model)


@pytest.mark.parametrize("rows", SIZES)
@pytest.mark.parametrize(("name", "kind"), PAIRS)
def test_trains_as_torch_does(name: str, kind: str, rows: int) -> None:
    case = MODELS[name]
    plan, state = captured(name, kind)
    model, optimizer = case.build(kind)
    lr = optimizer.param_groups[0]["lr"]
    batches = list(case.batches(rows, STEPS))
    ours = run_plan(plan, state, batches, lr=lr)
    eager = run_eager(model, case.loss, optimizer, batches)
    losses, tensors = differences(ours, eager)
    assert losses <= 2e-6
    if not kind.startswith("adam"):
        assert tensors <= 1e-6


@pytest.mark.parametrize(("name", "kind"), [("mlp", "momentum"), ("lenet", "momentum")])
def test_the_same_curve_over_fifty_steps(name: str, kind: str) -> None:
    case = MODELS[name]
    plan, state = captured(name, kind)
    model, optimizer = case.build(kind)
    lr = optimizer.param_groups[0]["lr"]
    batches = list(case.batches(8, 50))
    ours = run_plan(plan, state, batches, lr=lr)
    assert differences(ours, run_eager(model, case.loss, optimizer, batches))[0] <= 1e-4
    assert all(0 <= metrics["accuracy"] <= 1 for metrics in ours.metrics)


@pytest.mark.parametrize("format", ["protobuf", "msgpack"])
@pytest.mark.parametrize(("name", "kind"), PAIRS)
def test_survives_its_formats(name: str, kind: str, format: str) -> None:
    case = MODELS[name]
    plan, state = captured(name, kind)
    again = Plan.loads(plan.dumps(format))
    batches = list(case.batches(3, 2))
    before = run_plan(plan, state, batches, lr=0.01)
    after = run_plan(again, State.loads(state.dumps()), batches, lr=0.01)
    assert differences(before, after) == (0.0, 0.0)
    if format == "msgpack":
        assert again == plan
