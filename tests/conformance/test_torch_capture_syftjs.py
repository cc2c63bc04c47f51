"""Plans captured with compat="syft.js": their second role, run by us and by syft.js itself."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from syft_web.errors import CaptureError
from syft_web.plan.plan import Plan, State
from syft_web.plan.signature import Signature
from tests.conformance.torch_compare import differences, run_eager, run_plan, state_of
from tests.paths import ROOT

torch = pytest.importorskip("torch")
authored = pytest.importorskip("syft_web.author.torch")
nn, F = torch.nn, torch.nn.functional


class Flat(nn.Module):
    """One number for each row."""

    def __init__(self) -> None:
        super().__init__()
        self.line = nn.Linear(4, 1)

    def forward(self, x: Any) -> Any:
        return self.line(x)[:, 0]


def _soft(rows: int) -> Any:
    return torch.rand(rows, 5).softmax(1)


def _one_hot(rows: int) -> Any:
    return F.one_hot(torch.randint(0, 5, (rows,)), 5).float()


@dataclass(frozen=True)
class Dense:
    """A dense model, its loss, and what makes its targets."""

    model: Callable[[], Any]
    loss: Any
    target: Callable[[int], Any]

    def batch(self, rows: int) -> tuple[Any, Any]:
        return torch.randn(rows, 4), self.target(rows)


def _stack(*layers: Any) -> Callable[[], Any]:
    return lambda: nn.Sequential(nn.Linear(4, 3), *layers)


MODELS = {
    "mlp": Dense(_stack(nn.ReLU(), nn.Linear(3, 5)), nn.CrossEntropyLoss(), _one_hot),
    "soft labels": Dense(_stack(nn.Tanh(), nn.Linear(3, 5)), nn.CrossEntropyLoss(), _soft),
    "softmax regression": Dense(lambda: nn.Linear(4, 5), nn.CrossEntropyLoss(), _one_hot),
    "linear regression": Dense(Flat, nn.MSELoss(), torch.rand),
    "regression": Dense(
        _stack(nn.Sigmoid(), nn.Linear(3, 2)), nn.MSELoss(), lambda rows: torch.rand(rows, 2)
    ),
    "yes or no": Dense(
        _stack(nn.LeakyReLU(0.2), nn.Linear(3, 1)),
        nn.BCEWithLogitsLoss(),
        lambda rows: torch.rand(rows, 1),
    ),
}


def _captured(case: Dense, seed: int = 1) -> tuple[Any, Plan]:
    torch.manual_seed(seed)
    model = case.model()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, weight_decay=0.01)
    plan = authored.training_plan(model, case.loss, optimizer, *case.batch(8), compat="syft.js")
    return model, plan


@pytest.mark.parametrize("name", MODELS)
def test_both_roles_train_as_torch_does(name: str) -> None:
    case = MODELS[name]
    for rows in (1, 5):
        model, plan = _captured(case)
        state = state_of(model)
        batches = [case.batch(rows) for _ in range(3)]
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1, weight_decay=0.01)
        eager = run_eager(model, case.loss, optimizer, batches)
        for framework in ("torch", "tfjs"):
            role = Plan.loads(plan.dumps(), framework=framework)
            losses, tensors = differences(run_plan(role, state, batches, lr=0.1), eager)
            assert losses <= 2e-6, framework
            assert tensors <= 1e-6, framework


def test_inputs_are_in_the_order_of_syftjs() -> None:
    _, plan = _captured(MODELS["mlp"])
    for framework in plan.roles:
        signature = Signature.of(replace(plan, framework=framework))
        assert [slot.kind for slot in signature.inputs[:5]] == [
            "data",
            "target",
            "batch_size",
            "client_config",
            "model_param",
        ]


def test_what_syftjs_can_execute() -> None:
    for case in MODELS.values():
        for action in _captured(case)[1].roles["tfjs"].actions:
            assert action.command.startswith("tf.")
            assert action.target is None
            assert not action.kwargs
            assert len(action.return_ids) == 1


@pytest.mark.parametrize(
    ("model", "optimizer", "batch", "words"),
    [
        (nn.Linear(4, 5), {"momentum": 0.9}, (torch.zeros(2, 4), _soft(2)), "without momentum"),
        (nn.Linear(4, 5), {}, (torch.zeros(2, 4), torch.zeros(2, dtype=torch.int64)), "one-hot"),
        (
            nn.Sequential(nn.Linear(4, 5), nn.BatchNorm1d(5)),
            {},
            (torch.zeros(2, 4), _soft(2)),
            "buffers",
        ),
        (
            nn.Sequential(nn.Conv1d(1, 1, 2), nn.Flatten(), nn.Linear(3, 5)),
            {},
            (torch.zeros(2, 1, 4), _soft(2)),
            "torch.convolution.* cannot be translated",
        ),
    ],
)
def test_what_syftjs_cannot_do(model: Any, optimizer: Any, batch: Any, words: str) -> None:
    steps = torch.optim.SGD(model.parameters(), lr=0.1, **optimizer)
    with pytest.raises(CaptureError, match=words):
        authored.training_plan(model, nn.CrossEntropyLoss(), steps, *batch, compat="syft.js")


def test_another_compat() -> None:
    model = nn.Linear(4, 5)
    with pytest.raises(CaptureError, match=r"compat is 'syft\.js'"):
        authored.inference_plan(model, torch.zeros(2, 4), compat="tfjs")


# -- the original client ----------------------------------------------------------------------


@pytest.fixture(scope="module")
def node_modules() -> str:
    """Where the original syft.js is. In CI it must be had."""
    install = ROOT / "tests" / "grid" / "node" / "install.py"
    try:
        done = subprocess.run(
            [sys.executable, str(install)], check=True, stdout=subprocess.PIPE, text=True
        )
    except (OSError, subprocess.CalledProcessError) as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(f"the original client cannot be installed from npm: {error}")
    return done.stdout.strip()


def _coded(data: bytes) -> str:
    return base64.b64encode(data).decode()


@pytest.mark.timeout(300)
def test_syftjs_itself_does_the_step(node_modules: str, tmp_path: Path) -> None:
    plans: list[dict[str, Any]] = []
    expected: dict[str, list[np.ndarray]] = {}
    for name, case in MODELS.items():
        model, plan = _captured(case)
        x, y = (t.numpy() for t in case.batch(6))
        args = [x, y, np.array(6, np.float32), np.array(0.25, np.float32)]
        args += authored.model_state(model).tensors
        expected[name] = plan.execute(*args)
        shaped = [{"shape": a.shape, "data": a.ravel().tolist()} for a in args]
        # As the grid hands it to such a client.
        only = Plan.from_role(plan.roles["tfjs"], name=name, framework="tfjs")
        plans.append({"name": name, "plan": _coded(only.dumps()), "args": shaped})
    task, result = tmp_path / "task.json", tmp_path / "result.json"
    hosted = _coded(State.of([np.zeros(2, np.float32)]).dumps())
    task.write_text(json.dumps({"model": hosted, "plans": plans}))
    script = ROOT / "tests" / "unit" / "author" / "node" / "run_plans.js"
    subprocess.run(
        ["node", str(script), str(task), str(result)],
        check=True,
        env={**os.environ, "NODE_PATH": node_modules},
        timeout=200,
    )
    given = json.loads(result.read_text())
    for name, outputs in expected.items():
        assert isinstance(given[name], list), given[name]
        for ours, theirs in zip(outputs, given[name], strict=True):
            assert list(ours.shape) == theirs["shape"], name
            np.testing.assert_allclose(
                np.reshape(theirs["data"], ours.shape), ours, rtol=1e-5, atol=1e-6, err_msg=name
            )
