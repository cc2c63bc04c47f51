"""The original client, syft.js 0.1.4 from npm, takes part in cycles of our grid."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from syft_web.grid import Server
from syft_web.plan import Plan, State
from tests.grid.talk import Talk, host_data
from tests.paths import DATA, ROOT, SHARED

SCRIPT = Path(__file__).parent / "node" / "client.js"
INSTALL = Path(__file__).parent / "node" / "install.py"


@dataclass(frozen=True)
class Case:
    """What is trained: the MNIST plan of syft.js's own tests, or a small one of ours."""

    plan: bytes
    model: bytes
    inputs: list[np.ndarray]
    scalar_shape: list[int]
    reference: bytes | None

    @property
    def batch_size(self) -> float:
        return float(len(self.inputs[0]))


LR = 0.005


@pytest.fixture(scope="module")
def case() -> Case:
    if SHARED is not None:
        folder = SHARED / "bin"
        return Case(
            (folder / "js2007b_mnist_plan.pb").read_bytes(),
            (folder / "js2007b_mnist_model_params.pb").read_bytes(),
            State.loads((folder / "js2007b_mnist_batch_data.pb").read_bytes()).tensors,
            [],
            (folder / "syftjs_1step_diff.pb").read_bytes(),
        )
    arrays = np.load(DATA / "tr_mlp.npz")
    return Case(
        (DATA / "tr_mlp.pb").read_bytes(),
        State.of([arrays[f"in{i}"] for i in range(4, 8)]).dumps(),
        [arrays["in0"], arrays["in1"]],
        [1],
        None,
    )


@pytest.fixture(scope="module")
def node_modules() -> Path:
    """The folder with the client. In CI it must be had."""
    try:
        if shutil.which("node") is None:
            raise FileNotFoundError("node is not installed")
        done = subprocess.run(
            [sys.executable, str(INSTALL)], check=True, stdout=subprocess.PIPE, text=True
        )
    except (OSError, subprocess.CalledProcessError) as error:
        message = f"the original client cannot be installed from npm: {error}"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    return Path(done.stdout.strip())


def run_client(
    node_modules: Path, folder: Path, url: str, case: Case, model: str = "mnist"
) -> tuple[int, list[dict[str, Any]], bytes | None]:
    """Run one job; returns exit status, events and the diff the client made."""
    files = []
    for name, array in zip("xy", case.inputs, strict=True):
        (folder / name).write_bytes(np.ascontiguousarray(array, "<f4").tobytes())
        files.append({"shape": list(array.shape), "file": str(folder / name)})
    diff = folder / "diff.pb"
    diff.unlink(missing_ok=True)
    task = {
        "url": url,
        "model": model,
        "version": "1.0.0",
        "x": files[0],
        "y": files[1],
        "batchSize": case.batch_size,
        "lr": LR,
        "steps": 1,
        "scalarShape": case.scalar_shape,
        "diff": str(diff),
    }
    (folder / "task.json").write_text(json.dumps(task))
    done = subprocess.run(
        ["node", str(SCRIPT), str(folder / "task.json")],
        env={**os.environ, "NODE_PATH": str(node_modules)},
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
        cwd=ROOT,
    )
    events = [json.loads(line) for line in done.stdout.splitlines()]
    return done.returncode, events, diff.read_bytes() if diff.exists() else None


def host(grid: Server, case: Case, **server_config: Any) -> None:
    data = host_data("mnist", model=case.model, plans={"training_plan": case.plan})
    data["server_config"].update(server_config)
    with Talk(grid) as talk:
        assert talk.call("host-training", data) == {"status": "success"}


def checkpoint(grid: Server, number: int) -> list[np.ndarray]:
    assert grid.settle()
    answer = httpx.get(
        f"{grid.url}/model-centric/retrieve-model",
        params={"name": "mnist", "checkpoint": str(number)},
    )
    assert answer.status_code == 200, answer.text
    return State.loads(answer.content).tensors


@pytest.mark.parametrize("scheme", ["ws", "http"])
def test_a_whole_cycle(
    scheme: str, grid: Server, case: Case, node_modules: Path, tmp_path: Path
) -> None:
    host(grid, case, max_diffs=1, num_cycles=1)
    url = grid.ws_url if scheme == "ws" else grid.url

    status, events, diff = run_client(node_modules, tmp_path, url, case)

    assert status == 0, events
    assert [e["event"] for e in events] == ["accepted", "step", "reported"]
    assert events[0]["plans"] == ["training_plan"]
    assert events[0]["clientConfig"]["name"] == "mnist"
    before = State.loads(case.model).tensors
    assert events[0]["shapes"] == [list(t.shape) for t in before]
    assert diff is not None
    reported = State.loads(diff).tensors
    for old, new, step in zip(before, checkpoint(grid, 2), reported, strict=True):
        assert np.array_equal(new, old - step)

    if case.reference is not None:
        for ours, theirs in zip(reported, State.loads(case.reference).tensors, strict=True):
            assert np.array_equal(ours, theirs)
    # The client's tfjs and our executor come to the same numbers.
    scalars = [np.full(case.scalar_shape, v, np.float32) for v in (case.batch_size, LR)]
    loss, _accuracy, *after = Plan.loads(case.plan).execute(*case.inputs, *scalars, *before)
    assert events[1]["loss"] == pytest.approx(float(loss.reshape(())), rel=1e-5)
    for old, trained, step in zip(before, after, reported, strict=True):
        np.testing.assert_allclose(step, old - trained, atol=2e-6)


@pytest.mark.parametrize("scheme", ["ws", "http"])
def test_two_workers_and_the_end_of_training(
    scheme: str, grid: Server, case: Case, node_modules: Path, tmp_path: Path
) -> None:
    host(grid, case, max_diffs=2, num_cycles=1)
    url = grid.ws_url if scheme == "ws" else grid.url
    diffs = []
    for _ in range(2):
        status, events, diff = run_client(node_modules, tmp_path, url, case)
        assert (status, events[-1]["event"]) == (0, "reported"), events
        assert diff is not None
        diffs.append(State.loads(diff).tensors)
    before = State.loads(case.model).tensors
    for index, new in enumerate(checkpoint(grid, 2)):
        mean = (diffs[0][index] + diffs[1][index]) / np.float32(2)
        assert np.array_equal(new, before[index] - mean)

    status, events, _ = run_client(node_modules, tmp_path, url, case)
    assert (status, events) == (0, [{"event": "rejected", "timeout": None}])


@pytest.mark.parametrize("scheme", ["ws", "http"])
def test_an_unknown_model(
    scheme: str, grid: Server, case: Case, node_modules: Path, tmp_path: Path
) -> None:
    url = grid.ws_url if scheme == "ws" else grid.url
    status, events, _ = run_client(node_modules, tmp_path, url, case, model="nothing")
    assert status == 1
    assert "Not found any process" in events[0]["message"]
