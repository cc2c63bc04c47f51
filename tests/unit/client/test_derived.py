"""syft_web.client.derived: training with plans that say what their inputs and outputs are.

The plan is a linear regression with momentum, written by hand; `reference` does the same in
plain NumPy. The momentum is the worker's own: it is kept, saved with a checkpoint, never reported.
"""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from syft_web.author.tracing import trace
from syft_web.client.checkpoint import PlanTrainerCheckpoint
from syft_web.client.derived import derive_specs
from syft_web.client.model import Model
from syft_web.client.trainer import PlanTrainer
from syft_web.data import ArrayDataset, DataLoader
from syft_web.errors import TrainingError
from syft_web.plan import Plan
from syft_web.plan.signature import Slot

RNG = np.random.default_rng(0)
X = RNG.normal(size=(10, 3)).astype(np.float32)
Y = RNG.normal(size=(10, 2)).astype(np.float32)
W = RNG.normal(size=(3, 2)).astype(np.float32)
LR = np.float32(0.1)

IN = (
    Slot("data", "x", shape=(None, 3), dtype="float32"),
    Slot("target", "y", shape=(None, 2), dtype="float32"),
    Slot("batch_size", dtype="float32"),
    Slot("client_config", "lr", dtype="float32"),
    Slot("model_param", "weight", model_index=0),
    Slot("optimizer_state", "weight.momentum", shape=(3, 2), dtype="float32"),
    Slot("optimizer_state", "step", 1, shape=(), dtype="int64"),
)
OUT = (
    Slot("loss"),
    Slot("model_param", "weight", model_index=0),
    Slot("optimizer_state", "weight.momentum"),
    Slot("optimizer_state", "step", 1),
    Slot("metric", "error"),
)


def step(x, y, n, lr, w, momentum, count):
    error = x @ w - y
    momentum = momentum * 0.9 + (x.t() @ error) / n
    return (error * error).sum() / n, w - lr * momentum, momentum, count + 1, error.sum() / n


def described(plan: Plan, inputs=IN, outputs=OUT) -> Plan:
    """The plan with these slots as the tags of its placeholders."""
    role = plan.role
    tags = {
        id: slot.tags
        for ids, slots in ((role.input_ids, inputs), (role.output_ids, outputs))
        for id, slot in zip(ids, slots, strict=True)
    }
    every = {p.id: p for p in (*role.placeholders, *role.inputs, *role.outputs)}
    placeholders = tuple(replace(p, tags=tags.get(p.id, p.tags)) for p in every.values())
    return replace(plan, roles={plan.framework: replace(role, placeholders=placeholders)})


PLAN = described(trace(step, X[:2], Y[:2], 2.0, 0.1, W, W, np.int64(0)))


def loader(**options):
    return DataLoader(ArrayDataset(X, Y), batch_size=4, shuffle=False, **options)


def make(**changes):
    options = {"plan": PLAN, "model": Model([W]), "data": loader(), "client_config": {"lr": 0.1}}
    return PlanTrainer(**{**options, **changes})


def reference(epochs):
    w, momentum, losses = W, np.zeros_like(W), []
    for _ in range(epochs):
        for start in range(0, 10, 4):
            x, y = X[start : start + 4], Y[start : start + 4]
            error = x @ w - y
            losses.append(float((error * error).sum() / len(x)))
            momentum = momentum * np.float32(0.9) + (x.T @ error) / np.float32(len(x))
            w = w - LR * momentum
    return losses, w


async def losses_of(trainer):
    return [event.loss async for event in trainer if event.name == "batchEnd"]


async def test_trains_without_specs():
    trainer = make(epochs=2)
    losses, w = reference(2)
    assert await losses_of(trainer) == pytest.approx(losses, rel=1e-5)
    np.testing.assert_allclose(trainer.current_model.params[0], w, rtol=1e-5)
    assert len(trainer.current_model.params) == 1
    assert int(trainer.checkpoint.state[1]) == 6


async def test_targets_apart_from_the_data():
    together, apart = make(), make(data=X, target=Y, batch_size=4)
    # An array's incomplete last batch is left out.
    assert (await losses_of(together))[:2] == await losses_of(apart)


async def test_the_plan_read_back_from_its_bytes():
    for form in ("protobuf", "msgpack"):
        losses = await losses_of(make(plan=Plan.loads(PLAN.dumps(format=form))))
        assert losses == await losses_of(make())


async def test_a_second_start_begins_with_fresh_state():
    trainer = make()
    first = await losses_of(trainer)
    await trainer.start(resume=False)
    assert int(trainer.checkpoint.state[1]) == 3
    second: list[float] = []
    trainer.on("batchEnd", lambda event: second.append(event.loss))
    await trainer.start(resume=False)
    assert second == first


@pytest.mark.parametrize("stop_after", [1, 2, 4])
async def test_a_checkpoint_carries_the_state(stop_after):
    whole = make(epochs=2)
    await whole.start()
    first, seen = make(epochs=2), 0
    async for event in first:
        seen += event.name == "batchEnd"
        if seen == stop_after:
            await first.stop()
            break
    saved = json.loads(json.dumps(first.checkpoint.to_json()))
    second = make(epochs=2, checkpoint=PlanTrainerCheckpoint.from_json(saved))
    await second.start()
    np.testing.assert_array_equal(second.current_model.params[0], whole.current_model.params[0])
    for ours, theirs in zip(second.checkpoint.state, whole.checkpoint.state, strict=True):
        np.testing.assert_array_equal(ours, theirs)


async def test_a_checkpoint_of_another_optimizer_is_refused():
    checkpoint = replace(make().checkpoint, state=())
    with pytest.raises(TrainingError, match="keeps between steps"):
        make(checkpoint=checkpoint)


def test_a_plan_that_says_nothing_needs_specs():
    plain = trace(step, X[:2], Y[:2], 2.0, 0.1, W, W, np.int64(0))
    with pytest.raises(TrainingError, match="does not say what its inputs"):
        make(plan=plain)


def test_specs_for_one_side_only():
    inputs, _ = derive_specs(PLAN, has_target=False)
    with pytest.raises(TrainingError, match="both inputs and outputs"):
        make(inputs=inputs)


def test_a_plan_for_inference_is_not_trained():
    plan = described(trace(lambda x, w: x @ w, X, W), (IN[0], IN[4]), (Slot("value"),))
    with pytest.raises(TrainingError, match=r"plan\.execute"):
        make(plan=plan)


def test_a_missing_setting_is_named():
    with pytest.raises(TrainingError, match="'lr'"):
        make(client_config={})
