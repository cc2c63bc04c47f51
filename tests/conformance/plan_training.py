"""Train with a plan that says itself what its inputs are; needs numpy and syft_web only."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from syft_web.plan.plan import Plan, State
from syft_web.plan.signature import Signature

__all__ = ["Run", "replay", "run_plan"]

Arrays = Sequence[np.ndarray]


@dataclass
class Run:
    """What a training gave.

    Attributes:
        losses: Of each step.
        metrics: Of each step, by name.
        tensors: Parameters and buffers at the end, by name.
    """

    losses: list[float] = field(default_factory=list)
    metrics: list[dict[str, float]] = field(default_factory=list)
    tensors: dict[str, np.ndarray] = field(default_factory=dict)


def run_plan(
    plan: Plan, state: State, batches: Iterable[tuple[Arrays, Arrays]], **config: float
) -> Run:
    """Train as a worker does that knows nothing but the plan's signature.

    Args:
        plan: The training plan.
        state: The model to begin with.
        batches: Inputs and targets of each step.
        config: The client config.
    """
    signature = Signature.of(plan)
    assert signature is not None
    run = Run()
    arguments: list[Any] = []
    for data, targets in batches:
        fresh = signature.arguments(data=data, targets=targets, config=config, model=state.tensors)
        for i, old in enumerate(arguments):  # all but the batch goes on from the last step
            if signature.inputs[i].kind not in ("data", "target", "batch_size"):
                fresh[i] = old
        outputs = plan.execute(*fresh)
        for output, place in signature.feedback.items():
            assert outputs[output].shape == np.shape(fresh[place]), signature.inputs[place]
            assert outputs[output].dtype == np.asarray(fresh[place]).dtype, signature.inputs[place]
            fresh[place] = outputs[output]
        arguments = fresh
        run.losses += [float(outputs[i]) for i in signature.positions("loss", output=True)]
        run.metrics.append(
            {
                signature.outputs[i].name: float(outputs[i])
                for i in signature.positions("metric", output=True)
            }
        )
    for slot, value in zip(signature.inputs, arguments, strict=False):
        if slot.kind in ("model_param", "buffer"):
            run.tensors[slot.name] = np.asarray(value)
    return run


def replay(path: Path, role: str) -> None:
    """Train as torch did when the case was recorded (`record_captured`).

    Args:
        path: Without its ending; the plan is ``.syft``, model, batches and results ``.npz``.
        role: ``"torch"`` or ``"tfjs"``.

    Raises:
        AssertionError: A loss or a tensor differs.
    """
    plan = Plan.loads(path.with_suffix(".syft").read_bytes(), framework=role)
    with np.load(path.with_suffix(".npz")) as file:
        arrays = {key: file[key] for key in file.files}
    model = [arrays[f"model{i}"] for i in range(sum(key.startswith("model") for key in arrays))]
    batches = [([arrays[f"x{i}"]], [arrays[f"y{i}"]]) for i in range(len(arrays["losses"]))]
    run = run_plan(plan, State.of(model), batches, lr=float(arrays["lr"]))
    np.testing.assert_allclose(run.losses, arrays["losses"], rtol=0, atol=2e-6)
    assert run.tensors
    for name, value in run.tensors.items():
        wanted = arrays[f"end/{name}"]
        assert value.dtype == wanted.dtype, name
        np.testing.assert_allclose(value, wanted, rtol=0, atol=1e-6, err_msg=name)
