"""What capturing leaves alone, and what people hand over that is not quite what is asked for."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest

from syft_web.errors import CaptureError
from syft_web.plan.signature import Signature
from tests.conformance.torch_compare import differences, run_eager, run_plan, state_of

torch = pytest.importorskip("torch")
authored = pytest.importorskip("syft_web.author.torch")
nn, F = torch.nn, torch.nn.functional


def _sgd(model: Any) -> Any:
    return torch.optim.SGD(model.parameters(), lr=0.1)


def _batch(rows: int = 8) -> tuple[Any, Any]:
    return torch.randn(rows, 6), torch.randint(0, 3, (rows,))


def _mlp() -> Any:
    torch.manual_seed(3)
    return nn.Sequential(nn.Linear(6, 4), nn.Tanh(), nn.Linear(4, 3))


def _same_as_torch(model: Any, plan: Any, loss: Any = F.cross_entropy) -> None:
    state, batches = state_of(model), [_batch(n) for n in (5, 3, 5)]
    ours = run_plan(plan, state, batches, lr=0.1)
    losses, tensors = differences(ours, run_eager(model, loss, _sgd(model), batches))
    assert losses <= 2e-6
    assert tensors <= 1e-6


class Shared(nn.Module):
    """One submodule under two names, and an LSTM, which keeps its parameters twice."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(6, 6)])
        self.alias = self.layers[0]
        self.lstm = nn.LSTM(6, 4, batch_first=True)
        self.last = nn.Linear(4, 3)

    def forward(self, x: Any) -> Any:
        h = self.alias(torch.tanh(self.layers[0](x)))
        return self.last(self.lstm(h[:, None])[0][:, 0])


def test_a_shared_submodule_keeps_its_own_tensors() -> None:
    model = Shared()
    before = {name: id(p) for name, p in model.named_parameters(remove_duplicate=False)}
    plan = authored.training_plan(model, F.cross_entropy, _sgd(model), *_batch())
    assert {n: id(p) for n, p in model.named_parameters(remove_duplicate=False)} == before
    assert all(type(w) is nn.Parameter for w in model.lstm._flat_weights)
    copy.deepcopy(model)
    _same_as_torch(model, plan)


def test_the_model_is_as_it_was_after_a_refusal() -> None:
    class Refused(Shared):
        def forward(self, x: Any) -> Any:
            return super().forward(x) * float(x.sum())

    model = Refused()
    with pytest.raises(CaptureError):
        authored.training_plan(model, F.cross_entropy, _sgd(model), *_batch())
    assert all(type(p) is nn.Parameter for p in model.parameters())
    assert torch.isfinite(model(torch.ones(2, 6))).all()


class Counting(nn.Module):
    """A buffer that is not changed in place but replaced."""

    def __init__(self) -> None:
        super().__init__()
        self.line = nn.Linear(6, 3)
        self.register_buffer("mean", torch.zeros(6))

    def forward(self, x: Any) -> Any:
        self.mean = 0.9 * self.mean + 0.1 * x.mean(0).detach()
        return self.line(x - self.mean)


def test_a_buffer_that_is_replaced() -> None:
    model = Counting()
    before = model.mean
    plan = authored.training_plan(model, F.cross_entropy, _sgd(model), *_batch())
    assert model.mean is before
    assert Signature.of(plan).positions("buffer", output=True)
    _same_as_torch(model, plan)


def test_nothing_else_changes_and_the_bytes_are_always_the_same() -> None:
    model = nn.Sequential(nn.Linear(6, 4), nn.BatchNorm1d(4), nn.Dropout(0.5), nn.Linear(4, 3))
    optimizer = torch.optim.Adam(model.parameters())
    x, y = _batch()
    F.cross_entropy(model(x), y).backward()
    optimizer.step()
    tensors, grads = copy.deepcopy(model.state_dict()), [p.grad.clone() for p in model.parameters()]
    settings, chance = str(optimizer.state_dict()), torch.get_rng_state()
    plans = [authored.training_plan(model, F.cross_entropy, optimizer, x, y) for _ in range(2)]
    assert all(torch.equal(t, tensors[name]) for name, t in model.state_dict().items())
    assert all(torch.equal(g, p.grad) for g, p in zip(grads, model.parameters(), strict=True))
    assert str(optimizer.state_dict()) == settings
    assert torch.equal(torch.get_rng_state(), chance)
    for form in ("protobuf", "msgpack"):
        assert plans[0].dumps(form) == plans[1].dumps(form)
    with torch.no_grad():
        model[0].weight.add_(1)
    assert plans[0] == plans[1]


def test_hooks_on_gradients() -> None:
    model = _mlp()
    model[0].weight.register_hook(lambda grad: grad.clamp(-0.01, 0.01))
    _same_as_torch(model, authored.training_plan(model, F.cross_entropy, _sgd(model), *_batch()))
    model[0].weight.register_post_accumulate_grad_hook(lambda param: None)
    with pytest.raises(CaptureError, match="register_hook"):
        authored.training_plan(model, F.cross_entropy, _sgd(model), *_batch())


def test_inside_inference_mode() -> None:
    model = _mlp()
    with torch.inference_mode():
        plan = authored.training_plan(model, F.cross_entropy, _sgd(model), *_batch())
    _same_as_torch(model, plan)


def test_examples_of_numpy_and_one_hyperparameter() -> None:
    model = _mlp()
    x, y = (t.numpy() for t in _batch())
    plan = authored.training_plan(model, F.cross_entropy, _sgd(model), x, y, hyperparameters="lr")
    assert Signature.of(plan).config_keys == ("lr",)
    _same_as_torch(model, plan)


class Focal(nn.Module):
    """A loss of the user's own."""

    def forward(self, output: Any, target: Any) -> Any:
        return F.cross_entropy(output * 2, target)


ONE_HOT = F.one_hot(torch.tensor([0, 1, 2, 0]), 3).float()
CLASSES = torch.tensor([0, 1, 2, 0])


@pytest.mark.parametrize(
    ("loss", "target", "expected"),
    [
        (Focal(), CLASSES, True),
        (lambda output, target: F.cross_entropy(output, target), CLASSES, True),
        (lambda output, target: -(output.log_softmax(1) * target).sum(1).mean(), ONE_HOT, True),
        (nn.MSELoss(), ONE_HOT, False),
        (F.mse_loss, ONE_HOT, False),
        (lambda output, target: (output.sum(1) - target).pow(2).mean(), torch.zeros(4), False),
        (lambda output, target: (output[:, :2] - target).pow(2).mean(), torch.zeros(4, 2), False),
    ],
)
def test_accuracy_by_default_where_it_has_a_meaning(loss: Any, target: Any, expected: bool) -> None:
    model = nn.Linear(6, 3)
    plan = authored.training_plan(model, loss, _sgd(model), torch.zeros(4, 6), target)
    assert bool(Signature.of(plan).positions("metric", output=True)) == expected


def test_modules_that_are_refused_before_they_run() -> None:
    compiled, lazy = _mlp(), nn.Sequential(nn.LazyLinear(3))
    compiled.compile()
    for model, words in (
        (compiled, "compiled in place"),
        (torch.compile(_mlp()), "_orig_mod"),
        (lazy, "no shape yet"),
    ):
        with pytest.raises(CaptureError, match=words) as caught:
            authored.inference_plan(model, torch.zeros(2, 6))  # the line that is named
        assert "the line that is named" in str(caught.value)
        assert "the line that is named" in caught.value.where
    with pytest.raises(CaptureError, match="meta"):
        authored.model_state(_mlp().to("meta"))


def test_torch_prints_nothing_of_its_own(
    caplog: pytest.LogCaptureFixture, recwarn: pytest.WarningsRecorder
) -> None:
    model = nn.Sequential(nn.Linear(6, 4), nn.Linear(5, 3))
    with pytest.raises(CaptureError, match=r"reduction dim|same reduction|shapes"):
        authored.training_plan(model, F.cross_entropy, _sgd(model), *_batch())
    assert not [record for record in caplog.records if record.levelname not in ("DEBUG", "INFO")]
    assert not recwarn.list


def test_a_state_of_its_own() -> None:
    model = _mlp()
    state = authored.model_state(model)
    before = [np.array(t) for t in state.tensors]
    with torch.no_grad():
        for param in model.parameters():
            param.add_(1)
    assert all(np.array_equal(a, b) for a, b in zip(before, state.tensors, strict=True))
