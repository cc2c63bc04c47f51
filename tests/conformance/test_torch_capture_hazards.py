"""What people do in modules: what is captured rightly, and what is refused with its line."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from syft_web.errors import (
    BatchSizeError,
    CaptureError,
    DataDependentError,
    UnsupportedOpError,
)
from syft_web.ops import chance
from syft_web.ops.table import lookup
from syft_web.plan.signature import Signature
from tests.conformance.torch_compare import differences, run_eager, run_plan, state_of
from tests.conformance.torch_models import LeNet

torch = pytest.importorskip("torch")
authored = pytest.importorskip("syft_web.author.torch")
nn, F = torch.nn, torch.nn.functional


@pytest.fixture(autouse=True)
def seed() -> None:
    torch.manual_seed(5)


class Wrapped(nn.Module):
    """Two dense layers around what a test is about."""

    def __init__(self, between: Callable[..., Any], **parts: Any) -> None:
        super().__init__()
        self.first, self.last = nn.Linear(6, 4), nn.Linear(4, 3)
        self.between = between
        for name, part in parts.items():
            setattr(self, name, part)

    def forward(self, x: Any) -> Any:
        return self.last(self.between(self, self.first(x)))


def _batch(rows: int) -> tuple[Any, Any]:
    return torch.randn(rows, 6), torch.randint(0, 3, (rows,))


def _sgd(model: Any) -> Any:
    return torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.5, weight_decay=0.01)


def check(
    model: Any,
    loss: Any = F.cross_entropy,
    batch: Callable[[int], tuple[Any, Any]] = _batch,
    *,
    sizes: tuple[int, ...] = (1, 4, 9),
    example: int = 8,
    **rest: Any,
) -> Any:
    """Capture, train at several batch sizes, compare with torch; return the plan."""
    start = {name: value.clone() for name, value in model.state_dict().items()}
    plan = authored.training_plan(model, loss, _sgd(model), *batch(example), **rest)
    buffers = {k: v for k, v in rest.items() if k == "buffers"}
    for rows in sizes:
        model.load_state_dict(start)
        state = state_of(model, **buffers)
        batches = [batch(rows) for _ in range(3)]
        ours = run_plan(plan, state, batches, lr=0.1)
        losses, tensors = differences(ours, run_eager(model, loss, _sgd(model), batches))
        assert losses <= 2e-6
        assert tensors <= 1e-6
    model.load_state_dict(start)
    return plan


class Double(torch.autograd.Function):
    """A function with a backward pass of its own."""

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        return x * 2

    @staticmethod
    def backward(ctx: Any, grad: Any) -> Any:
        return grad * 3


def _in_place(_: Any, h: Any) -> Any:
    h = h * 2
    h.add_(1)
    h.relu_()
    h = h * 0.5
    h[:, 0] = 0
    return h


def _loop(_: Any, h: Any) -> Any:
    total = torch.zeros(h.shape[0], 4)
    for step in range(3):
        total = torch.tanh(total + h * step)
    return total


def _masked(_: Any, h: Any) -> Any:
    return h * (h[h > 0].sum() / h.shape[0])


def _mask_tensor(_: Any, h: Any) -> Any:
    return h.masked_fill(torch.triu(torch.ones(4, 4)).sum(0) > 2, 0.5)


def _checkpointed(self: Any, h: Any) -> Any:
    from torch.utils.checkpoint import checkpoint

    return checkpoint(lambda t: torch.tanh(self.mid(t)), h, use_reentrant=False)


WAYS: dict[str, Callable[[], Any]] = {
    "in-place operations": lambda: Wrapped(_in_place),
    "view(size(0), -1)": lambda: Wrapped(lambda _, h: h.view(h.size(0), 2, 2).view(h.size(0), -1)),
    "zeros of the batch and a loop": lambda: Wrapped(_loop),
    "boolean mask and sum": lambda: Wrapped(_masked),
    "mask made of constants": lambda: Wrapped(_mask_tensor),
    "a constant": lambda: Wrapped(lambda _, h: h * torch.tensor([1.0, 2.0, 3.0, 4.0])),
    "a tensor that is no buffer": lambda: Wrapped(lambda m, h: h + m.shift, shift=torch.ones(4)),
    "custom function": lambda: Wrapped(lambda _, h: Double.apply(h)),
    "checkpoint": lambda: Wrapped(_checkpointed, mid=nn.Linear(4, 4)),
    "detach": lambda: Wrapped(lambda _, h: h + h.detach()),
    "no_grad part": lambda: Wrapped(lambda _, h: h / _norm(h)),
    "mean over the batch": lambda: Wrapped(lambda _, h: h - h.mean(0)),
    "batch size as a number": lambda: Wrapped(lambda _, h: h * (h.shape[0] + 1) / h.shape[0]),
    "einsum": lambda: Wrapped(lambda _, h: torch.einsum("bi,bj->bi", h, h)),
    "cat and split": lambda: Wrapped(lambda _, h: torch.cat(h.split(2, dim=1)[::-1], 1)),
    "unused parameter": lambda: Wrapped(lambda _, h: h, spare=nn.Linear(2, 2)),
    "arange of the batch": lambda: Wrapped(
        lambda _, h: h + torch.arange(h.shape[0], dtype=torch.float32)[:, None] * 0
    ),
}


def _norm(h: Any) -> Any:
    with torch.no_grad():
        return h.norm(dim=1, keepdim=True) + 1


@pytest.mark.parametrize("name", WAYS)
def test_ways_of_writing_modules(name: str) -> None:
    check(WAYS[name]())


def test_tied_weights() -> None:
    model = nn.Sequential(nn.Linear(6, 6), nn.Tanh(), nn.Linear(6, 6), nn.Linear(6, 3))
    model[2].weight = model[0].weight
    plan = check(model)
    assert len(Signature.of(plan).positions("model_param")) == 5


def test_frozen_parameters_are_inputs_only() -> None:
    model = Wrapped(lambda _, h: h)
    model.first.requires_grad_(False)
    signature = Signature.of(check(model))
    assert len(signature.positions("model_param")) == 4
    assert len(signature.positions("model_param", output=True)) == 2
    assert len(signature.positions("optimizer_state")) == 2


def test_double_precision() -> None:
    """Constants that protobuf would round to float32 travel as tensors."""
    model = Wrapped(lambda _, h: h * 0.1 + 1 / 3).double()
    plan = authored.training_plan(
        model, F.cross_entropy, torch.optim.SGD(model.parameters(), lr=0.1, weight_decay=0.1),
        torch.randn(4, 6, dtype=torch.float64), torch.randint(0, 3, (4,)),
    )  # fmt: skip
    again = type(plan).loads(plan.dumps())
    batches = [(torch.randn(5, 6, dtype=torch.float64), torch.randint(0, 3, (5,)))]
    state = state_of(model)
    ours = run_plan(again, state, batches, lr=0.5)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5, weight_decay=0.1)
    losses, tensors = differences(ours, run_eager(model, F.cross_entropy, optimizer, batches))
    assert losses <= 1e-14
    assert tensors <= 1e-14


@pytest.mark.parametrize("example", [1, 2, 3, 4, 6, 16, 40])
def test_any_example_size(example: int) -> None:
    """Also 1, and sizes that other dimensions have too."""
    check(Wrapped(lambda _, h: h.relu()), example=example, sizes=(1, 3, 20))


def test_convolution_at_any_example_size() -> None:
    for example in (1, 20):
        model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Flatten(), nn.Linear(18, 3))
        check(
            model,
            batch=lambda rows: (torch.randn(rows, 1, 5, 5), torch.randint(0, 3, (rows,))),
            example=example,
        )


def test_several_inputs_and_targets() -> None:
    class Two(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a, self.b = nn.Linear(4, 3), nn.Linear(2, 3)

        def forward(self, x: Any, z: Any) -> dict[str, Any]:
            return {"sum": self.a(x) + self.b(z), "gap": self.a(x) - self.b(z)}

    def loss(output: Any, y: Any, weight: Any) -> Any:
        return F.cross_entropy(output["sum"], y) + (output["gap"].mean(1) * weight).pow(2).mean()

    def batch(rows: int) -> tuple[Any, Any]:
        return (
            [torch.randn(rows, 4), torch.randn(rows, 2)],
            [torch.randint(0, 3, (rows,)), torch.rand(rows)],
        )

    def gap(output: Any, y: Any, weight: Any) -> Any:
        return output["gap"].abs().mean()

    plan = check(Two(), loss, batch, metrics=[gap])
    signature = Signature.of(plan)
    assert [slot.kind for slot in signature.inputs[:4]] == ["data", "data", "target", "target"]
    assert signature.outputs[1].name == "gap"


LOSSES: dict[str, tuple[Any, Callable[[int], Any]]] = {
    "class weights": (
        nn.CrossEntropyLoss(weight=torch.tensor([1.0, 2.0, 0.5])),
        lambda n: torch.randint(0, 3, (n,)),
    ),
    "ignored class": (
        nn.CrossEntropyLoss(ignore_index=1),
        lambda n: torch.cat([torch.zeros(1, dtype=torch.int64), torch.randint(0, 3, (n - 1,))]),
    ),
    "label smoothing": (
        nn.CrossEntropyLoss(label_smoothing=0.1),
        lambda n: torch.randint(0, 3, (n,)),
    ),
    "summed": (nn.CrossEntropyLoss(reduction="sum"), lambda n: torch.randint(0, 3, (n,))),
    "one-hot": (
        nn.CrossEntropyLoss(),
        lambda n: F.one_hot(torch.randint(0, 3, (n,)), 3).float(),
    ),
    "soft labels": (nn.CrossEntropyLoss(), lambda n: torch.rand(n, 3).softmax(1)),
    "regression": (nn.MSELoss(), lambda n: torch.randn(n, 3)),
    "huber": (nn.HuberLoss(delta=0.3), lambda n: torch.randn(n, 3)),
    "l1": (nn.L1Loss(), lambda n: torch.randn(n, 3)),
}


@pytest.mark.parametrize("name", LOSSES)
def test_losses(name: str) -> None:
    loss, targets = LOSSES[name]
    check(Wrapped(lambda _, h: h.tanh()), loss, lambda n: (torch.randn(n, 6), targets(n)))


# -- statistics, modes, chance ---------------------------------------------------------------


def _normed() -> Any:
    return nn.Sequential(nn.Linear(6, 5), nn.BatchNorm1d(5), nn.ReLU(), nn.Linear(5, 3))


def test_statistics_of_the_model() -> None:
    plan = check(_normed(), sizes=(5, 9))
    signature = Signature.of(plan)
    assert signature.model_size == 6 + 3
    assert [signature.inputs[i].name for i in signature.positions("buffer")] == [
        "1.running_mean",
        "1.running_var",
        "1.num_batches_tracked",
    ]


@pytest.mark.parametrize("format", ["protobuf", "msgpack"])
def test_statistics_of_the_worker(format: str) -> None:
    """They start from the values at capture, which travel with the plan."""
    model = _normed()
    model[1].running_mean += 0.25
    plan = check(model, sizes=(5, 9), buffers="worker")
    signature = Signature.of(type(plan).loads(plan.dumps(format)))
    assert signature.model_size == 6
    slots = [signature.inputs[i] for i in signature.positions("buffer")]
    assert all(slot.model_index is None for slot in slots)
    assert [slot.start().tolist() for slot in slots] == [[0.25] * 5, [1.0] * 5, 0]
    assert [slot.dtype for slot in slots] == ["float32", "float32", "int64"]


def test_frozen_statistics() -> None:
    model = _normed()
    model[1].eval()
    plan = check(model)
    assert Signature.of(plan).positions("buffer", output=True) == ()
    assert not model[1].training


def test_buffers_that_do_not_last_are_constants() -> None:
    model = Wrapped(lambda m, h: h + m.place)
    model.register_buffer("place", torch.arange(4.0), persistent=False)
    plan = check(model)
    assert Signature.of(plan).positions("buffer") == ()
    assert any(np.array_equal(t, np.arange(4.0)) for t in plan.role.state.tensors)


def test_modes_are_put_back() -> None:
    model = LeNet(0.5).eval()
    model.conv1.train()
    x = torch.randn(4, 1, 12, 12)
    y = torch.randint(0, 10, (4,))
    plan = authored.training_plan(model, F.cross_entropy, _sgd(model), x, y)
    answer = authored.inference_plan(model, x)
    commands = [action.command for action in plan.role.actions]
    assert sum("native_dropout" in command for command in commands) == 2  # and its backward
    assert not any("dropout" in action.command for action in answer.role.actions)
    assert not model.training
    assert model.conv1.training
    assert all(p.grad is None for p in model.parameters())


def test_capture_draws_no_random_numbers() -> None:
    model = LeNet(0.5)
    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)
    x, y = torch.zeros(4, 1, 12, 12), torch.zeros(4, dtype=torch.int64)
    authored.training_plan(model, F.cross_entropy, _sgd(model), x, y)
    assert torch.equal(torch.rand(3), expected)


def test_dropout_with_the_same_masks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Torch is given the masks that the plan draws from the same seed."""
    drop = lookup("torch.native_dropout", method=False)
    assert drop is not None

    def dropout(x: Any, p: float, training: bool, inplace: bool) -> Any:
        ones = np.ones(tuple(x.shape), np.float32)
        return x * torch.from_numpy(np.asarray(drop.rows[0].rule(ones, p, True)[0]))

    model = LeNet(0.5)
    batches = [(torch.randn(6, 1, 12, 12), torch.randint(0, 10, (6,))) for _ in range(4)]
    plan = authored.training_plan(model, F.cross_entropy, _sgd(model), *batches[0])
    state = state_of(model)
    chance.reseed(11)
    ours = run_plan(plan, state, batches, lr=0.1)
    chance.reseed(11)
    assert run_plan(plan, state, batches, lr=0.1).losses == ours.losses
    assert run_plan(plan, state, batches, lr=0.1).losses != ours.losses
    monkeypatch.setattr(F, "dropout", dropout)
    chance.reseed(11)
    losses, tensors = differences(ours, run_eager(model, F.cross_entropy, _sgd(model), batches))
    assert losses <= 2e-6
    assert tensors <= 1e-6


def test_inference_plan() -> None:
    model = _normed()
    for _ in range(3):
        model(torch.randn(7, 6))
    x = torch.randn(5, 6)
    state = authored.model_state(model)
    hosted = authored.inference_plan(model, torch.randn(2, 6))
    own = authored.inference_plan(model, torch.randn(2, 6), buffers="worker")
    expected = model.eval()(x).detach().numpy()
    signature = Signature.of(hosted)
    assert [slot.kind for slot in signature.outputs] == ["value"]
    arguments = signature.arguments(data=[x.numpy()], model=state.tensors)
    np.testing.assert_allclose(hosted.execute(*arguments)[0], expected, atol=1e-6)
    (result,) = own.execute(x.numpy(), *state.tensors[:6])
    np.testing.assert_allclose(result, expected, atol=1e-6)


def test_nested_answers_have_names() -> None:
    class Nested(nn.Module):
        def forward(self, x: Any) -> Any:
            return {"b": (x + 1, [x]), "a": x}

    plan = authored.inference_plan(Nested(), torch.zeros(2, 3))
    signature = Signature.of(plan)
    assert [slot.name for slot in signature.outputs] == ["a", "b.0", "b.1.0"]
    results = plan.execute(np.ones((4, 3), np.float32))
    assert [float(r[0, 0]) for r in results] == [1.0, 2.0, 1.0]


# -- accuracy ---------------------------------------------------------------------------------


def _accuracy(output: Any, target: Any, loss: Any, **rest: Any) -> float | None:
    """The accuracy that a plan gives for a module that answers `output` whatever it is asked."""

    class Fixed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.output = nn.Parameter(output)

        def forward(self, x: Any) -> Any:
            return self.output + x.sum() * 0

    model = Fixed()
    x = torch.zeros(len(output), 1)
    optimizer = torch.optim.SGD(model.parameters())
    plan = authored.training_plan(model, loss, optimizer, x, target, dynamic_batch=False, **rest)
    run = run_plan(plan, state_of(model), [(x, target)], lr=0.0)
    return run.metrics[0].get("accuracy")


LOGITS = torch.tensor([[2.0, 1.0, 0.0], [0.0, 1.0, 3.0], [1.0, 4.0, 2.0], [5.0, 1.0, 1.0]])


def test_accuracy_of_classes_and_of_one_hot_rows() -> None:
    classes = torch.tensor([0, 2, 2, 0])
    assert _accuracy(LOGITS, classes, F.cross_entropy) == 0.75
    assert _accuracy(LOGITS, F.one_hot(classes, 3).float(), nn.CrossEntropyLoss()) == 0.75


def test_accuracy_of_pixels_and_of_words() -> None:
    pixels = LOGITS[:, :, None].repeat(1, 1, 2)
    classes = torch.tensor([[0, 0], [2, 0], [1, 1], [1, 1]])
    assert _accuracy(pixels, classes, F.cross_entropy) == 0.625
    words = pixels.transpose(1, 2).contiguous()

    def loss(output: Any, target: Any) -> Any:
        return F.cross_entropy(output.flatten(0, 1), target.flatten())

    assert _accuracy(words, classes, loss, metrics=["accuracy"]) == 0.625


def test_accuracy_of_yes_and_no() -> None:
    target = torch.tensor([1.0, 0.0, 1.0, 0.0])
    assert _accuracy(torch.tensor([0.2, -0.3, -2.0, -1.0]), target, nn.BCEWithLogitsLoss()) == 0.75
    assert _accuracy(torch.tensor([0.6, 0.2, 0.4, 0.1]), target, nn.BCELoss()) == 0.75


def test_accuracy_only_where_there_are_classes() -> None:
    assert _accuracy(torch.zeros(4, 1), torch.ones(4, 1), nn.MSELoss()) is None
    with pytest.raises(CaptureError, match="has no meaning"):
        _accuracy(
            torch.zeros(4, 3), torch.zeros(4, 5, 2), lambda o, t: o.sum(), metrics=["accuracy"]
        )
    with pytest.raises(CaptureError, match="no metric 'f1'"):
        _accuracy(torch.zeros(4, 1), torch.ones(4, 1), nn.MSELoss(), metrics=["f1"])


# -- refusals ---------------------------------------------------------------------------------


def _branch_on_data(_: Any, h: Any) -> Any:
    if h.sum() > 0:  # this line is named
        return h
    return -h


def _branch_on_batch(_: Any, h: Any) -> Any:
    if h.shape[0] > 4:  # this line is named
        return h * 2
    return h


def _refused(model: Any, kind: type[CaptureError], *words: str, **rest: Any) -> CaptureError:
    loss = rest.pop("loss", F.cross_entropy)
    with pytest.raises(kind) as caught:
        authored.training_plan(model, loss, _sgd(model), *_batch(8), **rest)
    for word in words:
        assert word in str(caught.value)
    return caught.value


@pytest.mark.parametrize(
    "between",
    [
        _branch_on_data,
        lambda _, h: h * float(h.max()),  # this line is named
        lambda _, h: h * h.max().item(),  # this line is named
        lambda _, h: torch.from_numpy(h.detach().numpy()),  # this line is named
        lambda _, h: h * h.sum().tolist(),  # this line is named
        lambda _, h: h[: int(h.argmax())],  # this line is named
    ],
)
def test_values_of_tensors(between: Any) -> None:
    error = _refused(Wrapped(between), DataDependentError, "torch.where")
    assert "# this line is named" in str(error) or "if h.sum() > 0" in str(error)
    assert "test_torch_capture_hazards.py:" in error.where
    assert error.code == "plan.capture.data"


def test_specialised_on_the_batch_size() -> None:
    error = _refused(Wrapped(_branch_on_batch), BatchSizeError, "dynamic_batch=False")
    assert "if h.shape[0] > 4" in error.where
    model = Wrapped(_branch_on_batch)
    check(model, sizes=(8,), dynamic_batch=False)


def test_batch_size_in_a_fixed_shape() -> None:
    _refused(
        Wrapped(lambda _, h: h + torch.zeros(8, 4)), CaptureError, "test_torch_capture_hazards.py"
    )


def test_parameters_reached_by_another_way() -> None:
    hidden = torch.nn.Parameter(torch.ones(4))
    model = Wrapped(lambda _, h: h * hidden)
    model.scale = hidden
    _refused(model, CaptureError, "as an attribute of the module")


def test_compiled_modules() -> None:
    model = Wrapped(lambda _, h: h)
    _refused(torch.compile(model), CaptureError, "_orig_mod")
    model.last = torch.compile(model.last)
    _refused(model, CaptureError, "'last'", "_orig_mod")


def test_cumulative_statistics() -> None:
    model = Wrapped(lambda m, h: m.norm(h), norm=nn.BatchNorm1d(4, momentum=None))
    _refused(model, CaptureError, "'norm' (BatchNorm1d)", "momentum=None")


def test_dtypes_that_numpy_lacks() -> None:
    _refused(Wrapped(lambda _, h: h).bfloat16(), CaptureError, "bfloat16", "model.float()")


def test_sparse_gradients() -> None:
    _refused(nn.Sequential(nn.Embedding(3, 2, sparse=True)), CaptureError, "sparse=True")


def test_losses_that_are_no_number() -> None:
    model = Wrapped(lambda _, h: h)
    _refused(model, CaptureError, "The loss must be one number", loss=lambda o, t: o)
    _refused(model, CaptureError, "does not depend on", loss=lambda o, t: o.detach().sum())
    _refused(model, CaptureError, "The metric 'bad' must be", metrics={"bad": lambda o, t: o})


def test_operations_that_the_table_lacks() -> None:
    model = Wrapped(lambda _, h: h + torch.special.bessel_j0(h.detach()))  # this line is named
    error = _refused(model, UnsupportedOpError, "aten.special_bessel_j0.default")
    assert isinstance(error, UnsupportedOpError)
    assert error.operations == ("aten.special_bessel_j0.default",)
    assert "# this line is named" in error.where


def test_examples_that_are_none() -> None:
    model = Wrapped(lambda _, h: h)
    for bad in ([], "x", [1.0]):
        with pytest.raises(CaptureError, match="Examples must be"):
            authored.training_plan(model, F.cross_entropy, _sgd(model), bad, torch.zeros(2))
    with pytest.raises(CaptureError, match="the batch"):
        authored.training_plan(
            model, F.cross_entropy, _sgd(model), torch.zeros(0, 6), torch.zeros(0)
        )


def test_wrong_shapes_are_told_in_torchs_words() -> None:
    model = Wrapped(lambda _, h: h)
    with pytest.raises(CaptureError, match="torch could not run the step"):
        authored.training_plan(
            model, F.cross_entropy, _sgd(model), torch.zeros(4, 7), torch.zeros(4)
        )
