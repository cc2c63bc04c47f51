"""Captured plans by real torch: each command is an attribute of torch that means the same.

PySyft resolved a command by walking attributes from ``torch``, so a server with torch needs
no op table to execute these plans. Only the names of dtypes have to be looked up.
"""

from __future__ import annotations

from functools import reduce
from typing import Any

import numpy as np
import pytest

from syft_web.plan.plan import Plan, Ref
from syft_web.plan.signature import Signature
from tests.conformance.torch_models import MODELS

torch = pytest.importorskip("torch")
authored = pytest.importorskip("syft_web.author.torch")


def execute(plan: Plan, args: list[Any]) -> list[Any]:
    """Run a plan's torch role with torch."""
    role = plan.role
    values = dict(zip(role.input_ids, args, strict=True))
    for placeholder, entry in zip(role.state.placeholders, role.state.entries, strict=True):
        values[placeholder.id] = torch.from_numpy(np.array(entry.array))

    def real(arg: Any) -> Any:
        if isinstance(arg, Ref):
            return values[arg.id]
        if isinstance(arg, list):
            return [real(item) for item in arg]
        named = getattr(torch, arg, None) if isinstance(arg, str) else None
        return named if isinstance(named, torch.dtype) else arg

    for action in role.actions:
        if action.target is None:
            function = reduce(getattr, action.command.split(".")[1:], torch)
        else:
            function = getattr(real(action.target), action.command)
        kwargs = {key: real(value) for key, value in action.kwargs.items()}
        result = function(*map(real, action.args), **kwargs)
        results = result if isinstance(result, tuple | list) else [result]
        values.update(zip(action.return_ids, results, strict=False))
    return [values[id] for id in role.output_ids]


@pytest.mark.parametrize("name", MODELS)
def test_torch_executes_it(name: str) -> None:
    case = MODELS[name]
    kind = next((k for k in case.optimizers if k.startswith("adam")), "sgd")
    model, optimizer = case.build(kind)
    plan = Plan.loads(
        authored.training_plan(model, case.loss, optimizer, *next(case.batches(8, 1))).dumps()
    )
    signature = Signature.of(plan)
    assert signature is not None
    (x, y) = next(case.batches(3, 1))
    args = signature.arguments(
        data=[x.numpy()],
        targets=[y.numpy()],
        config={"lr": 0.01},
        model=authored.model_state(model).tensors,
    )
    theirs = execute(plan, [torch.from_numpy(np.asarray(a)) for a in args])
    for slot, a, b in zip(signature.outputs, plan.execute(*args), theirs, strict=True):
        assert a.shape == tuple(b.shape), slot
        if slot.kind in ("loss", "metric") or kind == "sgd":
            np.testing.assert_allclose(a, b.numpy(), rtol=1e-5, atol=2e-6, err_msg=slot.name)
