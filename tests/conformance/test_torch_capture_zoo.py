"""Many layers and losses, each captured and trained one step beside torch."""

from __future__ import annotations

import pytest

from syft_web.errors import CaptureError
from syft_web.plan.plan import Plan
from tests.conformance.torch_compare import differences, run_eager, run_plan, state_of
from tests.conformance.torch_zoo import REFUSED, ZOO

torch = pytest.importorskip("torch")
authored = pytest.importorskip("syft_web.author.torch")


def _sgd(model: torch.nn.Module) -> torch.optim.Optimizer:
    return torch.optim.SGD(model.parameters(), lr=0.1)


@pytest.mark.parametrize("name", ZOO)
def test_one_step(name: str) -> None:
    item = ZOO[name]
    torch.manual_seed(1)
    model = item.model()
    start = {key: value.clone() for key, value in model.state_dict().items()}
    plan = authored.training_plan(model, item.loss, _sgd(model), *item.batch(8), metrics=())
    plan = Plan.loads(plan.dumps())
    for rows in (item.smallest, 5):
        model.load_state_dict(start)
        state = state_of(model)
        batches = [item.batch(rows)]
        ours = run_plan(plan, state, batches, lr=0.1)
        losses, tensors = differences(ours, run_eager(model, item.loss, _sgd(model), batches))
        assert losses <= 2e-6
        assert tensors <= 1e-6


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name: str) -> None:
    item = REFUSED[name]
    model = item.model()
    with pytest.raises(CaptureError, match=r"at .*\.py:\d+|dynamic_batch=False"):
        authored.training_plan(model, item.loss, _sgd(model), *item.batch(8), metrics=())
