"""syft_web.client.checkpoint: the JSON of syft.js."""

import base64
import json

import numpy as np
import pytest

from syft_web.client.checkpoint import PlanTrainerCheckpoint
from syft_web.client.model import Model
from syft_web.errors import TrainingError

MODEL = Model([np.arange(6, dtype=np.float32).reshape(2, 3), np.zeros(3, np.float32)])


def make(**changes):
    values = {
        "epochs": 3,
        "batch_size": 64,
        "epoch": 2,
        "batch": 0,
        "current_model": MODEL,
        "steps_per_epoch": 1,
    }
    return PlanTrainerCheckpoint(**{**values, **changes})


def test_json_has_the_keys_of_syftjs():
    assert make().to_json() == {
        "epochs": 3,
        "stepsPerEpoch": 1,
        "batchSize": 64,
        "clientConfig": {},
        "epoch": 2,
        "batch": 0,
        "currentModelBase64": base64.b64encode(MODEL.dumps()).decode(),
    }


def test_seed_is_written_only_when_there_is_one():
    assert make(seed=0).to_json()["seed"] == 0
    assert "seed" not in make().to_json()


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"seed": 4_294_967_295, "client_config": {"lr": 0.5, "name": "mnist"}},
        {"steps_per_epoch": None, "batch_size": None, "epoch": 0},
    ],
)
def test_round_trip_through_text(changes):
    before = make(**changes)
    after = PlanTrainerCheckpoint.from_json(json.loads(json.dumps(before.to_json())))
    for name in ("epochs", "epoch", "batch", "batch_size", "steps_per_epoch", "seed"):
        assert getattr(after, name) == getattr(before, name)
    assert dict(after.client_config) == dict(before.client_config)
    for one, other in zip(after.current_model.params, MODEL.params, strict=True):
        np.testing.assert_array_equal(one, other, strict=True)


def test_what_syftjs_leaves_out_or_null():
    obj = {**make().to_json(), "stepsPerEpoch": None, "clientConfig": None}
    read = PlanTrainerCheckpoint.from_json(obj)
    assert read.steps_per_epoch is None
    assert read.client_config == {}
    del obj["stepsPerEpoch"], obj["clientConfig"]
    read = PlanTrainerCheckpoint.from_json(obj)
    assert read.steps_per_epoch is None
    assert read.client_config == {}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"epochs": 0}, "epochs must be an integer of at least 1"),
        ({"epochs": "3"}, "epochs must be"),
        ({"epoch": -1}, "epoch must be"),
        ({"batch": 1.5}, "batch must be"),
        ({"batchSize": True}, "batch_size must be"),
        ({"stepsPerEpoch": 0}, "steps_per_epoch must be"),
        ({"seed": -1}, "seed must be"),
        ({"clientConfig": [1]}, "clientConfig must be an object, got list"),
        ({"currentModelBase64": "!!!"}, "not base64"),
        ({"currentModelBase64": 7}, "not base64"),
        ({"currentModelBase64": base64.b64encode(b"AAAAA").decode()}, "cannot be read"),
        ({"currentModelBase64": ""}, "cannot be read"),
    ],
)
def test_bad_json(change, words):
    with pytest.raises(TrainingError, match=words):
        PlanTrainerCheckpoint.from_json({**make().to_json(), **change})


@pytest.mark.parametrize("obj", [None, [], "text", {}, {"epochs": 1}])
def test_no_checkpoint_at_all(obj):
    with pytest.raises(TrainingError, match=r"checkpoint: (expected an object|missing)"):
        PlanTrainerCheckpoint.from_json(obj)


def test_fit():
    make().require_fit(MODEL, 64)
    make().require_fit(MODEL, None)
    make(batch_size=None).require_fit(MODEL, 32)


@pytest.mark.parametrize(
    ("model", "batch_size", "words"),
    [
        (Model(MODEL.params[:1]), 64, "of another job"),
        (Model([MODEL.params[0].T, MODEL.params[1]]), 64, "of another job"),
        (Model([p.astype(np.float64) for p in MODEL.params]), 64, "of another job"),
        (MODEL, 32, "batch_size=64"),
    ],
)
def test_misfit(model, batch_size, words):
    with pytest.raises(TrainingError, match=words):
        make().require_fit(model, batch_size)
