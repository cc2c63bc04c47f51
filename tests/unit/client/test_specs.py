"""syft_web.client.specs: syft.js's input and output specs."""

import numpy as np
import pytest

from syft_web.client.specs import (
    PlanInputSpec,
    PlanOutputSpec,
    check_specs,
    read_outputs,
    resolve_inputs,
)
from syft_web.errors import TrainingError
from syft_web.plan.plan import Plan, Role

IN, OUT = PlanInputSpec, PlanOutputSpec


def test_texts_are_those_of_syftjs():
    """One is our own: ``state``, a tensor that the worker keeps between steps."""
    assert IN.TYPES == (
        "data",
        "target",
        "batchSize",
        "clientConfigParam",
        "value",
        "modelParam",
        "state",
    )
    assert OUT.TYPES == ("loss", "metric", "modelParam", "state")


def test_inputs_of_every_type():
    batch, target, params = [np.ones(2), np.zeros(2)], np.full(2, 7), [np.eye(2), np.eye(3)]
    sources = {
        IN.TYPE_DATA: batch,
        IN.TYPE_TARGET: target,
        IN.TYPE_BATCH_SIZE: 64,
        IN.TYPE_CLIENT_CONFIG_PARAM: {"lr": 0.0},
        IN.TYPE_MODEL_PARAM: params,
    }
    specs = [
        IN(IN.TYPE_DATA, index=1),
        IN(IN.TYPE_DATA),
        IN(IN.TYPE_TARGET),
        IN(IN.TYPE_BATCH_SIZE),
        IN(IN.TYPE_CLIENT_CONFIG_PARAM, name="lr"),
        IN(IN.TYPE_VALUE, value=0),
        IN(IN.TYPE_MODEL_PARAM, index=1),
    ]
    expected = [batch[1], batch, target, 64, 0.0, 0, params[1]]
    for found, wanted in zip(resolve_inputs(specs, sources), expected, strict=True):
        assert found is wanted or found == wanted


def test_index_comes_before_name():
    spec = IN(IN.TYPE_DATA, name="image", index=0)
    assert resolve_inputs([spec], {"data": ["by index"]}) == ["by index"]
    assert resolve_inputs([IN("data", name="image")], {"data": {"image": 3}}) == [3]


@pytest.mark.parametrize(
    ("spec", "source", "words"),
    [
        (IN("data", index=2), [1, 2], "plan input 0 .data.*2 in a list of 2"),
        (IN("data", name="y"), {"x": 1}, "'y' in a dict with the keys 'x'"),
        (IN("data", name="y"), np.ones(3), r"array of shape \(3,\)"),
        (IN("target"), None, "there is no target"),
    ],
)
def test_what_is_not_there(spec, source, words):
    with pytest.raises(TrainingError, match=words):
        resolve_inputs([spec], {spec.type: source})


def test_outputs_are_sorted_by_what_they_are():
    loss, accuracy, f1, w, b = (np.float32(n) * np.ones(1) for n in range(5))
    specs = [
        OUT(OUT.TYPE_LOSS),
        OUT(OUT.TYPE_METRIC, name="accuracy"),
        OUT(OUT.TYPE_METRIC, index=4),
        OUT(OUT.TYPE_MODEL_PARAM, index=1),
        OUT(OUT.TYPE_MODEL_PARAM, index=0),
    ]
    result = read_outputs(specs, [loss, accuracy, f1, b, w])
    assert result.loss is loss
    assert result.metrics == {"accuracy": accuracy, "4": f1}
    assert result.params == {1: b, 0: w}


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: IN("weights"), "no type 'weights'.*data, target"),
        (lambda: IN("value"), "needs a value"),
        (lambda: IN("modelParam"), "needs an index"),
        (lambda: IN("clientConfigParam"), "needs a name"),
        (lambda: IN("data", index=-1), "0 or more"),
        (lambda: IN("data", index=True), "0 or more"),
        (lambda: IN("data", name=3), "must be a text"),
        (lambda: OUT("data"), "no type 'data'"),
        (lambda: OUT("metric"), "needs a name"),
        (lambda: OUT("modelParam", name="w"), "needs an index"),
        (lambda: IN.from_json({"name": "lr"}), "with a type"),
        (lambda: OUT.from_json([]), "with a type"),
    ],
)
def test_mistakes_show_when_the_spec_is_made(make, words):
    with pytest.raises(TrainingError, match=words):
        make()


def test_from_json_ignores_what_it_does_not_know():
    spec = IN.from_json({"type": "modelParam", "name": None, "index": 2, "value": None, "x": 1})
    assert spec == IN("modelParam", index=2)
    assert OUT.from_json({"type": "loss"}) == OUT("loss")


PLAN = Plan(name="step", roles={"torch": Role(input_ids=(1, 2), output_ids=(3,))})
X, LR, W = IN("data"), IN("clientConfigParam", name="lr"), OUT("modelParam", index=0)


@pytest.mark.parametrize(
    ("inputs", "outputs", "words"),
    [
        ([X], [W], "'step' has 2 inputs, but 1"),
        ([X, X], [W, W], "1 outputs, but 2"),
        ([X, IN("modelParam", index=1)], [W], "parameter 1, but the model has 1"),
        ([X, X], [OUT("modelParam", index=1)], "parameter 1"),
        ([X, IN("target")], [W], "no target"),
        ([X, IN("clientConfigParam", name="decay")], [W], "'decay'.*has 'lr'"),
    ],
)
def test_specs_that_do_not_fit_the_plan(inputs, outputs, words):
    with pytest.raises(TrainingError, match=words):
        check_specs(PLAN, 1, inputs, outputs, client_config={"lr": 1}, has_target=False)


def test_two_outputs_for_one_parameter():
    plan = Plan(name="step", roles={"torch": Role(input_ids=(1,), output_ids=(2, 3))})
    with pytest.raises(TrainingError, match="the same"):
        check_specs(plan, 1, [X], [W, W], client_config={}, has_target=False)


def test_specs_that_fit():
    check_specs(PLAN, 1, [X, LR], [W], client_config={"lr": 1}, has_target=False)
