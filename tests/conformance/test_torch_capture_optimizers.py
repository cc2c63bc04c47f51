"""Every optimizer and its settings: the captured step against torch's own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from syft_web.errors import CaptureError
from syft_web.plan.signature import Signature
from tests.conformance.torch_compare import differences, run_eager, run_plan, state_of
from tests.conformance.torch_models import MODELS

torch = pytest.importorskip("torch")
authored = pytest.importorskip("syft_web.author.torch")
F = torch.nn.functional
CASE = MODELS["autoencoder"]  # no gradient of it is zero but for rounding
Make = Callable[[Any], Any]


def _over(kind: str, **settings: Any) -> Make:
    return lambda model: getattr(torch.optim, kind)(model.parameters(), **settings)


def _groups(kind: str, first: dict[str, Any], second: dict[str, Any], **rest: Any) -> Make:
    def make(model: Any) -> Any:
        params = list(model.parameters())
        groups = [{"params": params[:4], **first}, {"params": params[4:], **second}]
        return getattr(torch.optim, kind)(groups, **rest)

    return make


OPTIMIZERS: dict[str, Make] = {
    "sgd": _over("SGD", lr=0.1),
    "sgd momentum": _over("SGD", lr=0.1, momentum=0.9),
    "sgd nesterov": _over("SGD", lr=0.1, momentum=0.9, nesterov=True),
    "sgd dampening": _over("SGD", lr=0.1, momentum=0.9, dampening=0.3),
    "sgd weight decay": _over("SGD", lr=0.1, weight_decay=0.05),
    "sgd all": _over("SGD", lr=0.1, momentum=0.5, dampening=0.1, weight_decay=0.05),
    "sgd maximize": _over("SGD", lr=0.01, maximize=True),
    "sgd groups": _groups("SGD", {"lr": 0.1}, {"lr": 0.01, "momentum": 0.9}),
    "sgd foreach": _over("SGD", lr=0.1, momentum=0.9, foreach=True),
    "sgd tensor lr": _over("SGD", lr=torch.tensor(0.1)),
    "adam": _over("Adam", lr=0.01),
    "adam betas": _over("Adam", lr=0.01, betas=(0.5, 0.99), eps=1e-6),
    "adam weight decay": _over("Adam", lr=0.01, weight_decay=0.1),
    "adam amsgrad": _over("Adam", lr=0.01, amsgrad=True),
    "adam maximize": _over("Adam", lr=0.001, maximize=True),
    "adam beta 0": _over("Adam", lr=0.01, betas=(0.0, 0.9)),
    "adam groups": _groups("Adam", {"lr": 0.01}, {"lr": 0.002, "weight_decay": 0.1}),
    "adamw": _over("AdamW", lr=0.01),
    "adamw amsgrad": _over("AdamW", lr=0.01, weight_decay=0.3, amsgrad=True),
    "adamw groups": _groups("AdamW", {"weight_decay": 0.0}, {"weight_decay": 0.2}, lr=0.01),
    "adamax": _over("Adamax", lr=0.01),
    "rmsprop": _over("RMSprop", lr=0.01),
    "rmsprop momentum": _over("RMSprop", lr=0.01, momentum=0.9, weight_decay=0.1),
    "rmsprop centered": _over("RMSprop", lr=0.01, centered=True, momentum=0.5, eps=1e-3),
    "rmsprop alpha": _over("RMSprop", lr=0.01, alpha=0.5, eps=1e-3),
    "adagrad": _over("Adagrad", lr=0.05),
    "adagrad decay": _over("Adagrad", lr=0.05, lr_decay=0.1, weight_decay=0.05),
    "adagrad start": _over("Adagrad", lr=0.05, initial_accumulator_value=0.25),
    "adadelta": _over("Adadelta", lr=1.0, rho=0.8),
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_steps_as_torch_does(name: str) -> None:
    make = OPTIMIZERS[name]
    torch.manual_seed(3)
    model = CASE.model()
    optimizer = make(model)
    x, y = next(CASE.batches(8, 1))
    plan = authored.training_plan(model, CASE.loss, optimizer, x, y)
    state = state_of(model, optimizer=optimizer)
    batches = list(CASE.batches(5, 6))
    lr = float(optimizer.param_groups[0]["lr"])
    ours = run_plan(plan, state, batches, lr=lr)
    losses, tensors = differences(ours, run_eager(model, CASE.loss, optimizer, batches))
    assert losses <= 2e-6
    assert tensors <= 2e-6


def _plan_of(optimizer: Any, model: Any, **rest: Any) -> Any:
    x, y = next(CASE.batches(8, 1))
    return authored.training_plan(model, CASE.loss, optimizer, x, y, **rest)


def test_hyperparameters_as_inputs() -> None:
    """Momentum and weight decay that come from the client config, 0 in the optimizer."""
    model = CASE.model()
    state = state_of(model)
    names = ("lr", "momentum", "weight_decay")
    plan = _plan_of(torch.optim.SGD(model.parameters(), lr=0.1), model, hyperparameters=names)
    signature = Signature.of(plan)
    assert signature is not None
    assert signature.config_keys == names
    batches = list(CASE.batches(4, 5))
    ours = run_plan(plan, state, batches, lr=0.2, momentum=0.8, weight_decay=0.01)
    other = torch.optim.SGD(model.parameters(), lr=0.2, momentum=0.8, weight_decay=0.01)
    losses, tensors = differences(ours, run_eager(model, CASE.loss, other, batches))
    assert losses <= 2e-6
    assert tensors <= 2e-6


def test_no_hyperparameter_as_input() -> None:
    model = CASE.model()
    state = state_of(model)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    plan = _plan_of(optimizer, model, hyperparameters=())
    signature = Signature.of(plan)
    assert signature is not None
    assert signature.config_keys == ()
    batches = list(CASE.batches(4, 3))
    ours = run_plan(plan, state, batches)
    assert differences(ours, run_eager(model, CASE.loss, optimizer, batches))[0] <= 2e-6


def test_groups_keep_their_ratio() -> None:
    """Half the learning rate from the client config halves that of every group."""
    model = CASE.model()
    make = OPTIMIZERS["sgd groups"]
    state = state_of(model)
    plan = _plan_of(make(model), model)
    batches = list(CASE.batches(4, 4))
    ours = run_plan(plan, state, batches, lr=0.05)
    halved = make(model)
    for group in halved.param_groups:
        group["lr"] /= 2
    losses, tensors = differences(ours, run_eager(model, CASE.loss, halved, batches))
    assert losses <= 2e-6
    assert tensors <= 1e-6


def test_state_is_marked_and_starts_as_torchs_does() -> None:
    model = torch.nn.Linear(3, 2)
    optimizer = torch.optim.Adagrad(model.parameters(), lr_decay=0.1, initial_accumulator_value=0.5)
    x, y = torch.randn(4, 3), torch.randint(0, 2, (4,))
    plan = authored.training_plan(model, F.cross_entropy, optimizer, x, y)
    signature = Signature.of(plan)
    assert signature is not None
    slots = [signature.inputs[i] for i in signature.positions("optimizer_state")]
    assert [slot.name for slot in slots] == ["step", "weight.sum", "bias.sum"]
    assert all(slot.model_index is None for slot in slots)
    starts = [slot.start() for slot in slots]
    assert [start.shape for start in starts] == [(), (2, 3), (2,)]
    assert [float(start.max(initial=-1)) for start in starts] == [0.0, 0.5, 0.5]
    assert signature.model_size == 2
    assert len(authored.model_state(model, optimizer).entries) == 2


def test_one_counter_for_all_parameters() -> None:
    model = CASE.model()
    plan = _plan_of(torch.optim.Adam(model.parameters()), model)
    commands = [action.command for action in plan.role.actions]
    assert commands.count("torch.expm1") == 2  # one for each beta, not for each parameter


def test_bias_correction_keeps_its_digits() -> None:
    """1 - 0.999 ** 1 in float32 would be off by 1e-5 of itself."""
    model = torch.nn.Linear(1, 1, bias=False)
    torch.nn.init.zeros_(model.weight)
    optimizer = torch.optim.Adam(model.parameters(), lr=1.0, eps=0.0)
    x = torch.ones(2, 1)
    plan = authored.training_plan(model, F.mse_loss, optimizer, x, x)
    (weight,) = run_plan(plan, state_of(model), [(x, x)], lr=1.0).tensors.values()
    np.testing.assert_allclose(weight, [[1.0]], rtol=3e-7)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda m: torch.optim.LBFGS(m.parameters()), "LBFGS has no counterpart"),
        (lambda m: torch.optim.SGD(torch.nn.Linear(1, 2).parameters()), "not of the model"),
        (_groups("SGD", {"lr": 0.0}, {"lr": 0.1}), "Put another group first"),
        (_over("SGD", lr=0.1, differentiable=True), "differentiable"),
    ],
)
def test_optimizers_that_cannot_be_captured(make: Make, words: str) -> None:
    model = CASE.model()
    with pytest.raises(CaptureError, match=words):
        _plan_of(make(model), model)


def test_a_hyperparameter_that_is_not_there() -> None:
    model = CASE.model()
    with pytest.raises(CaptureError, match=r"no number 'betas'.* it has .*eps, lr"):
        _plan_of(torch.optim.Adam(model.parameters()), model, hyperparameters=("betas",))


def test_nothing_to_train() -> None:
    model = CASE.model().requires_grad_(False)
    with pytest.raises(CaptureError, match="nothing would be trained"):
        _plan_of(torch.optim.SGD(model.parameters()), model)
