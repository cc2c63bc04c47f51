"""Record the eleven models of `torch_models` as cases that need no torch.

    python -m tests.conformance.record_captured

Writes for each a captured plan, and what eager torch made of five batches with it, to
``tests/conformance/captured``. The cases run on CPython and in Pyodide (`cases`).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from syft_web.author.torch import model_state, training_plan
from tests.conformance.torch_compare import run_eager
from tests.conformance.torch_models import MODELS

FOLDER = Path(__file__).parent / "captured"
ROWS, STEPS = 5, 5


def record(name: str, folder: Path = FOLDER) -> None:
    """Write one case."""
    case = MODELS[name]
    model, optimizer = case.build("sgd")
    x, y = next(case.batches(8, 1))
    plan = training_plan(model, case.loss, optimizer, x, y)
    arrays = {f"model{i}": array for i, array in enumerate(model_state(model).tensors)}
    batches = list(case.batches(ROWS, STEPS))
    for i, (data, target) in enumerate(batches):
        arrays[f"x{i}"], arrays[f"y{i}"] = data.numpy(), target.numpy()
    run = run_eager(model, case.loss, optimizer, batches)
    arrays["losses"] = np.array(run.losses)
    arrays["lr"] = np.array(optimizer.param_groups[0]["lr"])
    arrays |= {f"end/{key}": value for key, value in run.tensors.items()}
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.syft").write_bytes(plan.dumps("msgpack"))
    np.savez_compressed(folder / f"{name}.npz", **arrays)


if __name__ == "__main__":
    for each in MODELS:
        record(each)
