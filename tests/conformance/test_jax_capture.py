"""Models captured from jax, run by our executor, against jax itself.

Each is captured once, at a batch of 8, and then trained for five steps at other batch sizes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from typing import Any

import numpy as np
import pytest

from syft_web.plan.plan import Plan, State
from tests.conformance.plan_training import Run, run_plan

jax = pytest.importorskip("jax")
authored = pytest.importorskip("syft_web.author.jax")
MODELS = pytest.importorskip("tests.conformance.jax_models").MODELS

STEPS = 5
SIZES = (1, 3, 5, 32)
LR = 0.1


@cache
def captured(name: str) -> Plan:
    case = MODELS[name]
    x, y = next(case.batches(8, 1))
    return authored.training_plan(case.apply, case.start(), case.loss, authored.sgd(LR), x, y)


def eager(
    apply: Callable[..., Any], params: Any, loss: Callable[..., Any], batches: Iterable[Any]
) -> Run:
    """Train with jax itself."""
    run = Run()
    step = jax.jit(jax.value_and_grad(lambda p, x, y: loss(apply(p, x), y)))
    for x, y in batches:
        value, grads = step(params, x, y)
        params = jax.tree.map(lambda p, g: p - np.float32(LR) * g, params, grads)
        run.losses.append(float(value))
    state = authored.model_state(params)
    names = [p.tags[0].removeprefix("#name:") for p in state.placeholders]
    run.tensors = dict(zip(names, state.tensors, strict=True))
    return run


def ours(plan: Plan, state: State, batches: Iterable[Any], **config: float) -> Run:
    return run_plan(plan, state, [([x], [y]) for x, y in batches], **config)


def compare(plan: Run, other: Run) -> None:
    assert np.abs(np.subtract(plan.losses, other.losses)).max() <= 2e-6
    assert set(plan.tensors) == set(other.tensors)
    for name, value in plan.tensors.items():
        assert value.dtype == other.tensors[name].dtype
        assert np.abs(value - other.tensors[name]).max() <= 1e-6, name


@pytest.mark.parametrize("rows", SIZES)
@pytest.mark.parametrize("name", MODELS)
def test_trains_as_jax_does(name: str, rows: int) -> None:
    case = MODELS[name]
    batches = list(case.batches(rows, STEPS))
    run = ours(captured(name), authored.model_state(case.start()), batches, lr=LR)
    compare(run, eager(case.apply, case.start(), case.loss, batches))


@pytest.mark.parametrize("format", ["protobuf", "msgpack"])
@pytest.mark.parametrize("name", MODELS)
def test_survives_its_formats(name: str, format: str) -> None:
    case = MODELS[name]
    plan, state = captured(name), authored.model_state(case.start())
    again = Plan.loads(plan.dumps(format))
    batches = list(case.batches(3, 2))
    before, after = (ours(p, state, batches, lr=LR) for p in (plan, again))
    assert before.losses == after.losses
    if format == "msgpack":
        assert again == plan
