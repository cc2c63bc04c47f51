"""Plans of the original systems and captured ones, compared with torch's numbers.

Only numpy and syft_web are needed, so the same module runs on CPython under pytest and
inside Pyodide::

    from tests.conformance import cases
    folders = cases.Folders(plans=Path(...), fixtures=Path(...), mnist=Path(...))
    for name in cases.names(folders):
        cases.run(name, folders)  # AssertionError with numbers when it is wrong
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from syft_web.plan import Plan, State
from tests.conformance.plan_training import replay

__all__ = ["BROKEN_TFJS", "MISTRANSLATED", "Folders", "names", "run"]

BROKEN_TFJS = {
    "inf_mlp": "PySyft translates linear into actions whose result nobody reads",
    "st_class": "PySyft translates linear into actions whose result nobody reads",
}
"""Plans whose tfjs role cannot run, wherever it came from."""

MISTRANSLATED = {
    "red_a": "argmax without a dimension became tf.argMax, which then takes axis 0",
}
"""Plans whose tfjs role runs but means something else than the recorded function."""

Results = list[np.ndarray]


@dataclass(frozen=True)
class Folders:
    """Where the data is; None leaves out the cases that need it.

    Attributes:
        plans: ``NAME.pb``, ``NAME.npz``, ``NAME.json``, ``NAME.txt`` as PySyft 0.2.9 made them;
            plans captured from torch lie in the folder ``captured`` beside it.
        fixtures: ``cases/NAME.npz`` and ``.json`` with ``bin/*.pb`` beside.
        mnist: The four IDX files of MNIST.
    """

    plans: Path | None = None
    fixtures: Path | None = None
    mnist: Path | None = None


def names(folders: Folders) -> list[str]:
    """All cases these folders allow: ``pysyft029/NAME/ROLE``, ``captured/...``, ``cases/...``."""
    found: list[str] = []
    if folders.plans is not None:
        for path in sorted(folders.plans.glob("*.pb")):
            note = _note(path)
            found += [f"pysyft029/{path.stem}/{role}" for role in _roles_of(path, note)]
        captured = sorted(_captured(folders.plans).glob("*.syft"))
        found += [f"captured/{path.stem}/torch" for path in captured]
    if folders.fixtures is not None:
        for path in sorted((folders.fixtures / "cases").glob("*.json")):
            note = _note(path)
            if "older" in note["side"] or ("workers" in note and folders.mnist is None):
                continue
            roles = ["torch", "tfjs"] if "steps" in note or "workers" in note else [note["role"]]
            found += [f"cases/{path.stem}/{role}" for role in roles]
    return found


def _captured(plans: Path) -> Path:
    """Where `record_captured` put its cases: beside the plans."""
    return plans.parent / "captured"


def _roles_of(path: Path, note: dict[str, Any]) -> list[str]:
    if not note:
        return []  # a state or protocol, or the note was left behind
    roles = note.get("roles", ["torch"])
    apart = {**BROKEN_TFJS, **MISTRANSLATED}
    return [r for r in sorted(roles, reverse=True) if r == "torch" or path.stem not in apart]


def run(name: str, folders: Folders) -> None:
    """Run one case.

    Raises:
        AssertionError: A result differs; says which, by how much.
    """
    kind, case, role = name.split("/")
    if kind == "pysyft029":
        assert folders.plans is not None, "Folders.plans is needed"
        _run_recorded(folders.plans / case, role)
        return
    if kind == "captured":
        assert folders.plans is not None, "Folders.plans is needed"
        replay(_captured(folders.plans) / case, role)
        return
    assert folders.fixtures is not None, "Folders.fixtures is needed"
    note = _note(folders.fixtures / "cases" / case)
    with np.load(folders.fixtures / "cases" / f"{case}.npz") as arrays:
        data = {key: arrays[key] for key in arrays.files}
    plan = Plan.loads((folders.fixtures / "bin" / note["plan"]).read_bytes(), framework=role)
    if "workers" in note:
        assert folders.mnist is not None, "Folders.mnist is needed"
        _run_cycle(plan, note, data, folders.mnist)
    elif "steps" in note:
        _run_steps(plan, note, data)
    else:
        _run_once(plan, note, data)


def _note(path: Path) -> dict[str, Any]:
    file = path.with_suffix(".json")
    return json.loads(file.read_text()) if file.is_file() else {}


# -- comparing -----------------------------------------------------------------------------


def _close(what: str, got: np.ndarray, want: np.ndarray, rtol: float, atol: float) -> None:
    assert type(got) is np.ndarray, f"{what}: a {type(got).__name__} instead of an array"
    assert got.shape == want.shape, f"{what}: shape {got.shape}, expected {want.shape}"
    a, b = got.astype(np.float64), want.astype(np.float64)
    if np.allclose(a, b, rtol=rtol, atol=atol, equal_nan=True):
        return
    away = np.abs(a - b)
    raise AssertionError(
        f"{what}: differs by up to {np.nanmax(away):.3e} (allowed rtol {rtol}, atol {atol})"
    )


def _undisturbed(plan: Plan, args: list[np.ndarray]) -> Results:
    """Run, and show that arguments stay as they were and that a second run gives the same."""
    before = [a.copy() for a in args]
    first = plan.execute(*args)
    kept = [r.copy() for r in first]
    for i, (a, b) in enumerate(zip(args, before, strict=True)):
        assert np.array_equal(a, b, equal_nan=True), f"argument {i} was changed by the plan"
    for i, result in enumerate(first):
        for j, a in enumerate(args):
            assert not np.shares_memory(result, a), f"output {i} shares memory with argument {j}"
        if result.flags.writeable:
            result.fill(3)  # whoever holds the results may do with them what they like
    second = plan.execute(*args)
    for i, (a, b) in enumerate(zip(kept, second, strict=True)):
        assert np.array_equal(a, b, equal_nan=True), f"output {i} differs in a second run"
    return second


def _round_trips(plan: Plan, args: list[np.ndarray], results: Results) -> None:
    """Written and read again, in both formats, the plan gives the same bits."""
    for again in (
        Plan.loads(plan.dumps(), framework=plan.framework),
        Plan.loads(plan.dumps("msgpack"), framework=plan.framework),
    ):
        assert again.listing() == plan.listing(), "the listing changed by writing and reading"
        for i, (a, b) in enumerate(zip(again.execute(*args), results, strict=True)):
            assert np.array_equal(a, b, equal_nan=True), (
                f"output {i} changed by writing and reading"
            )


# -- plans recorded by PySyft 0.2.9 --------------------------------------------------------------


def _run_recorded(path: Path, role: str) -> None:
    plan = Plan.loads(path.with_suffix(".pb").read_bytes(), framework=role)
    text = path.with_suffix(".txt")
    if role == "torch" and text.is_file():
        assert plan.listing().rstrip() == text.read_text().rstrip(), "the listing differs"
    if not path.with_suffix(".npz").is_file():
        _SPECIAL[path.name](plan)
        return
    with np.load(path.with_suffix(".npz")) as arrays:
        data = {key: arrays[key] for key in arrays.files}
    tolerance = _note(path)["tolerance"]
    args = [data[f"in{i}"] for i in range(len(plan.inputs))]
    results = _undisturbed(plan, args)
    assert len(results) == sum(k.startswith("out") and k[3:].isdigit() for k in data)
    for i, got in enumerate(results):
        want = data[f"out{i}"]
        if role == "torch":
            assert got.dtype == want.dtype, f"output {i}: {got.dtype}, expected {want.dtype}"
        _close(f"output {i}", got, want, tolerance["rtol"], tolerance["atol"])
    _round_trips(plan, args, results)
    if "step5_losses" in data:
        _five_steps(plan, data, args, tolerance)
    if role == "torch" and not plan.role.state.entries:
        _in_float64(plan, data, args)


def _in_float64(plan: Plan, data: dict[str, np.ndarray], args: list[np.ndarray]) -> None:
    """The same in float64: rounding no longer hides a wrong formula."""
    wide = [a.astype(np.float64) if a.dtype == np.float32 else a for a in args]
    for i, got in enumerate(plan.execute(*wide)):
        want = data.get(f"out{i}_f64")
        if want is not None and got.dtype == want.dtype:
            # Floats in actions are 32-bit on the wire, so that much may differ.
            _close(f"output {i} in float64", got, want, 1e-6, 1e-8)


def _five_steps(
    plan: Plan, data: dict[str, np.ndarray], args: list[np.ndarray], tolerance: dict[str, float]
) -> None:
    params = args[4:]
    losses = []
    for _ in range(5):
        loss, _, *params = plan.execute(*args[:4], params)
        losses.append(loss.reshape(-1)[0])
    rtol, atol = tolerance["rtol"], tolerance["atol"]
    _close("five losses", np.asarray(losses), data["step5_losses"], rtol, atol)
    for i, got in enumerate(params):
        _close(f"parameter {i} after five steps", got, data[f"step5_param{i}"], rtol, atol)


def _average_of_mnist(plan: Plan) -> None:
    """Averaging 1, 5.5, 7 and 55 one after the other gives exactly 17.125 everywhere."""
    shapes = [p.expected_shape or () for p in plan.inputs[4:8]]
    average = [np.full(s, 1, np.float32) for s in shapes]
    for count, value in enumerate((5.5, 7.0, 55.0), start=1):
        item = [np.full(s, value, np.float32) for s in shapes]
        average = plan.execute(average, item, np.asarray([count]))
    for i, got in enumerate(average):
        assert got.dtype == np.float32, f"average {i} is {got.dtype}"
        assert np.all(got == np.float32(17.125)), f"average {i} is not 17.125 everywhere"


_SPECIAL: dict[str, Callable[[Plan], None]] = {"avg_mnist": _average_of_mnist}


# -- plans of syft.js's own tests ------------------------------------------------------------


def _run_once(plan: Plan, note: dict[str, Any], data: dict[str, np.ndarray]) -> None:
    args = _in_order(data, "in") + _in_order(data, "param")
    results = _undisturbed(plan, args)
    tolerance = note["tolerance"]
    for i, want in enumerate(_in_order(data, "out")):
        _close(f"output {i}", results[i], want, tolerance["rtol"], tolerance["atol"])
    _round_trips(plan, args, results)


def _in_order(data: dict[str, np.ndarray], prefix: str) -> list[np.ndarray]:
    count = sum(k.startswith(prefix) and k[len(prefix) :].isdigit() for k in data)
    return [data[f"{prefix}{i}"] for i in range(count)]


def _run_steps(plan: Plan, note: dict[str, Any], data: dict[str, np.ndarray]) -> None:
    """Training steps: losses and accuracies of each, parameters after the last."""
    params = _in_order(data, "param")
    losses, accuracies = [], []
    for step in range(note["steps"]):
        batch = [data[f"in0_step{step}"], data[f"in1_step{step}"], data["in2"], data["in3"]]
        loss, accuracy, *params = _undisturbed(plan, [*batch, *params])
        losses.append(loss)
        accuracies.append(accuracy)
    allowed = note["tolerance"]
    _close("losses", np.asarray(losses), data["out0"], allowed["loss_rtol"], 1e-6)
    _close("accuracies", np.asarray(accuracies), data["out1"], 0, allowed["acc_atol"])
    for i, got in enumerate(params):
        _close(f"parameter {i}", got, data[f"out{i + 2}"], 0, allowed["param_atol"])
    if "src_out0" in data:
        assert abs(float(losses[0].item()) - 2.3055033683776855) < 1e-6, f"loss {losses[0]}"
        assert accuracies[0].item() == 0.078125, f"accuracy {accuracies[0]}"
        for i, got in enumerate(params):
            away = float(np.abs(got - data[f"src_out{i + 2}"]).sum())
            assert away < 1e-7, f"parameter {i}: summed distance {away:.3e} to the source's values"


# -- one federated cycle ---------------------------------------------------------------------------


def _idx(path: Path, offset: int) -> np.ndarray:
    return np.frombuffer(path.read_bytes(), np.uint8, offset=offset)


def _mnist(folder: Path, part: str) -> tuple[np.ndarray, np.ndarray]:
    """Pixels / 255 as (N, 784) float32, and labels as (N,) uint8."""
    pixels = _idx(folder / f"{part}-images-idx3-ubyte", 16).reshape(-1, 784)
    return pixels, _idx(folder / f"{part}-labels-idx1-ubyte", 8)


def _run_cycle(plan: Plan, note: dict[str, Any], data: dict[str, np.ndarray], mnist: Path) -> None:
    """Each worker trains on its rows; the new model is the old less the mean difference."""
    pixels, labels = _mnist(mnist, "train")
    original, allowed = _in_order(data, "param"), note["tolerance"]
    diffs = []
    for worker, start in enumerate(data["start_rows"]):
        params = original
        for step in range(note["steps_per_worker"]):
            rows = slice(start + step * note["batch"], start + (step + 1) * note["batch"])
            x = pixels[rows].astype(np.float32) / np.float32(255)
            y = np.eye(10, dtype=np.float32)[labels[rows]]
            loss, _, *params = plan.execute(x, y, float(note["batch"]), note["lr"], params)
            _close(
                f"worker {worker} loss {step}",
                loss.reshape(()),
                data["losses"][worker, step].reshape(()),
                1e-5,
                1e-6,
            )
        diff = [a - b for a, b in zip(original, params, strict=True)]
        read = State.loads(State.of(diff).dumps()).tensors
        for i, got in enumerate(read):
            _close(
                f"worker {worker} diff {i}", got, data[f"diff{worker}_{i}"], 0, allowed["diff_atol"]
            )
        diffs.append(read)
    new = [param - np.mean([diff[i] for diff in diffs], axis=0) for i, param in enumerate(original)]
    for i, got in enumerate(new):
        _close(f"new parameter {i}", got, data[f"new{i}"], 0, allowed["new_atol"])
    before, after = (_accuracy(params, mnist) for params in (original, new))
    assert abs(before - note["acc_before"]) < 1e-4, f"accuracy before: {before}"
    assert abs(after - note["acc_after"]) < 1e-3, f"accuracy after: {after}"


def _accuracy(params: Results, mnist: Path) -> float:
    pixels, labels = _mnist(mnist, "t10k")
    w1, b1, w2, b2 = params
    hidden = np.maximum(pixels.astype(np.float32) / np.float32(255) @ w1.T + b1, 0)
    return float(np.mean((hidden @ w2.T + b2).argmax(1) == labels))
