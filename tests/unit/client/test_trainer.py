"""syft_web.client.trainer: the loop of syft.js, with its faults mended.

The plan is a linear regression; `reference` does the same in plain NumPy.
"""

import asyncio
import json
from dataclasses import replace

import numpy as np
import pytest

from syft_web.author.tracing import trace
from syft_web.client.checkpoint import PlanTrainerCheckpoint
from syft_web.client.model import Model
from syft_web.client.specs import PlanInputSpec, PlanOutputSpec
from syft_web.client.trainer import PlanTrainer
from syft_web.client.training_events import (
    BatchEnd,
    BatchStart,
    EpochEnd,
    EpochStart,
    Finished,
    Started,
    Stopped,
)
from syft_web.data import ArrayDataset, DataLoader
from syft_web.errors import PlanExecutionError, TrainingError

RNG = np.random.default_rng(0)
X = RNG.normal(size=(10, 3)).astype(np.float32)
Y = RNG.normal(size=(10, 2)).astype(np.float32)
W = RNG.normal(size=(3, 2)).astype(np.float32)


def step(x, y, n, lr, w):
    error = x @ w - y
    return (error * error).sum() / n, n * 1, w - lr * (x.t() @ error) / n


PLAN = trace(step, X[:2], Y[:2], 2, 0.1, W)
INPUTS = [
    PlanInputSpec("data", index=0),
    PlanInputSpec("data", index=1),
    PlanInputSpec("batchSize"),
    PlanInputSpec("clientConfigParam", name="lr"),
    PlanInputSpec("modelParam", index=0),
]
OUTPUTS = [
    PlanOutputSpec("loss"),
    PlanOutputSpec("metric", name="size"),
    PlanOutputSpec("modelParam", index=0),
]


def loader(batch_size=4, **options):
    return DataLoader(ArrayDataset(X, Y), batch_size=batch_size, **{"seed": 1, **options})


def make(**changes):
    options = {
        "plan": PLAN,
        "model": Model([W]),
        "inputs": INPUTS,
        "outputs": OUTPUTS,
        "data": loader(),
        "client_config": {"lr": 0.1},
    }
    return PlanTrainer(**{**options, **changes})


def reference(batches):
    losses, w, lr = [], W, np.float32(0.1)
    for x, y in batches:
        error = x @ w - y
        losses.append(float((error * error).sum() / len(x)))
        w = w - lr * (x.T @ error) / np.float32(len(x))
    return losses, w


async def drain(trainer):
    return [event async for event in trainer]


def names(events):
    return [
        (type(event).__name__, *(getattr(event, k, None) for k in ("epoch", "batch")))
        for event in events
    ]


def ends(events):
    return [event for event in events if isinstance(event, BatchEnd)]


def same_params(one, other):
    for a, b in zip(one.current_model.params, other.current_model.params, strict=True):
        np.testing.assert_array_equal(a, b, strict=True)


# One run


async def test_one_epoch_as_plain_numpy_does_it():
    trainer = make()
    events = await drain(trainer)
    losses, w = reference(loader().batches(0))
    np.testing.assert_allclose([e.loss for e in ends(events)], losses, rtol=1e-5)
    np.testing.assert_allclose(trainer.current_model.params[0], w, atol=1e-6)
    np.testing.assert_array_equal(trainer.original_model.params[0], W)
    assert names(events) == [
        ("Started", None, None),
        ("EpochStart", 0, None),
        *[item for b in range(3) for item in (("BatchStart", 0, b), ("BatchEnd", 0, b))],
        ("EpochEnd", 0, None),
        ("Finished", None, None),
    ]
    assert await drain(trainer) == []  # it is over


async def test_events_go_to_handlers_under_syftjs_names():
    trainer, heard = make(epochs=2, steps_per_epoch=1), []
    for name in ("start", "epochStart", "batchStart", "batchEnd", "epochEnd", "stop", "end"):
        trainer.on(name, lambda event, name=name: heard.append((name, event)))
    await trainer.start()
    one_epoch = ["epochStart", "batchStart", "batchEnd", "epochEnd"]
    assert [name for name, _ in heard] == ["start", *one_epoch, *one_epoch, "end"]
    assert all(event.name == name for name, event in heard)
    with pytest.raises(TrainingError, match="batchEnd"):
        trainer.on("batchFinished", print)


async def test_values_are_plain_numbers():
    event = ends(await drain(make()))[0]
    assert type(event.loss) is float
    assert event.metrics == {"size": 4}
    json.dumps([event.loss, event.metrics])


async def test_every_epoch_reads_the_data_anew_in_another_order():
    trainer = make(epochs=3)
    losses, w = reference([b for epoch in range(3) for b in loader().batches(epoch)])
    np.testing.assert_allclose([e.loss for e in ends(await drain(trainer))], losses, rtol=1e-5)
    np.testing.assert_allclose(trainer.current_model.params[0], w, atol=1e-6)


async def test_short_last_batch_tells_its_true_size():
    assert [e.metrics["size"] for e in ends(await drain(make()))] == [4, 4, 2]
    old = make(compat_batch_size=True)
    assert [e.metrics["size"] for e in ends(await drain(old))] == [4, 4, 4]


@pytest.mark.parametrize(("extra", "batches"), [(False, [2, 2]), (True, [3, 3])])
async def test_steps_per_epoch_means_that_many_batches(extra, batches):
    events = await drain(make(epochs=2, steps_per_epoch=2, compat_extra_update=extra))
    assert [e.batches for e in events if isinstance(e, EpochEnd)] == batches


async def test_epoch_means_are_weighted_by_batch_size():
    events = await drain(make())
    (epoch,) = (e for e in events if isinstance(e, EpochEnd))
    losses = [e.loss for e in ends(events)]
    assert epoch.loss == pytest.approx((4 * losses[0] + 4 * losses[1] + 2 * losses[2]) / 10)
    assert epoch.metrics["size"] == pytest.approx(3.6)


async def test_defaults_come_from_the_client_config():
    config = {"lr": 0.1, "max_updates": 2, "max_epochs": 3, "batch_size": 5}
    trainer = make(client_config=config)
    assert (trainer.steps_per_epoch, trainer.epochs, trainer.batch_size) == (2, 3, 4)
    trainer = make(
        client_config=config,
        epochs=1,
        steps_per_epoch=7,
        data=X,
        inputs=INPUTS[:1] * 2 + INPUTS[2:],
    )
    assert (trainer.steps_per_epoch, trainer.epochs, trainer.batch_size) == (7, 1, 5)


async def test_arrays_with_target():
    inputs = [PlanInputSpec("data"), PlanInputSpec("target"), *INPUTS[2:]]
    trainer = make(data=X, target=Y, batch_size=4, inputs=inputs)
    _, w = reference([(X[:4], Y[:4]), (X[4:8], Y[4:8])])
    assert len(ends(await drain(trainer))) == 2
    np.testing.assert_allclose(trainer.current_model.params[0], w, atol=1e-6)


async def test_dict_batches():
    data = [{"x": X[:4], "y": Y[:4]}]
    inputs = [PlanInputSpec("data", name="x"), PlanInputSpec("data", name="y"), *INPUTS[2:]]
    assert len(ends(await drain(make(data=data, inputs=inputs)))) == 1


async def test_no_batches_leave_the_model_as_it_is(caplog):
    trainer = make(data=loader(batch_size=64, drop_last=True))
    events = await drain(trainer)
    assert isinstance(events[-1], Finished)
    assert "no batches" in caplog.text
    np.testing.assert_array_equal(trainer.current_model.params[0], W)
    trainer.checkpoint.to_json()


async def test_outputs_may_leave_out_parameters_loss_and_metrics():
    plan = trace(lambda x, w: (x @ w).sum(), X[:4], W)
    trainer = make(
        plan=plan, inputs=[INPUTS[0], INPUTS[4]], outputs=[PlanOutputSpec("metric", name="sum")]
    )
    event = ends(await drain(trainer))[0]
    assert event.loss is None
    assert set(event.metrics) == {"sum"}
    np.testing.assert_array_equal(trainer.current_model.params[0], W)


async def test_metric_with_several_elements_is_a_list():
    plan = trace(lambda x, w: x @ w, X[:4], W)
    outputs = [PlanOutputSpec("metric", name="out")]
    event = ends(await drain(make(plan=plan, inputs=[INPUTS[0], INPUTS[4]], outputs=outputs)))[0]
    np.testing.assert_allclose(event.metrics["out"], next(loader().batches(0))[0] @ W, rtol=1e-5)


# Stopping and resuming


@pytest.mark.parametrize("stop_after", range(9))
async def test_stopped_at_any_batch_and_resumed_elsewhere_gives_the_same_model(stop_after):
    whole = make(epochs=3)
    await whole.start()

    first, done = make(epochs=3), 0
    async for event in first:
        if isinstance(event, BatchEnd):
            done += 1
            if done == stop_after + 1:
                checkpoint = await first.stop()
                break
    stored = json.loads(json.dumps(checkpoint.to_json()))
    second = make(data=loader(seed=99), checkpoint=PlanTrainerCheckpoint.from_json(stored))
    events = await drain(second)
    assert len(ends(events)) == 9 - done
    same_params(second, whole)


@pytest.mark.parametrize("stop_at", ["batchStart", "batchEnd", "epochStart", "epochEnd", "start"])
async def test_stop_in_any_handler_takes_effect_before_the_next_batch(stop_at):
    trainer, futures, heard = make(epochs=2), [], set()

    def stop_once_each(event):
        if repr(event) not in heard:
            heard.add(repr(event))
            futures.append(trainer.stop())

    trainer.on(stop_at, stop_once_each)
    for _ in range(20):
        last = (await drain(trainer))[-1]
        assert isinstance(last, Stopped) == trainer.stopped
        if isinstance(last, Finished):
            break
    assert isinstance(last, Finished)
    whole = make(epochs=2)
    await whole.start()
    same_params(trainer, whole)
    assert all(future.done() for future in futures)


async def test_checkpoint_after_stop_on_the_last_batch_of_an_epoch_is_that_of_syftjs():
    inputs = [PlanInputSpec("data"), PlanInputSpec("target"), *INPUTS[2:]]
    config = {"lr": 0.1}
    trainer = make(
        data=X,
        target=Y,
        inputs=inputs,
        epochs=3,
        steps_per_epoch=1,
        batch_size=4,
        client_config=config,
    )
    trainer.on("batchEnd", lambda event: trainer.stop() if event.epoch == 1 else None)
    await trainer.start()
    obj = trainer.checkpoint.to_json()
    assert obj.pop("currentModelBase64")
    assert obj.pop("noiseSeed") >= 0
    assert obj == {
        "epoch": 2,
        "epochs": 3,
        "batch": 0,
        "batchSize": 4,
        "stepsPerEpoch": 1,
        "clientConfig": config,
    }


async def test_stop_from_another_task_while_it_runs():
    trainer = make(epochs=100_000)
    running = asyncio.create_task(trainer.start())
    await asyncio.sleep(0.01)
    checkpoint = await asyncio.wait_for(trainer.stop(), 1)
    await asyncio.wait_for(running, 1)
    assert trainer.stopped
    assert (checkpoint.epoch, checkpoint.batch) == (trainer.epoch, trainer.batch)
    assert checkpoint.epoch > 0


async def test_events_around_stop_and_resume():
    """As in syft.js: the event at which it stops is told again after resuming."""
    trainer, events = make(), []
    trainer.on("batchEnd", lambda event: trainer.stop() if event.batch == 1 else None)
    events += await drain(trainer)
    assert names(events)[-3:] == [("BatchEnd", 0, 1), ("BatchStart", 0, 2), ("Stopped", 0, 2)]
    resumed = await drain(trainer)
    assert names(resumed) == [
        ("Started", None, None),
        ("EpochStart", 0, None),
        ("BatchStart", 0, 2),
        ("BatchEnd", 0, 2),
        ("EpochEnd", 0, None),
        ("Finished", None, None),
    ]


async def test_stop_inside_async_for_ends_it_with_stopped():
    trainer, seen = make(), []
    async for event in trainer:
        seen.append(event)
        if isinstance(event, BatchEnd):
            await trainer.stop()
    assert names(seen[-2:]) == [("BatchEnd", 0, 0), ("Stopped", 0, 1)]


async def test_leaving_the_loop_and_coming_back_goes_on():
    trainer, seen = make(), []
    while not (seen and isinstance(seen[-1], Finished)):
        async for event in trainer:
            seen.append(event)
            break
    assert seen == await drain(make())


async def test_stop_before_start_after_the_end_and_twice():
    trainer = make()
    checkpoint = await trainer.stop()
    assert (checkpoint.epoch, checkpoint.batch) == (0, 0)
    assert names(await drain(trainer))[-1] == ("Stopped", 0, 0)
    await trainer.resume()
    assert (await trainer.stop()).batch == 3
    assert (await trainer.stop()).batch == 3
    assert not trainer.stopped


async def test_stop_during_the_last_batch_resolves_at_the_end():
    trainer, futures = make(), []
    trainer.on("batchEnd", lambda e: futures.append(trainer.stop()) if e.batch == 2 else None)
    events = await drain(trainer)
    assert isinstance(events[-1], Finished)
    assert (await futures[0]).batch == 3


async def test_start_begins_anew_and_resume_does_nothing_unless_stopped():
    trainer = make()
    await trainer.resume()
    assert trainer.batch == 0
    await trainer.start()
    once = trainer.current_model.params[0]
    await trainer.start()
    np.testing.assert_array_equal(trainer.current_model.params[0], once)


async def test_given_a_checkpoint_start_goes_on_from_it():
    first = make(steps_per_epoch=2)
    await first.start()
    second = make(checkpoint=replace(first.checkpoint, steps_per_epoch=None))
    assert second.stopped
    heard = []
    second.on("batchStart", lambda event: heard.append(event.batch))
    await second.start()
    assert heard == [2]
    whole = make()
    await whole.start()
    same_params(second, whole)


async def test_cancelled_it_can_be_resumed():
    trainer = make(epochs=100_000)
    running = asyncio.create_task(trainer.start())
    await asyncio.sleep(0.01)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert trainer.stopped
    first_two = [await anext(aiter(trainer)) for _ in range(2)]
    assert first_two == [Started(), EpochStart(trainer.epoch)]


async def test_it_gives_way_after_every_batch():
    turns = 0

    async def sleep(seconds):
        nonlocal turns
        turns += 1
        await asyncio.sleep(seconds)

    await make(epochs=2, sleep=sleep).start()
    assert turns == 6


async def test_only_one_may_drive_it_at_a_time():
    trainer = make(epochs=100_000)
    running = asyncio.create_task(trainer.start())
    await asyncio.sleep(0)
    with pytest.raises(TrainingError, match="already running"):
        await trainer.start()
    with pytest.raises(TrainingError, match="already running"):
        trainer.apply_checkpoint(trainer.checkpoint)
    await trainer.stop()
    await running


async def test_async_handlers_may_await_stop():
    trainer, got = make(epochs=100), []

    async def handler(event):
        if event.batch == 1:
            got.append(await trainer.stop())

    trainer.on("batchEnd", handler)
    await asyncio.wait_for(trainer.start(), 5)
    assert len(got) == 1
    assert trainer.stopped


# Errors


async def test_a_failing_plan_tells_where_and_can_be_resumed():
    trainer, failed = make(data=[(X[:4], Y[:4]), (X[:4], Y[:3])]), []
    trainer.on("error", failed.append)
    with pytest.raises(PlanExecutionError) as caught:
        await trainer.start()
    assert failed[0].error is caught.value
    assert "epoch 0, batch 1" in "".join(caught.value.__notes__)
    assert trainer.stopped
    assert (trainer.epoch, trainer.batch) == (0, 1)
    with pytest.raises(PlanExecutionError):
        await trainer.resume()


async def test_failing_data_is_a_training_error_with_its_position():
    class Broken:
        def __len__(self):
            return 10

        def __getitem__(self, index):
            if index == 7:
                raise OSError("the disk is gone")
            return X[index], Y[index]

    trainer = make(data=DataLoader(Broken(), batch_size=4, shuffle=False))
    with pytest.raises(TrainingError, match=r"epoch 0, batch 1.*OSError: the disk is gone"):
        await trainer.start()


async def test_a_stop_that_waits_is_answered_when_training_fails():
    trainer, futures = make(data=[(X[:4], Y[:3])]), []
    trainer.on("batchStart", lambda event: futures.append(asyncio.ensure_future(later())))

    async def later():
        return await trainer.stop()

    with pytest.raises(PlanExecutionError):
        await trainer.start()
    assert (await asyncio.wait_for(futures[0], 1)).batch == 0


async def test_what_a_handler_raises_ends_the_training():
    trainer = make()
    trainer.on("batchEnd", lambda event: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        await trainer.start()
    assert trainer.batch == 1


async def test_parameters_of_another_shape_are_refused():
    plan = trace(lambda w: w.t(), W)
    trainer = make(plan=plan, inputs=[INPUTS[4]], outputs=[OUTPUTS[2]])
    with pytest.raises(TrainingError, match=r"shape \(2, 3\) for model parameter 0"):
        await trainer.start()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"inputs": INPUTS[:-1]}, "5 inputs, but 4"),
        ({"epochs": 0}, "epochs must be an integer of at least 1"),
        ({"steps_per_epoch": 1.5}, "steps_per_epoch"),
        ({"client_config": {"lr": 1, "max_updates": "many"}}, "client_config max_updates"),
        ({"client_config": {}}, "'lr'.*nothing"),
        (
            {"checkpoint": PlanTrainerCheckpoint(1, 4, 0, 0, Model([W.T]))},
            "another job",
        ),
        ({"checkpoint": PlanTrainerCheckpoint(1, 5, 0, 0, Model([W]))}, "batch_size=5"),
    ],
)
def test_mistakes_show_when_it_is_made(changes, words):
    with pytest.raises(TrainingError, match=words):
        make(**changes)


def test_events_are_values():
    assert EpochStart(1) == EpochStart(1)
    assert Stopped(1, 2) != Stopped(1, 3)
    assert BatchStart(0, 1).name == "batchStart"
    assert Started().name == "start"
